"""How long the calls of a model took: a histogram small enough for an event, exact to two digits."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Per = Literal["call", "row"]


@dataclass(frozen=True, kw_only=True)
class LatencySummary:
    """Mergeable summary of how long calls took.

    A call is what a model is asked at once: one request of a model behind a network, one chunk of a model in this
    process. It takes from being sent until its answer is there; waiting for a turn is not in it. One that timed out
    took its timeout; one that was refused is not counted.

    Cells are named by their upper edge, in whole microseconds of two digits: 20,000 holds (19 ms, 20 ms], so that
    limits of two digits are edges.

    :param calls: calls by cell of what they took.
    :param per_row: the same calls, by cell of what they took divided by the rows they were asked about.
    :param seconds: sum of what they took.
    """

    calls: Mapping[int, int] = field(default_factory=dict)
    per_row: Mapping[int, int] = field(default_factory=dict)
    seconds: float = 0.0

    @classmethod
    def of(cls, calls: Iterable[tuple[float, int]]) -> LatencySummary:
        """Summarise calls.

        :param calls: seconds and rows of each, at least one row.
        """
        known = list(calls)
        return cls(
            calls=dict(Counter(cell_of(seconds) for seconds, _ in known)),
            per_row=dict(Counter(cell_of(seconds / rows) for seconds, rows in known)),
            seconds=math.fsum(seconds for seconds, _ in known),
        )

    @property
    def count(self) -> int:
        """Calls."""
        return sum(self.calls.values())

    def cells(self, per: Per = "call") -> Mapping[int, int]:
        """Give the histogram of whole calls, or of rows' shares of them."""
        return self.calls if per == "call" else self.per_row

    def quantile(self, q: float, per: Per = "call") -> float | None:
        """Give the seconds that a share ``q`` of the calls took at most; up to a tenth too high, never too low.

        ``None`` if there was no call.
        """
        target, seen = q * self.count, 0
        for cell, n in sorted(self.cells(per).items()):
            seen += n
            # 0.95 * 20 is 19.000000000000004 to a computer.
            if seen >= target - 1e-9:
                return cell / 1e6
        return None

    def above(self, seconds: float, per: Per = "call") -> tuple[int, int]:
        """Count the calls that took longer: those that surely did, and those that may have."""
        micros = round(seconds * 1e6)
        cells = self.cells(per).items()
        return sum(n for c, n in cells if _lower_edge(c) >= micros), sum(n for c, n in cells if c > micros)

    def merge(self, other: LatencySummary) -> LatencySummary:
        """Both together."""
        return LatencySummary(
            calls=dict(Counter(self.calls) + Counter(other.calls)),
            per_row=dict(Counter(self.per_row) + Counter(other.per_row)),
            seconds=self.seconds + other.seconds,
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        calls, rows = ({str(cell): n for cell, n in sorted(cells.items())} for cells in (self.calls, self.per_row))
        return {"calls": calls, "per_row": rows, "seconds": self.seconds}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LatencySummary:
        """The inverse of :meth:`to_dict`."""
        calls, rows = ({int(cell): n for cell, n in data[name].items()} for name in ("calls", "per_row"))
        return cls(calls=calls, per_row=rows, seconds=data["seconds"])


def cell_of(seconds: float) -> int:
    """Give the upper edge, in microseconds, of the cell that a duration lies in.

    >>> cell_of(0.0193), cell_of(0.02), cell_of(0.0201), cell_of(0.0)
    (20000, 20000, 21000, 1)
    """
    micros = max(1, math.ceil(seconds * 1e6 - 1e-6))
    width = _width(micros)
    return -(-micros // width) * width


def _lower_edge(cell: int) -> int:
    return cell - _width(cell - 1)


def _width(micros: int) -> int:
    return int("1".ljust(len(str(micros)) - 1, "0"))
