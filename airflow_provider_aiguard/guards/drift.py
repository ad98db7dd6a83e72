"""The drift guard: did the table change in a way that matters and is not chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_aiguard.core.limits.drift import DriftLimits
from airflow_provider_aiguard.core.profile import ColumnKind, ColumnProfile, TableProfile
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome, Severity
from airflow_provider_aiguard.guards.channels import Channel, channels
from airflow_provider_aiguard.stats.holm import holm

if TYPE_CHECKING:
    from collections.abc import Sequence


def evaluate(reference: TableProfile, current: TableProfile, limits: DriftLimits | None = None) -> list[CheckResult]:
    """Compare two profiles counted on the same cells.

    :param reference: the profile that made the cells.
    :param current: a profile made with ``reference=`` that one.
    :param limits: see :class:`DriftLimits`; its defaults if ``None``.
    :return: one check for each column and test (``drift.ks``, ``drift.categories``, ``drift.nulls``, ``drift.nans``,
        ``drift.unseen``), and a ``drift.column`` for each column that cannot be compared.
    """
    limits = limits or DriftLimits()
    for name, profile in (("reference", reference), ("current table", current)):
        if not profile.rows:
            return [_undecided(f"the {name} {profile.table!r} has no rows")]
    names = limits.columns or tuple(reference.columns)
    obstacles = {
        name: _obstacle(name, reference.columns.get(name), current.columns.get(name), limits) for name in names
    }
    family = [
        channel
        for name, obstacle in obstacles.items()
        if obstacle is None
        for channel in channels(reference.columns[name], current.columns[name], show_levels=limits.show_levels)
    ]
    checks = [*_judge(family, limits), *(check for check in obstacles.values() if check)]
    if all(check.severity is Severity.WARN for check in checks):
        checks.append(_undecided(f"no column of {current.table!r} could be compared with the reference"))
    return checks


def _judge(family: Sequence[Channel], limits: DriftLimits) -> list[CheckResult]:
    adjusted = holm([channel.p_value for channel in family])
    return [_check(channel, p, len(family), limits) for channel, p in zip(family, adjusted, strict=True)]


def _check(channel: Channel, adjusted: float, tests: int, limits: DriftLimits) -> CheckResult:
    floor, must_see = limits.min_effect[channel.test], limits.must_see.get(channel.test, 1.0)
    smallest = channel.detectable(limits.alpha / tests)
    outcome = Outcome.PASS
    if adjusted <= limits.alpha and channel.effect >= floor:
        outcome = Outcome.BREACH
    elif smallest > must_see:
        outcome = Outcome.UNDECIDED
    return CheckResult(
        check=f"drift.{channel.test}",
        column=channel.column,
        outcome=outcome,
        message=f"{channel.column}: {channel.seen} (limit {floor:g}){_remark(channel, outcome, smallest, must_see)}",
        value=channel.effect,
        limit=floor,
        severity=Severity.WARN if channel.optional and column_is_free(channel.column, limits) else Severity.ERROR,
        detail={
            **channel.detail,
            "p_value": channel.p_value,
            "adjusted_p_value": adjusted,
            "smallest_visible": smallest,
        },
    )


def _remark(channel: Channel, outcome: Outcome, smallest: float, must_see: float) -> str:
    if outcome is Outcome.BREACH:
        return ""
    if smallest >= 1:
        visible = "no change would have been seen"
    else:
        visible = f"smallest change it would have seen: {channel.unit(smallest)}"
    if outcome is Outcome.PASS:
        return f"; {visible}"
    return f"; {visible}, but {channel.unit(must_see)} must be seen: compare more rows or raise must_see"


def column_is_free(column: str, limits: DriftLimits) -> bool:
    """Whether a column was compared because it was there, not because the author named it."""
    return column not in limits.columns


def _obstacle(
    name: str, reference: ColumnProfile | None, current: ColumnProfile | None, limits: DriftLimits
) -> CheckResult | None:
    """Why two columns cannot be compared, ``None`` if they can."""
    if reference is None or current is None:
        return _undecided(f"the {'reference' if reference is None else 'current table'} has no such column", name)
    if reference.kind is ColumnKind.SKIPPED:
        return _undecided(f"not comparable: {reference.reason}", name, limits)
    if current.kind is not reference.kind:
        why = current.reason or f"it was {reference.kind}, now it is {current.kind} ({current.type})"
        return _undecided(f"not comparable: {why}", name)
    if (current.edges, current.levels) != (reference.edges, reference.levels):
        return _undecided("not counted on the cells of the reference: profile it with reference=", name)
    return None


def _undecided(why: str, column: str | None = None, limits: DriftLimits | None = None) -> CheckResult:
    """Make an undecided check; only shown if ``limits`` is given and does not name the column."""
    free = limits is not None and column is not None and column_is_free(column, limits)
    return CheckResult(
        check="drift.column" if column else "drift.table",
        column=column,
        outcome=Outcome.UNDECIDED,
        message=f"{column}: {why}" if column else why,
        severity=Severity.WARN if free else Severity.ERROR,
    )
