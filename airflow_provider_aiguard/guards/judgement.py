"""From tests to checks: breach, undecided or pass, over all tests of a table together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from airflow_provider_aiguard.core.verdict import CheckResult, Outcome, Severity
from airflow_provider_aiguard.guards.channels.base import Channel
from airflow_provider_aiguard.stats.holm import holm

if TYPE_CHECKING:
    from airflow_provider_aiguard.core.limits.drift import DriftLimits


def judge(
    family: Sequence[Channel], limits: DriftLimits, *, note: str = "", must_see: Mapping[str, float] | None = None
) -> list[CheckResult]:
    """Judge the tests of a table.

    Idle tests take no part in the family, because they cannot be a false alarm: the NULLs of a column that has none on
    either side (Tarone, R. E. (1990). A modified Bonferroni method for discrete data. *Biometrics* 46(2), 515-522).

    :param family: all of them: ``alpha`` is shared among those that can alarm.
    :param note: what messages end with.
    :param must_see: overrides that of ``limits``.
    """
    active = [channel for channel in family if not channel.blind and not channel.idle]
    adjusted = iter(holm([channel.p_value for channel in active]))
    demands = limits.must_see if must_see is None else must_see
    checks = []
    for channel in family:
        if channel.blind:
            checks.append(_blind(channel, limits))
            continue
        p_value = 1.0 if channel.idle else next(adjusted)
        smallest = channel.detectable(limits.alpha / (len(active) + channel.idle))
        demand = demands.get(channel.test, math.inf)
        checks.append(_check(channel, limits, p_value=p_value, smallest=smallest, must_see=demand, note=note))
    return checks


def undecided(why: str, column: str | None = None, *, shown: bool = False) -> CheckResult:
    """Make the check of a column, or of the table, that cannot be compared.

    :param shown: whether it is only shown.
    """
    return CheckResult(
        check="drift.column" if column else "drift.table",
        column=column,
        outcome=Outcome.UNDECIDED,
        message=f"{column}: {why}" if column else why,
        severity=Severity.WARN if shown else Severity.ERROR,
    )


def _check(
    channel: Channel, limits: DriftLimits, *, p_value: float, smallest: float, must_see: float, note: str
) -> CheckResult:
    floor = limits.min_effect[channel.test]
    outcome = Outcome.PASS
    if p_value <= limits.alpha and channel.effect >= floor:
        outcome = Outcome.BREACH
    elif smallest > must_see or smallest >= channel.nothing:
        outcome = Outcome.UNDECIDED
    # What nobody demanded to be seen is shown as unseen: no pass, and no reason to stop.
    shown = outcome is Outcome.UNDECIDED and smallest <= must_see
    seen = f"{channel.seen} (limit {floor:g})"
    return CheckResult(
        check=f"drift.{channel.test}",
        column=channel.column,
        outcome=outcome,
        message=f"{channel.column}: {seen}{_remark(channel, outcome, smallest, must_see)}{note}",
        value=_finite(channel.effect),
        limit=floor,
        severity=Severity.WARN if shown else _severity(channel, limits),
        detail={
            **channel.detail,
            "p_value": channel.p_value,
            "adjusted_p_value": p_value,
            "smallest_visible": _finite(smallest),
        },
    )


def _blind(channel: Channel, limits: DriftLimits) -> CheckResult:
    return CheckResult(
        check=f"drift.{channel.test}",
        column=channel.column,
        outcome=Outcome.UNDECIDED,
        message=f"{channel.column}: {channel.blind}",
        severity=_severity(channel, limits),
    )


def _severity(channel: Channel, limits: DriftLimits) -> Severity:
    return Severity.WARN if channel.optional and channel.column not in limits.columns else Severity.ERROR


def _remark(channel: Channel, outcome: Outcome, smallest: float, must_see: float) -> str:
    if outcome is Outcome.BREACH:
        return ""
    if smallest >= channel.nothing:
        visible = "no change would have been seen"
    else:
        visible = f"smallest change it would have seen: {channel.unit(smallest)}"
    if smallest <= must_see:
        return f"; {visible}"
    return f"; {visible}, but {channel.unit(must_see)} must be seen: compare more rows or raise must_see"


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
