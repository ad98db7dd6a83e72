"""A channel, which is one test of one column, and the pair of profiles that it is made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_aiguard.core.profile import ColumnProfile
from airflow_provider_aiguard.stats.detectable import shift_in_sd


@dataclass(frozen=True, kw_only=True)
class Channel:
    """One test of one column.

    :param test: its name, such as ``ks``.
    :param column: the column.
    :param p_value: of "nothing changed", before any correction.
    :param effect: size of the change without what chance alone adds.
    :param seen: the change in words.
    :param detectable: the smallest change found with power 0.8, by the level of this one test.
    :param unit: that change in words.
    :param nothing: changes from this size on do not exist: a smallest change so large means that none is seen.
    :param optional: whether the outcome is only shown, unless the author named the column.
    :param idle: whether nothing of what it counts was seen on either side, so that it cannot alarm.
    :param blind: why the test says nothing about this column; empty if it does.
    :param detail: further numbers for machines.
    """

    test: str
    column: str
    p_value: float = 1.0
    effect: float = 0.0
    seen: str = ""
    detectable: Callable[[float], float] = lambda _: 1.0
    unit: Callable[[float], str] = str
    nothing: float = 1.0
    optional: bool = False
    idle: bool = False
    blind: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two profiles of a column counted on the same cells, and how many rows their rows count for.

    Rows in clusters say less than independent ones: counts are divided by the design effect before they are tested.

    :param reference: the earlier profile.
    :param current: the one that is judged.
    :param design_effects: of reference and current, by ``values`` and ``nulls``.
    :param show_levels: whether short categories may be named.
    """

    reference: ColumnProfile
    current: ColumnProfile
    design_effects: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    show_levels: bool = False

    @property
    def name(self) -> str:
        """The column."""
        return self.reference.name

    @property
    def sizes(self) -> tuple[float, float]:
        """Rows with a value that count, of reference and current."""
        before, after = self.factors("values")
        return self.reference.values / before, self.current.values / after

    def factors(self, channel: str) -> tuple[float, float]:
        """Design effects of reference and current for ``values`` or ``nulls``."""
        return self.design_effects.get(channel, (1.0, 1.0))

    def counts(self) -> tuple[list[float], list[float]]:
        """Rows by cell that count, of reference and current."""
        before, after = self.factors("values")
        return thinned(self.reference.counts, before), thinned(self.current.counts, after)


def thinned(counts: tuple[int, ...], factor: float) -> list[float]:
    """Counts that independent rows would have to say as much."""
    return list(counts) if factor == 1 else [n / factor for n in counts]


def points(what: str, change: float) -> str:
    """A change of a share in words."""
    return f"{change * 100:.2g} percentage points of {what}"


def in_sd(distance: float) -> str:
    """A Kolmogorov-Smirnov distance in words."""
    return f"{shift_in_sd(distance):.2g} sd (KS {distance:.2g})"


def moved(distance: float) -> str:
    """A total variation distance in words."""
    return f"{distance:.1%} of the rows moved between categories"
