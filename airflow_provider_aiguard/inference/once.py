"""Equal work is paid for once: in a chunk, in a table, in the retries of a task and, if asked for, in earlier runs.

::

    rows ─► different rows ─work keys─► take ─► known results ──────────────┐
                                          │                                 ├─► claims of all rows
                                          ├─► mine ─hold─► model ─► results ┤
                                          └─► another worker's: wait ───────┘

Results and the settlement of their price are written in one transaction. Of two workers with the same row one asks the
model and the other waits for the answer; if it never comes, the work is taken over when its time is up.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_provider_aiguard.core.claims import Claims, Failure
from airflow_provider_aiguard.core.provenance import ConfidenceSource
from airflow_provider_aiguard.inference.validate import Mask, ValidClaims
from airflow_provider_aiguard.inference.values import fits
from airflow_provider_aiguard.inference.work_keys import unique_rows, work_keys
from airflow_provider_aiguard.store.results import Taken
from airflow_provider_aiguard.tables.frames import to_list

if TYPE_CHECKING:
    import pandas as pd

    from airflow_provider_aiguard.core.outputs import Output
    from airflow_provider_aiguard.core.run import ModelIdentity, RunIdentity
    from airflow_provider_aiguard.inference.plan import InferencePlan
    from airflow_provider_aiguard.store.results import Results

logger = logging.getLogger(__name__)

TAKEN_FOR = dt.timedelta(hours=1)
"""How long work stays a worker's own. Longer than a sane call for one chunk; a run that ends gives its work back."""

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0

_NEEDED = "\0needed"
"""Stands for which outputs a row is asked for, where not all rows are asked for all: no column can be called so."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the model said of one row.

    :param values: by output; ``None`` where it was not asked for.
    :param confidences: by output, ``None`` where there is none.
    :param source: how the confidences were made.
    :param failure: why there is no answer.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    confidences: Mapping[str, float | None] = field(default_factory=dict)
    source: ConfidenceSource | None = None
    failure: Failure | None = None

    def stored(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        values = {name: _plain(value) for name, value in self.values.items()}
        return {"v": values, "c": dict(self.confidences), "s": self.source and str(self.source)}


Ask = Callable[[Sequence[int], Sequence[str]], tuple[ValidClaims, ConfidenceSource | None]]
"""Asks the model about the rows at some positions, with their keys: holds, predicts, validates, settles and keeps."""


class Once:
    """Remembers what was asked.

    :param plan: what the step does.
    :param model: who answers.
    :param results: the store's results.
    :param identity: the run.
    """

    def __init__(self, plan: InferencePlan, model: ModelIdentity, results: Results, identity: RunIdentity) -> None:
        self._plan = plan
        self._model = model
        self._results = results
        self._identity = identity
        self._memory: dict[str, Answer] = {}
        self.asked = 0
        """Rows that the model was asked about."""

    def claims(self, rows: pd.DataFrame, needed: Mapping[str, Mask], ask: Ask) -> Claims:
        """Give the claims of all rows, asking for as few as possible.

        :param rows: n rows of the input columns.
        :param needed: by output, which of the n cells are asked for.
        :param ask: how the model is asked about some of the n rows.
        """
        asked = _with_needed(rows, needed)
        firsts, which = unique_rows(asked)
        keys = work_keys(asked.iloc[firsts], self._model, self._plan.outputs)
        found = self._answers(dict(zip(keys, firsts.tolist(), strict=True)), list(needed), ask)
        answers = [found[keys[i]] for i in which]
        return _claims(answers, list(needed))

    def _answers(self, where: Mapping[str, int], outputs: Sequence[str], ask: Ask) -> dict[str, Answer]:
        found: dict[str, Answer] = {}
        asked, pause, left = 0, FIRST_PAUSE, list(where)
        while left:
            taken = self._take(left, outputs)
            found |= taken.known
            mine = sorted(taken.mine, key=where.__getitem__)
            found |= self._ask_for({key: where[key] for key in mine}, ask)
            asked += len(mine)
            left = sorted(taken.elsewhere)
            if left and not mine:
                logger.info("Waiting for %d rows that another worker is inferring", len(left))
                time.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
        self.asked += asked
        return found

    def _take(self, keys: Iterable[str], outputs: Sequence[str]) -> Taken[Answer]:
        if not self._plan.store_results:
            known = {key: self._memory[key] for key in keys if key in self._memory}
            return Taken(mine=frozenset(keys) - known.keys(), known=known, elsewhere=frozenset())
        now = dt.datetime.now(dt.UTC)
        return self._results.take(
            keys,
            self._identity,
            read=lambda stored: _answer(stored, outputs, self._plan.outputs),
            until=now + TAKEN_FOR,
            now=now,
            since=None if self._plan.reuse is None else now - self._plan.reuse,
        )

    def _ask_for(self, where: Mapping[str, int], ask: Ask) -> Mapping[str, Answer]:
        if not where:
            return {}
        done: Sequence[str] = ()
        try:
            valid, source = ask(list(where.values()), list(where))
            answers = dict(zip(where, answers_of(valid, source), strict=True))
            done = [key for key, answer in answers.items() if answer.failure is None]
        finally:
            # Rows without an answer are asked about again by whoever needs them next.
            if self._plan.store_results:
                self._results.give_back(where.keys() - set(done), self._identity)
        if not self._plan.store_results:
            self._memory |= {key: answers[key] for key in done}
        return answers


def answers_of(valid: ValidClaims, source: ConfidenceSource | None) -> list[Answer]:
    """Take valid claims apart, row by row."""
    columns = {name: to_list(column) for name, column in valid.values.items()}
    answers = []
    for i, answered in enumerate(valid.answered):
        if not answered:
            answers.append(Answer(failure=valid.failures[i]))
            continue
        confidences = {name: _number(numbers[i]) for name, numbers in valid.confidences.items()}
        answers.append(Answer(values={n: c[i] for n, c in columns.items()}, confidences=confidences, source=source))
    return answers


def _with_needed(rows: pd.DataFrame, needed: Mapping[str, Mask]) -> pd.DataFrame:
    if all(mask.all() for mask in needed.values()):
        return rows
    pattern = sum(mask.astype(np.int64) << i for i, mask in enumerate(needed.values()))
    return rows.assign(**{_NEEDED: pattern})


def _claims(answers: Sequence[Answer], outputs: Sequence[str]) -> Claims:
    sources = [answer.source for answer in answers if answer.source is not None]
    failures = {i: answer.failure for i, answer in enumerate(answers) if answer.failure is not None}
    return Claims(
        values={name: [answer.values.get(name) for answer in answers] for name in outputs},
        confidences={name: [a.confidences.get(name) for a in answers] for name in outputs} if sources else {},
        confidence_source=sources[0] if sources else None,
        failures=failures,
    )


def _number(confidence: float) -> float | None:
    return None if np.isnan(confidence) else float(confidence)


def _plain(value: Any) -> Any:
    """Write a value so that JSON keeps its type."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, dt.datetime):
        return {"timestamp": value.isoformat()}
    return {"date": value.isoformat()} if isinstance(value, dt.date) else value


_READ: Mapping[str, Callable[[str], Any]] = {
    "decimal": Decimal,
    "timestamp": dt.datetime.fromisoformat,
    "date": dt.date.fromisoformat,
}


def _value(stored: Any) -> Any:
    if not isinstance(stored, Mapping):
        return stored
    ((kind, text),) = stored.items()
    return _READ[kind](text)


def _answer(stored: Any, names: Sequence[str], outputs: Sequence[Output]) -> Answer | None:
    """Read a stored answer; ``None`` if it is none to these outputs, whoever wrote it."""
    values = {name: _value(value) for name, value in stored["v"].items()}
    confidences = stored["c"]
    if values.keys() != set(names) or not confidences.keys() <= values.keys():
        return None
    if not all(c is None or (isinstance(c, float | int) and 0 <= c <= 1) for c in confidences.values()):
        return None
    if not all(fits(values[output.name], output) for output in outputs):
        return None
    source = stored["s"] and ConfidenceSource(stored["s"])
    return Answer(values=values, confidences=confidences, source=source or None)
