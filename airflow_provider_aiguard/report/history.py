"""What the store remembers, on one time axis: by logical date, by DAG, and what still stands after retries."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.measurement import Measurement
from airflow_provider_aiguard.core.run import RunIdentity, RunRecord, RunState
from airflow_provider_aiguard.core.verdict import Outcome, VerdictRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Record = RunRecord | VerdictRecord
TaskKey = tuple[str, str, str, int]


@dataclass(frozen=True)
class History:
    """Runs and verdicts of a period.

    :param runs: runs, every try of a task its own.
    :param verdicts: verdicts, every try of a task its own.
    :param distributions: what the drift guard saw, one for each task instance and table.
    """

    runs: tuple[RunRecord, ...]
    verdicts: tuple[VerdictRecord, ...]
    distributions: tuple[Measurement, ...] = ()

    @property
    def records(self) -> tuple[Record, ...]:
        """Runs and verdicts together."""
        return (*self.runs, *self.verdicts)

    @cached_property
    def dates(self) -> tuple[datetime, ...]:
        """Every date something is recorded under, ascending, in UTC."""
        return tuple(sorted({date_of(record) for record in self.records}))

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The dates as people write them, as short as tells them apart: ``2013-07``, ``2013-07-01`` or with time."""
        return tuple(f"{date:{self._pattern}}" for date in self.dates)

    @cached_property
    def written(self) -> tuple[RunRecord, ...]:
        """The last try of each task that wrote something: a retry rewrites rows, so earlier tries would count twice."""
        return _last_tries(run for run in self.runs if run.summary.columns)

    @cached_property
    def standing(self) -> tuple[VerdictRecord, ...]:
        """The verdicts that still hold, ascending by date.

        A verdict is replaced by the same guard's verdict on the same subject in a later try of the same task, or by a
        later try that succeeded. A later try that said nothing replaces nothing.
        """
        ordered = sorted(self.verdicts, key=lambda v: (v.identity.try_number, v.recorded_at))
        last = {(task_of(v.identity), v.verdict.guard, v.verdict.subject): v for v in ordered}
        stand = [v for v in last.values() if v.identity.try_number >= self._succeeded.get(task_of(v.identity), 0)]
        return tuple(sorted(stand, key=order_of))

    @cached_property
    def last_tries(self) -> tuple[RunRecord, ...]:
        """The last try of each task, whatever became of it."""
        return _last_tries(self.runs)

    @property
    def cost_micros(self) -> int:
        """Money spent by all tries together: a failed try was paid for, too."""
        return sum(run.summary.cost_micros or 0 for run in self.runs)

    @cached_property
    def breaches(self) -> int:
        """Standing verdicts that are a breach."""
        return sum(record.verdict.outcome is Outcome.BREACH for record in self.standing)

    def label(self, record: Record) -> str:
        """Return the label of the date a record is under."""
        return f"{date_of(record):{self._pattern}}"

    @cached_property
    def by_dag(self) -> Mapping[str, History]:
        """One history a DAG, in order of the DAG ids."""
        runs: dict[str, list[RunRecord]] = defaultdict(list)
        verdicts: dict[str, list[VerdictRecord]] = defaultdict(list)
        for run in self.runs:
            runs[run.identity.dag_id].append(run)
        for verdict in self.verdicts:
            verdicts[verdict.identity.dag_id].append(verdict)
        return {
            dag: replace(
                self,
                runs=tuple(runs[dag]),
                verdicts=tuple(verdicts[dag]),
                distributions=tuple(d for d in self.distributions if d.identity.dag_id == dag),
            )
            for dag in sorted({*runs, *verdicts})
        }

    def newest(self, limit: int) -> History:
        """Keep the newest ``limit`` dates."""
        if len(self.dates) <= limit:
            return self
        first = self.dates[-limit]
        return replace(
            self,
            runs=tuple(run for run in self.runs if date_of(run) >= first),
            verdicts=tuple(verdict for verdict in self.verdicts if date_of(verdict) >= first),
        )

    @cached_property
    def _succeeded(self) -> Mapping[TaskKey, int]:
        tries: dict[TaskKey, int] = {}
        for run in self.runs:
            if run.state is RunState.SUCCESS:
                key = task_of(run.identity)
                tries[key] = max(tries.get(key, 0), run.identity.try_number)
        return tries

    @cached_property
    def _pattern(self) -> str:
        if any(date.hour or date.minute for date in self.dates):
            return "%Y-%m-%d %H:%M"
        return "%Y-%m-%d" if any(date.day > 1 for date in self.dates) else "%Y-%m"


def history_of(
    runs: Iterable[RunRecord], verdicts: Iterable[VerdictRecord], distributions: Iterable[Measurement] = ()
) -> History:
    """Order what the store gave.

    :param runs: in any order.
    :param verdicts: in any order.
    :param distributions: measurements of the drift guard.
    """
    return History(
        tuple(sorted(runs, key=order_of)),
        tuple(sorted(verdicts, key=order_of)),
        tuple(distributions),
    )


def date_of(record: Record) -> datetime:
    """Return a record's logical date to the minute, in UTC; when it was recorded if it has none that can be read."""
    try:
        date = datetime.fromisoformat(record.identity.logical_date)
    except ValueError:
        date = recorded_at(record)
    return as_utc(date).replace(second=0, microsecond=0)


def recorded_at(record: Record) -> datetime:
    """Return when a run started or a verdict was recorded."""
    return record.started_at if isinstance(record, RunRecord) else record.recorded_at


def order_of(record: Record) -> tuple[Any, ...]:
    """Sort key: by date, then by time of recording; the rest makes the order the same however records came."""
    identity = record.identity
    what = (record.verdict.guard, record.verdict.subject) if isinstance(record, VerdictRecord) else ()
    return date_of(record), as_utc(recorded_at(record)), identity.try_number, *task_of(identity), identity.run_id, *what


def as_utc(moment: datetime) -> datetime:
    """In UTC; a time without zone is taken as UTC, as SQLite returns it."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def task_of(identity: RunIdentity) -> TaskKey:
    """Return what the tries of one task instance share. Outside Airflow nothing is shared: each run is its own."""
    run = identity.dag_run_id or identity.run_id
    return identity.dag_id, run, identity.task_id, identity.map_index


def _last_tries(runs: Iterable[RunRecord]) -> tuple[RunRecord, ...]:
    ordered = sorted(runs, key=lambda run: (run.identity.try_number, run.started_at))
    last = {task_of(run.identity): run for run in ordered}
    return tuple(sorted(last.values(), key=order_of))
