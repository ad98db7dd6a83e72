"""The skew guard: does the same entity have the same features at training and at serving."""

from __future__ import annotations

from airflow_provider_aiguard.core.limits.skew import SkewLimits
from airflow_provider_aiguard.core.skew import SkewEvidence
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome
from airflow_provider_aiguard.stats.clopper_pearson import clopper_pearson


def evaluate(evidence: SkewEvidence, limits: SkewLimits) -> list[CheckResult]:
    """Judge two tables joined by key.

    A share breaches when even the lower end of its exact interval lies above the limit; all columns together falsely in
    at most ``alpha`` of the cases.

    :return: the checks ``skew.unmatched``, ``skew.type`` for each column that has another type on each side, and
        ``skew.mismatch`` for each other column.
    """
    alpha = limits.alpha / (1 + len(evidence.mismatches))
    columns = [_mismatch(name, number, evidence, limits, alpha) for name, number in evidence.mismatches.items()]
    return [_unmatched(evidence, limits, alpha), *_types(evidence), *columns]


def _unmatched(evidence: SkewEvidence, limits: SkewLimits, alpha: float) -> CheckResult:
    keys, alone = evidence.keys, evidence.unmatched
    low, high = clopper_pearson(alone, keys, alpha)
    outcome = Outcome.BREACH if low > limits.max_unmatched else Outcome.PASS
    if not min(evidence.rows, evidence.serving_rows) or keys < limits.min_rows:
        outcome = Outcome.UNDECIDED
    return CheckResult(
        check="skew.unmatched",
        outcome=outcome,
        message=f"{evidence.rows - evidence.joined} of {evidence.rows} keys are in {evidence.table!r} only, "
        f"{evidence.serving_rows - evidence.joined} of {evidence.serving_rows} in {evidence.serving!r} only"
        + (f" ({alone / keys:.3g} of all, {limits.max_unmatched:g} allowed)" if keys else ""),
        value=alone / keys if keys else None,
        limit=limits.max_unmatched,
        detail={"low": low, "high": high, "joined": evidence.joined},
    )


def _types(evidence: SkewEvidence) -> list[CheckResult]:
    return [
        CheckResult(
            check="skew.type",
            column=name,
            outcome=Outcome.BREACH,
            message=f"{name}: of type {first} in {evidence.table!r}, {second} in {evidence.serving!r}",
        )
        for name, (first, second) in evidence.types.items()
    ]


def _mismatch(name: str, number: int, evidence: SkewEvidence, limits: SkewLimits, alpha: float) -> CheckResult:
    joined = evidence.joined
    low, high = clopper_pearson(number, joined, alpha)
    outcome = Outcome.BREACH if low > limits.max_mismatch else Outcome.PASS
    message = f"{name}: {number} of {joined} joined rows differ"
    if joined:
        message += f" ({number / joined:.3g}, at least {low:.3g}; {limits.max_mismatch:g} allowed)"
    if joined < limits.min_rows:
        outcome, message = Outcome.UNDECIDED, f"{message}; {limits.min_rows} joined rows are needed to decide"
    return CheckResult(
        check="skew.mismatch",
        column=name,
        outcome=outcome,
        message=message,
        value=number / joined if joined else None,
        limit=limits.max_mismatch,
        detail={"low": low, "high": high, "mismatches": number, "joined": joined},
    )
