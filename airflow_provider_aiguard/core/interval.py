"""An estimate and what it may be, given that only so much was seen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval.

    :param value: the estimate; ``None`` if nothing was seen.
    :param low: lower end.
    :param high: upper end.
    """

    value: float | None
    low: float
    high: float

    def holds(self, number: float) -> bool:
        """Whether the number lies inside, ends included."""
        return self.low <= number <= self.high
