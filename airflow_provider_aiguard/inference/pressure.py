"""What a step does when a budget runs short.

``fail`` and ``stop`` wait until a hold is refused. ``sample`` and ``cheaper`` look ahead: before a chunk, and before a
dearer model is asked, what the rest of the table will cost is projected from what the rows did cost so far.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from airflow_provider_aiguard.core.claims import Failure

if TYPE_CHECKING:
    from airflow_provider_aiguard.core.amounts import Amounts, Unit
    from airflow_provider_aiguard.core.run import InferenceSummary, RunIdentity
    from airflow_provider_aiguard.inference.asker import Asker
    from airflow_provider_aiguard.inference.plan import InferencePlan
    from airflow_provider_aiguard.inference.validate import Mask
    from airflow_provider_aiguard.store.store import Store

logger = logging.getLogger(__name__)

NOT_PROCESSED = Failure("not_processed", "the budget ran short, and on_budget says to leave the row out")
"""Why a row has no answer that no model was asked for."""

_HASH_KEY = "aiguard budget s"
"""16 characters: the same rows are in the sample of every try and every machine."""


class Pressure:
    """Decides, row by row, what is still asked.

    :param plan: with its budgets and ``on_budget``.
    :param store: where the budgets stand.
    :param identity: the run.
    :param total: rows of the table.
    :param earlier: what an earlier try did, if its answers are kept: the rows that it asked about cost nothing, so they
        stay in the sample.
    """

    def __init__(
        self,
        plan: InferencePlan,
        store: Store,
        identity: RunIdentity,
        total: int,
        earlier: InferenceSummary | None = None,
    ) -> None:
        self.policy = plan.on_budget
        self._plan = plan
        self._store = store
        self._identity = identity
        self._total = total
        self._earlier = earlier
        self._paid_share = 0.0
        self._entered = 0
        self._billed = 0
        self._spent: dict[Unit, int] = {}
        self._done = self._chunk = 0
        self.share = 1.0
        """Share of the rows that is asked about: those whose key hashes below it."""

    def begin(self, done: int, chunk: int, askers: Sequence[Asker]) -> None:
        """Look ahead before a chunk.

        :param done: rows of the chunks before it.
        :param chunk: its rows.
        :param askers: with what was spent so far.
        """
        self._billed = self._billed_with(askers[0]) if askers else 0
        self._spent = dict(askers[0].spent) if askers else {}
        self._done, self._chunk = done, chunk
        self._paid_share = self._earlier.sample_share_at(done) if self._earlier else 0.0
        if self.policy != "sample" or not self._plan.budgets or self.share <= self._paid_share:
            return
        for unit, left in self._remaining().items():
            each = sum(asker.spent[unit] for asker in askers) / self._entered if self._entered else None
            if each is None:
                each = askers[0].row_price if unit == "usd" else None
            if each and each * self._left * self.share > left:
                self._shrink(self.share * max(0, left) / (each * self._left * self.share))

    def enter(self, keys: pd.DataFrame) -> Mask:
        """Tell which rows of a chunk are asked about at all."""
        kept = self.kept(keys)
        # What is paid for says nothing about what the others will cost.
        self._entered += 0 if self.repeats else int(kept.sum())
        return kept

    @property
    def repeats(self) -> bool:
        """Whether no more of the chunk is asked about than an earlier try did."""
        return 0 < self.share <= self._paid_share

    def kept(self, keys: pd.DataFrame) -> Mask:
        """Tell which rows are in the sample. A smaller sample is a part of a larger one."""
        if self.share >= 1:
            return np.ones(len(keys), dtype=bool)
        hashes = pd.util.hash_pandas_object(keys.astype("str"), index=False, hash_key=_HASH_KEY)
        below: Mask = hashes.to_numpy() / 2.0**64 < self.share
        return below

    def give_way(self, asker: Asker) -> None:
        """Ask about fewer rows, after a hold was refused: none (``stop``), or as many as can be paid (``sample``)."""
        ratios = [0.0]
        if self.policy == "sample":
            ratios = [0.5]
            for unit, left in self._remaining().items():
                # What this chunk would have cost, for all that is left.
                rest = (asker.refused.of(unit) or 0) * self._left / max(1, self._chunk)
                ratios.append(max(0, left) / rest if rest else 1.0)
        self._shrink(self.share * min(ratios))

    def affords(self, cheap: Asker, most: Amounts) -> bool:
        """Whether a dearer model can be asked so that all rows after this chunk can still be asked of the cheapest.

        :param cheap: who asks the cheapest.
        :param most: what asking the dearer one takes at most.
        """
        if self.policy != "cheaper":
            return True
        return all(
            (most.of(unit) or 0) + self._each(cheap, unit) * (self._left - self._chunk) <= left
            for unit, left in self._remaining().items()
        )

    def _each(self, cheap: Asker, unit: Unit) -> float:
        """Give what a row has cost at the cheapest so far, in chunks that were not paid for before."""
        if billed := self._billed_with(cheap):
            return cheap.spent[unit] / billed
        return (cheap.row_price or 0.0) if unit == "usd" else 0.0

    def _billed_with(self, cheap: Asker) -> int:
        """Count the rows of the chunks for which the cheapest was paid, this one included."""
        paid = any(amount > self._spent.get(unit, 0) for unit, amount in cheap.spent.items())
        return self._billed + (self._chunk if paid else 0)

    @property
    def _left(self) -> int:
        """Rows from the chunk on. Never fewer than it has: the table may have grown."""
        return max(self._chunk, self._total - self._done)

    def _remaining(self) -> Mapping[Unit, int]:
        """What is left of the tightest budget, by what it counts."""
        found: dict[Unit, int] = {}
        now = datetime.now(UTC)
        for budget in self._plan.budgets:
            left = self._store.ledger.status(budget, self._identity, now).remaining
            found[budget.unit] = min(left, found.get(budget.unit, left))
        return found

    def _shrink(self, share: float) -> None:
        least = self._paid_share if self.share > self._paid_share else 0.0
        self.share = max(least, share if share * self._left >= 1 else 0.0)
        logger.warning(
            "The budget runs short: from here on %.3g %% of the rows are asked about, the others are not processed",
            100 * self.share,
        )
