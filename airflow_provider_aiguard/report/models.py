"""What models cost a row, and how long they take: by model and date."""

from __future__ import annotations

from collections import defaultdict
from functools import reduce
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.cost import UnitCosts, unit_costs
from airflow_provider_aiguard.core.latency import LatencySummary
from airflow_provider_aiguard.core.money import MICROS_PER_DOLLAR, format_micros
from airflow_provider_aiguard.report.figure import CYCLE, LONG_NAME, Chart, layout, plot_text, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_provider_aiguard.core.run import InferenceSummary
    from airflow_provider_aiguard.report.history import History

    ByModel = Mapping[str, Mapping[str, Sequence[InferenceSummary]]]

MODELS = 7
"""Most models told apart in a picture: those with the most rows. All are in its numbers."""

_ROWS = 1_000
"""A row costs too little to be read."""

_QUANTILES = (("p50", 0.5, "dot"), ("p95", 0.95, "solid"), ("p99", 0.99, "dash"))


def unit_cost_chart(history: History) -> Chart | None:
    """Draw what a thousand rows cost by model and date; ``None`` without a price."""
    models = _by_model(history, lambda summary: summary.cost_micros is not None)
    if not models:
        return None
    lines = []
    for i, (model, dates) in enumerate(_most_rows_first(models)[:MODELS]):
        costs = {date: unit_costs(runs) for date, runs in dates.items()}
        rows = {date: c.row * _ROWS / MICROS_PER_DOLLAR for date, c in costs.items() if c and c.row is not None}
        lines.append(_line(model, rows, CYCLE[i], "solid", "$%{y:.4g}"))
    return Chart(
        title="Cost of 1,000 rows by model",
        note=_costs_said(models),
        data=lines,
        layout=layout(history.labels, yaxis={"tickprefix": "$", "rangemode": "tozero", "automargin": True}),
        head=("date", "model", "spent", "asked", "saved", "a prediction", "a row", "a cell", "tokens"),
        rows=list(_cost_rows(history.labels, models)),
        wide=False,
    )


def latency_chart(history: History) -> Chart | None:
    """Draw p50, p95 and p99 of the calls by model and date; ``None`` if none was timed."""
    models = _by_model(history, lambda summary: summary.latency.count > 0)
    if not models:
        return None
    lines = []
    for i, (model, dates) in enumerate(_most_rows_first(models)[: MODELS // 2]):
        for name, q, dash in _QUANTILES:
            numbers = {date: (_latency(runs).quantile(q) or 0.0) * 1000 for date, runs in dates.items()}
            lines.append(_line(f"{model} {name}", numbers, CYCLE[i], dash, "%{y:g} ms"))
    return Chart(
        title="Latency of calls",
        note="What calls of a model took: a request, or a chunk of a model in the task's own process. Up to a tenth "
        "too high, never too low.",
        data=lines,
        layout=layout(history.labels, yaxis={"ticksuffix": " ms", "type": "log", "automargin": True}),
        head=("date", "model", "calls", *(name for name, _, _ in _QUANTILES)),
        rows=list(_latency_rows(history.labels, models)),
        wide=False,
    )


def _by_model(history: History, wanted: Any) -> ByModel:
    models: dict[str, dict[str, list[InferenceSummary]]] = defaultdict(lambda: defaultdict(list))
    for run in history.runs:
        if wanted(run.summary):
            models[str(run.summary.model)][history.label(run)].append(run.summary)
    return models


def _most_rows_first(models: ByModel) -> list[tuple[str, Mapping[str, Sequence[InferenceSummary]]]]:
    def rows(dates: Mapping[str, Sequence[InferenceSummary]]) -> int:
        return sum(summary.rows for runs in dates.values() for summary in runs)

    return sorted(models.items(), key=lambda item: (-rows(item[1]), item[0]))


def _line(name: str, numbers: Mapping[str, float], color: str, dash: str, hover: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": plot_text(name),
        "x": list(numbers),
        "y": list(numbers.values()),
        "line": {"color": color, "dash": dash},
        "hovertemplate": f"%{{fullData.name}} {hover}<extra></extra>",
        "showlegend": True,
    }


def _costs_said(models: ByModel) -> str:
    runs = [summary for dates in models.values() for some in dates.values() for summary in some]
    answered = sum(s.inferred for s in runs)
    saved = sum(s.saved for s in runs)
    share = ""
    if saved and answered:
        share = f" {saved / answered:.0%} of them were answered without asking, because equal ones were paid for."
    return f"Money spent over the rows that have their claims, all tries together.{share}"


def _cost_rows(labels: Sequence[str], models: ByModel) -> Iterator[tuple[str, ...]]:
    for date in labels:
        for model, dates in sorted(models.items()):
            if date in dates:
                yield date, shorten(model, LONG_NAME), *_cost_cells(dates[date])


def _cost_cells(runs: Sequence[InferenceSummary]) -> tuple[str, ...]:
    costs = unit_costs(runs) or UnitCosts(prediction=None, row=None, cell=None, columns={})
    tokens = sum(s.usage.input_tokens + s.usage.output_tokens for s in runs)
    return (
        format_micros(sum(s.cost_micros or 0 for s in runs)),
        f"{sum(s.asked for s in runs):,}",
        f"{sum(s.saved for s in runs):,}",
        *(_piece(each) for each in (costs.prediction, costs.row, costs.cell)),
        f"{tokens:,}" if tokens else "-",
    )


def _piece(micros: float | None) -> str:
    return "-" if micros is None else f"${micros / MICROS_PER_DOLLAR:.3g}"


def _latency(runs: Sequence[InferenceSummary]) -> LatencySummary:
    return reduce(LatencySummary.merge, (summary.latency for summary in runs))


def _latency_rows(labels: Sequence[str], models: ByModel) -> Iterator[tuple[str, ...]]:
    for date in labels:
        for model, dates in sorted(models.items()):
            if date in dates:
                took = _latency(dates[date])
                shown = (f"{(took.quantile(q) or 0.0) * 1000:g} ms" for _, q, _ in _QUANTILES)
                yield date, shorten(model, LONG_NAME), f"{took.count:,}", *shown
