"""Confidence against accuracy: what models claim, and what turned out true."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.confidence import ConfidenceSummary
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome, number
from airflow_provider_aiguard.report.cost import is_refusal
from airflow_provider_aiguard.report.figure import BLUE, GREY, VERMILLION, Chart, finite, layout, names, plot_text
from airflow_provider_aiguard.report.history import History

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Key = tuple[str, str]
SERIES = 6
"""Most columns in one picture of lines; more cannot be told apart. Those with the widest gap stay."""

_CLAIMED = ("circle", "square", "triangle-up", "pentagon", "hexagon", "octagon")
_TRUE = ("diamond", "cross", "triangle-down", "star", "hourglass", "bowtie")


@dataclass(frozen=True)
class _Gap:
    """How far confidence lies above accuracy on one date."""

    date: str
    confidence: float
    accuracy: float

    @property
    def size(self) -> float:
        return self.confidence - self.accuracy


def confidence_against_accuracy(history: History) -> Chart | None:
    """Draw what models claim against what turned out true, by date; ``None`` if neither is known.

    Accuracy is the value of the checks ``ground_truth.accuracy``, its interval their detail ``low`` and ``high``.
    """
    confidence, accuracy = mean_confidences(history), accuracies(history)
    keys = _widest_gap_first(confidence, accuracy)
    if not keys:
        return None
    shown, named = keys[:SERIES], names(keys)
    data = list(_lines(history.labels, confidence, accuracy, shown, named))
    notes = [*_told(confidence, accuracy, shown), *_unanswered(history, confidence)]
    return Chart(
        title="Confidence against accuracy",
        note=_gap_note(confidence, accuracy, keys, named),
        data=data,
        layout=layout(history.labels, height=400, yaxis=_share_axis(data), hovermode="x unified", annotations=notes),
        head=("date", "column", "mean confidence", "accuracy", "low", "high", "limit", "outcome"),
        rows=list(_truth_rows(history.labels, confidence, accuracy, shown, named)),
    )


def mean_confidences(history: History) -> dict[Key, dict[str, float]]:
    """Return mean confidence by (table, column) and date label; the parts of a mapped task are merged."""
    merged: dict[Key, dict[str, ConfidenceSummary]] = defaultdict(dict)
    for run in history.written:
        for column, summary in run.summary.columns.items():
            dates = merged[run.summary.target, column]
            date = history.label(run)
            dates[date] = dates.get(date, ConfidenceSummary()).merge(summary.confidence)
    means = {key: {d: c.mean for d, c in dates.items() if c.mean is not None} for key, dates in merged.items()}
    return {key: dates for key, dates in means.items() if dates}


def accuracies(history: History) -> dict[Key, dict[str, CheckResult]]:
    """Return the newest accuracy check by (table, column) and date label."""
    found: dict[Key, dict[str, CheckResult]] = defaultdict(dict)
    for record in history.standing:
        for check in record.verdict.checks:
            if check.check == "ground_truth.accuracy" and finite(check.value) is not None:
                found[record.verdict.subject, check.column or ""][history.label(record)] = check
    return dict(found)


def _gaps(confidence: Mapping[str, float], accuracy: Mapping[str, CheckResult]) -> list[_Gap]:
    both = [(date, confidence[date], finite(check.value)) for date, check in accuracy.items() if date in confidence]
    return [_Gap(date, claimed, true) for date, claimed, true in both if true is not None]


def _widest_gap_first(
    confidence: Mapping[Key, Mapping[str, float]], accuracy: Mapping[Key, Mapping[str, CheckResult]]
) -> list[Key]:
    def width(key: Key) -> float:
        gaps = _gaps(confidence.get(key, {}), accuracy.get(key, {}))
        return max((gap.size for gap in gaps), default=-1.0)

    return sorted({*confidence, *accuracy}, key=lambda key: (-width(key), key))


def _gap_note(
    confidence: Mapping[Key, Mapping[str, float]],
    accuracy: Mapping[Key, Mapping[str, CheckResult]],
    keys: Sequence[Key],
    named: Mapping[Key, str],
) -> str:
    if not accuracy:
        return "No ground truth yet: accuracy is unknown, and confidence alone is only a claim."
    gaps = _gaps(confidence.get(keys[0], {}), accuracy.get(keys[0], {}))
    if not gaps:
        return "No date has both a confidence and a ground truth."
    worst = max(gaps, key=lambda gap: gap.size)
    more = f" The {SERIES} columns with the widest gap of {len(keys)} are shown." if len(keys) > SERIES else ""
    claim = f"the model claims {worst.confidence:.2f} and is right {worst.accuracy:.2f} of the time"
    unsure = any(check.outcome is Outcome.UNDECIDED for checks in accuracy.values() for check in checks.values())
    hollow = " Hollow marks are undecided." if unsure else ""
    return f"Widest gap in {worst.date}: for {named[keys[0]]}, {claim}.{hollow}{more}"


def _lines(
    labels: Sequence[str],
    confidence: Mapping[Key, Mapping[str, float]],
    accuracy: Mapping[Key, Mapping[str, CheckResult]],
    keys: Sequence[Key],
    named: Mapping[Key, str],
) -> Iterator[dict[str, Any]]:
    limits: set[tuple[float | None, ...]] = set()
    for i, key in enumerate(keys):
        claimed, checks = confidence.get(key, {}), accuracy.get(key, {})
        true = {date: float(check.value) for date, check in checks.items() if check.value is not None}
        suffix = "" if len(keys) == 1 else f" of {named[key]}"
        if claimed:
            yield _line(labels, claimed, "mean confidence (claimed)" + suffix, color=BLUE, symbol=_CLAIMED[i])
        if true:
            symbols = [_truth_symbol(checks.get(date), _TRUE[i]) for date in labels]
            line = _line(labels, true, "accuracy (ground truth)" + suffix, color=VERMILLION, symbol=symbols)
            yield {**line, "error_y": _interval(labels, checks)}
            yield from _breaches(labels, checks, suffix, first=i == 0)
        limit = tuple(finite(checks[date].limit) if date in checks else None for date in labels)
        if any(v is not None for v in limit) and limit not in limits:
            limits.add(limit)
            yield _limit(labels, limit, "accuracy limit" + suffix)


def _line(
    labels: Sequence[str], values: Mapping[str, float], name: str, *, color: str, symbol: str | list[str]
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": plot_text(name),
        "x": list(labels),
        "y": [finite(values.get(date)) for date in labels],
        "hovertemplate": "%{y:.3f}",
        "line": {"color": color, "width": 3, "dash": "solid"},
        "marker": {"size": 9, "symbol": symbol},
        "cliponaxis": False,
        "showlegend": True,
    }


def _truth_symbol(check: CheckResult | None, symbol: str) -> str:
    """Hollow where the guard could not decide."""
    return f"{symbol}-open" if check and check.outcome is Outcome.UNDECIDED else symbol


def _told(
    confidence: Mapping[Key, Mapping[str, float]],
    accuracy: Mapping[Key, Mapping[str, CheckResult]],
    keys: Sequence[Key],
) -> Iterator[dict[str, Any]]:
    """Write both numbers where they are furthest apart, and at the end; only for one column, where there is room."""
    if len(keys) > 1:
        return
    gaps = _gaps(confidence.get(keys[0], {}), accuracy.get(keys[0], {}))
    worst = max(gaps, key=lambda gap: gap.size, default=None)
    told = {gap.date: gap for gap in (worst, max(gaps, key=lambda gap: gap.date, default=None)) if gap}
    for gap in told.values():
        side = 1 if gap.size >= 0 else -1
        yield _annotation(gap.date, gap.confidence, f"{gap.confidence:.2f}", 24 * side, BLUE)
        yield _annotation(gap.date, gap.accuracy, f"{gap.accuracy:.2f}", -28 * side, VERMILLION)


def _unanswered(history: History, confidence: Mapping[Key, Mapping[str, float]]) -> Iterator[dict[str, Any]]:
    """Say at the foot of a gap in the lines that a budget caused it."""
    answered = {date for dates in confidence.values() for date in dates}
    refused = {history.label(record) for record in history.standing if is_refusal(record.verdict)}
    for date in sorted(refused - answered):
        yield {**_annotation(date, 0, "✕ budget<br>breach", 18, VERMILLION), "yref": "paper"}


def _annotation(date: str, y: float, text: str, shift: int, color: str) -> dict[str, Any]:
    font = {"color": color, "size": 15}
    return {"x": date, "y": y, "text": text, "yshift": shift, "showarrow": False, "font": font}


def _interval(labels: Sequence[str], checks: Mapping[str, CheckResult]) -> dict[str, Any]:
    def arm(date: str, end: str, sign: float) -> float | None:
        check = checks.get(date)
        bound = finite((check.detail or {}).get(end)) if check else None
        return None if check is None or check.value is None or bound is None else max(0.0, sign * (bound - check.value))

    high, low = [arm(date, "high", 1.0) for date in labels], [arm(date, "low", -1.0) for date in labels]
    return {"type": "data", "symmetric": False, "array": high, "arrayminus": low, "thickness": 1.5, "width": 5}


def _breaches(
    labels: Sequence[str], checks: Mapping[str, CheckResult], suffix: str, *, first: bool
) -> Iterator[dict[str, Any]]:
    dates = [date for date in labels if date in checks and checks[date].outcome is Outcome.BREACH]
    if dates:
        yield {
            "type": "scatter",
            "mode": "markers",
            "name": "✕ accuracy breach",
            "legendgroup": "breach",
            "x": dates,
            "y": [finite(checks[date].value) for date in dates],
            "hovertemplate": plot_text("breach" + suffix) + "<extra></extra>",
            "marker": {"symbol": "x-thin", "size": 15, "line": {"width": 3, "color": VERMILLION}},
            "showlegend": first,
        }


def _limit(labels: Sequence[str], limit: Sequence[float | None], name: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": plot_text(name),
        "x": list(labels),
        "y": list(limit),
        "connectgaps": True,
        "hovertemplate": "%{y:.3f}",
        "line": {"color": GREY, "width": 2, "dash": "dash"},
        "showlegend": True,
    }


def _share_axis(data: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    values = [y for trace in data for y in trace["y"] if y is not None]
    for trace in data:
        arms = trace.get("error_y", {}).get("arrayminus", [])
        values += [y - arm for y, arm in zip(trace["y"], arms, strict=False) if y is not None and arm is not None]
    low, high = min(values), max(values)
    pad = max(0.02, (high - low) * 0.2)
    return {"range": [max(-0.02, low - pad), high + pad], "tickformat": ".2f", "automargin": True}


def _truth_rows(
    labels: Sequence[str],
    confidence: Mapping[Key, Mapping[str, float]],
    accuracy: Mapping[Key, Mapping[str, CheckResult]],
    keys: Sequence[Key],
    named: Mapping[Key, str],
) -> Iterator[tuple[str, ...]]:
    for date in labels:
        for key in keys:
            claimed, check = confidence.get(key, {}).get(date), accuracy.get(key, {}).get(date)
            if claimed is None and check is None:
                continue
            detail = (check.detail if check else None) or {}
            truth = (check.value, finite(detail.get("low")), finite(detail.get("high")), check.limit) if check else ()
            numbers = [number(value) for value in (*truth, None, None, None, None)[:4]]
            yield date, named[key], number(claimed), *numbers, str(check.outcome) if check else "no ground truth"
