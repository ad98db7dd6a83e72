"""The drift guard: did the table change in a way that matters and is not chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_aiguard.core.limits.drift import DriftLimits
from airflow_provider_aiguard.core.profile import ColumnKind, ColumnProfile, TableProfile
from airflow_provider_aiguard.core.verdict import CheckResult, Severity
from airflow_provider_aiguard.guards.channels.choose import pairs_of, tests_of
from airflow_provider_aiguard.guards.judgement import judge, undecided
from airflow_provider_aiguard.stats.clopper_pearson import clopper_pearson

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MIN_CLUSTERS = 20
"""Clusters below which nothing sure is known of how far rows depend on each other."""


def evaluate(reference: TableProfile, current: TableProfile, limits: DriftLimits | None = None) -> list[CheckResult]:
    """Compare two profiles counted on the same cells.

    :param reference: the profile that made the cells, or another one counted on them.
    :param current: a profile made with ``reference=`` that one.
    :param limits: see :class:`DriftLimits`; its defaults if ``None``.
    :return: one check for each column and test (``drift.ks``, ``drift.categories``, ``drift.nulls``, …), a
        ``drift.column`` for each column that cannot be compared, and a ``drift.table`` if none can.
    """
    limits = limits or DriftLimits()
    refused = [why for why in (too_little("reference", reference), too_little("current table", current)) if why]
    if refused:
        return [undecided(refused[0])]
    names = limits.columns or tuple(reference.columns)
    obstacles = {name: obstacle(reference, current, name, limits) for name in names}
    free = [name for name, check in obstacles.items() if check is None]
    family = [channel for name in free for channel in tests_of(reference, current, name, limits)]
    family += pairs_of(reference, current, frozenset(free), limits)
    checks = judge(family, limits, note=note(reference, current, limits))
    checks += [check for check in obstacles.values() if check]
    return [*checks, *unjudged(checks, [reference, current], names)]


def unjudged(
    checks: Sequence[CheckResult], profiles: Sequence[TableProfile], names: Iterable[str]
) -> Iterator[CheckResult]:
    """Yield the check that keeps a table from passing of which nothing was judged.

    :param checks: those of its columns.
    :param profiles: the current one last, what it was compared with before it.
    :param names: the columns.
    """
    table = profiles[-1].table
    found = (profile.columns[name] for profile in profiles for name in names if name in profile.columns)
    if all(check.severity is Severity.WARN for check in checks):
        yield undecided(f"no column of {table!r} could be compared with what came before")
    elif not any(column.values or column.kind is ColumnKind.SKIPPED for column in found):
        yield undecided(f"{table!r} has no value in any column, and had none before")


def too_little(side: str, profile: TableProfile) -> str:
    """Why a profile cannot be compared at all; empty if it can."""
    if not profile.rows:
        return f"the {side} {profile.table!r} has no rows"
    if profile.clusters is not None and profile.clusters < MIN_CLUSTERS:
        return (
            f"the rows of the {side} {profile.table!r} come in {profile.clusters} clusters; {MIN_CLUSTERS} are needed "
            "to know how far rows depend on each other: profile more of them, or declare a design_effect"
        )
    return ""


def obstacle(reference: TableProfile, current: TableProfile, name: str, limits: DriftLimits) -> CheckResult | None:
    """Why a column cannot be compared, ``None`` if it can."""
    before, after = reference.columns.get(name), current.columns.get(name)
    if before is None or after is None:
        return undecided(f"the {'reference' if before is None else 'current table'} has no such column", name)
    if before.kind is ColumnKind.SKIPPED:
        return undecided(f"not comparable: {before.reason}", name, shown=name not in limits.columns)
    if after.kind is not before.kind:
        why = after.reason or f"it was {before.kind}, now it is {after.kind} ({after.type})"
        return undecided(f"not comparable: {why}", name)
    if (after.edges, after.levels) != (before.edges, before.levels) or not (_fits(before) and _fits(after)):
        return undecided("not counted on the cells of the reference: profile it with reference=", name)
    if not before.rows or not after.rows:
        return undecided("no rows of it were counted", name)
    return None


def note(reference: TableProfile, current: TableProfile, limits: DriftLimits) -> str:
    """What the rows were, if they were not all of the table, or counted for less."""
    return "".join(f" [{part}]" for part in (", ".join(_notes(reference, current, limits)),) if part)


def sampling_error(profile: TableProfile, design_effect: float = 1.0) -> float:
    """How far a share of the sampled rows may lie from that of all rows, at most, in 95 of 100 samples.

    Half the width of the exact interval of one half, the share that is known worst.

    :param profile: of a sample with rows.
    :param design_effect: the declared one; the largest that the profile estimated counts if that is larger.
    """
    estimated = (effect for column in profile.columns.values() for effect in column.design_effects.values())
    rows = max(1, int(profile.rows / max(design_effect, *estimated, 1.0)))
    low, high = clopper_pearson(rows // 2, rows)
    return (high - low) / 2


def _notes(reference: TableProfile, current: TableProfile, limits: DriftLimits) -> Iterator[str]:
    for side, whose in ((current, ""), (reference, " of the reference")):
        if side.sample < 1:
            error = 100 * sampling_error(side, limits.design_effect)
            yield f"{100 * side.sample:.2g}% sample{whose}: shares to within {error:.2g} points"
    for side, whose in ((current, ""), (reference, " of the reference")):
        if side.clusters is not None:
            yield f"{side.clusters:,} clusters{whose}"
    if limits.design_effect > 1:
        yield f"design effect of at least {limits.design_effect:g} declared"


def _fits(column: ColumnProfile) -> bool:
    """Whether there is a count for each cell."""
    if column.kind is ColumnKind.NUMERIC:
        return len(column.counts) == len(column.edges) + 1
    return column.kind is not ColumnKind.CATEGORICAL or len(column.counts) == len(column.levels)
