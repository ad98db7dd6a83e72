"""The latency guard: does the model answer in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_aiguard.core.limits.latency import CLASSES, LatencyLimits
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome
from airflow_provider_aiguard.stats.clopper_pearson import clopper_pearson

if TYPE_CHECKING:
    from airflow_provider_aiguard.core.latency import LatencySummary


def evaluate(took: LatencySummary, limits: LatencyLimits) -> list[CheckResult]:
    """Judge how long calls took. All limits share ``alpha``.

    A quantile is above its limit if a larger share of the calls than allowed took longer. A breach needs the whole
    interval of that share above what is allowed; of a limit within a cell of the histogram only the calls that surely
    took longer count. Too few calls are ``undecided``.

    :return: the checks ``latency.p50``, ``latency.p95`` and ``latency.p99`` whose limits were given.
    """
    return [_check(took, limits, percent, limit) for percent, limit in limits.quantiles.items()]


def _check(took: LatencySummary, limits: LatencyLimits, percent: int, limit: float) -> CheckResult:
    n, name = took.count, f"latency.p{percent}"
    quantile = took.quantile(percent / 100, limits.per)
    if quantile is None or n < limits.min_calls:
        why = f"{n} calls were timed, {limits.min_calls} needed"
        return CheckResult(check=name, outcome=Outcome.UNDECIDED, message=why, limit=limit)
    slower, _ = took.above(limit / 1000, limits.per)
    allowed = 1 - percent / 100
    alpha = limits.alpha / len(limits.quantiles)
    low, high = clopper_pearson(slower, n, alpha)
    unit = " a row" if limits.per == "row" else ""
    message = (
        f"p{percent} of {n} calls {quantile * 1000:g} ms{unit} (limit {limit:g} ms): {slower / n:.1%} took longer, "
        f"{100 * (1 - alpha):.3g}% interval {low:.1%} to {high:.1%}, {allowed:.0%} may"
    )
    breach = low > allowed
    return CheckResult(
        check=name,
        outcome=Outcome.BREACH if breach else Outcome.PASS,
        message=message + ("" if breach else _remark(took, limits, percent, high > allowed)),
        value=quantile * 1000,
        limit=limit,
        detail={"calls": n, "slower": slower, "low": low, "high": high, "per": limits.per},
    )


def _remark(took: LatencySummary, limits: LatencyLimits, percent: int, uncertain: bool) -> str:
    if uncertain:
        return "; the limit lies inside the interval"
    meant = CLASSES[limits.latency_class][0] if limits.latency_class and percent == 95 else 0.0
    median = took.quantile(0.5, limits.per) or 0.0
    if median * 1000 < meant:
        return f"; half of them took less than the {meant:g} ms the class is meant for: a stricter one may do"
    return ""
