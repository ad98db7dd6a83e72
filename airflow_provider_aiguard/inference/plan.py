"""What an AI step is asked to do, checked before anything is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Literal, get_args

from airflow_provider_aiguard.core.budget import Budget, unbounded
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.money import charge_micros
from airflow_provider_aiguard.core.outputs import Output
from airflow_provider_aiguard.core.price import Price
from airflow_provider_aiguard.core.table import Table

Fill = Literal["all", "missing"]

OnBudget = Literal["fail", "stop", "sample", "cheaper"]


@dataclass(frozen=True, kw_only=True)
class InferencePlan:
    """One AI step: which rows, which model outputs, where they go, what it may cost.

    :param rows: rows to read; its key identifies them.
    :param into: table to write; the same table as ``rows`` fills in place.
    :param outputs: columns the model writes.
    :param inputs: columns the model sees; ``None`` for all but the key, the outputs and companion columns.
    :param fill: ``all`` rows are inferred, or only those where an output is ``missing`` (NULL): the values that
        were there are labelled ``observed``.
    :param carry: columns copied from ``rows`` into ``into``; ``None`` for those that ``into.where`` names.
    :param chunk_size: rows read, inferred and written at a time; ``None`` for what suits the model.
    :param max_reject_share: share of asked rows, in [0, 1], that may be rejected before the task fails.
    :param price_per_row: USD for one row sent to the model, ``None`` if nobody declared it.
    :param price: USD for tokens and calls of a model that states how many it uses; ``listed`` for what the price
        list says of it, ``None`` if nobody declared it.
    :param reuse: how old a result of another task or DAG run may be to be used again; ``None`` for none. The retries
        of a task use each other's results in any case.
    :param store_results: whether results are kept in the store. Without them a row is paid for once a try.
    :param budgets: what is held before the model is called, and settled afterwards.
    :param on_budget: what happens when one runs short: the step may ``fail``; ``stop`` asking, with the rest not
        processed; ask about a random ``sample`` of the rest; or let a ``cheaper`` model answer.
    """

    rows: Table
    into: Table
    outputs: tuple[Output, ...]
    inputs: tuple[str, ...] | None = None
    fill: Fill = "all"
    carry: tuple[str, ...] | None = None
    chunk_size: int | None = None
    max_reject_share: float = 0.0
    price_per_row: Decimal | None = None
    price: Price | Literal["listed"] | None = None
    reuse: timedelta | None = None
    store_results: bool = True
    budgets: Sequence[Budget] = ()
    on_budget: OnBudget = "fail"

    def __post_init__(self) -> None:
        key = self.rows.require_key()
        if self.into.key_columns and self.into.key_columns != key:
            raise ConfigurationError(
                f"into has key {self.into.key_columns!r}, rows has {key!r}. Claims are written by the key of their "
                "rows: use the same key columns, or leave the key of into out."
            )
        if self.fill not in get_args(Fill):
            raise ConfigurationError(f"fill must be one of {get_args(Fill)!r}; got {self.fill!r}.")
        if self.on_budget not in get_args(OnBudget):
            raise ConfigurationError(f"on_budget must be one of {get_args(OnBudget)!r}; got {self.on_budget!r}.")
        if self.chunk_size is not None and self.chunk_size < 1:
            raise ConfigurationError(f"chunk_size must be at least 1; got {self.chunk_size!r}.")
        if not 0 <= self.max_reject_share <= 1:
            raise ConfigurationError(f"max_reject_share must be in [0, 1]; got {self.max_reject_share!r}.")
        if overlap := {o.name for o in self.outputs} & set(key):
            raise ConfigurationError(f"outputs {sorted(overlap)!r} are key columns of rows; a key is never inferred.")
        if self.price is not None and self.price_per_row is not None:
            raise ConfigurationError(
                f"price_per_row={str(self.price_per_row)!r} and price={self.price!r} are two prices for one thing; "
                "give one."
            )
        if self.reuse is not None and (self.reuse <= timedelta(0) or not self.store_results):
            raise ConfigurationError(
                f"reuse must be a time of stored results; got {self.reuse!r} with store_results={self.store_results!r}."
            )

    def require_price(self) -> None:
        """Refuse budgets in USD without a price: what nobody has bounded cannot be held.

        :raises PriceUnknownError: if there is none.
        """
        for budget in self.budgets:
            if budget.unit == "usd" and self.price is None and self.price_per_row is None:
                raise unbounded(budget)

    @property
    def pays_once(self) -> bool:
        """Whether equal rows are asked about once, whoever the model: hashing costs more than one that is free."""
        priced = bool(self.price_per_row) or self.price is not None
        return priced or self.reuse is not None or any(budget.unit != "usd" for budget in self.budgets)

    @property
    def in_place(self) -> bool:
        """Whether claims go into the table they were made from."""
        return self.rows.is_same_table(self.into)

    def charge(self, rows: int) -> int:
        """Micro-dollars for so many rows sent to the model; 0 without a price."""
        return charge_micros(self.price_per_row * rows) if self.price_per_row is not None else 0
