"""Profiles: a few KB of counts that stand for a table when it is compared with another."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SEQUENCES = ("edges", "counts", "levels", "unseen")

VERSION = 1
"""Version of the stored form. A profile of another version is refused, never guessed at."""


class ColumnKind(StrEnum):
    """How a column is summarised."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True)
class ColumnProfile:
    """One column in counts. ``rows = nulls + nans + sum(counts) + other``.

    Cells and levels are made from the reference and kept for whatever is compared with it, so that two profiles
    on the same cells are two multinomial samples.

    :param name: the column.
    :param kind: numeric, categorical, or skipped because it cannot be compared.
    :param type: the column's SQL type, for people.
    :param rows: rows looked at.
    :param nulls: rows where it is NULL.
    :param nans: rows where it is NaN; always 0 where the database stores NaN as NULL.
    :param minimum: lowest finite value.
    :param maximum: highest finite value.
    :param mean: mean of the finite values.
    :param std: their standard deviation (divided by n).
    :param edges: upper borders of the numeric cells, ascending: cell i holds ``edges[i-1] < x <= edges[i]``, and
        one more cell holds what is above the last.
    :param counts: rows by numeric cell, ``len(edges) + 1`` of them; or rows by level, one each.
    :param levels: the values of a categorical column that are counted one by one, as text, cut at 100 characters.
    :param other: rows of a categorical column with any other value.
    :param unseen: first and last of those values in sort order, cut likewise; one if there is only one.
    :param cutoff: how often a value had to occur in the reference to become a level; 1 keeps them all.
    :param tail: reference rows with values that occurred at most ``cutoff`` times. The Good-Turing estimate of how
        many rows of an equal sample have a value that is no level.
    :param tail_next: reference values that occurred exactly ``cutoff + 1`` times: needed for that estimate's error.
    :param reason: why a skipped column was skipped.
    """

    name: str
    kind: ColumnKind
    type: str
    rows: int
    nulls: int = 0
    nans: int = 0
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    std: float | None = None
    edges: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    levels: tuple[str, ...] = ()
    other: int = 0
    unseen: tuple[str, ...] = ()
    cutoff: int = 1
    tail: int = 0
    tail_next: int = 0
    reason: str = ""

    @property
    def values(self) -> int:
        """Rows that hold a value: neither NULL nor NaN."""
        return self.rows - self.nulls - self.nans

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        data = asdict(self)
        data["kind"] = str(self.kind)
        return data | {name: list(data[name]) for name in _SEQUENCES}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ColumnProfile:
        """Read what :meth:`to_dict` made."""
        sequences = {name: tuple(data[name]) for name in _SEQUENCES}
        return cls(**{**data, **sequences, "kind": ColumnKind(data["kind"])})


@dataclass(frozen=True, kw_only=True)
class TableProfile:
    """A table in counts.

    :param table: full name of the table, for people.
    :param rows: rows looked at.
    :param columns: profiles by column name, in table order.
    :param version: version of the stored form.
    """

    table: str
    rows: int
    columns: Mapping[str, ColumnProfile] = field(default_factory=dict)
    version: int = VERSION

    def only(self, columns: Iterable[str]) -> TableProfile:
        """Keep those of the named columns that it has."""
        return replace(self, columns={name: self.columns[name] for name in columns if name in self.columns})

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        columns = [column.to_dict() for column in self.columns.values()]
        return {"version": self.version, "table": self.table, "rows": self.rows, "columns": columns}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TableProfile:
        """Read what :meth:`to_dict` made.

        :raises ConfigurationError: if the profile was stored in another version of the form.
        """
        if data.get("version") != VERSION:
            raise ConfigurationError(
                f"The profile is of version {data.get('version')!r}; this release reads version {VERSION}. "
                "Make the baseline again with this release."
            )
        columns = [ColumnProfile.from_dict(column) for column in data["columns"]]
        return cls(table=data["table"], rows=data["rows"], columns={c.name: c for c in columns})
