"""An evaluation as a page shows it: measures with their uncertainty, a chart, questions won and lost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from rag.evaluation.experiment import GIVEN_ANSWER
from rag.settings import save_settings
from rag.web.components.dates import clock_time
from rag.web.components.markup import label, text
from rag.web.i18n import Phrases
from rag.web.session import App, toast_errors

MEASURES = ("recall@1", "recall@5", "recall@10", "mrr@10", "ndcg@10")
ANSWER_MEASURES = ("answered", "right", "cited")
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
    """A setting's name; those of ours in the language of the pages."""
    from rag.evaluation.runner import IN_USE, SHIPPED

    return {SHIPPED: say("lab_shipped"), IN_USE: say("lab_in_use")}.get(setting, setting)


def draw_run(app: App, run: Run) -> None:
    """One saved evaluation, whole."""
    say = app.say
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
    draw_winner(app, run, level)
    st.caption(" ".join(reading_lines(run, say)))
    if level != GIVEN_ANSWER:
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
    names = measure_names(run, level)
    best = {name: best_mean(run, level, name) for name in names}
    milliseconds = say("lab_milliseconds_answer" if level == GIVEN_ANSWER else "lab_milliseconds")
    heads = "".join(f"<th>{text(measure_name(name, say))}</th>" for name in (*names, milliseconds))
    rows = "".join(row_html(one, level, best, say) for one in run["settings"])
    name = text(say("lab_setting"))
    return (
        f'<div class="fn-scroll" role="region" tabindex="0" aria-label="{text(say("lab_table"))}">'
        f'<table class="fn-measures"><tr><th>{name}</th>{heads}</tr>{rows}</table></div>'
    )


def measure_names(run: Run, level: str) -> list[str]:
    """The measures that there are at a level; where all documents are asked for, that is recall alone."""
    there = run["settings"][0]["measures"][level]
    return [name for name in MEASURES if name in there] or list(there)


def measure_name(measure: str, say: Phrases) -> str:
    """A measure of whole answers in the language of the pages; those of searches are called so everywhere."""
    return say(f"measure_{measure}") if measure in ANSWER_MEASURES else measure


def best_mean(run: Run, level: str, measure: str) -> float:
    """The highest mean of a measure among the settings."""
    return max(float(one["measures"][level][measure]["mean"]) for one in run["settings"])


def row_html(setting: Mapping[str, Any], level: str, best: Mapping[str, float], say: Phrases) -> str:
    """One setting's measures; the best of each column is bold."""
    cells = []
    for name in best:
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
            name = text(setting_name(setting, say))
            lines.append(f'<p class="fn-verdict"><b dir="auto">{name}</b> {" · ".join(parts)}</p>')
    return lines


def verdict_html(comparison: Mapping[str, Any], say: Phrases) -> str:
    """One measure's difference from the first setting, and whether it is more than chance."""
    verdict = comparison["verdict"] if comparison["verdict"] in VERDICTS else "same"
    difference = comparison["difference"]["mean"]
    css = VERDICTS.get(verdict, "fn-same")
    return (
        f"{text(measure_name(comparison['measure'], say))} {difference:+.3f} "
        f'<span class="{css}">{text(say(f"verdict_{verdict}"))}</span>'
    )


def reading_lines(run: Run, say: Phrases) -> list[str]:
    """How the table is read: where the questions come from, what a measure is, what chance means."""
    origin = run.get("questions_from", {})
    of_answers = run["level"] == GIVEN_ANSWER
    lines = [say("lab_reading_answers" if of_answers else "lab_reading", questions=run["questions"])]
    if origin.get("written_by"):
        lines.append(say("lab_made_written", model=origin["written_by"], dropped=origin["dropped"]))
    elif origin.get("collection"):
        lines.append(say("lab_made_halves"))
    if len(run["settings"]) > 2:
        lines.append(say("lab_corrected", number=len(run["settings"]) - 1))
    return lines


def draw_winner(app: App, run: Run, level: str) -> None:
    """The setting that is better at a level, and the button that makes it the one in use."""
    from rag.evaluation import winner

    say, best = app.say, winner(run, level)
    if best is None or "values" not in best:
        return
    values = best["values"]
    name = setting_name(best["setting"], say)
    if values["ranking"] == app.library.settings.ranking.changed() and len(values) == 1:
        st.caption(label(say("lab_winner_used", setting=name)))
        return
    with st.container(horizontal=True, vertical_alignment="center", key="lab_winner"):
        st.markdown(label(say("lab_winner", setting=name)))
        if app.visitor.keeper:
            st.button(say("lab_use"), type="primary", on_click=use, args=(app, values, name))
    for indexing in values.keys() & {"chunk_tokens", "embedding_model"}:
        st.caption(say(f"lab_winner_{indexing}"))


@toast_errors
def use(app: App, values: Mapping[str, Any], name: str) -> None:
    """Searches under these settings from now on. An embedding model is taken where it is embedded with."""
    changes = {key: value for key, value in values.items() if key != "embedding_model"}
    save_settings(app.library.settings.library, changes)
    st.session_state.pop("lab_own", None)
    app.reopen()
    st.toast(label(app.say("lab_used", setting=name)))


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
    name = setting_name(comparison["setting"], say)
    return f"{name} · {comparison['measure']} · {say('lab_balance', won=won, lost=lost)}"


def questions_html(questions: list[str], title: str, say: Phrases) -> str:
    """A list of questions under a title with their number."""
    items = "".join(f'<li dir="auto">{text(question)}</li>' for question in questions[:SHOWN_QUESTIONS])
    rest = len(questions) - SHOWN_QUESTIONS
    more = f'<li class="fn-quiet">{text(say("more_failures", count=rest))}</li>' if rest > 0 else ""
    heading = f'<h3 class="fn-label">{text(title)} ({len(questions)})</h3>'
    return f'{heading}<ol class="fn-questions">{items}{more}</ol>'
