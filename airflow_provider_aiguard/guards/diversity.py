"""The diversity guard: does the model still say different things?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from airflow_provider_aiguard.core.diversity import BLOCK, DistinctBlocks
from airflow_provider_aiguard.core.interval import Interval
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome
from airflow_provider_aiguard.stats.dominant_share import dominant_share
from airflow_provider_aiguard.stats.entropy import entropy
from airflow_provider_aiguard.stats.mean_interval import mean_interval
from airflow_provider_aiguard.stats.variance_ratio import is_constant, variance_ratio

if TYPE_CHECKING:
    from airflow_provider_aiguard.core.diversity import DiversityEvidence
    from airflow_provider_aiguard.core.limits.diversity import DiversityLimits

ROWS_A_VALUE = 10
"""Rows for each different value that the interval of the entropy needs."""

FEWEST_BLOCKS = 5
"""Blocks of n-grams that an interval of their mean needs."""


def evaluate(evidence: DiversityEvidence, limits: DiversityLimits) -> list[CheckResult]:
    """Judge how varied inferred values are. A breach needs the whole interval beyond the limit.

    :return: the checks ``diversity.entropy``, ``diversity.dominant_share``, ``diversity.distinct_<n>`` and
        ``diversity.variance`` whose limits were given.
    """
    checks = []
    if limits.min_entropy is not None:
        checks.append(_entropy(evidence, limits, limits.min_entropy))
    if limits.max_dominant_share is not None:
        checks.append(_dominant_share(evidence, limits, limits.max_dominant_share))
    for length, limit in (limits.min_distinct or {}).items():
        checks.append(_distinct(evidence, limits, length, limit))
    if limits.min_variance_ratio is not None:
        checks.append(_variance(evidence, limits, limits.min_variance_ratio))
    return checks


def _entropy(evidence: DiversityEvidence, limits: DiversityLimits, limit: float) -> CheckResult:
    bits = entropy(evidence.frequencies, limits.classes, limits.alpha)
    most = math.log2(max(2, limits.classes or evidence.levels))
    of = f"{evidence.levels} different values" + (f" of {limits.classes}" if limits.classes else "")
    why = _too_few(evidence, limits)
    if why is None and evidence.values < ROWS_A_VALUE * evidence.levels:
        why = f"{evidence.levels} different values in {evidence.values} rows: entropy needs {ROWS_A_VALUE} rows a value"
    found = Interval(None if bits.value is None else min(1.0, bits.value / most), bits.low / most, bits.high / most)
    return _at_least("entropy", f"normalised entropy of {of}", found, limit, evidence, limits, why)


def _dominant_share(evidence: DiversityEvidence, limits: DiversityLimits, limit: float) -> CheckResult:
    found = dominant_share(evidence.most, evidence.values, evidence.levels, limits.alpha)
    why = _too_few(evidence, limits)
    title = f"the most frequent of {evidence.levels} different values has a share of"
    decided = Outcome.BREACH if found.low > limit else Outcome.PASS
    return _check("dominant_share", title, found, limit, evidence, limits, why, decided)


def _distinct(evidence: DiversityEvidence, limits: DiversityLimits, length: int, limit: float) -> CheckResult:
    blocks = evidence.distinct.get(length, DistinctBlocks())
    n = max(1, blocks.n)
    found = mean_interval(blocks.n, blocks.total / n, blocks.squares / n, None, limits.alpha)
    why = None
    if blocks.n < FEWEST_BLOCKS:
        why = f"{blocks.n} blocks of {BLOCK} {length}-grams, {FEWEST_BLOCKS} needed"
    title = f"share of distinct {length}-grams in {blocks.n} blocks of {BLOCK}"
    return _at_least(f"distinct_{length}", title, found, limit, evidence, limits, why)


def _variance(evidence: DiversityEvidence, limits: DiversityLimits, limit: float) -> CheckResult:
    now, then = evidence.moments, evidence.reference
    if now is None or then is None:
        nothing = Interval(None, 0.0, math.inf)
        return _at_least("variance", "variance", nothing, limit, evidence, limits, "nothing was compared")
    found = variance_ratio(now, then, limits.alpha)
    why = None
    if min(now.n, then.n) < limits.min_rows:
        why = f"{now.n} numbers against {then.n} of the reference, {limits.min_rows} needed in each"
    elif now.unusable or then.unusable:
        why = f"{now.unusable} values, and {then.unusable} of the reference, are no finite numbers"
    elif is_constant(then):
        why = "the reference has one value: there is no variance to compare with"
    title = f"variance of {now.n} numbers over that of {then.n} of the reference"
    return _at_least("variance", title, found, limit, evidence, limits, why)


def _at_least(
    name: str,
    title: str,
    found: Interval,
    limit: float,
    evidence: DiversityEvidence,
    limits: DiversityLimits,
    why: str | None,
) -> CheckResult:
    decided = Outcome.BREACH if found.high < limit else Outcome.PASS
    return _check(name, title, found, limit, evidence, limits, why, decided)


def _check(
    name: str,
    title: str,
    found: Interval,
    limit: float,
    evidence: DiversityEvidence,
    limits: DiversityLimits,
    why: str | None,
    decided: Outcome,
) -> CheckResult:
    if why or found.value is None:
        sentence = why or f"{title} cannot be told"
    else:
        sentence = f"{title} {found.value:.4g}, {1 - limits.alpha:.0%} interval {found.low:.4g} to {found.high:.4g} "
        sentence += f"(limit {limit:g})"
        sentence += "; the limit lies inside the interval" if found.low < limit < found.high else ""
    ends = {"low": found.low, "high": found.high} if math.isfinite(found.high - found.low) else {}
    return CheckResult(
        check=f"diversity.{name}",
        column=evidence.column,
        outcome=Outcome.UNDECIDED if why or found.value is None else decided,
        message=f"{evidence.column}: {sentence}",
        value=found.value,
        limit=limit,
        detail=ends | {"values": evidence.values, "nulls": evidence.nulls, "levels": evidence.levels},
    )


def _too_few(evidence: DiversityEvidence, limits: DiversityLimits) -> str | None:
    if evidence.values >= limits.min_rows:
        return None
    nulls = f"; {evidence.nulls} more are NULL" if evidence.nulls else ""
    return f"{evidence.values} inferred values, {limits.min_rows} needed{nulls}"
