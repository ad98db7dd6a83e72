"""The confidence guard: is the model sure enough of what it wrote."""

from __future__ import annotations

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.evidence import ConfidenceEvidence
from airflow_provider_aiguard.core.limits.confidence import ConfidenceLimits
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome


def evaluate(evidence: ConfidenceEvidence, limits: ConfidenceLimits) -> list[CheckResult]:
    """Judge the confidences of one column. A missing confidence never passes.

    :return: the checks ``confidence.missing``, and ``confidence.mean``, ``confidence.share_below`` and
        ``confidence.entropy`` where limited.
    :raises ConfigurationError: if the evidence was not counted below the limits' threshold.
    """
    checks = [_missing(evidence, limits)]
    if limits.min_mean is not None:
        checks.append(_mean(evidence, limits, limits.min_mean))
    if limits.max_share_below is not None:
        checks.append(_share_below(evidence, limits, *limits.max_share_below))
    if limits.max_entropy is not None:
        checks.append(_entropy(evidence, limits, limits.max_entropy))
    return checks


def _missing(evidence: ConfidenceEvidence, limits: ConfidenceLimits) -> CheckResult:
    column, limit = evidence.column, limits.max_missing_share
    unusable = evidence.confidence.missing + evidence.out_of_range
    if _too_few(evidence, limits):
        return _undecided("confidence.missing", evidence, limits, limit)
    share = unusable / evidence.inferred
    outside = f", {evidence.out_of_range} of them no number in [0, 1]" if evidence.out_of_range else ""
    return CheckResult(
        check="confidence.missing",
        column=column,
        outcome=Outcome.BREACH if share > limit else Outcome.PASS,
        message=f"{column}: {unusable} of {evidence.inferred} inferred values without a confidence{outside} "
        f"({share:.1%}, limit {limit:.1%})",
        value=share,
        limit=limit,
        detail={"rows": evidence.rows, "unlabelled": evidence.unlabelled, "inferred": evidence.inferred},
    )


def _mean(evidence: ConfidenceEvidence, limits: ConfidenceLimits, limit: float) -> CheckResult:
    mean = evidence.confidence.mean
    if mean is None or _too_few(evidence, limits):
        return _undecided("confidence.mean", evidence, limits, limit)
    return CheckResult(
        check="confidence.mean",
        column=evidence.column,
        outcome=Outcome.PASS if mean >= limit else Outcome.BREACH,
        message=f"{evidence.column}: mean confidence {mean:.4g} over {evidence.confidence.count} values "
        f"(limit {limit:g})",
        value=mean,
        limit=limit,
        detail={"minimum": evidence.minimum, "median": evidence.confidence.quantile(0.5)},
    )


def _share_below(evidence: ConfidenceEvidence, limits: ConfidenceLimits, threshold: float, limit: float) -> CheckResult:
    if _too_few(evidence, limits):
        return _undecided("confidence.share_below", evidence, limits, limit)
    if threshold not in evidence.below:
        raise ConfigurationError(
            f"The evidence of {evidence.column!r} was counted below {sorted(evidence.below)!r}, not below "
            f"{threshold!r}. Pass below={limits.thresholds!r} when it is gathered."
        )
    share = (evidence.below[threshold] + evidence.confidence.missing + evidence.out_of_range) / evidence.inferred
    return CheckResult(
        check="confidence.share_below",
        column=evidence.column,
        outcome=Outcome.BREACH if share > limit else Outcome.PASS,
        message=f"{evidence.column}: {share:.1%} of the inferred values have a confidence under {threshold:g} "
        f"(limit {limit:.1%})",
        value=share,
        limit=limit,
        detail={"threshold": threshold},
    )


def _entropy(evidence: ConfidenceEvidence, limits: ConfidenceLimits, limit: float) -> CheckResult:
    bits = evidence.entropy
    if bits is None or _too_few(evidence, limits):
        return _undecided("confidence.entropy", evidence, limits, limit)
    return CheckResult(
        check="confidence.entropy",
        column=evidence.column,
        outcome=Outcome.PASS if bits <= limit else Outcome.BREACH,
        message=f"{evidence.column}: mean entropy {bits:.3f} bit over {evidence.confidence.count} confidences "
        f"(limit {limit:g})",
        value=bits,
        limit=limit,
    )


def _too_few(evidence: ConfidenceEvidence, limits: ConfidenceLimits) -> bool:
    return evidence.inferred < limits.min_rows


def _undecided(check: str, evidence: ConfidenceEvidence, limits: ConfidenceLimits, limit: float) -> CheckResult:
    if _too_few(evidence, limits):
        why = f"{evidence.inferred} inferred values in {evidence.rows} rows, {limits.min_rows} needed"
        why += f"; {evidence.unlabelled} rows have no provenance" if evidence.unlabelled else ""
    else:
        why = f"none of the {evidence.inferred} inferred values has a confidence"
    message = f"{evidence.column}: {why}"
    return CheckResult(check=check, column=evidence.column, outcome=Outcome.UNDECIDED, message=message, limit=limit)
