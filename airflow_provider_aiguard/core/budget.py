"""A budget: a limit in USD over a scope and a window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, get_args

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.money import limit_micros, parse_usd

if TYPE_CHECKING:
    from airflow_provider_aiguard.core.run import RunIdentity

Per = Literal["dag_run", "day", "month"]


@dataclass(frozen=True)
class Budget:
    """A limit that money is held against before it is spent.

    :param name: the budget; two DAGs that name the same budget share it.
    :param limit: the limit in USD, as a string such as ``"5.00"``.
    :param per: the window the limit applies to: one ``dag_run`` (default), one ``day`` or one ``month``, both in UTC.
    """

    name: str
    limit: str | int | Decimal
    per: Per = "dag_run"

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise ConfigurationError(f"Budget name must be a non-empty string; got {self.name!r}.")
        if self.per not in get_args(Per):
            raise ConfigurationError(f"Budget per must be one of {get_args(Per)!r}; got {self.per!r}.")
        object.__setattr__(self, "limit", str(parse_usd(self.limit, what=f"limit of budget {self.name!r}")))

    @property
    def limit_micros(self) -> int:
        """The limit in micro-dollars."""
        return limit_micros(Decimal(self.limit))

    def window(self, identity: RunIdentity, now: datetime) -> str:
        """Key of the window that a charge falls into.

        :param identity: whose charge; its DAG run is the window of ``per="dag_run"``.
        :param now: the time of the charge, with zone.
        """
        if self.per == "dag_run":
            return f"dag_run:{identity.dag_id}/{identity.dag_run_id}"
        pattern = "%Y-%m-%d" if self.per == "day" else "%Y-%m"
        return f"{self.per}:{now.astimezone(UTC):{pattern}}"

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return {"name": self.name, "limit": str(self.limit), "per": self.per}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Budget:
        """The inverse of :meth:`to_dict`."""
        return cls(**data)
