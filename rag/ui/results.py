"""An evaluation as a page shows it: measures with their uncertainty, a chart, questions won and lost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from rag.ui.markup import text
from rag.ui.strings import Phrases
from rag.ui.times import clock_time

MEASURES = ("recall@1", "recall@5", "recall@10", "mrr@10", "ndcg@10")
VERDICTS = {"better": "fn-better", "worse": "fn-worse"}
SHOWN_QUESTIONS = 100

Run = Mapping[str, Any]


def run_name(run: Run, say: Phrases) -> str:
    """When, what and how many questions."""
    settings = " / ".join(setting_name(one["setting"], say) for one in run["settings"])
    return (
        f"{clock_time(run['made'])} · {run['set']} · {say('lab_asked', count=run['questions'])} · {settings}"
    )


def setting_name(setting: str, say: Phrases) -> str:
    """A setting's name; that of what is shipped in the language of the pages."""
    from rag.lab import SHIPPED

    return say("lab_shipped") if setting == SHIPPED else setting


def draw_run(run: Run, say: Phrases) -> None:
    """One saved evaluation, whole."""
    levels = list(run["settings"][0]["measures"])
    level = run["level"]
    if len(levels) > 1:
        level = st.segmented_control(
            say("lab_level"),
            levels,
            default=level,
            required=True,
            format_func=lambda name: level_name(name, say),
            key=f"level-{run['made']}",
        )
    st.html(table_html(run, level, say))
    for line in verdict_lines(run, level, say):
        st.html(line)
    st.caption(say("lab_reading", questions=run["questions"]))
    st.vega_lite_chart(chart_of(run, level, say), width="content")
    draw_changes(run, level, say)
    st.download_button(
        say("lab_download"),
        data=json.dumps(run, ensure_ascii=False, indent=1),
        file_name=f"evaluation-{run['made'][:10]}.json",
        mime="application/json",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
    )


def level_name(level: str, say: Phrases) -> str:
    """What has to be found, in the language of the pages."""
    return say(f"level_{level.replace('+', '_').replace(' ', '_')}")


def table_html(run: Run, level: str, say: Phrases) -> str:
    """Settings side by side: each measure's mean with half of its 95 % interval, and the time of a search."""
    best = {name: best_mean(run, level, name) for name in MEASURES}
    heads = "".join(f"<th>{text(name)}</th>" for name in (*MEASURES, say("lab_milliseconds")))
    rows = "".join(row_html(one, level, best, say) for one in run["settings"])
    name = text(say("lab_setting"))
    return (
        f'<div class="fn-scroll" role="region" tabindex="0" aria-label="{text(say("lab_table"))}">'
        f'<table class="fn-measures"><tr><th>{name}</th>{heads}</tr>{rows}</table></div>'
    )


def best_mean(run: Run, level: str, measure: str) -> float:
    """The highest mean of a measure among the settings."""
    return max(float(one["measures"][level][measure]["mean"]) for one in run["settings"])


def row_html(setting: Mapping[str, Any], level: str, best: Mapping[str, float], say: Phrases) -> str:
    """One setting's measures; the best of each column is bold."""
    cells = []
    for name in MEASURES:
        measured = setting["measures"][level][name]
        half = (measured["high"] - measured["low"]) / 2
        mean = f"{measured['mean']:.3f}"
        shown = f"<b>{mean}</b>" if measured["mean"] == best[name] else mean
        cells.append(f'<td>{shown} <span class="fn-quiet">±{half:.3f}</span></td>')
    cells.append(f"<td>{1000 * setting['search_seconds']['p50']:.0f}</td>")
    name = text(setting_name(setting["setting"], say))
    return f'<tr><th scope="row" dir="auto">{name}</th>{"".join(cells)}</tr>'


def verdict_lines(run: Run, level: str, say: Phrases) -> list[str]:
    """Whether each other setting differs from the first by more than chance, a line a setting."""
    lines = []
    for setting in dict.fromkeys(one["setting"] for one in run["comparisons"]):
        parts = [
            verdict_html(one, say)
            for one in run["comparisons"]
            if one["setting"] == setting and one["level"] == level
        ]
        if parts:
            lines.append(f'<p class="fn-verdict"><b dir="auto">{text(setting)}</b> {" · ".join(parts)}</p>')
    return lines


def verdict_html(comparison: Mapping[str, Any], say: Phrases) -> str:
    """One measure's difference from the first setting, and whether it is more than chance."""
    verdict = comparison["verdict"] if comparison["verdict"] in VERDICTS else "same"
    difference = comparison["difference"]["mean"]
    css = VERDICTS.get(verdict, "fn-same")
    return (
        f"{text(comparison['measure'])} {difference:+.3f} "
        f'<span class="{css}">{text(say(f"verdict_{verdict}"))}</span>'
    )


def chart_of(run: Run, level: str, say: Phrases) -> dict[str, Any]:
    """Recall by the number of passages looked at, for one level."""
    from rag.evaluation import chart

    whole = chart(run)
    rows = [row for row in whole["data"]["values"] if row["level"] == level]
    values = [row | {"setting": setting_name(row["setting"], say)} for row in rows]
    spec = whole["spec"]
    encoding = spec["encoding"]
    encoding["x"] |= {"title": say("lab_looked_at"), "axis": {"labelAngle": 0}}
    named = [setting_name(one["setting"], say) for one in run["settings"]]
    encoding["color"] |= {"sort": named, "title": None, "legend": {"orient": "right", "labelLimit": 260}}
    return {"data": {"values": values}, **spec, "width": 420, "height": 240}


def draw_changes(run: Run, level: str, say: Phrases) -> None:
    """The questions that a setting answers better or worse than the first."""
    comparisons = [one for one in run["comparisons"] if one["level"] == level and (one["won"] or one["lost"])]
    if not comparisons:
        return
    questions = {one["id"]: one["question"] for one in run["per_question"]}
    place = st.selectbox(
        say("lab_changes"),
        range(len(comparisons)),
        format_func=lambda place: change_name(comparisons[place], say),
        key=f"changes-{run['made']}",
    )
    chosen = comparisons[place]
    won, lost = st.columns(2, gap="medium")
    for column, kind in ((won, "won"), (lost, "lost")):
        with column:
            st.html(questions_html([questions[id_] for id_ in chosen[kind]], say(f"lab_{kind}"), say))


def change_name(comparison: Mapping[str, Any], say: Phrases) -> str:
    """Setting, measure, and how many questions changed."""
    won, lost = len(comparison["won"]), len(comparison["lost"])
    return f"{comparison['setting']} · {comparison['measure']} · {say('lab_balance', won=won, lost=lost)}"


def questions_html(questions: list[str], title: str, say: Phrases) -> str:
    """A list of questions under a title with their number."""
    items = "".join(f'<li dir="auto">{text(question)}</li>' for question in questions[:SHOWN_QUESTIONS])
    rest = len(questions) - SHOWN_QUESTIONS
    more = f'<li class="fn-quiet">{text(say("more_failures", count=rest))}</li>' if rest > 0 else ""
    heading = f'<h3 class="fn-label">{text(title)} ({len(questions)})</h3>'
    return f'{heading}<ol class="fn-questions">{items}{more}</ol>'
