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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from airflow_provider_aiguard.core.claims import Claims, Failure
from airflow_provider_aiguard.core.provenance import ConfidenceSource
from airflow_provider_aiguard.inference.validate import Mask, Positions, ValidClaims
from airflow_provider_aiguard.inference.values import fits
from airflow_provider_aiguard.inference.work_keys import canonical_rows, memory_rows, unique_rows, work_keys
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
"""How long work stays a worker's own, unless it says that it is still at it. A run that ends gives its work back."""

_EVER = dt.datetime.min.replace(tzinfo=dt.UTC)

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0

REMEMBERED = 500_000
"""Answers kept in memory for the next chunks of a table: 200 MB of small ones."""

_NEEDED = "\0needed "
"""Before the name of an output: whether a row is asked for it. No column can be called so."""


class Answer(NamedTuple):
    """What the model said of one row. A tuple, because there are as many as different rows.

    :param values: one for each output; ``None`` where it was not asked for.
    :param confidences: likewise, ``None`` where there is none.
    :param source: how the confidences were made.
    :param failure: why there is no answer.
    """

    values: tuple[Any, ...]
    confidences: tuple[float | None, ...]
    source: ConfidenceSource | None = None
    failure: Failure | None = None

    def stored(self, outputs: Sequence[str]) -> dict[str, Any]:
        """As plain values that survive JSON.

        :param outputs: names of the outputs, in the order of the values.
        """
        values = dict(zip(outputs, map(_plain, self.values), strict=True))
        confidences = dict(zip(outputs, self.confidences, strict=True)) if self.source else {}
        return {"v": values, "c": confidences, "s": self.source and str(self.source)}


LASTING = frozenset(
    {"bad_input", "bad_response", "content_filter", "malformed", "no_value", "refused", "too_long", "truncated"}
)
"""Reasons of failures that a row would meet again at once. What it cost is not paid again before a retry."""

_UNANSWERED = Answer((), (), None, Failure("unknown", "no answer is kept"))

Ask = Callable[[Sequence[int], Sequence[str]], Sequence[Answer]]
"""Asks the model about the rows at some positions, with their keys: holds, predicts, validates, settles and keeps."""


class Once:
    """Remembers what was asked.

    :param plan: what the step does.
    :param model: who answers.
    :param results: the store's results.
    :param identity: the run.
    :param outputs: the plan's, with the types of the target's columns: an answer of another type is none.
    :param started: when the task was first started in its DAG run, with zone: what was answered since is known to all
        of its tries, whoever asked.
    """

    def __init__(
        self,
        plan: InferencePlan,
        model: ModelIdentity,
        results: Results,
        identity: RunIdentity,
        outputs: Sequence[Output],
        started: dt.datetime,
    ) -> None:
        self._plan = plan
        self._model = model
        self._results = results
        self._identity = identity
        self._outputs = outputs
        self._started = started
        self._memory: dict[tuple[Any, ...], Answer] = {}

    def claims(self, rows: pd.DataFrame, needed: Mapping[str, Mask], ask: Ask) -> Claims:
        """Give the claims of all rows, asking for as few as possible.

        :param rows: n rows of the input columns.
        :param needed: by output, which of the n cells are asked for.
        :param ask: how the model is asked about some of the n rows.
        """
        firsts, which = unique_rows(_with_needed(rows, needed))
        seen, patterns = rows.iloc[firsts], list(_patterns(needed, firsts))
        different = [row + pattern for row, pattern in zip(memory_rows(seen), patterns, strict=True)]
        answers = [self._memory.get(row) for row in different]
        new = [i for i, answer in enumerate(answers) if answer is None]
        # What is in memory is neither written out nor hashed.
        written = zip(canonical_rows(seen.iloc[new]), (patterns[i] for i in new), strict=True)
        work = [row + pattern for row, pattern in written]
        # In their order: an estimator that was fitted on a matrix tells columns by their place.
        keys = work_keys(work, list(rows.columns), self._model, self._plan.outputs)
        found = self._answers(dict(zip(keys, firsts[new].tolist(), strict=True)), list(needed), ask)
        for i, key in zip(new, keys, strict=True):
            answers[i] = self._remembered(different[i], found[key])
        return _claims([answer for answer in answers if answer], which, list(needed))

    def known(self, rows: pd.DataFrame, needed: Mapping[str, Mask]) -> Mask:
        """Tell which of n rows have an answer that nobody need be asked for. What others infer is waited for.

        :param rows: n rows of the input columns.
        :param needed: by output, which of the n cells are asked for.
        """
        claims = self.claims(rows, needed, lambda some, _: [_UNANSWERED] * len(some))
        found: Mask = np.ones(len(rows), dtype=bool)
        found[list(claims.failures)] = False
        return found

    def _answers(self, where: Mapping[str, int], outputs: Sequence[str], ask: Ask) -> dict[str, Answer]:
        found: dict[str, Answer] = {}
        pause, left = FIRST_PAUSE, list(where)
        since = self._started if self._plan.reuse is None else min(self._started, _now() - self._plan.reuse)
        while left:
            taken = self._take(left, outputs, since=since)
            # What another had taken and has done since is known, whatever its clock says.
            since = _EVER
            found |= taken.known
            mine = sorted(taken.mine, key=where.__getitem__)
            found |= self._ask_for({key: where[key] for key in mine}, ask)
            left = sorted(taken.elsewhere)
            if left and not mine:
                logger.info("Waiting for %d rows that another worker is inferring", len(left))
                time.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
        return found

    def _take(self, keys: Iterable[str], outputs: Sequence[str], *, since: dt.datetime) -> Taken[Answer]:
        if not self._plan.store_results:
            return Taken(mine=frozenset(keys), known={}, elsewhere=frozenset())
        now = _now()
        return self._results.take(
            keys,
            self._identity,
            read=lambda stored: _answer(stored, outputs, self._outputs),
            until=now + TAKEN_FOR,
            now=now,
            since=since,
        )

    def _ask_for(self, where: Mapping[str, int], ask: Ask) -> Mapping[str, Answer]:
        if not where:
            return {}
        done: Sequence[str] = ()
        try:
            answers = dict(zip(where, ask(list(where.values()), list(where)), strict=True))
            done = [key for key, answer in answers.items() if answer.failure is None]
        finally:
            # Rows without an answer are asked about again by whoever needs them next.
            if self._plan.store_results:
                self._results.give_back(where.keys() - set(done), self._identity)
        return answers

    def _remembered(self, row: tuple[Any, ...], answer: Answer) -> Answer:
        """Keep an answer for the next chunks. What does not fit is asked of the store, which is slower."""
        fits_in = not self._plan.store_results or len(self._memory) < REMEMBERED
        if fits_in and (answer.failure is None or answer.failure.reason in LASTING):
            self._memory[row] = answer
        return answer


def answers_of(valid: ValidClaims) -> list[Answer]:
    """Take valid claims apart, row by row."""
    source = next(iter(valid.sources.values()), None)
    values = list(zip(*(to_list(column) for column in valid.values.values()), strict=True))
    confidences = list(zip(*map(_numbers, valid.confidences.values()), strict=True))
    return [
        Answer(values[i], confidences[i], source) if answered else Answer((), (), None, valid.failures[i])
        for i, answered in enumerate(valid.answered.tolist())
    ]


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _with_needed(rows: pd.DataFrame, needed: Mapping[str, Mask]) -> pd.DataFrame:
    if all(mask.all() for mask in needed.values()):
        return rows
    return rows.assign(**{_NEEDED + name: mask for name, mask in needed.items()})


def _patterns(needed: Mapping[str, Mask], firsts: Positions) -> Iterator[tuple[str, ...]]:
    """Tell which outputs some rows are asked for. Nothing where it is all: such rows are equal work in every chunk."""
    for row in zip(*(mask[firsts].tolist() for mask in needed.values()), strict=True):
        yield () if all(row) else ("".join("01"[wanted] for wanted in row),)


def _claims(answers: Sequence[Answer], which: Positions, outputs: Sequence[str]) -> Claims:
    """Spread the answers to the different rows over all rows.

    :param which: for each row, whose answer it gets.
    """
    values = [[a.values[i] if a.values else None for a in answers] for i in range(len(outputs))]
    confidences = [[a.confidences[i] if a.confidences else None for a in answers] for i in range(len(outputs))]
    given = {name: column for name, column in zip(outputs, confidences, strict=True) if set(column) != {None}}
    source = next((a.source for a in answers if a.source is not None), None)
    failures = {i: answer.failure for i, answer in enumerate(answers) if answer.failure is not None}
    return Claims(
        values={name: _spread(values[i], which) for i, name in enumerate(outputs)},
        confidences={name: _spread(column, which) for name, column in given.items()} if source else {},
        confidence_source=source,
        failures={i: failures[which[i]] for i in np.flatnonzero(np.isin(which, list(failures))).tolist()},
    )


def _spread(items: Sequence[Any], which: Positions) -> Any:
    """Give each row its item: an array of numbers or truths if they are all of one kind, which is checked faster."""
    kinds = set(map(type, items))
    if len(kinds) == 1 and kinds <= {bool, int, float}:
        return np.array(items)[which]
    column = np.empty(len(items), dtype=object)
    column[:] = items
    return column[which].tolist()


def _numbers(confidences: npt.NDArray[np.float64]) -> list[float | None]:
    return [None if number != number else number for number in confidences.tolist()]  # noqa: PLR0124  NaN


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
    values, confidences = stored["v"], stored["c"]
    if values.keys() != set(names) or confidences.keys() not in ({}.keys(), values.keys()):
        return None
    if not all(c is None or (isinstance(c, float | int) and 0 <= c <= 1) for c in confidences.values()):
        return None
    typed = {name: _value(value) for name, value in values.items()}
    if not all(fits(typed[output.name], output) for output in outputs):
        return None
    source = ConfidenceSource(stored["s"]) if stored["s"] else None
    return Answer(tuple(typed[name] for name in names), tuple(confidences.get(name) for name in names), source)
