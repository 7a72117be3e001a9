"""An evaluation drawn: as a Vega-Lite specification, and as a page that needs nothing but a browser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from string import Template
from typing import Any

from rag.evaluation.metrics import CUTOFFS

WIDTH, HEIGHT, MARGIN = 320, 200, 36
# Told apart by people who see few colours: Okabe and Ito, without yellow; then once more, dashed.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#777777")

_PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>$title</title>
<style>
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
figure { display: inline-block; margin: 0 1rem 1rem 0; }
li { list-style: none; } ul { padding: 0; } svg { vertical-align: middle; overflow: visible; }
text { fill: currentColor; font-size: 12px; } .grid { stroke: currentColor; opacity: .2; }
</style>
<h1>$title</h1>
<p>$questions questions. Recall by the number of passages looked at; the band is the 95 % interval.</p>
<ul>$legend</ul>
$figures
</html>
""")


def chart(record: Mapping[str, Any]) -> dict[str, Any]:
    """A Vega-Lite specification, data included: recall by cutoff, a line and band a setting.

    `record` is what `evaluation_json` gives and `saved` reads back.
    """
    rows = [
        {"setting": trial["setting"], "level": level, "k": int(measure.partition("@")[2]), **one}
        for trial in record["settings"]
        for level, measures in trial["measures"].items()
        for measure, one in measures.items()
        if measure.startswith("recall@")
    ]
    settings = [trial["setting"] for trial in record["settings"]]
    x = {"field": "k", "type": "ordinal", "title": "passages looked at"}
    color = {"field": "setting", "type": "nominal", "sort": settings}
    y = {"field": "mean", "type": "quantitative", "title": "recall", "scale": {"domain": [0, 1]}}
    return {
        "data": {"values": rows},
        "facet": {"field": "level", "type": "nominal", "columns": 2, "title": None},
        "spec": {
            "width": 220,
            "height": 180,
            "encoding": {"x": x, "color": color},
            "layer": [
                {"mark": {"type": "line", "point": True}, "encoding": {"y": y}},
                {
                    "mark": {"type": "area", "opacity": 0.12},
                    "encoding": {
                        "y": {"field": "low", "type": "quantitative"},
                        "y2": {"field": "high"},
                    },
                },
            ],
        },
    }


def chart_page(record: Mapping[str, Any]) -> str:
    """The chart as one HTML page with the lines drawn in it."""
    settings = record["settings"]
    legend = "".join(
        f'<li><svg width="28" height="10"><path d="M0 5h28" {_stroke(place)}/></svg> '
        f"{escape(one['setting'])}</li>"
        for place, one in enumerate(settings)
    )
    levels = [
        level for level, measures in settings[0]["measures"].items() if f"recall@{CUTOFFS[0]}" in measures
    ]
    figures = [_figure(level, settings) for level in levels]
    return _PAGE.substitute(
        title=escape(record["set"]),
        questions=record["questions"],
        legend=legend,
        figures="\n".join(figures),
    )


def _figure(level: str, settings: Sequence[Mapping[str, Any]]) -> str:
    """One level: a band and a line a setting, with the numbers on each point."""
    ticks = "".join(
        f'<path class="grid" d="M0 {_y(share):g}h{WIDTH}"/>'
        f'<text x="-30" y="{_y(share) + 4:g}">{share:.2f}</text>'
        for share in (0, 0.25, 0.5, 0.75, 1)
    )
    ticks += "".join(
        f'<text x="{_x(k):g}" y="{HEIGHT + 18}" text-anchor="middle">{k}</text>' for k in CUTOFFS
    )
    drawn = "".join(
        _line(place, one["setting"], one["measures"][level]) for place, one in enumerate(settings)
    )
    box = f"{-MARGIN} -10 {WIDTH + MARGIN + 10} {HEIGHT + MARGIN}"
    return (
        f'<figure><figcaption>{escape(level)}</figcaption><svg viewBox="{box}" width="{WIDTH + MARGIN}" '
        f'role="img" aria-label="{escape(level)}">{ticks}{drawn}</svg></figure>'
    )


def _line(place: int, setting: str, measures: Mapping[str, Mapping[str, float]]) -> str:
    told = [(k, measures[f"recall@{k}"]) for k in CUTOFFS]
    band = [(_x(k), _y(one["low"])) for k, one in told] + [(_x(k), _y(one["high"])) for k, one in told[::-1]]
    color = COLORS[place % len(COLORS)]
    points = "".join(
        f'<circle cx="{_x(k):g}" cy="{_y(one["mean"]):g}" r="3.5" fill="{color}">'
        f"<title>{escape(setting)}: recall@{k} {one['mean']:.3f}</title></circle>"
        for k, one in told
    )
    path = _path([(_x(k), _y(one["mean"])) for k, one in told])
    return (
        f'<path d="{_path(band)}Z" fill="{color}" opacity=".12"/><path d="{path}" {_stroke(place)}/>{points}'
    )


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points)


def _stroke(place: int) -> str:
    dashes = ' stroke-dasharray="6 4"' if place >= len(COLORS) else ""
    return f'fill="none" stroke="{COLORS[place % len(COLORS)]}" stroke-width="2"{dashes}'


def _x(cutoff: int) -> float:
    return round((CUTOFFS.index(cutoff) + 0.5) * WIDTH / len(CUTOFFS), 1)


def _y(share: float) -> float:
    return round(HEIGHT * (1 - share), 1)
