"""Columns side by side: the reference's distribution over the current one, where drift was looked for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.distribution import Distribution
from airflow_provider_aiguard.core.measurement import Measurement
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome, Severity, VerdictRecord
from airflow_provider_aiguard.report.drift_map import limits_away
from airflow_provider_aiguard.report.figure import BLUE, VERMILLION, Chart, plot_text, shorten
from airflow_provider_aiguard.report.history import TaskKey, task_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_aiguard.report.history import History

COLUMNS = 12
"""Most columns drawn of a table; those furthest beyond their limits stay."""

ACROSS = 3
"""Pictures side by side."""

TABLES = 4
"""Most tables drawn a DAG; those with a breach first."""

LABEL = 14
"""Characters of a category below a bar."""


def column_charts(history: History) -> list[Chart]:
    """Draw each table that drift was looked for in: the newest date with a breach, else the newest.

    :param history: the runs, verdicts and distributions of one DAG.
    """
    seen = {(task_of(m.identity), m.series.partition("/")[2]): m for m in history.distributions}
    drift = [v for v in history.standing if v.verdict.guard == "drift" and _key(v) in seen]
    newest = {v.verdict.subject: v for v in drift}
    newest |= {v.verdict.subject: v for v in drift if v.verdict.outcome is Outcome.BREACH}
    worst = sorted(newest.values(), key=lambda v: (v.verdict.outcome is not Outcome.BREACH, v.verdict.subject))
    return [_chart(history.label(record), record, seen[_key(record)]) for record in worst[:TABLES]]


def _key(record: VerdictRecord) -> tuple[TaskKey, str]:
    return task_of(record.identity), record.verdict.subject


def _chart(date: str, record: VerdictRecord, seen: Measurement) -> Chart:
    found = [Distribution.from_dict(column) for column in seen.values["columns"]]
    checks: dict[str, list[CheckResult]] = {}
    for check in record.verdict.checks:
        if check.column and check.check.startswith("drift."):
            checks.setdefault(check.column, []).append(check)
    found.sort(key=lambda d: _badness(checks.get(d.column, ())))
    shown = found[:COLUMNS]
    reference, cut = seen.values["reference"], len(found) - len(shown)
    left_out = f" {cut} columns that moved less are not drawn." if cut else ""
    return Chart(
        title=f"Distributions of {shorten(record.verdict.subject, 60)}, {date}",
        note=f"Blue is the reference ({shorten(reference, 60)}), vermillion the current rows; shares of the values of "
        f"each. The columns that moved furthest come first. What many categories hold together is told, not drawn."
        f"{left_out}",
        data=[trace for i, d in enumerate(shown) for trace in _traces(i, d)],
        layout=_layout(shown, {d.column: _title(d, checks.get(d.column, ())) for d in shown}),
        head=("column", "values", "reference", "current"),
        rows=[
            (d.column, label, f"{a:.2%}", f"{b:.2%}")
            for d in shown
            for label, a, b in zip(d.labels, d.reference, d.current, strict=True)
        ],
    )


def _badness(checks: Sequence[CheckResult]) -> tuple[bool, float]:
    breached = any(c.outcome is Outcome.BREACH and c.severity is Severity.ERROR for c in checks)
    return not breached, -max((limits_away(c) or 0.0 for c in checks), default=0.0)


def _title(found: Distribution, checks: Sequence[CheckResult]) -> str:
    mark = "✕ " if not _badness(checks)[0] else ""
    at = found.together
    beside = "" if at is None else f" ({found.labels[at]}: {found.reference[at]:.0%} → {found.current[at]:.0%})"
    return f"{mark}{plot_text(found.column + beside)}"


def _drawn(found: Distribution) -> list[int]:
    """The cells that are drawn."""
    return [i for i in range(len(found.labels)) if i != found.together]


def _traces(index: int, found: Distribution) -> list[dict[str, Any]]:
    axes = {"xaxis": f"x{_nth(index)}", "yaxis": f"y{_nth(index)}"}
    cells = _drawn(found)
    labels = [plot_text(found.labels[i]) for i in cells]
    common = {"x": list(range(len(labels))), "customdata": labels, "showlegend": index == 0, **axes}
    hover = "%{customdata}: %{y:.1%}<extra>%{fullData.name}</extra>"
    # A line through numbers; a dash over each category, because nothing lies between two of them.
    line = {"mode": "lines", "line": {"color": BLUE, "width": 2, "shape": "hvh"}}
    dash = {"mode": "markers", "marker": {"symbol": "line-ew-open", "color": BLUE, "size": 16, "line": {"width": 3}}}
    bars, over = ({"type": kind, "hovertemplate": hover, **common} for kind in ("bar", "scatter"))
    bars |= {"name": "current", "legendgroup": "current", "marker": {"color": VERMILLION, "opacity": 0.55}}
    over |= {"name": "reference", "legendgroup": "reference", **(line if found.borders else dash)}
    return [{**bars, "y": [found.current[i] for i in cells]}, {**over, "y": [found.reference[i] for i in cells]}]


def _nth(index: int) -> str:
    """Number of an axis in plotly, whose first has none."""
    return str(index + 1) if index else ""


def _layout(shown: Sequence[Distribution], titles: Mapping[str, str]) -> dict[str, Any]:
    down = math.ceil(len(shown) / ACROSS)
    drawn: dict[str, Any] = {
        "height": 60 + 240 * down,
        "margin": {"l": 60, "r": 20, "t": 50, "b": 40},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "bargap": 0.05,
        "legend": {"orientation": "h", "x": 0, "y": 1, "yref": "container", "yanchor": "top"},
        "annotations": [],
    }
    for i, found in enumerate(shown):
        left, top = (i % ACROSS) / ACROSS, 1 - (i // ACROSS) / down
        across = [left + 0.02, left + 1 / ACROSS - 0.03]
        upward = [top - 0.66 / down, top - 0.1 / down]
        drawn[f"xaxis{_nth(i)}"] = {"domain": across, "anchor": f"y{_nth(i)}", "showgrid": False, **_ticks(found)}
        drawn[f"yaxis{_nth(i)}"] = {
            "domain": upward, "anchor": f"x{_nth(i)}", "tickformat": ".0%", "nticks": 4, "rangemode": "tozero",
        }  # fmt: skip
        drawn["annotations"].append(
            {"text": titles[found.column], "x": across[0], "y": upward[1], "xref": "paper", "yref": "paper",
             "xanchor": "left", "yanchor": "bottom", "showarrow": False}
        )  # fmt: skip
    return drawn


def _ticks(found: Distribution) -> dict[str, Any]:
    """Say what is below the bars: borders of numeric cells, or names."""
    if found.borders:
        at = [-0.5 + i for i in range(len(found.borders))]
        step = max(1, len(at) // 5)
        return {"tickvals": at[::step], "ticktext": [_border(border) for border in found.borders[::step]]}
    labels = [found.labels[i] for i in _drawn(found)]
    step = max(1, math.ceil(len(labels) / LABEL))
    named = [plot_text(shorten(label, LABEL)) for label in labels[::step]]
    return {"tickvals": list(range(0, len(labels), step)), "ticktext": named, "tickangle": -40}


def _border(number: float) -> str:
    """Short, and without an exponent while people read it faster."""
    return f"{number:,.0f}" if 1_000 <= abs(number) < 1e7 else f"{number:.3g}"
