"""The ground-truth guard: was the model right, now that the truth is in."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from airflow_provider_aiguard.core.evidence import DelayEvidence, TruthEvidence
from airflow_provider_aiguard.core.limits.ground_truth import ERRORS, GroundTruthLimits
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome, Severity
from airflow_provider_aiguard.stats import classification, regression
from airflow_provider_aiguard.stats.performance_estimate import estimated_accuracy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_aiguard.core.calibration import CalibrationBin, CalibrationEvidence
    from airflow_provider_aiguard.core.interval import Interval

_POSITIVE = {"true": {"true", "false"}, "1": {"0", "1"}}
"""The positive class of columns that need not name it, with all their classes."""

_CLASSES = {"f1": classification.f1, "precision": classification.precision, "recall": classification.recall}
_NUMBERS = {
    "mae": regression.mean_absolute_error,
    "rmse": regression.root_mean_squared_error,
    "bias": regression.bias,
}
_UNITS = ((86_400.0, "days"), (3_600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))


def evaluate(evidence: TruthEvidence, limits: GroundTruthLimits) -> list[CheckResult]:
    """Judge inferred values by the truth that has arrived.

    A metric breaches when its whole interval lies beyond the limit: chance is no excuse then, and no breach before. Too
    little truth is ``undecided``.

    :return: the checks ``ground_truth.<metric>`` and ``ground_truth.share``, always both, and ``ground_truth.delay`` if
        the evidence has it.
    """
    share = _share(evidence, limits)
    checks = [_metric(evidence, limits, share), share]
    return checks if evidence.delay is None else [*checks, _delay(evidence, evidence.delay, limits)]


def estimate(
    evidence: CalibrationEvidence, past: Sequence[CalibrationBin], runs: int, limits: GroundTruthLimits
) -> CheckResult:
    """Estimate the accuracy of claims from their confidences, while their truth is not in. Never decides.

    :param evidence: the confidences of the claims.
    :param past: confidences of earlier claims, and how many of those were right.
    :param runs: how many runs that is.
    """
    known, claims = sum(b.n for b in past), sum(b.n for b in evidence.claimed)
    found = estimated_accuracy(evidence.claimed, past, limits.alpha)
    enough = known >= limits.min_labels and found.value is not None
    about = f"{evidence.column}: an estimate, not the truth"
    if enough:
        sentence = (
            f"{about}: accuracy {_interval(found, limits)} of {claims} claims, from their confidences and {known} "
            f"labels of {runs} earlier runs (limit {limits.limit:g})"
        )
    else:
        sentence = (
            f"{about}: none yet, {claims} of {evidence.inferred} inferred values have a confidence and earlier runs "
            f"left {known} labels, {limits.min_labels} needed"
        )
    below = found.high < limits.limit
    return CheckResult(
        check="ground_truth.estimate",
        column=evidence.column,
        outcome=Outcome.UNDECIDED if not enough else Outcome.BREACH if below else Outcome.PASS,
        message=sentence,
        value=found.value if enough else None,
        limit=limits.limit,
        severity=Severity.WARN,
        detail={"low": found.low, "high": found.high, "claims": claims, "past_labels": known, "runs": runs},
    )


def _metric(evidence: TruthEvidence, limits: GroundTruthLimits, share: CheckResult) -> CheckResult:
    found = _measure(evidence, limits)
    detail = {"labels": evidence.labels, "truth_share": evidence.truth_share}
    outcome, ends = Outcome.UNDECIDED, {}
    if isinstance(found, str):
        sentence = found
    else:
        sentence = _sentence(evidence, limits, found)
        ends = {"low": _finite(found.low), "high": _finite(found.high)}
        if evidence.labels >= limits.needed and share.outcome is Outcome.PASS:
            outcome = Outcome.BREACH if _beyond(found, limits) else Outcome.PASS
    return CheckResult(
        check=f"ground_truth.{limits.metric}",
        column=evidence.column,
        outcome=outcome,
        message=f"{evidence.column}: {sentence}",
        value=None if isinstance(found, str) else found.value,
        limit=limits.limit,
        detail=ends | detail,
    )


def _measure(evidence: TruthEvidence, limits: GroundTruthLimits) -> Interval | str:
    """The metric, or why there is none."""
    metric = limits.metric
    if not evidence.labels:
        return f"no truth has arrived for {evidence.inferred} inferred values"
    if metric == "accuracy":
        return classification.share(evidence.correct, evidence.labels, limits.alpha)
    if metric in _NUMBERS:
        return _error(evidence, limits)
    if metric == "balanced_accuracy" or metric in _CLASSES:
        return _class_score(evidence, limits)
    if evidence.score is None or evidence.score.value is None:
        return f"{metric} has no value for these {evidence.labels} labels: a claim is NULL, or it is not defined"
    return evidence.score


def _error(evidence: TruthEvidence, limits: GroundTruthLimits) -> Interval | str:
    errors = evidence.errors
    unknown = evidence.labels - (errors.n if errors else 0)
    if errors is None or unknown:
        return f"{unknown} of {evidence.labels} labels have no error: claim or truth is no finite number"
    return _NUMBERS[limits.metric](errors, limits.alpha)


def _class_score(evidence: TruthEvidence, limits: GroundTruthLimits) -> Interval | str:
    if not evidence.confusion:
        return f"too many different values for {limits.metric}, which compares classes"
    if limits.metric == "balanced_accuracy":
        rarest = _rarest(evidence.confusion)
        if rarest < limits.min_labels:
            return f"balanced accuracy needs {limits.min_labels} labels of every class; the rarest has {rarest}"
        return classification.balanced_accuracy(evidence.confusion, limits.alpha)
    classes = {value for pair in evidence.confusion for value in pair} - {"NULL"}
    positive = _positive(limits, classes)
    if positive is None:
        return f"{limits.metric} is about one class, and there are {len(classes)}: name it with positive="
    found = _CLASSES[limits.metric](evidence.confusion, positive, limits.alpha)
    return found if found.value is not None else f"{limits.metric} is not defined: the positive class does not occur"


def _rarest(confusion: Mapping[tuple[str, str], int]) -> int:
    """Labels of the true class that has fewest."""
    labels: Counter[str] = Counter()
    for (_, truth), n in confusion.items():
        labels[truth] += n
    return min(labels.values())


def _positive(limits: GroundTruthLimits, classes: set[str]) -> str | None:
    if isinstance(limits.positive, bool):
        # A boolean that is compared with an integer is counted as one.
        return str(limits.positive).lower() if classes & {"true", "false"} else str(int(limits.positive))
    if limits.positive is not None:
        return str(limits.positive)
    return next((positive for positive, both in _POSITIVE.items() if classes <= both), None)


def _beyond(found: Interval, limits: GroundTruthLimits) -> bool:
    if limits.metric == "bias":
        return found.low > limits.limit or found.high < -limits.limit
    return found.low > limits.limit if limits.metric in ERRORS else found.high < limits.limit


def _sentence(evidence: TruthEvidence, limits: GroundTruthLimits, found: Interval) -> str:
    text = (
        f"{limits.metric.replace('_', ' ')} {_interval(found, limits)} over {evidence.labels} labels "
        f"(limit {limits.limit:g})"
    )
    if evidence.labels < limits.needed:
        return f"{text}; {limits.needed} labels are needed to decide"
    sides = (limits.limit, -limits.limit) if limits.metric == "bias" else (limits.limit,)
    return f"{text}; the limit lies inside the interval" if any(found.low < x <= found.high for x in sides) else text


def _interval(found: Interval, limits: GroundTruthLimits) -> str:
    return f"{found.value:.4g}, {1 - limits.alpha:.0%} interval {found.low:.4g} to {found.high:.4g}"


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


def _delay(evidence: TruthEvidence, delay: DelayEvidence, limits: GroundTruthLimits) -> CheckResult:
    limit, late = limits.max_delay, delay.late
    outcome = Outcome.PASS if late is None or limit is None or late <= limit else Outcome.BREACH
    unknown = f"; of {delay.unknown} more it is not known" if delay.unknown else ""
    if late is None or delay.median is None:
        sentence = f"how late the truth came is not known of any of {delay.unknown} labels"
    else:
        allowed = f" (limit {_time(limit)})" if limit is not None else ""
        sentence = (
            f"half of the truth came within {_time(delay.median)} after the claim, 95% within {_time(late)}{allowed}, "
            f"over {delay.n} labels{unknown}"
        )
    return CheckResult(
        check="ground_truth.delay",
        column=evidence.column,
        outcome=Outcome.UNDECIDED if late is None else outcome,
        message=f"{evidence.column}: {sentence}",
        value=late,
        limit=limit,
        severity=Severity.WARN if limit is None else Severity.ERROR,
        detail={"median": delay.median, "labels": delay.n, "unknown": delay.unknown},
    )


def _time(seconds: float) -> str:
    size, unit = next(((size, unit) for size, unit in _UNITS if abs(seconds) >= 2 * size), _UNITS[-1])
    return f"{seconds / size:.3g} {unit}"


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
