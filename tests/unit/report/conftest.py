"""Eleven months of flights: confidence stays, accuracy falls, four columns drift, one month is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_aiguard.core.confidence import ConfidenceSummary
from airflow_provider_aiguard.core.run import (
    ColumnSummary,
    InferenceSummary,
    ModelIdentity,
    RunIdentity,
    RunRecord,
    RunState,
)
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome, Verdict, VerdictRecord

if TYPE_CHECKING:
    from collections.abc import Callable

Records = tuple[list[RunRecord], list[VerdictRecord]]
MONTHS = range(2, 13)
REFUSED = 10
ACCURACY = dict(zip(MONTHS, (0.86, 0.84, 0.82, 0.84, 0.78, 0.77, 0.82, 0.88, 0.88, 0.89, 0.80), strict=True))
ROWS = dict(zip(MONTHS, (23690, 27902, 27564, 28128, 27075, 28293, 28756, 27010, 28618, 26971, 27110), strict=True))
DRIFT = {"month": 0.1, "dep_hour": 0.1, "carrier": 0.2, "distance": 0.1, "origin": 0.1, "wind_speed": 0.1}
TOTAL_MICROS = sum(rows * 20 for month, rows in ROWS.items() if month != REFUSED)


def histogram(mean: float, n: int) -> ConfidenceSummary:
    """``n`` confidences over four cells whose mean is ``mean`` (to rounding)."""
    counts = [0] * 100
    parts = {mean - 0.25: 0.16, mean - 0.05: 0.18, mean + 0.02: 0.26, mean + 0.11: 0.40}
    for at, share in parts.items():
        counts[min(99, int(at * 100))] += round(share * n)
    return ConfidenceSummary(total=mean * sum(counts), counts=tuple(counts))


def identity(dag: str, task: str, date: datetime | str, **more: Any) -> RunIdentity:
    when = date if isinstance(date, str) else date.isoformat()
    known = {"run_id": f"{dag}-{task}-{when}-{more.get('try_number', 1)}", "dag_run_id": f"scheduled__{when}"}
    return RunIdentity(**{**known, "dag_id": dag, "task_id": task, "logical_date": when, **more})


@pytest.fixture
def make_run() -> Callable[..., RunRecord]:
    """A run; ``rows=0`` is one that wrote nothing."""

    def make(
        date: datetime | str = datetime(2013, 2, 1, tzinfo=UTC),
        *,
        dag: str = "flights",
        task: str = "score",
        state: RunState = RunState.SUCCESS,
        rows: int = 100,
        cost: int | None = 2_000,
        column: str = "late",
        target: str = "flights_scored",
        provenance: dict[str, int] | None = None,
        confidence: ConfidenceSummary | None = None,
        started_at: datetime = datetime(2026, 1, 1, tzinfo=UTC),
        rejects: int = 0,
        **who: Any,
    ) -> RunRecord:
        who_is = identity(dag, task, date, **who)
        written = ColumnSummary(
            provenance=provenance or {"ai_inferred": rows},
            confidence=histogram(0.86, rows) if confidence is None else confidence,
            confidence_source="probability",
        )
        summary = InferenceSummary(
            run_id=who_is.run_id,
            model=ModelIdentity(name="late-gbm", version="jan-2013", fingerprint="f" * 64),
            source="flights",
            target=target,
            rows=rows,
            inferred=rows,
            rejects=rejects,
            chunks=1,
            cost_micros=cost,
            seconds=2.5,
            columns={column: written} if rows else {},
        )
        return RunRecord(identity=who_is, state=state, started_at=started_at, finished_at=started_at, summary=summary)

    return make


@pytest.fixture
def make_verdict() -> Callable[..., VerdictRecord]:
    """A verdict of one check or of those given."""

    def make(
        date: datetime | str = datetime(2013, 2, 1, tzinfo=UTC),
        *,
        dag: str = "flights",
        task: str = "truth",
        guard: str = "ground_truth",
        subject: str = "flights_scored",
        outcome: Outcome = Outcome.PASS,
        message: str = "accuracy 0.86 is at or above 0.82",
        checks: list[CheckResult] | None = None,
        recorded_at: datetime = datetime(2026, 1, 1, 1, tzinfo=UTC),
        check: str = "ground_truth.accuracy",
        column: str | None = "late",
        value: float | None = 0.86,
        limit: float | None = 0.82,
        detail: dict[str, Any] | None = None,
        **who: Any,
    ) -> VerdictRecord:
        one = CheckResult(
            check=check, outcome=outcome, message=message, column=column, value=value, limit=limit, detail=detail
        )
        verdict = Verdict(guard=guard, subject=subject, checks=tuple([one] if checks is None else checks))
        return VerdictRecord(identity=identity(dag, task, date, **who), recorded_at=recorded_at, verdict=verdict)

    return make


@pytest.fixture
def flights(make_run: Callable[..., RunRecord], make_verdict: Callable[..., VerdictRecord]) -> Records:
    """Eleven months of one DAG as the store gives them."""
    runs: list[RunRecord] = []
    verdicts: list[VerdictRecord] = []
    for month in MONTHS:
        date, at = datetime(2013, month, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=month)
        verdicts.append(
            make_verdict(date, task="drift", guard="drift", subject="flights", recorded_at=at, checks=_drift(month))
        )
        if month == REFUSED:
            runs.append(make_run(date, started_at=at, rows=0, cost=0, state=RunState.FAILED))
            verdicts.append(_refusal(make_verdict, date, at))
            continue
        wrote = histogram(0.86 + 0.002 * (month % 3 - 1), ROWS[month])
        runs.append(make_run(date, started_at=at, rows=ROWS[month], cost=ROWS[month] * 20, confidence=wrote))
        verdicts.append(_truth(make_verdict, date, at, ACCURACY[month]))
        verdicts.append(_sure(make_verdict, date, at))
    return runs, verdicts


def _drift(month: int) -> list[CheckResult]:
    moved = {
        "month": 0.1 * (1.4 + 0.1 * month),
        "dep_hour": 0.01 + 0.012 * month,
        "carrier": 0.04 + 0.03 * abs(month - 2),
        "distance": 0.02 + (0.16 if month in (6, 7, 8) else 0.0),
        "origin": 0.01 + 0.002 * month,
        "wind_speed": 0.03,
    }
    return [_drift_check(column, value, DRIFT[column]) for column, value in moved.items()]


def _drift_check(column: str, value: float, limit: float) -> CheckResult:
    outcome = Outcome.BREACH if value > limit else Outcome.PASS
    message = f"{column}: PSI {value:.3f} {'exceeds' if value > limit else 'is within'} {limit:.3g}"
    return CheckResult(check="drift.psi", outcome=outcome, message=message, column=column, value=value, limit=limit)


def _truth(make: Callable[..., VerdictRecord], date: datetime, at: datetime, accuracy: float) -> VerdictRecord:
    low = accuracy < 0.82
    message = f"late: accuracy {accuracy:.2f} is {'below' if low else 'at or above'} the limit 0.82"
    outcome = Outcome.BREACH if low else Outcome.PASS
    interval = {"low": accuracy - 0.008, "high": accuracy + 0.006}
    return make(date, outcome=outcome, message=message, value=accuracy, detail=interval, recorded_at=at)


def _sure(make: Callable[..., VerdictRecord], date: datetime, at: datetime) -> VerdictRecord:
    return make(
        date, task="sure", guard="confidence", check="confidence.mean", limit=0.8, recorded_at=at,
        message="late: mean confidence 0.86 is at or above 0.8",
    )  # fmt: skip


def _refusal(make: Callable[..., VerdictRecord], date: datetime, at: datetime) -> VerdictRecord:
    message = "budget 'flights' has $0.10 for this DAG run and the run needs $0.57: raise the limit or score fewer rows"
    return make(
        date, task="score", guard="budget", subject="flights", check="budget.limit", column=None, value=0.57236,
        limit=0.1, outcome=Outcome.BREACH, message=message, recorded_at=at,
    )  # fmt: skip
