"""The same entities at training and at serving, in counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class SkewEvidence:
    """Two tables joined by key.

    :param table: full name of the training table.
    :param serving: full name of the serving table.
    :param rows: rows of the training table.
    :param serving_rows: rows of the serving table.
    :param joined: rows whose key is on both sides.
    :param mismatches: joined rows where a column differs, by column.
    :param types: columns that hold another kind of value on each side: their two types. They are not compared.
    """

    table: str
    serving: str
    rows: int
    serving_rows: int
    joined: int
    mismatches: Mapping[str, int] = field(default_factory=dict)
    types: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def keys(self) -> int:
        """Different keys on either side."""
        return self.rows + self.serving_rows - self.joined

    @property
    def unmatched(self) -> int:
        """Keys that are on one side only."""
        return self.keys - self.joined
