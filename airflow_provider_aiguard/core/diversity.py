"""Evidence on diversity: how often the values of a column occur, never which they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

BLOCK = 1_000
"""n-grams in a block of texts. Distinct-n falls with the length of a text: blocks of one length can be compared."""


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Central moments of numbers.

    :param n: finite numbers.
    :param mean: their mean.
    :param second: sum of (x - mean)**2.
    :param fourth: sum of (x - mean)**4.
    :param unusable: values that are NaN, infinite or too large to be raised to the fourth power.
    """

    n: int
    mean: float
    second: float
    fourth: float
    unusable: int = 0


@dataclass(frozen=True, kw_only=True)
class DistinctBlocks:
    """Shares of distinct n-grams, one a block of :data:`BLOCK` n-grams.

    :param n: full blocks.
    :param total: sum of their shares.
    :param squares: sum of the squared shares.
    """

    n: int = 0
    total: float = 0.0
    squares: float = 0.0


@dataclass(frozen=True, kw_only=True)
class DiversityEvidence:
    """How varied the inferred values of a column are.

    :param column: the AI-touched column.
    :param nulls: inferred cells that are NULL.
    :param frequencies: how many different values occur so many times: ``{1: 40, 7: 2}`` is 40 that occur once and 2
        that occur seven times. NULL is no value.
    :param moments: of a numeric column, if its variance is asked for.
    :param reference: of the rows it is compared with.
    :param distinct: of a text column, by length of the n-grams.
    """

    column: str
    nulls: int = 0
    frequencies: Mapping[int, int] = field(default_factory=dict)
    moments: Moments | None = None
    reference: Moments | None = None
    distinct: Mapping[int, DistinctBlocks] = field(default_factory=dict)

    @property
    def values(self) -> int:
        """Inferred cells that hold a value."""
        return sum(times * levels for times, levels in self.frequencies.items())

    @property
    def levels(self) -> int:
        """Different values."""
        return sum(self.frequencies.values())

    @property
    def most(self) -> int:
        """How often the most frequent value occurs; 0 if there is none."""
        return max(self.frequencies, default=0)

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        data = asdict(self)
        data["frequencies"] = [list(pair) for pair in self.frequencies.items()]
        data["distinct"] = [[n, asdict(blocks)] for n, blocks in self.distinct.items()]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> DiversityEvidence:
        """The inverse of :meth:`to_dict`."""
        moments = {name: None if data[name] is None else Moments(**data[name]) for name in ("moments", "reference")}
        frequencies = {int(times): int(levels) for times, levels in data["frequencies"]}
        distinct = {int(n): DistinctBlocks(**blocks) for n, blocks in data["distinct"]}
        return cls(**{**data, **moments, "frequencies": frequencies, "distinct": distinct})
