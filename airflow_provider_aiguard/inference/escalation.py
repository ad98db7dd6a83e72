"""The models of a step are asked one after the other, each about what the one before was not sure of.

::

    rows ─► cheapest ─sure─► stands
               └─not sure, or no answer─► next ─sure─► stands
                                            └─ … ─► last: stands, or a reject

Where a budget refuses or a model is away, the plan and the cascade say what happens; it happens here.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from airflow_provider_aiguard.core.claims import Failure
from airflow_provider_aiguard.core.errors import BudgetExceededError, ModelUnavailableError
from airflow_provider_aiguard.inference.cascade import EVERYTHING, NOTHING, Cascade
from airflow_provider_aiguard.inference.pressure import NOT_PROCESSED, Pressure
from airflow_provider_aiguard.inference.standing import Standing

if TYPE_CHECKING:
    import pandas as pd

    from airflow_provider_aiguard.core.amounts import Amounts
    from airflow_provider_aiguard.inference.asker import Asker, DescribeRow
    from airflow_provider_aiguard.inference.validate import Mask, Positions, ValidClaims

logger = logging.getLogger(__name__)

Refused = Mapping[int, BudgetExceededError]
"""Why models were not asked, by position; the last one was tried last."""

NOT_CONFIDENT = "not_confident"
"""Reason of a reject: the last model answered, but was less sure than ``reject_below``."""


@dataclass(frozen=True)
class Question:
    """Some rows of a chunk, and what is asked about them.

    :param rows: n rows of the input columns.
    :param needed: by output, which of the n cells are asked for.
    :param keys: the n rows' keys.
    :param describe: tells the key of a row by its position, for messages.
    """

    rows: pd.DataFrame
    needed: Mapping[str, Mask]
    keys: pd.DataFrame
    describe: DescribeRow

    def part(self, where: Positions) -> Question:
        """Give some of the rows."""
        if len(where) == len(self.rows):
            return self
        rows = self.rows.iloc[where].reset_index(drop=True)
        needed = {name: mask[where] for name, mask in self.needed.items()}
        return Question(rows, needed, self.keys.iloc[where], lambda row: self.describe(int(where[row])))


class Escalation:
    """Asks the models of a step.

    :param cascade: which models, and when the next one is asked.
    :param askers: who asks each of ``cascade.all``.
    :param pressure: what is done when a budget runs short.
    """

    def __init__(self, cascade: Cascade, askers: Sequence[Asker], pressure: Pressure) -> None:
        self._accept = (*cascade.accept, cascade.reject_below)
        self._fallback = cascade.fallback
        self._askers = askers
        self._pressure = pressure
        self._away: dict[int, ModelUnavailableError] = {}

    def claims(self, question: Question) -> Standing:
        """Give what is claimed about some rows, and by which model.

        :raises BudgetExceededError: when a hold is refused and there is no other way.
        :raises ModelUnavailableError: when a model is away and there is no fallback.
        """
        standing = Standing(len(question.rows), list(question.needed))
        kept = self._pressure.enter(question.keys)
        standing.fail(np.flatnonzero(~kept), NOT_PROCESSED)
        rest = np.flatnonzero(kept)
        for k in range(len(self._accept)):
            rest = self._level(k, question, rest, standing)
        # Left are rows whose last model is away.
        self._fall_back(question, rest, standing, {})
        return standing

    def _level(self, k: int, question: Question, rest: Positions, standing: Standing) -> Positions:
        """Ask one model; give the rows that are left for the next."""
        if k in self._away or self._accept[k] == NOTHING:
            return rest
        while len(rest):
            part = question.part(rest)
            try:
                valid = self._ask(k, part, rest, standing)
            except ModelUnavailableError as outage:
                self._leave(k, outage)
                return rest
            except BudgetExceededError as refusal:
                rest = self._give_way(question, rest, standing, {k: refusal})
            else:
                standing.put(rest, valid, k)
                return self._left_by(k, part, valid, rest, standing)
        return rest

    def _ask(self, k: int, part: Question, rest: Positions, standing: Standing) -> ValidClaims:
        # A fallback that is no level is there to be asked when the levels are too dear.
        dearer = 0 < k < len(self._accept)
        affords = partial(self._pressure.affords, self._askers[0]) if dearer else _always
        valid = self._askers[k].ask(part.rows, part.needed, part.describe, affords)
        standing.fresh[rest[self._askers[k].fresh]] = True
        return valid

    def _give_way(self, question: Question, rest: Positions, standing: Standing, refused: Refused) -> Positions:
        """Do what the plan says about a refusal, the last one; give the rows that its model is still asked about.

        They become fewer each time.
        """
        k, refusal = list(refused.items())[-1]
        if self._pressure.policy == "fail":
            raise refusal
        if self._pressure.policy == "cheaper":
            paid = self._paid(k, question, rest)
            self._fall_back(question, rest[~paid], standing, refused)
            return rest[paid]
        if self._pressure.repeats and (paid := self._paid(k, question, rest)).any():
            # The others had no answer in an earlier try.
            standing.fail(rest[~paid], NOT_PROCESSED)
            return rest[paid]
        return self._thin_out(k, question, rest, standing)

    def _paid(self, k: int, question: Question, rest: Positions) -> Mask:
        """Tell which rows a model has answered before: what is paid for stands."""
        part = question.part(rest)
        return self._askers[k].known(part.rows, part.needed)

    def _thin_out(self, k: int, question: Question, rest: Positions, standing: Standing) -> Positions:
        """Ask about fewer rows: a sample of the whole chunk, whoever answered so far, or none of what is left."""
        self._pressure.give_way(self._askers[k])
        kept = self._pressure.kept(question.keys)
        left_out = np.flatnonzero(~kept) if self._pressure.policy == "sample" else rest[~kept[rest]]
        standing.fail(left_out, NOT_PROCESSED)
        return rest[kept[rest]]

    def _left_by(self, k: int, part: Question, valid: ValidClaims, rest: Positions, standing: Standing) -> Positions:
        threshold = self._accept[k]
        if threshold is None:
            return rest[:0]
        sure = valid.answered if threshold == EVERYTHING else _is_sure(valid, part.needed, threshold)
        if threshold == EVERYTHING and sure.any():
            standing.degraded["uncertified"] = standing.degraded.get("uncertified", 0) + int(sure.sum())
        if k < len(self._accept) - 1:
            return rest[~sure]
        unsure = Failure(NOT_CONFIDENT, f"the last model's confidence is below {threshold:g}")
        standing.fail(rest[valid.answered & ~sure], unsure)
        return rest[:0]

    def _leave(self, k: int, outage: ModelUnavailableError) -> None:
        """Ask a model that is away no more in this run."""
        if self._fallback is None:
            raise outage
        self._away[k] = outage
        logger.warning("%s The fallback answers instead, for the rest of the run.", outage)

    def _fall_back(self, question: Question, rest: Positions, standing: Standing, refused: Refused) -> None:
        """Let another model answer where one is away or ``refused``: the fallback; without one, the cheapest."""
        if not len(rest):
            return
        spare = self._spare(refused)
        if spare is None:
            raise next(iter([*refused.values(), *self._away.values()]))
        while not standing.asked(spare, rest):
            part = question.part(rest)
            try:
                standing.put(rest, self._ask(spare, part, rest, standing), spare)
            except BudgetExceededError as refusal:
                rest = self._give_way(question, rest, standing, {**refused, spare: refusal})
        if answered := int((standing.by[rest] >= 0).sum()):
            why = "budget" if refused else "outage"
            standing.degraded[why] = standing.degraded.get(why, 0) + answered

    def _spare(self, refused: Refused) -> int | None:
        """Choose who answers instead: nobody who is away or refused, and but for the fallback nobody dearer."""
        there = [k for k in range(len(self._askers)) if k not in self._away and k not in refused]
        if self._fallback in there:
            return self._fallback
        return next((k for k in there if k < min(refused, default=len(self._askers))), None)


def _always(_: Amounts) -> bool:
    return True


def _is_sure(valid: ValidClaims, needed: Mapping[str, Mask], threshold: float) -> Mask:
    sure = valid.answered.copy()
    for name, mask in needed.items():
        # NaN, a missing confidence, is never enough.
        sure &= ~mask | (valid.confidences[name] >= threshold)
    return sure
