"""What a table is compared with: one stored profile, or a few of earlier batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from airflow_provider_aiguard.core.errors import ConfigurationError


class ReferenceKind(StrEnum):
    """Which stored profiles are meant."""

    BASELINE = "baseline"
    PREVIOUS = "previous"
    TRAILING = "trailing"
    SEASONAL = "seasonal"


class Season(StrEnum):
    """What makes two logical dates alike."""

    HOUR = "hour"
    WEEKDAY = "weekday"
    MONTH = "month"


@dataclass(frozen=True)
class Reference:
    """What the current rows are compared with. Write one with the class methods; a plain string is a baseline.

    All but a baseline move: the check itself stores each batch it judges under ``name``, for the checks after it.

    :param name: name of the stored profiles.
    :param kind: which of them.
    :param batches: how many of the latest, at least 2, for trailing and seasonal references.
    :param season: what makes two batches alike, for a seasonal reference.
    """

    name: str
    kind: ReferenceKind = ReferenceKind.BASELINE
    batches: int = 8
    season: Season | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise ConfigurationError(f"A reference needs the name of a stored profile; got {self.name!r}.")
        for field, choices in (("kind", ReferenceKind), ("season", Season)):
            value = getattr(self, field)
            if value is None:
                continue
            if value not in [*choices]:
                raise ConfigurationError(f"{field} must be one of {[str(c) for c in choices]!r}; got {value!r}.")
            object.__setattr__(self, field, choices(value))
        if (self.kind is ReferenceKind.SEASONAL) != (self.season is not None):
            raise ConfigurationError(f"A seasonal reference, and only that, needs by=; got {self.season!r}.")
        if isinstance(self.batches, bool) or not isinstance(self.batches, int) or self.batches < 2:
            raise ConfigurationError(f"batches must be a whole number from 2; got {self.batches!r}.")

    def __str__(self) -> str:
        return self.name

    @property
    def moves(self) -> bool:
        """Whether the check stores what it judged."""
        return self.kind is not ReferenceKind.BASELINE

    @classmethod
    def baseline(cls, name: str) -> Reference:
        """The newest profile stored under ``name`` by :class:`ProfileOperator`."""
        return cls(name)

    @classmethod
    def previous(cls, name: str) -> Reference:
        """The last batch that passed."""
        return cls(name, ReferenceKind.PREVIOUS)

    @classmethod
    def trailing(cls, name: str, batches: int = 8) -> Reference:
        """The last batches together, so that ordinary wobble between batches is no alarm."""
        return cls(name, ReferenceKind.TRAILING, batches)

    @classmethod
    def seasonal(cls, name: str, *, by: Season | str, batches: int = 8) -> Reference:
        """The last batches of the same ``"hour"``, ``"weekday"`` or ``"month"`` by logical date."""
        return cls(name, ReferenceKind.SEASONAL, batches, by)  # type: ignore[arg-type]  # checked when made

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON and Airflow's templates."""
        return asdict(self) | {"kind": str(self.kind), "season": None if self.season is None else str(self.season)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any] | str) -> Reference:
        """Read what :meth:`to_dict` made; a string is a baseline.

        :raises ConfigurationError: if it is neither.
        """
        if isinstance(data, str):
            return cls(data)
        if not isinstance(data, Mapping) or "name" not in data or set(data) - {"name", "kind", "batches", "season"}:
            raise ConfigurationError(
                "A reference is the name of a baseline, or made by Reference.previous(), .trailing() or .seasonal(); "
                f"got {data!r}."
            )
        return cls(**data)
