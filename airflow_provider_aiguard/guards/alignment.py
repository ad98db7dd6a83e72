"""The alignment guard: do the predictions still move with the business."""

from __future__ import annotations

from airflow_provider_aiguard.core.alignment import AlignmentEvidence
from airflow_provider_aiguard.core.limits.alignment import AlignmentLimits
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome
from airflow_provider_aiguard.stats.series_correlation import SeriesCorrelation, series_correlation


def evaluate(evidence: AlignmentEvidence, limits: AlignmentLimits) -> list[CheckResult]:
    """Judge how predictions and a KPI move together over runs.

    It breaches when even the upper end of the interval lies under the limit, and passes when the limit is not above
    the interval and the interval is above 0. Where it leaves out neither 0 nor the limit nothing is known.

    :return: the check ``alignment.correlation``.
    """
    runs = len(evidence.predictions)
    if not evidence.current:
        return [_undecided(evidence, limits, "this run has no predictions, or its KPI has not arrived or is no number")]
    if runs < limits.min_runs:
        return [_undecided(evidence, limits, f"{runs} runs with both numbers, {limits.min_runs} needed")]
    found = series_correlation(evidence.predictions, evidence.kpis, max_lead=limits.max_lead, alpha=limits.alpha)
    if found is None:
        return [_undecided(evidence, limits, f"one of the two had the same value in all {runs} runs")]
    return [_judged(found, evidence, limits)]


def _judged(found: SeriesCorrelation, evidence: AlignmentEvidence, limits: AlignmentLimits) -> CheckResult:
    outcome, remark = Outcome.PASS, ""
    if found.high < limits.min_correlation:
        outcome = Outcome.BREACH
        remark = ", they move against each other" if found.high < 0 else ""
    elif found.low <= 0:
        outcome, remark = Outcome.UNDECIDED, "; from none to enough, all is possible: more runs are needed"
    elif found.low < limits.min_correlation:
        remark = "; the limit lies inside the interval"
    lead = f" with a lead of {found.lead} runs" if limits.max_lead else ""
    return CheckResult(
        check="alignment.correlation",
        column=evidence.column,
        outcome=outcome,
        message=f"{evidence.column}: correlation of its {evidence.aggregate} with the KPI {found.correlation:.3g}{lead}"
        f", {1 - limits.alpha:.0%} interval {found.low:.3g} to {found.high:.3g} over {len(evidence.kpis)} runs "
        f"(limit {limits.min_correlation:g}){remark}",
        value=found.correlation,
        limit=limits.min_correlation,
        detail={"low": found.low, "high": found.high, "lead": found.lead, "runs": len(evidence.kpis)},
    )


def _undecided(evidence: AlignmentEvidence, limits: AlignmentLimits, why: str) -> CheckResult:
    return CheckResult(
        check="alignment.correlation",
        column=evidence.column,
        outcome=Outcome.UNDECIDED,
        message=f"{evidence.column}: {why}",
        limit=limits.min_correlation,
        detail={"runs": len(evidence.predictions)},
    )
