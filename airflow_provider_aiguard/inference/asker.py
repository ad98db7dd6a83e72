"""Who asks one model of a step: equal rows once, money held before and settled after, answers valid before they stand.

::

    rows ─► different rows ─hold─► model ─validate─► settle + results ─► valid claims of all rows
                                     └─ what is answered so far ─► results
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

import numpy as np

from airflow_provider_aiguard.core.amounts import Amounts, Unit
from airflow_provider_aiguard.core.errors import BudgetExceededError, InvalidClaimError
from airflow_provider_aiguard.core.money import MICROS_PER_DOLLAR
from airflow_provider_aiguard.inference.calibrated import calibrated
from airflow_provider_aiguard.inference.cascade import counts_tokens
from airflow_provider_aiguard.inference.columns import StepOutputs
from airflow_provider_aiguard.inference.keeping import keep_meanwhile
from airflow_provider_aiguard.inference.once import TAKEN_FOR, Answer, Once, answers_of
from airflow_provider_aiguard.inference.prices import Answering, Bill, Metered
from airflow_provider_aiguard.inference.tally import ModelTally
from airflow_provider_aiguard.inference.validate import Mask, ValidClaims, validate_claims

if TYPE_CHECKING:
    import pandas as pd

    from airflow_provider_aiguard.core.claims import Claims
    from airflow_provider_aiguard.core.run import ModelIdentity, RunIdentity
    from airflow_provider_aiguard.inference.cascade import Level
    from airflow_provider_aiguard.inference.plan import InferencePlan
    from airflow_provider_aiguard.store.books import Hold
    from airflow_provider_aiguard.store.store import Store

HOLD_TTL = timedelta(hours=6)
"""Longer than any sane model call. A dead worker's hold is forfeited earlier, by the next try of its task."""

RENEW_SECONDS = TAKEN_FOR.total_seconds() / 6
"""How often others are told that a chunk is still under way."""

DescribeRow = Callable[[int], str]
"""Tells the key of a row by its position."""

Affords = Callable[[Amounts], bool]
"""Tells whether the model may be asked, given what that takes at most."""


class _Work(NamedTuple):
    """What the model is asked.

    :param rows: n rows of the input columns.
    :param needed: by output, which of the n cells are asked for.
    :param describe: tells the key of a row, for messages.
    :param keys: the n work keys that answers are kept under; none if they are not kept.
    """

    rows: pd.DataFrame
    needed: Mapping[str, Mask]
    describe: DescribeRow
    keys: Sequence[str] = ()

    def valid(self, claims: Claims, outputs: StepOutputs) -> ValidClaims:
        """Check claims about the rows.

        :param outputs: their types are made known as they are seen.
        :raises InvalidClaimError: at an invalid claim.
        """
        outputs.resolve(claims)
        return validate_claims(claims, outputs.all, rows=len(self.rows), needed=self.needed, describe_row=self.describe)

    def kept(self, valid: ValidClaims) -> dict[str, Any]:
        """Give the answers to keep, by work key."""
        if not self.keys:
            return {}
        names, answers = list(self.needed), zip(self.keys, answers_of(valid), strict=True)
        return {key: answer.stored(names) for key, answer in answers if answer.failure is None}


class Asker:
    """Asks one model, and counts what that takes.

    :param plan: what the step does, with the price of this model.
    :param level: the model, with its calibration.
    :param store: where money is held and answers are kept.
    :param identity: the run.
    :param outputs: the step's outputs; their types are made known as they are seen.
    """

    def __init__(
        self, plan: InferencePlan, level: Level, store: Store, identity: RunIdentity, outputs: StepOutputs
    ) -> None:
        model = level.model
        self._plan = plan
        self._model = model
        self._calibration = level.calibration
        self._store = store
        self._identity = identity
        self._outputs = outputs
        self._once: Once | None = None
        if plan.pays_once or counts_tokens(model):
            started = store.runs.first_start(identity)
            self._once = Once(plan, model.identity, store.results, identity, outputs.all, started)
        priced = plan.price_per_row is not None or plan.price is not None
        self.tally = ModelTally(model=model.identity, priced=priced)
        self.row_price = None if plan.price_per_row is None else float(plan.price_per_row * MICROS_PER_DOLLAR)
        """Micro-dollars of a row, where that is the price."""
        self.spent: dict[Unit, int] = dict.fromkeys(get_args(Unit), 0)
        """What was charged so far."""
        self.fresh: Mask = np.zeros(0, dtype=bool)
        """Which rows of the last question the model was asked about anew."""
        self.refused = Amounts()
        """What the last hold that was refused would have held."""

    def ask(
        self, rows: pd.DataFrame, needed: Mapping[str, Mask], describe: DescribeRow, affords: Affords = lambda _: True
    ) -> ValidClaims:
        """Give the model's claims about some rows, with calibrated confidences if it has a calibration.

        :param rows: n rows of the input columns.
        :param needed: by output, which of the n cells are asked for.
        :param describe: tells the key of a row, for messages.
        :param affords: whether the rows that nobody has asked about yet may be asked about.
        :raises BudgetExceededError: when they may not, or the hold is refused. Nothing was asked then.
        :raises InvalidClaimError: at an invalid claim.
        """
        valid = self._raw(self._seen(rows), needed, describe, affords)
        if self._calibration is not None:
            valid = calibrated(valid, self._calibration)
        self.tally.add_sources(valid.sources.values())
        return valid

    def known(self, rows: pd.DataFrame, needed: Mapping[str, Mask]) -> Mask:
        """Tell which of n rows the model has answered before: asking about them costs nothing.

        :param rows: n rows of the input columns.
        :param needed: by output, which of the n cells are asked for.
        """
        if self._once is None:
            return np.zeros(len(rows), dtype=bool)
        return self._once.known(self._seen(rows), needed)

    def _seen(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Show the model what it names, if it does, in an order of its own: rows alike in that are equal work."""
        named = getattr(self._model, "inputs", None)
        return rows if named is None else rows[sorted(set(rows.columns) & set(named))]

    def _raw(
        self, rows: pd.DataFrame, needed: Mapping[str, Mask], describe: DescribeRow, affords: Affords
    ) -> ValidClaims:
        work = _Work(rows, needed, describe)
        self.fresh = np.full(len(rows), self._once is None)
        if self._once is None:
            return self._pay_and_predict(work, affords)

        def ask(some: Sequence[int], keys: Sequence[str]) -> Sequence[Answer]:
            self.fresh[list(some)] = True
            part = {name: mask[list(some)] for name, mask in needed.items()}
            new = rows.iloc[list(some)].reset_index(drop=True)
            kept = keys if self._plan.store_results else ()
            return answers_of(self._pay_and_predict(_Work(new, part, lambda i: describe(some[i]), kept), affords))

        valid = work.valid(self._once.claims(rows, needed, ask), self._outputs)
        self.tally.saved += int((valid.answered & ~self.fresh).sum())
        return valid

    def _pay_and_predict(self, work: _Work, affords: Affords) -> ValidClaims:
        """Hold, predict, settle, and keep the answers in the transaction that settles."""
        bill = Bill(self._plan, self._model, work.rows)
        most = bill.most
        charge: Amounts | None = None
        self.tally.priced &= most.micros is not None
        hold = self._hold(bill, affords) if self._plan.budgets else None
        try:
            claims = self._predict(work)
            charge = bill.actual(claims.usage)
            valid = work.valid(claims, self._outputs)
            self._settle(hold, charge, work.kept(valid))
        except BaseException:
            if charge is None and (charge := self._cut_off(bill, work)) is not None:
                self._settle(hold, charge, self._so_far(work))
            elif hold is not None:
                self._book(hold, charge)
            raise
        finally:
            for unit in self.spent:
                # What nobody knows counts as all that was held.
                known = None if charge is None else charge.of(unit)
                self.spent[unit] += (most.of(unit) or 0) if known is None else known
            self.tally.cost_micros = self.spent["usd"]
        return valid

    def _hold(self, bill: Bill, affords: Affords) -> Hold:
        try:
            if not affords(bill.most):
                raise _too_dear(self.tally.model)
            budgets = self._plan.budgets
            return self._store.ledger.hold(budgets, self._identity, bill.most, ttl=HOLD_TTL, price=bill.price)
        except BudgetExceededError:
            self.refused = bill.most
            raise

    def _cut_off(self, bill: Bill, work: _Work) -> Amounts | None:
        """What a call that was cut off may be charged; ``None`` if nobody knows what of it went out."""
        if not isinstance(self._model, Metered):
            return None
        sent = self._model.sent(work.rows)
        self.tally.usage += sent
        return bill.actual(sent)

    def _so_far(self, work: _Work) -> dict[str, Any]:
        """What a call that is under way, or was cut off, has answered, to keep: it is paid for."""
        claims = self._model.answered(work.rows) if isinstance(self._model, Answering) else None
        try:
            # A type that nobody declared is not known for good before all answers are there.
            return {} if claims is None else work.kept(work.valid(claims, StepOutputs(self._outputs.all)))
        except InvalidClaimError:
            return {}  # as if the call had ended with it: nothing of it is kept

    def _book(self, hold: Hold, charge: Amounts | None) -> None:
        """Pay for what was sent, and give the rest of the hold back. What nobody knows counts as all of it."""
        if charge is None:
            self._store.ledger.forfeit(hold)
        else:
            self._store.ledger.settle(hold, charge)

    def _predict(self, work: _Work) -> Claims:
        self.tally.asked += len(work.rows)
        predict = partial(self._model.predict, work.rows)
        started = time.monotonic()
        try:
            claims = keep_meanwhile(self._keeper(work), predict) if work.keys else predict()
        finally:
            seconds = time.monotonic() - started
            self.tally.seconds += seconds
        self.tally.add_call(claims, seconds, len(work.rows))
        return claims

    def _keeper(self, work: _Work) -> Callable[[], None]:
        kept: set[str] = set()
        renewed = time.monotonic()

        def keep() -> None:
            nonlocal renewed
            if time.monotonic() - renewed > RENEW_SECONDS:
                self._store.results.renew(self._identity, datetime.now(UTC) + TAKEN_FOR)
                renewed = time.monotonic()
            new = {key: answer for key, answer in self._so_far(work).items() if key not in kept}
            if new:
                self._store.results.keep(new, self._identity, datetime.now(UTC))
                kept.update(new)

        return keep

    def _settle(self, hold: Hold | None, charge: Amounts, results: Mapping[str, Any]) -> None:
        keep = self._store.results.save
        if hold is not None:
            self._store.ledger.settle(
                hold, charge, alongside=lambda conn: keep(conn, results, self._identity, datetime.now(UTC))
            )
        elif results:
            self._store.results.keep(results, self._identity, datetime.now(UTC))


def _too_dear(model: ModelIdentity) -> BudgetExceededError:
    return BudgetExceededError(
        f"Model {str(model)!r} is not asked: on_budget='cheaper' keeps what all rows that follow cost at the cheapest "
        "model, and then too little is left. No other model could answer. Raise the budget's limit."
    )
