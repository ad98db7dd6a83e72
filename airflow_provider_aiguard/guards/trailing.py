"""The drift guard against several batches: did the table change by more than it does from batch to batch.

With a million rows a batch every batch differs significantly from the one before it. What ordinary wobble is, only
several batches can say: each column's mean, spread and shares are taken as one number a batch, and the new number has
to leave the prediction interval of the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from airflow_provider_aiguard.core.limits.drift import DriftLimits
from airflow_provider_aiguard.core.profile import ColumnProfile, TableProfile
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome
from airflow_provider_aiguard.guards.channels.base import Channel
from airflow_provider_aiguard.guards.channels.batches import BUILDERS, MIN_BATCHES, Series
from airflow_provider_aiguard.guards.channels.choose import factors
from airflow_provider_aiguard.guards.drift import note, obstacle, too_little, unjudged
from airflow_provider_aiguard.guards.judgement import judge, undecided

PATIENCE = 2.0
"""By what ``must_see`` is multiplied. What bounds sight here is the wobble between batches, which no row more reduces;
with the demands made of two samples, eight batches that wobble by 0.05 standard deviations would decide nothing."""

_WORST_FIRST = (Outcome.BREACH, Outcome.UNDECIDED, Outcome.PASS)


def evaluate(
    batches: Sequence[TableProfile], current: TableProfile, limits: DriftLimits | None = None
) -> list[CheckResult]:
    """Compare a batch with those before it.

    :param batches: their profiles, oldest first; those without rows do not count.
    :param current: a profile on the same cells.
    :param limits: see :class:`DriftLimits`; its defaults if ``None``.
    :return: one check for each column and test (``drift.mean``, ``drift.spread``, ``drift.levels``, ``drift.unseen``,
        ``drift.nulls``, ``drift.nans``), and a ``drift.column`` for each column that cannot be compared.
    """
    limits = limits or DriftLimits()
    refused = too_little("current table", current)
    if refused:
        return [undecided(refused)]
    known = [batch for batch in batches if not too_little("batch", batch)]
    if len(known) < MIN_BATCHES:
        return [undecided(f"{len(known)} batches are known; {MIN_BATCHES} are needed to know how they wobble")]
    names = limits.columns or tuple(dict.fromkeys(name for batch in known for name in batch.columns))
    family: list[Channel] = []
    checks: list[CheckResult] = []
    for name in names:
        series = _series(known, current, name, limits)
        if isinstance(series, CheckResult):
            checks.append(series)
        else:
            family += _tests_of(series, limits)
    demands = {test: PATIENCE * smallest for test, smallest in limits.must_see.items()}
    judged = judge(family, limits, note=note(known[-1], current, limits), must_see=demands)
    checks = [*_worst(judged), *checks]
    return [*checks, *unjudged(checks, [*known, current], names)]


def _series(
    batches: Sequence[TableProfile], current: TableProfile, name: str, limits: DriftLimits
) -> Series | CheckResult:
    """The column in all batches that counted it on the same cells, or why there are too few."""
    obstacles = [obstacle(batch, current, name, limits) for batch in batches]
    alike = [batch for batch, found in zip(batches, obstacles, strict=True) if found is None]
    if len(alike) >= MIN_BATCHES:
        columns: list[ColumnProfile] = [batch.columns[name] for batch in alike]
        weights = [factors(batch, current, name, "values", limits) for batch in alike]
        return Series(
            batches=columns,
            current=current.columns[name],
            factors=[*(before for before, _ in weights), max(after for _, after in weights)],
            show_levels=limits.show_levels,
        )
    last = next(found for found in reversed(obstacles) if found)
    few = f"{last.message} ({len(alike)} of {len(batches)} batches are comparable, {MIN_BATCHES} are needed)"
    return replace(last, message=few)


def _tests_of(series: Series, limits: DriftLimits) -> Iterator[Channel]:
    kind, chosen = series.current.kind, limits.chosen(series.name)
    builders = BUILDERS[kind]
    names = [name for name in builders if chosen is None or name in chosen]
    for name in names:
        yield from builders[name](series)
    for name in limits.methods.get(series.name, ()):
        if name not in builders:
            blind = f"{name} does not compare a {kind} column with several batches; name some of {[*builders]!r}"
            yield Channel(test=name, column=series.name, blind=blind)
    if not names and series.name not in limits.methods:
        blind = f"none of the methods for every column compares a {kind} one with several batches"
        yield Channel(test="column", column=series.name, blind=blind, optional=True)


def _worst(checks: Sequence[CheckResult]) -> list[CheckResult]:
    """Keep, of several categories of a column, the one that says most."""
    kept: dict[tuple[str, str | None], CheckResult] = {}
    for check in checks:
        key = check.check, check.column
        if key not in kept or _rank(check) < _rank(kept[key]):
            kept[key] = check
    return [*kept.values()]


def _rank(check: CheckResult) -> tuple[int, float]:
    return _WORST_FIRST.index(check.outcome), (check.detail or {}).get("adjusted_p_value", 0.0)
