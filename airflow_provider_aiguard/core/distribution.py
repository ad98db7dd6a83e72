"""Distributions for people: a column of the reference and of the current table in a few cells, to be drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

_TUPLES = ("labels", "reference", "current", "borders")


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """One column of two tables on the same cells.

    :param column: the column.
    :param labels: what each cell holds, for people: a range, a category, an hour.
    :param reference: share of the reference's values in each cell, in [0, 1].
    :param current: share of the current table's values, likewise.
    :param borders: of numeric cells, one more than cells; empty for others.
    :param together: position of the cell that holds many categories at once, ``None`` if there is none. Drawn beside
        single ones it would dwarf them.
    """

    column: str
    labels: tuple[str, ...]
    reference: tuple[float, ...]
    current: tuple[float, ...]
    borders: tuple[float, ...] = ()
    together: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        data = asdict(self)
        return data | {name: list(data[name]) for name in _TUPLES}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Distribution:
        """The inverse of :meth:`to_dict`."""
        return cls(**{**data, **{name: tuple(data[name]) for name in _TUPLES}})
