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
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from airflow_provider_aiguard.core.claims import Failure
from airflow_provider_aiguard.core.errors import BudgetExceededError, ModelUnavailableError
from airflow_provider_aiguard.inference.cascade import NOTHING, Cascade
from airflow_provider_aiguard.inference.pressure import NOT_PROCESSED, Pressure
from airflow_provider_aiguard.inference.standing import Standing

if TYPE_CHECKING:
    import pandas as pd

    from airflow_provider_aiguard.inference.asker import Asker, DescribeRow
    from airflow_provider_aiguard.inference.validate import Mask, ValidClaims

logger = logging.getLogger(__name__)

Positions = npt.NDArray[np.intp]

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
        rest, why = np.flatnonzero(kept), ""
        for k in range(len(self._accept)):
            if not len(rest) or why == "budget":
                break
            rest, why = self._level(k, question, rest, standing)
        if len(rest):
            self._fall_back(question, rest, standing, why)
        return standing

    def _level(self, k: int, question: Question, rest: Positions, standing: Standing) -> tuple[Positions, str]:
        """Ask one model. What is left after it, and why, if it could not be asked: ``outage`` or ``budget``."""
        if k in self._away or self._accept[k] == NOTHING:
            return rest, "outage" if k in self._away else ""
        part = question.part(rest)
        if k and not self._pressure.affords(self._askers[0], self._askers[k], part.rows):
            return rest, "budget"
        try:
            valid = self._askers[k].ask(part.rows, part.needed, part.describe)
        except ModelUnavailableError as outage:
            self._leave(k, outage)
            return rest, "outage"
        except BudgetExceededError:
            if self._pressure.policy == "fail":
                raise
            return self._give_way(k, question, rest, standing)
        standing.put(rest, valid, k)
        return self._left_by(k, part, valid, rest, standing), ""

    def _give_way(self, k: int, question: Question, rest: Positions, standing: Standing) -> tuple[Positions, str]:
        """Do what the plan says about a refusal: let a cheaper model answer, or ask about fewer rows."""
        if self._pressure.policy == "cheaper":
            return rest, "budget"
        # It ends: each refusal at least halves the sample.
        self._pressure.give_way(self._askers[k])
        kept = self._pressure.kept(question.keys.iloc[rest])
        standing.fail(rest[~kept], NOT_PROCESSED)
        return self._level(k, question, rest[kept], standing) if kept.any() else (rest[kept], "")

    def _left_by(self, k: int, part: Question, valid: ValidClaims, rest: Positions, standing: Standing) -> Positions:
        threshold = self._accept[k]
        if threshold is None:
            return rest[:0]
        sure = _is_sure(valid, part.needed, threshold)
        if k < len(self._accept) - 1:
            return rest[~sure]
        unsure = Failure(NOT_CONFIDENT, f"the last model's confidence is below {threshold:g}")
        standing.fail(rest[valid.answered & ~sure], unsure)
        return rest[:0]

    def _leave(self, k: int, outage: ModelUnavailableError) -> None:
        """Ask a model that is away no more in this run: what was held for the call counts as spent."""
        if self._fallback is None:
            raise outage
        self._away[k] = outage
        logger.warning("%s The fallback answers instead, for the rest of the run.", outage)

    def _fall_back(self, question: Question, rest: Positions, standing: Standing, why: str) -> None:
        """Let the fallback answer what the next model could not be asked about; without one, the cheapest."""
        there = [k for k in range(len(self._askers)) if k not in self._away]
        spare = self._fallback if self._fallback in there else next(iter(there), None)
        if spare is None:
            raise next(iter(self._away.values()))
        if spare not in standing.asked:
            part = question.part(rest)
            standing.put(rest, self._askers[spare].ask(part.rows, part.needed, part.describe), spare)
        answered = int((standing.by[rest] >= 0).sum())
        standing.degraded[why] = standing.degraded.get(why, 0) + answered


def _is_sure(valid: ValidClaims, needed: Mapping[str, Mask], threshold: float) -> Mask:
    sure = valid.answered.copy()
    for name, mask in needed.items():
        # NaN, a missing confidence, is never enough.
        sure &= ~mask | (valid.confidences[name] >= threshold)
    return sure
