"""The cells of a numeric column: of equal mass in a sample of the reference, heavy values in cells of their own.

A cell's mass bounds what it can hide from a Kolmogorov-Smirnov distance. Uniform cells would be blind to a column with
95 % of its mass in one of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_aiguard.core.profile import ColumnProfile

TILES = 1_024
"""Most cells of equal mass. What a cell of 1/1024 hides is some 3e-5 at a million rows, a tenth of the KS distance that
chance alone makes of a million and a million."""

ROWS_IN_TILE = 4
"""Fewer rows than this say nothing of a cell's mass."""

SAMPLE_ROWS = 200_000
"""Rows of the reference that the cells and levels are made from, about; drawn at random if it has more. A tile holds
195 of them, so its mass is known to 7 %, and a cell's true mass is at most some 1.3/1024."""

_SLIVER = 0.01
"""Share of the outermost tile's width by which the grid may reach beyond the sample, for the sake of short numbers."""


@dataclass(frozen=True)
class Tile:
    """Rows of a sample that follow one another in order of value.

    :param low: lowest of their values.
    :param high: highest.
    :param rows: how many they are.
    :param total: sum of their values.
    """

    low: float
    high: float
    rows: int
    total: float

    @property
    def is_atom(self) -> bool:
        """Whether one value fills it."""
        return self.low == self.high and self.rows > 1


def tiles_for(rows: int) -> int:
    """How many tiles a sample of this size is cut into.

    >>> [tiles_for(rows) for rows in (0, 5, 1_000, 1_000_000)]
    [1, 1, 250, 1024]
    """
    return max(1, min(TILES, rows // ROWS_IN_TILE))


def learnt(column: ColumnProfile, tiles: Sequence[Tile]) -> ColumnProfile:
    """Make a column's cells, and what its sums are around, from its tiles.

    What lies below the lowest value and above the highest has a cell each, empty in the sample.

    :param tiles: by ascending value; empty if the sample has no number.
    """
    if not tiles:
        return column
    rows = sum(tile.rows for tile in tiles)
    mean = math.fsum(tile.total for tile in tiles) / rows
    edges = tuple(sorted({*_borders(tiles)}))
    return replace(column, edges=edges, center=mean, grid_values=rows)


def shortest(low: float, high: float) -> float:
    """Shortest decimal in ``[low, high)``, or one nearly as short.

    >>> shortest(0.12345, 0.12999), shortest(1.0, 1.0000000000000002), shortest(-0.2, 3.7)
    (0.124, 1.0, 0.0)
    """
    if low <= 0.0 < high:
        return 0.0
    exponent = math.floor(math.log10(high - low)) if 0.0 < high - low < math.inf else -400
    for power in (exponent, exponent - 1):
        if power >= -300:
            found = float(f"{math.ceil(low / 10.0**power)}e{power}")
            if low <= found < high:
                return found
    return low


def _borders(tiles: Sequence[Tile]) -> Iterator[float]:
    first, last = tiles[0], tiles[-1]
    yield math.nextafter(first.low, -math.inf) if first.low == first.high else _below(first)
    yield last.high if last.low == last.high else _above(last)
    for tile in tiles:
        if tile.is_atom:
            yield math.nextafter(tile.low, -math.inf)
            yield tile.high
    for tile, following in pairwise(tiles):
        if tile.is_atom or following.low == tile.high:
            yield tile.high
        elif not following.is_atom:
            yield shortest(tile.high, following.low)


def _below(tile: Tile) -> float:
    found = shortest(tile.low - _SLIVER * (tile.high - tile.low), tile.low)
    return found if found < tile.low else math.nextafter(tile.low, -math.inf)


def _above(tile: Tile) -> float:
    found = shortest(tile.high, tile.high + _SLIVER * (tile.high - tile.low))
    return found if math.isfinite(found) else tile.high
