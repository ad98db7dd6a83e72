"""A certificate: the recorded evidence that claims accepted without a second look are good enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Promise = Literal["error", "loss"]

THRESHOLDS = (
    *(0.999, 0.998, 0.995, 0.99, 0.98, 0.97, 0.96, 0.95, 0.925, 0.9),
    *(0.85, 0.8, 0.75, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.0),
)
"""The grid of thresholds, fixed before any row is seen: from the highest down, dense where models are sure."""


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What was learnt about accepting a model's claims from a threshold on.

    With probability ``1 - delta`` over the draw of the labelled rows, for rows like them:

    - ``error``: of the accepted claims at most a share of ``alpha`` is wrong;
    - ``loss``: in at most a share of ``alpha`` of all rows the accepted claim is wrong and the stronger model's is
      right, so that the cascade is at most ``alpha`` less accurate than the stronger model alone.

    :param promise: which of the two.
    :param alpha: the bound, in (0, 1).
    :param delta: chance that it does not hold.
    :param threshold: lowest confidence that is accepted; ``None`` if none could be certified.
    :param model: whose claims are accepted.
    :param stronger: the model that answers the others, for ``loss``.
    :param learnt_on: full name of the labelled table.
    :param labels: labelled rows.
    :param accepted: those of them at or above the threshold.
    :param bad: those of the accepted that break the promise.
    :param missing: about how many labels are missing, if there is no threshold; ``None`` if no number of them would
        do that are like those seen.
    :param hopeless: whether the claims are not good enough for sure, so that more labels would not help.
    :param learnt_at: when, ISO 8601 with zone.
    """

    promise: Promise
    alpha: float
    delta: float
    threshold: float | None
    model: str
    learnt_on: str
    labels: int
    accepted: int = 0
    bad: int = 0
    stronger: str = ""
    missing: int | None = None
    hopeless: bool = False
    learnt_at: str = ""

    @property
    def coverage(self) -> float:
        """Share of the labelled rows that is accepted."""
        return self.accepted / self.labels if self.labels else 0.0

    def __str__(self) -> str:
        head = f"{self.model or 'the model'}, {self.labels:,} labels of {self.learnt_on}"
        if self.threshold is None:
            return f"No threshold of {head} can be certified: {self._wanting()}."
        return (
            f"{head}: accepted from a confidence of {self.threshold:g} on, that is {self.coverage:.1%} of the rows. "
            f"{self.bound}, with a probability of {1 - self.delta:.3g}. Seen: {self.bad} of "
            f"{self.accepted if self.promise == 'error' else self.labels:,}."
        )

    @property
    def bound(self) -> str:
        """The promise in words."""
        if self.promise == "error":
            return f"At most {100 * self.alpha:.3g} % of the accepted claims are wrong"
        return f"Accuracy at most {100 * self.alpha:.3g} points below that of {self.stronger} alone"

    def _wanting(self) -> str:
        if self.hopeless:
            return "the claims seen are not good enough, and more labels would not help"
        if self.missing is None:
            return "the claims seen are not good enough, but too few to be sure: more labels may help"
        return f"about {self.missing:,} more labels are needed, if they are like those seen"

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Certificate:
        """Read what :meth:`to_dict` made."""
        return cls(**data)
