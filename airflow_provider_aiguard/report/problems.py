"""What is wrong: the verdicts that stand against the data, and the runs that did not end well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.run import RunRecord, RunState
from airflow_provider_aiguard.core.verdict import Outcome, Severity, Verdict, VerdictRecord
from airflow_provider_aiguard.report.figure import LONG_NAME, shorten
from airflow_provider_aiguard.report.history import History, order_of, task_of

if TYPE_CHECKING:
    from collections.abc import Sequence

MESSAGES = 3
MESSAGE_LENGTH = 400


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong.

    :param kind: ``breach``, ``undecided`` or ``failed``.
    :param date: its date as a label.
    :param where: DAG and task.
    :param what: the guard and what it judged, or the model.
    :param messages: sentences with the numbers.
    :param at: its date and the time it was recorded, to sort by, and what makes equal ones differ.
    """

    kind: str
    date: str
    where: str
    what: str
    messages: Sequence[str]
    at: tuple[Any, ...]


def problems_of(history: History) -> list[Problem]:
    """List breaches, then what is undecided, then failed runs no verdict explains; the newest of each first.

    :param history: all runs and verdicts.
    """
    judged = [v for v in history.standing if v.verdict.outcome is not Outcome.PASS]
    explained = {(task_of(v.identity), v.identity.try_number) for v in judged}
    lost = [r for r in history.last_tries if r.state in (RunState.FAILED, RunState.ABANDONED)]
    lost = [r for r in lost if (task_of(r.identity), r.identity.try_number) not in explained]
    order = {str(Outcome.BREACH): 0, str(Outcome.UNDECIDED): 1}
    found = [*(_of_verdict(history, v) for v in judged), *(_of_run(history, r) for r in lost)]
    found.sort(key=lambda problem: problem.at, reverse=True)
    return sorted(found, key=lambda problem: order.get(problem.kind, 2))


def deciding_messages(verdict: Verdict) -> list[str]:
    """Say what the checks that decided the verdict said: a few of them, and how many more there are."""
    deciding = [c.message for c in verdict.of(verdict.outcome) if c.severity is Severity.ERROR]
    if not deciding:
        return [] if verdict.checks else ["Nothing could be checked."]
    shown = [shorten(message, MESSAGE_LENGTH) for message in deciding[:MESSAGES]]
    more = len(deciding) - MESSAGES
    return [*shown, *([f"and {more} more check{'s' * (more > 1)}"] if more > 0 else [])]


def where(record: RunRecord | VerdictRecord) -> str:
    """Name the DAG, task and map index a record comes from."""
    identity = record.identity
    index = f" [{identity.map_index}]" if identity.map_index >= 0 else ""
    return shorten(f"{identity.dag_id or 'outside Airflow'} / {identity.task_id or '-'}{index}", 160)


def _of_verdict(history: History, record: VerdictRecord) -> Problem:
    verdict = record.verdict
    return Problem(
        kind=str(verdict.outcome),
        date=history.label(record),
        where=where(record),
        what=f"{verdict.guard.replace('_', ' ')} of {shorten(verdict.subject, LONG_NAME)}",
        messages=deciding_messages(verdict),
        at=order_of(record),
    )


def _of_run(history: History, run: RunRecord) -> Problem:
    summary = run.summary
    if run.state is RunState.ABANDONED:
        message = "The task was killed before it could say why. Rows written until then are complete and labelled."
    else:
        message = f"Failed with {summary.rejects:,} of {summary.rows:,} rows rejected. The reason is in the task log."
    return Problem(
        kind=str(run.state),
        date=history.label(run),
        where=where(run),
        what=f"run of {shorten(str(summary.model), LONG_NAME)}",
        messages=[message],
        at=order_of(run),
    )
