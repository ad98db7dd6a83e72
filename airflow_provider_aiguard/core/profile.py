"""Profiles: a few KB of counts that stand for a table when it is compared with another.

A profile is counts on a *grid*: cells, levels and centres that were made from a reference. Two profiles on one grid are
two samples on the same cells, and add up to the profile of both their rows.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from itertools import pairwise
from typing import Any

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.profile_form import forged, pack, require_column, require_table, unpack

VERSION = 2
"""Version of the stored form. A profile of another version is refused, never guessed at."""

BUCKETS = 16
"""Cells for the values of a categorical column that are no level: by the first hexadecimal digit of their MD5."""

LENGTH_EDGES = (0, *(round(2 ** (i / 2)) for i in range(2, 33)))
"""Upper borders of the cells of text lengths, in characters: 0, 2, 3, 4, 6, 8, … 65,536; one more cell above."""

PATTERNS = ("empty", "padded", "spaced", "letterless", "lower", "upper")
"""What is counted of texts: no character; blanks at an end; a blank inside; no letter; letters in lower case only; in
upper case only. A letter is one of a to z: which others have a case depends on the database. A text counts under each
that holds."""

HOURS_OF_WEEK = 168
"""Cells of a column of times: weekday (Monday 0) times 24 plus hour."""

_GRID = ("kind", "edges", "center", "levels", "cutoff", "tail", "tail_next", "grid_values")
_PACKED = ("edges", "counts")
_TUPLES = ("edges", "counts", "levels", "buckets", "unseen", "lengths")


class ColumnKind(StrEnum):
    """How a column is summarised."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    TEMPORAL = "temporal"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True)
class ColumnProfile:
    """One column in counts. ``rows = nulls + nans + sum(counts) + other``.

    The grid, made from the reference and kept for whatever is compared with it:

    :param name: the column.
    :param kind: numeric, categorical, temporal, or skipped because it cannot be compared.
    :param type: the column's SQL type, for people.
    :param edges: upper borders of the numeric cells, ascending: cell i holds ``edges[i-1] < x <= edges[i]``, and
        one more cell holds what is above the last.
    :param center: what the sums of a numeric column are around: near the reference's mean.
    :param levels: the values of a categorical column that are counted one by one, as text, cut at 100 characters.
    :param cutoff: how often a value had to occur in the reference to become a level; 1 keeps them all.
    :param tail: reference rows with values that occurred at most ``cutoff`` times. The Good-Turing estimate of how
        many rows of an equal sample have a value that is no level.
    :param tail_next: reference values that occurred exactly ``cutoff + 1`` times: needed for that estimate's error.
    :param grid_values: rows with a value in the sample that the grid was made from.

    The counts:

    :param learnt: whether the grid was made from these very rows.
    :param rows: rows looked at.
    :param nulls: rows where it is NULL.
    :param nans: rows where it is NaN; always 0 where the database stores NaN as NULL.
    :param counts: rows by numeric cell, ``len(edges) + 1`` of them, infinities in the outermost; or by level; or, for
        times, by hour of the week.
    :param buckets: rows of a categorical column whose value is no level, by :data:`BUCKETS`; empty if it has no other.
    :param unseen: first and last of those values in sort order, cut likewise; one if there is only one.
    :param finite: rows with a number in the moments: neither infinite nor beyond 1e140.
    :param total: sum of ``x - center`` over them.
    :param squares: sum of ``(x - center) ** 2`` over them.
    :param minimum: lowest of them; seconds since 1970 for times.
    :param maximum: highest of them.
    :param lengths: rows of a text column by length, on :data:`LENGTH_EDGES`.
    :param length_sum: sum of the lengths.
    :param length_squares: sum of their squares.
    :param patterns: rows by :data:`PATTERNS`.
    :param design_effects: by what clusters inflate the variance, by channel: ``values`` and ``nulls``; empty if rows
        count as independent.
    :param reason: why a skipped column was skipped.
    """

    name: str
    kind: ColumnKind
    type: str
    edges: tuple[float, ...] = ()
    center: float = 0.0
    levels: tuple[str, ...] = ()
    cutoff: int = 1
    tail: int = 0
    tail_next: int = 0
    grid_values: int = 0
    learnt: bool = False
    rows: int = 0
    nulls: int = 0
    nans: int = 0
    counts: tuple[int, ...] = ()
    buckets: tuple[int, ...] = ()
    unseen: tuple[str, ...] = ()
    finite: int = 0
    total: float = 0.0
    squares: float = 0.0
    minimum: float | None = None
    maximum: float | None = None
    lengths: tuple[int, ...] = ()
    length_sum: int = 0
    length_squares: int = 0
    patterns: Mapping[str, int] = field(default_factory=dict)
    design_effects: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""

    @property
    def values(self) -> int:
        """Rows that hold a value: neither NULL nor NaN."""
        return self.rows - self.nulls - self.nans

    @property
    def infinite(self) -> int:
        """Rows of a numeric column that hold no number with a square: infinite, or beyond 1e140."""
        return self.values - self.finite if self.kind is ColumnKind.NUMERIC else 0

    @property
    def other(self) -> int:
        """Rows of a categorical column whose value is no level."""
        return sum(self.buckets)

    @property
    def distinct(self) -> int | None:
        """Different values of a categorical column; ``None`` if some are not counted one by one."""
        if self.kind is not ColumnKind.CATEGORICAL or self.other:
            return None
        return sum(1 for n in self.counts if n)

    @property
    def mean(self) -> float | None:
        """Mean of the finite values, ``None`` if there are none."""
        return self.center + self.total / self.finite if self.finite else None

    @property
    def std(self) -> float | None:
        """Standard deviation of the finite values (divided by n), ``None`` if there are none."""
        if not self.finite:
            return None
        # Of a constant far from the centre, the difference would leave nothing but rounding.
        if self.minimum == self.maximum:
            return 0.0
        return math.sqrt(max(0.0, self.squares / self.finite - (self.total / self.finite) ** 2))

    @property
    def resolution(self) -> float:
        """Bound of what the cells can hide from a Kolmogorov-Smirnov distance to the sample that made them.

        The share of values in the heaviest numeric cell that holds more than one value; 0 if there is none.
        """
        if self.kind is not ColumnKind.NUMERIC:
            return 0.0
        spread = [n for i, n in enumerate(self.counts) if not self._is_atom(i)]
        return max(spread) / self.values if self.values and spread else 0.0

    def has_grid_of(self, other: ColumnProfile) -> bool:
        """Whether both were counted on the same cells."""
        return all(getattr(self, part) == getattr(other, part) for part in _GRID)

    def empty(self) -> ColumnProfile:
        """Keep the grid, without the counts."""
        return ColumnProfile(**{part: getattr(self, part) for part in ("name", "type", *_GRID)})

    def merge(self, other: ColumnProfile) -> ColumnProfile:
        """Add the rows of another profile on the same grid.

        :raises ConfigurationError: if the grids differ.
        """
        if not self.has_grid_of(other) or self.name != other.name:
            raise ConfigurationError(
                f"Column {self.name!r} was counted on two grids, so the counts do not add up. Profile both tables with "
                "the same reference=."
            )
        unseen = sorted({*self.unseen, *other.unseen})
        return replace(
            self,
            learnt=self.learnt and other.learnt,
            **{name: getattr(self, name) + getattr(other, name) for name in ("rows", "nulls", "nans", "finite")},
            total=self.total + other.total,
            squares=self.squares + other.squares,
            minimum=_extreme(min, self.minimum, other.minimum),
            maximum=_extreme(max, self.maximum, other.maximum),
            counts=_added(self.counts, other.counts),
            buckets=_added(self.buckets, other.buckets),
            unseen=tuple(dict.fromkeys((unseen[0], unseen[-1]))) if unseen else (),
            lengths=_added(self.lengths, other.lengths),
            length_sum=self.length_sum + other.length_sum,
            length_squares=self.length_squares + other.length_squares,
            patterns={
                p: self.patterns.get(p, 0) + other.patterns.get(p, 0) for p in {**self.patterns, **other.patterns}
            },
            design_effects=_larger(self.design_effects, other.design_effects),
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON; edges and counts packed."""
        data = asdict(self)
        data["kind"] = str(self.kind)
        data |= {name: list(data[name]) for name in _TUPLES}
        return data | {name: pack(data[name]) for name in _PACKED}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ColumnProfile:
        """Read what :meth:`to_dict` made.

        :raises ConfigurationError: if the counts cannot be those of a column.
        """
        subject = f"column {data.get('name')!r}"
        try:
            unpacked = {**data, **{part: unpack(data[part]) for part in _PACKED}}
            require_column(unpacked)
            tuples = {part: tuple(unpacked[part]) for part in _TUPLES}
            profile = cls(**{**unpacked, **tuples, "kind": ColumnKind(data["kind"])})
        except (KeyError, TypeError, ValueError, zlib.error) as error:
            raise forged(subject, f"{error!r} while reading it") from error
        for possible, what in profile._doubts():
            if not possible:
                raise forged(subject, what)
        return profile

    def _is_atom(self, cell: int) -> bool:
        """Whether a numeric cell holds one value only."""
        if cell in (0, len(self.edges)):
            return False
        return self.edges[cell] == math.nextafter(self.edges[cell - 1], math.inf)

    def _doubts(self) -> Iterator[tuple[bool, str]]:
        """Whether fields fit together, each with what is wrong if not."""
        cells, values = len(self.counts), self.values
        counted = self.nulls + self.nans + sum(self.counts) + self.other
        yield (
            self.kind is ColumnKind.SKIPPED or counted == self.rows,
            f"its counts add up to {counted} rows, not to {self.rows}",
        )
        expected = {ColumnKind.NUMERIC: len(self.edges) + 1, ColumnKind.CATEGORICAL: len(self.levels)}
        expected |= {ColumnKind.TEMPORAL: HOURS_OF_WEEK, ColumnKind.SKIPPED: 0}
        yield cells in (0, expected[self.kind]), f"it has {cells} cells, and its grid {expected[self.kind]}"
        yield len(self.buckets) in (0, BUCKETS), f"it has {len(self.buckets)} buckets, not {BUCKETS}"
        yield len(self.lengths) in (0, len(LENGTH_EDGES) + 1), f"it has {len(self.lengths)} cells of lengths"
        yield self.finite <= values, f"it has {self.finite} numbers in the moments of {values} values"
        yield all(a < b for a, b in pairwise(self.edges)), "its edges do not ascend"
        low, high = self.minimum, self.maximum
        yield low is None or high is None or low <= high, f"its lowest value {low!r} is above its highest {high!r}"


@dataclass(frozen=True, kw_only=True)
class TableProfile:
    """A table in counts.

    :param table: full name of the table, for people.
    :param rows: rows looked at.
    :param columns: profiles by column name, in table order.
    :param sample: share of the table's rows that were looked at, in (0, 1].
    :param clusters: clusters the rows came in; ``None`` if rows count as independent.
    :param splits: the reference's median by column, if dependence between columns was counted.
    :param pairs: by two such columns, first the earlier: rows with both values below or at the medians, the first
        above only, the second above only, both above.
    :param version: version of the stored form.
    """

    table: str
    rows: int
    columns: Mapping[str, ColumnProfile] = field(default_factory=dict)
    sample: float = 1.0
    clusters: int | None = None
    splits: Mapping[str, float] = field(default_factory=dict)
    pairs: Mapping[tuple[str, str], tuple[int, int, int, int]] = field(default_factory=dict)
    version: int = VERSION

    def only(self, columns: Iterable[str]) -> TableProfile:
        """Keep those of the named columns that it has."""
        return replace(self, columns={name: self.columns[name] for name in columns if name in self.columns})

    def merge(self, other: TableProfile) -> TableProfile:
        """Add the rows of another profile on the same grid: partitions, days and workers add up.

        Associative and commutative: counts exactly, moments but for rounding. Columns that only one of them has are
        left out. Clusters are taken to be different ones.

        :raises ConfigurationError: if the grids differ.
        """
        if self.splits != other.splits:
            raise ConfigurationError(
                f"Profiles of {self.table!r} and {other.table!r} counted dependence around different medians. Profile "
                "both tables with the same reference=."
            )
        rows, both = self.rows + other.rows, [name for name in self.columns if name in other.columns]
        seen = self.rows / self.sample + other.rows / other.sample
        clusters = None if self.clusters is None or other.clusters is None else self.clusters + other.clusters
        return replace(
            self,
            rows=rows,
            columns={name: self.columns[name].merge(other.columns[name]) for name in both},
            sample=rows / seen if seen else 1.0,
            clusters=clusters,
            pairs={pair: _added(n, other.pairs[pair]) for pair, n in self.pairs.items() if pair in other.pairs},
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return {
            "version": self.version,
            "table": self.table,
            "rows": self.rows,
            "columns": [column.to_dict() for column in self.columns.values()],
            "sample": self.sample,
            "clusters": self.clusters,
            "splits": dict(self.splits),
            "pairs": [[*pair, *counts] for pair, counts in self.pairs.items()],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TableProfile:
        """Read what :meth:`to_dict` made.

        :raises ConfigurationError: if the profile was stored in another version of the form, or its counts cannot be
            those of a table.
        """
        if data.get("version") != VERSION:
            raise ConfigurationError(
                f"The profile is of version {data.get('version')!r}; this release reads version {VERSION}. "
                "Make the baseline again with this release."
            )
        require_table(data)
        columns = [ColumnProfile.from_dict(column) for column in data["columns"]]
        pairs = {(first, second): tuple(counts) for first, second, *counts in data["pairs"]}
        plain = {name: data[name] for name in ("version", "table", "rows", "sample", "clusters", "splits")}
        return cls(**plain, columns={column.name: column for column in columns}, pairs=pairs)


def _added(mine: Sequence[int], others: Sequence[int]) -> Any:
    if not mine or not others:
        return tuple(mine or others)
    return tuple(a + b for a, b in zip(mine, others, strict=True))


def _extreme(choose: Any, mine: float | None, others: float | None) -> float | None:
    known = [value for value in (mine, others) if value is not None]
    return choose(known) if known else None


def _larger(mine: Mapping[str, float], others: Mapping[str, float]) -> dict[str, float]:
    return {channel: max(mine.get(channel, 1.0), others.get(channel, 1.0)) for channel in {**mine, **others}}
