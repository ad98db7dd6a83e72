"""The ground-truth guard: was the model right, now that the truth is in."""

from __future__ import annotations

from airflow_provider_aiguard.core.evidence import TruthEvidence
from airflow_provider_aiguard.core.limits.ground_truth import GroundTruthLimits
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome
from airflow_provider_aiguard.stats.clopper_pearson import clopper_pearson


def evaluate(evidence: TruthEvidence, limits: GroundTruthLimits) -> list[CheckResult]:
    """Judge inferred values by the truth that has arrived.

    Accuracy breaches when even the upper end of its exact interval lies under the limit: chance is no excuse then, and
    no breach before. Too little truth is ``undecided``.

    :return: the checks ``ground_truth.accuracy`` and ``ground_truth.share``, always both.
    """
    share = _share(evidence, limits)
    return [_accuracy(evidence, limits, share), share]


def _accuracy(evidence: TruthEvidence, limits: GroundTruthLimits, share: CheckResult) -> CheckResult:
    low, high = clopper_pearson(evidence.correct, evidence.labels, limits.alpha)
    return CheckResult(
        check="ground_truth.accuracy",
        column=evidence.column,
        outcome=_outcome(evidence, limits, share, high),
        message=f"{evidence.column}: {_sentence(evidence, limits, low, high)}",
        value=evidence.accuracy,
        limit=limits.min_accuracy,
        detail={"low": low, "high": high, "labels": evidence.labels, "truth_share": evidence.truth_share},
    )


def _outcome(evidence: TruthEvidence, limits: GroundTruthLimits, share: CheckResult, high: float) -> Outcome:
    if evidence.labels < limits.min_labels or share.outcome is Outcome.UNDECIDED:
        return Outcome.UNDECIDED
    return Outcome.BREACH if high < limits.min_accuracy else Outcome.PASS


def _sentence(evidence: TruthEvidence, limits: GroundTruthLimits, low: float, high: float) -> str:
    if evidence.accuracy is None:
        return f"no truth has arrived for {evidence.inferred} inferred values"
    text = (
        f"accuracy {evidence.accuracy:.4g}, {1 - limits.alpha:.0%} interval {low:.4g} to {high:.4g} over "
        f"{evidence.labels} labels (limit {limits.min_accuracy:g})"
    )
    if evidence.labels < limits.min_labels:
        return f"{text}; {limits.min_labels} labels are needed to decide"
    return f"{text}; the limit lies inside the interval" if low < limits.min_accuracy <= high else text


def _share(evidence: TruthEvidence, limits: GroundTruthLimits) -> CheckResult:
    share = evidence.truth_share
    enough = share is not None and share >= limits.min_truth_share
    return CheckResult(
        check="ground_truth.share",
        column=evidence.column,
        outcome=Outcome.PASS if enough else Outcome.UNDECIDED,
        message=f"{evidence.column}: the truth of {evidence.labels} of {evidence.inferred} inferred values is in"
        + (f" ({share:.1%}, {limits.min_truth_share:.1%} needed)" if share is not None else ""),
        value=share,
        limit=limits.min_truth_share,
    )
