"""How varied the values of a model must be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.limits.checks import require_alpha, require_count, require_positive, require_share
from airflow_provider_aiguard.core.table import Table


@dataclass(frozen=True, kw_only=True)
class DiversityLimits:
    """How varied inferred values must be. At least one of the first four must be given.

    :param min_entropy: smallest normalised entropy, in [0, 1]: 1 if all values are equally frequent, 0 if there is
        only one.
    :param max_dominant_share: largest share of the most frequent value, in [0, 1].
    :param min_distinct: smallest share of distinct n-grams in a block of 1,000, in [0, 1], by their length, such as
        ``{2: 0.5}``.
    :param min_variance_ratio: smallest variance over that of the reference, above 0.
    :param classes: how many values there can be; what the entropy is normalised by. Default: those that were seen.
    :param min_rows: values needed to decide, default 500.
    :param alpha: share of the intervals that may miss, default 0.05.
    """

    min_entropy: float | None = None
    max_dominant_share: float | None = None
    min_distinct: Mapping[int, float] | None = None
    min_variance_ratio: float | None = None
    classes: int | None = None
    min_rows: int = 500
    alpha: float = 0.05

    def __post_init__(self) -> None:
        limits = (self.min_entropy, self.max_dominant_share, self.min_distinct, self.min_variance_ratio)
        if not any(limit is not None for limit in limits):
            raise ConfigurationError(
                "A diversity check needs a limit: give min_entropy=, max_dominant_share=, min_distinct= or "
                "min_variance_ratio=."
            )
        for name in ("min_entropy", "max_dominant_share"):
            if getattr(self, name) is not None:
                require_share(name, getattr(self, name))
        if self.min_distinct is not None:
            _check_distinct(self.min_distinct)
        if self.min_variance_ratio is not None:
            require_positive("min_variance_ratio", self.min_variance_ratio)
        if self.classes is not None and (not isinstance(self.classes, int) or self.classes < 2):
            raise ConfigurationError(f"classes must be at least 2: one value has no entropy; got {self.classes!r}.")
        require_count("min_rows", self.min_rows)
        require_alpha(self.alpha)

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        pairs = None if self.min_distinct is None else [[n, share] for n, share in self.min_distinct.items()]
        return asdict(self) | {"min_distinct": pairs}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> DiversityLimits:
        """Read what :meth:`to_dict` made."""
        pairs = data["min_distinct"]
        return cls(**{**data, "min_distinct": None if pairs is None else {int(n): share for n, share in pairs}})


def _check_distinct(limits: Any) -> None:
    if not isinstance(limits, Mapping) or not limits:
        raise ConfigurationError(
            f"min_distinct must be shares by length of n-gram, such as {{2: 0.5}}; got {limits!r}."
        )
    for n, share in limits.items():
        require_count("A length of n-gram in min_distinct", n)
        require_share(f"min_distinct of {n}-grams", share)


def check_places(
    limits: DiversityLimits, table: Table, reference: Table | None, reference_column: str | None = None
) -> None:
    """Refuse limits whose evidence could not be found.

    :raises ConfigurationError: if texts are to be read from a table without a key, or if a variance has no reference.
    """
    if limits.min_distinct is not None:
        table.require_key()
    if (limits.min_variance_ratio is None) != (reference is None) or (reference is None and reference_column):
        raise ConfigurationError(
            "min_variance_ratio= and reference= belong together: the variance is compared with that of the reference's "
            "rows, such as those of a good month."
        )
