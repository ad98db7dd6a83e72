"""Cost by date and task, and where a budget said no."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.money import MICROS_PER_DOLLAR, format_micros
from airflow_provider_aiguard.core.verdict import Outcome, Verdict
from airflow_provider_aiguard.report.figure import CYCLE, LONG_NAME, VERMILLION, Chart, layout, plot_text, shorten
from airflow_provider_aiguard.report.history import History

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


TASKS = 13
"""Most tasks told apart: the dearest. The rest is one bar."""

OTHERS = "(other tasks)"


def cost_chart(history: History) -> Chart | None:
    """Draw money by date and task, with the dates a budget said no; ``None`` if no price and no refusal is known."""
    refused = {history.label(v): shorten(v.verdict.summary, 400) for v in history.standing if is_refusal(v.verdict)}
    spent = _spend(history)
    if not spent and not refused:
        return None
    data: list[dict[str, Any]] = [_cost_bars(i, *item) for i, item in enumerate(sorted(spent.items()))]
    if refused:
        data.append(_refusals(refused, spent))
    return Chart(
        title="Cost",
        note=_cost_note(history, refused),
        data=data,
        layout=layout(
            history.labels, barmode="stack", yaxis={"tickprefix": "$", "rangemode": "tozero", "automargin": True}
        ),
        head=("date", "task", "spent", "budget"),
        rows=list(_cost_rows(history.labels, spent, refused)),
        wide=False,
    )


def is_refusal(verdict: Verdict) -> bool:
    """Whether a budget said no."""
    return verdict.guard == "budget" and verdict.outcome is Outcome.BREACH


def _spend(history: History) -> dict[str, dict[str, int]]:
    spent: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for run in history.runs:
        if run.summary.cost_micros is not None:
            spent[run.identity.task_id or "outside Airflow"][history.label(run)] += run.summary.cost_micros
    dearest = sorted(spent, key=lambda task: (-sum(spent[task].values()), task))
    for task in dearest[TASKS:]:
        for date, micros in spent.pop(task).items():
            spent[OTHERS][date] += micros
    return spent


def _cost_bars(i: int, task: str, dates: Mapping[str, int]) -> dict[str, Any]:
    return {
        "type": "bar",
        "name": plot_text(task),
        "x": list(dates),
        "y": [micros / MICROS_PER_DOLLAR for micros in dates.values()],
        "text": [format_micros(micros) for micros in dates.values()],
        "textposition": "none",
        "hovertemplate": "%{fullData.name} %{text}<extra></extra>",
        "marker": {"color": CYCLE[i % len(CYCLE)], "pattern": {"shape": ("", "/", ".", "x")[i // len(CYCLE) % 4]}},
        "showlegend": True,
    }


def _refusals(refused: Mapping[str, str], spent: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    totals = {date: sum(dates.get(date, 0) for dates in spent.values()) for date in refused}
    return {
        "type": "scatter",
        "mode": "markers+text",
        "name": "✕ budget breach",
        "x": list(refused),
        "y": [totals[date] / MICROS_PER_DOLLAR for date in refused],
        "text": ["refused"] * len(refused),
        "textposition": "top center",
        "hovertemplate": "budget breach<extra></extra>",
        "marker": {"symbol": "x", "size": 12, "color": VERMILLION},
        "cliponaxis": False,
        "showlegend": True,
    }


def _cost_note(history: History, refused: Mapping[str, str]) -> str:
    unpriced = sum(run.summary.cost_micros is None for run in history.runs)
    parts = [f"{format_micros(history.cost_micros)} by all tries together."]
    if refused:
        parts.append(f"✕ A budget said no on {len(refused)} date{'s' * (len(refused) > 1)}: {', '.join(refused)}.")
    if unpriced:
        parts.append(f"Runs without a price, which are not in it: {unpriced:,}.")
    return " ".join(parts)


def _cost_rows(
    labels: Sequence[str], spent: Mapping[str, Mapping[str, int]], refused: Mapping[str, str]
) -> Iterator[tuple[str, ...]]:
    for date in labels:
        tasks = [(task, dates[date]) for task, dates in sorted(spent.items()) if date in dates]
        for task, micros in tasks:
            yield date, shorten(task, LONG_NAME), format_micros(micros), ""
        if date in refused:
            yield date, "", "", refused[date]
