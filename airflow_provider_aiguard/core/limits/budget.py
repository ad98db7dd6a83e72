"""When a budget is a breach."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.amounts import Unit, needed_amount, parse_limit
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.money import parse_usd

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class BudgetLimits:
    """When a budget is a breach.

    :param needed: what must be left: USD as a string such as ``"1.50"``, or a whole number of tokens or calls. With
        the default ``"0"`` something must be left, however little: a used-up budget never passes.
    :param max_used_share: share of the limit that may be spent or held, in [0, 1].
    """

    needed: str | int | Decimal = "0"
    max_used_share: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "needed", str(parse_usd(self.needed, what="needed")))
        if not 0 <= self.max_used_share <= 1:
            raise ConfigurationError(f"max_used_share must lie in [0, 1]; got {self.max_used_share!r}.")

    def needed_of(self, unit: Unit) -> int:
        """Give what is needed in what the ledger counts; dollars are rounded up to micro-dollars.

        :raises ConfigurationError: if it is a fraction of a token or call.
        """
        return needed_amount(parse_limit(self.needed, unit, what="needed"), unit)

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> BudgetLimits:
        """Read what :meth:`to_dict` made."""
        return cls(**data)
