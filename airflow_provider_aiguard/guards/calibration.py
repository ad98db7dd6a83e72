"""The calibration guard: does a confidence of 0.9 mean that nine in ten are right?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_aiguard.core.verdict import CheckResult, Outcome
from airflow_provider_aiguard.stats.bounded_mean import bounded_mean
from airflow_provider_aiguard.stats.calibration import expected_calibration_error, reliability

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_aiguard.core.calibration import CalibrationBin, CalibrationEvidence
    from airflow_provider_aiguard.core.interval import Interval
    from airflow_provider_aiguard.core.limits.calibration import CalibrationLimits


def evaluate(
    evidence: CalibrationEvidence, limits: CalibrationLimits, reference: Sequence[CalibrationBin] | None = None
) -> list[CheckResult]:
    """Judge confidences by the truth that has arrived.

    A breach needs the whole interval above the limit. Too few labels, or too small a share of them, is ``undecided``.

    :param reference: bins of the run that the error is compared with, if it is.
    :return: the checks ``calibration.ece``, ``calibration.brier`` and ``calibration.rise`` whose limits were given,
        then ``calibration.share``.
    """
    share = _share(evidence, limits)
    why = _why_undecided(evidence, limits, share)
    error = expected_calibration_error(evidence.bins, limits.alpha)
    checks = []
    if limits.max_ece is not None:
        check = _check("ece", "calibration error", error, limits.max_ece, evidence, limits, why)
        checks.append(replace(check, detail={**(check.detail or {}), "reliability": _reliability(evidence, limits)}))
    if limits.max_brier is not None:
        brier = bounded_mean(evidence.usable, evidence.squares, evidence.fourths, limits.alpha)
        checks.append(_check("brier", "Brier score", brier, limits.max_brier, evidence, limits, why))
    if limits.max_rise is not None:
        checks.append(_rise(evidence, limits, limits.max_rise, reference or (), why))
    return [*checks, share]


def _check(
    name: str,
    title: str,
    found: Interval,
    limit: float,
    evidence: CalibrationEvidence,
    limits: CalibrationLimits,
    why: str | None,
) -> CheckResult:
    seen = "no label has a confidence"
    if found.value is not None:
        seen = (
            f"{title} {found.value:.4g}, {1 - limits.alpha:.0%} interval {found.low:.4g} to {found.high:.4g} over "
            f"{evidence.usable} labels (limit {limit:g})"
        )
        inside = found.low <= limit < found.high
        seen += f"; {why}" if why else "; the limit lies inside the interval" if inside else ""
    decided = Outcome.BREACH if found.low > limit else Outcome.PASS
    return CheckResult(
        check=f"calibration.{name}",
        column=evidence.column,
        outcome=Outcome.UNDECIDED if why else decided,
        message=f"{evidence.column}: {seen}",
        value=found.value,
        limit=limit,
        detail={"low": found.low, "high": found.high, "labels": evidence.usable, "truth_share": evidence.truth_share},
    )


def _rise(
    evidence: CalibrationEvidence,
    limits: CalibrationLimits,
    limit: float,
    reference: Sequence[CalibrationBin],
    why: str | None,
) -> CheckResult:
    """Compare with the reference. Both intervals hold together at ``alpha``, so their difference does."""
    before = expected_calibration_error(reference, limits.alpha / 2)
    now = expected_calibration_error(evidence.bins, limits.alpha / 2)
    known = sum(b.n for b in reference)
    if known < limits.min_labels:
        why = f"the reference has {known} labels, {limits.min_labels} needed"
    low, high = now.low - before.high, now.high - before.low
    rise = None if now.value is None or before.value is None else now.value - before.value
    seen = (
        f"calibration error {now.value:.4g} after {before.value:.4g} in the reference: {rise:+.4g}, "
        f"{1 - limits.alpha:.0%} interval {low:+.4g} to {high:+.4g} (limit {limit:+g})"
        if rise is not None
        else "no calibration error to compare"
    )
    decided = Outcome.BREACH if low > limit else Outcome.PASS
    return CheckResult(
        check="calibration.rise",
        column=evidence.column,
        outcome=Outcome.UNDECIDED if why else decided,
        message=f"{evidence.column}: {seen}" + (f"; {why}" if why else ""),
        value=rise,
        limit=limit,
        detail={"low": low, "high": high, "labels": evidence.usable, "reference_labels": known},
    )


def _reliability(evidence: CalibrationEvidence, limits: CalibrationLimits) -> list[dict[str, float]]:
    """What a reliability diagram draws, a row for each bin that holds something."""
    filled = [b for b in evidence.bins if b.n]
    return [
        {"confidence": confidence, "right": b.correct / b.n, "low": low, "high": high, "labels": b.n}
        for b, (confidence, low, high) in zip(filled, reliability(filled, limits.alpha), strict=True)
    ]


def _share(evidence: CalibrationEvidence, limits: CalibrationLimits) -> CheckResult:
    share = evidence.truth_share
    enough = share is not None and share >= limits.min_truth_share
    needed = f" ({share:.1%}, {limits.min_truth_share:.1%} needed)" if share is not None else ""
    return CheckResult(
        check="calibration.share",
        column=evidence.column,
        outcome=Outcome.PASS if enough else Outcome.UNDECIDED,
        message=f"{evidence.column}: {evidence.usable} of {evidence.inferred} inferred values have both a truth and a "
        f"confidence{needed}",
        value=share,
        limit=limits.min_truth_share,
        detail={"labels": evidence.labels, "without_confidence": evidence.labels - evidence.usable},
    )


def _why_undecided(evidence: CalibrationEvidence, limits: CalibrationLimits, share: CheckResult) -> str | None:
    if evidence.usable < limits.min_labels:
        return f"{limits.min_labels} labels are needed to decide"
    return "too small a share of the truth is in" if share.outcome is Outcome.UNDECIDED else None
