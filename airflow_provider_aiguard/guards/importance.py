"""The importance guard: does the model still lean on the same features."""

from __future__ import annotations

import math

from airflow_provider_aiguard.core.importance import ImportanceEvidence
from airflow_provider_aiguard.core.limits.importance import ImportanceLimits
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome
from airflow_provider_aiguard.stats.rank_correlation import RankCorrelation, rank_correlation

_SHOWN = 3
"""Features that a message names."""


def evaluate(
    evidence: ImportanceEvidence, reference: ImportanceEvidence | None, limits: ImportanceLimits
) -> list[CheckResult]:
    """Compare the ranking of the features with an earlier one.

    It breaches when even the upper end of the interval of the rank correlation lies under the limit.

    :param evidence: the importances now.
    :param reference: those of an earlier run; ``None`` if there is none.
    :param limits: how stable is stable enough.
    :return: the check ``importance.rank_correlation``.
    """
    why = _why_not(evidence, reference, limits)
    if why or reference is None:
        return [_undecided(evidence, limits, why)]
    names = list(reference.importances)
    found = rank_correlation(
        [reference.importances[name] for name in names], [evidence.importances[name] for name in names], limits.alpha
    )
    if found.pairs < limits.min_pairs:
        why = f"the reference is sure of the order of {found.pairs} pairs of features, {limits.min_pairs} needed"
        return [_undecided(evidence, limits, f"{why}: take a larger sample for it")]
    return [_judged(found, evidence, reference, limits)]


def _why_not(evidence: ImportanceEvidence, reference: ImportanceEvidence | None, limits: ImportanceLimits) -> str:
    if evidence.rows < limits.min_rows:
        return f"{evidence.rows} rows with truth, {limits.min_rows} needed"
    if reference is None:
        return "the first run is what later ones are compared with"
    if set(reference.importances) != set(evidence.importances):
        return "the reference is of other features: begin a new series with another name="
    if reference.metric != evidence.metric:
        return f"the reference was measured by {reference.metric}: begin a new series with another name="
    sides = (("this run", evidence), ("the reference", reference))
    unranked = [side for side, known in sides if not _is_ranked(known)]
    return f"{unranked[0]} has too few rows for its repeats: no feature has an importance" if unranked else ""


def _is_ranked(evidence: ImportanceEvidence) -> bool:
    """Whether every feature has the replicates that an interval needs, all of them numbers."""
    return all(len(losses) > 1 and all(map(math.isfinite, losses)) for losses in evidence.importances.values())


def _judged(
    found: RankCorrelation, evidence: ImportanceEvidence, reference: ImportanceEvidence, limits: ImportanceLimits
) -> CheckResult:
    return CheckResult(
        check="importance.rank_correlation",
        outcome=Outcome.BREACH if found.high < limits.min_rank_correlation else Outcome.PASS,
        message=f"rank correlation {found.tau:.3g}, {1 - limits.alpha:.0%} interval {found.low:.3g} to {found.high:.3g}"
        f", over {found.pairs} pairs of features (limit {limits.min_rank_correlation:g}); {found.reversed} surely "
        f"turned; most important: {_top(evidence)}, in the reference {_top(reference)}",
        value=found.tau,
        limit=limits.min_rank_correlation,
        detail=_detail(evidence)
        | {"low": found.low, "high": found.high, "pairs": found.pairs, "reversed": found.reversed}
        | {"reference_model": reference.model},
    )


def _undecided(evidence: ImportanceEvidence, limits: ImportanceLimits, why: str) -> CheckResult:
    return CheckResult(
        check="importance.rank_correlation",
        outcome=Outcome.UNDECIDED,
        message=f"{why}; most important: {_top(evidence)}",
        limit=limits.min_rank_correlation,
        detail=_detail(evidence),
    )


def _detail(evidence: ImportanceEvidence) -> dict[str, object]:
    return {"model": evidence.model, "rows": evidence.rows, evidence.metric: abs(evidence.score)} | {
        "importance": {name: sum(losses) / len(losses) for name, losses in evidence.importances.items() if losses}
    }


def _top(evidence: ImportanceEvidence) -> str:
    ranked = sorted(evidence.importances, key=lambda name: -sum(evidence.importances[name]))
    return ", ".join(ranked[:_SHOWN]) or "none"
