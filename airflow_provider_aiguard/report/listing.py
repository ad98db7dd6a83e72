"""The tables at the end of the page: every verdict with its checks, and every run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_aiguard.core.money import format_micros
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome, Severity, VerdictRecord, number
from airflow_provider_aiguard.report.figure import LONG_NAME, shorten
from airflow_provider_aiguard.report.history import History
from airflow_provider_aiguard.report.problems import MESSAGE_LENGTH, deciding_messages, where

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_aiguard.core.run import RunRecord

VERDICTS = 1000
RUNS = 2000
CHECKS = 4000
"""Most rows of each kind in a full page; the page says what it leaves out."""

CHECKS_EACH = 40
_WORST_FIRST = {Outcome.BREACH: 0, Outcome.UNDECIDED: 1, Outcome.PASS: 2}


@dataclass(frozen=True)
class CheckRow:
    """A check as it is shown."""

    outcome: str
    check: str
    column: str
    value: str
    limit: str
    message: str


@dataclass(frozen=True, kw_only=True)
class VerdictRow:
    """A verdict as it is shown.

    :param stands: whether no later try replaced it.
    :param left_out: checks that are not shown.
    """

    outcome: str
    date: str
    where: str
    guard: str
    subject: str
    messages: Sequence[str]
    stands: bool
    try_number: int
    checks: Sequence[CheckRow]
    left_out: int


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """A run as it is shown; ``cost`` and ``seconds`` also as numbers to sort by."""

    state: str
    date: str
    where: str
    model: str
    target: str
    rows: int
    rejects: int
    cost: str
    cost_micros: int
    seconds: float
    try_number: int


def verdict_rows(history: History, *, share: float = 1.0) -> list[VerdictRow]:
    """Return the newest ``VERDICTS`` verdicts, newest first, with the worst of their checks.

    :param history: all runs and verdicts.
    :param share: how much of a full page to use, in (0, 1].
    """
    standing = {id(record) for record in history.standing}
    newest = history.verdicts[::-1][: int(VERDICTS * share)]
    each = max(1, min(CHECKS_EACH, int(CHECKS * share) // max(1, len(newest))))
    return [_verdict_row(history, record, stands=id(record) in standing, checks=each) for record in newest]


def run_rows(history: History, *, share: float = 1.0) -> list[RunRow]:
    """Return the newest ``RUNS`` runs, newest first.

    :param history: all runs and verdicts.
    :param share: how much of a full page to use, in (0, 1].
    """
    newest = history.runs[::-1][: int(RUNS * share)]
    return [_run_row(history, run) for run in newest]


def _verdict_row(history: History, record: VerdictRecord, *, stands: bool, checks: int) -> VerdictRow:
    verdict = record.verdict
    worst = sorted(verdict.checks, key=lambda check: _WORST_FIRST[check.outcome])[:checks]
    return VerdictRow(
        outcome=str(verdict.outcome),
        date=history.label(record),
        where=where(record),
        guard=verdict.guard.replace("_", " "),
        subject=shorten(verdict.subject, LONG_NAME),
        messages=[] if verdict.outcome is Outcome.PASS else deciding_messages(verdict),
        stands=stands,
        try_number=record.identity.try_number,
        checks=[_check_row(check) for check in worst],
        left_out=len(verdict.checks) - len(worst),
    )


def _check_row(check: CheckResult) -> CheckRow:
    warn = "" if check.severity is Severity.ERROR else " (warn)"
    column = shorten(check.column or "-", LONG_NAME)
    message = shorten(check.message, MESSAGE_LENGTH)
    return CheckRow(f"{check.outcome}{warn}", check.check, column, number(check.value), number(check.limit), message)


def _run_row(history: History, run: RunRecord) -> RunRow:
    summary = run.summary
    cost = summary.cost_micros
    return RunRow(
        state=str(run.state),
        date=history.label(run),
        where=where(run),
        model=shorten(str(summary.model), LONG_NAME),
        target=shorten(summary.target, LONG_NAME),
        rows=summary.rows,
        rejects=summary.rejects,
        cost="no price" if cost is None else format_micros(cost),
        cost_micros=-1 if cost is None else cost,
        seconds=summary.seconds,
        try_number=run.identity.try_number,
    )
