"""What a step does not accept: how it ends, what is written, what is spent, what is remembered."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.claims import Failure
from airflow_provider_aiguard.core.errors import (
    BudgetExceededError,
    InvalidClaimError,
    RejectShareError,
    TableNotFoundError,
)
from airflow_provider_aiguard.core.run import RunState
from airflow_provider_aiguard.core.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from steps import Database, Runner

    from airflow_provider_aiguard.store.store import Store

FLIGHTS = Table("flights", key="id")
STEP: dict[str, Any] = {"rows": FLIGHTS, "into": Table("scored"), "chunk_size": 10}
BUDGET = Budget("flights", "0.25")
PRICED: dict[str, Any] = {**STEP, "price_per_row": Decimal("0.01"), "budgets": (BUDGET,)}


class Terminated(BaseException):
    """As Airflow ends a task: no ``Exception``."""


def ids(database: Database) -> list[int]:
    """Rows that are written, each of them whole."""
    halves = database.rows("SELECT id FROM scored WHERE late IS NULL OR late__provenance IS NULL OR late__run IS NULL")
    assert halves == []
    return [i for (i,) in database.rows("SELECT id FROM scored ORDER BY id")]


def standing(store: Store, run: Runner) -> tuple[int, int]:
    """Micro-dollars spent and held."""
    status = store.ledger.status(BUDGET, store.runs.get("run-1").identity, datetime.now(UTC))
    return status.spent, status.held


def in_chunk(number: int, answer: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """All true, but for one chunk, counted from 1."""
    seen: list[Any] = []

    def model(chunk: Any) -> Any:
        seen.append(chunk)
        return answer(chunk) if len(seen) == number else {"late": [True] * len(chunk)}

    return model


def test_a_row_the_model_failed_on_is_a_reject(database: Database, run: Runner, store: Store) -> None:
    database.flights(30)

    def model(chunk: Any) -> Any:
        said = {7: None, 12: Failure("timeout", "after 30 s"), 25: Failure("refused")}
        return {"late": [said.get(i, True) for i in chunk["id"]]}, {"late": [0.5] * len(chunk)}

    summary = run(model, inputs=("id",), outputs=["late"], max_reject_share=0.1, **STEP)
    assert ids(database) == [i for i in range(1, 31) if i not in (7, 12, 25)]
    assert (summary.rows, summary.inferred, summary.rejects, summary.reject_share) == (30, 27, 3, 0.1)
    assert summary.columns["late"].inferred == summary.columns["late"].confidence.count == 27
    assert [(dict(r.key), r.reason, r.detail) for r in store.runs.rejects("run-1")] == [
        ({"id": "7"}, "no_value", "the model gave no value for 'late'"),
        ({"id": "12"}, "timeout", "after 30 s"),
        ({"id": "25"}, "refused", ""),
    ]
    assert store.runs.get("run-1").state is RunState.SUCCESS


def test_too_many_rejects_fail_the_step_after_the_good_rows_are_safe(
    database: Database, run: Runner, store: Store
) -> None:
    database.flights(30)
    message = (
        r"The model model@1 failed on 3 of 30 rows \(10\.00%\), allowed are 9\.99%\. The other rows are written\. "
        r"To see the rejects: aiguard rejects run-1\. Raise max_reject_share to accept them"
    )
    with pytest.raises(RejectShareError, match=message):
        run(
            lambda c: [None if i % 10 == 0 else True for i in c["id"]],
            inputs=("id",),
            outputs={"late": bool},
            max_reject_share=0.0999,
            **STEP,
        )
    assert ids(database) == [i for i in range(1, 31) if i % 10]
    record = store.runs.get("run-1")
    assert (record.state, record.summary.rejects) == (RunState.FAILED, 3)
    assert len(store.runs.rejects("run-1")) == 3


def test_one_reject_is_too_many_by_default(database: Database, run: Runner) -> None:
    database.flights(30)
    with pytest.raises(RejectShareError, match=r"failed on 1 of 30 rows \(3\.33%\), allowed are 0\.00%"):
        run(lambda c: [None if i == 30 else True for i in c["id"]], inputs=("id",), outputs=["late"], **STEP)
    assert len(ids(database)) == 29


def test_a_chunk_that_failed_whole_writes_nothing(database: Database, run: Runner, store: Store) -> None:
    database.flights(10)
    summary = run(lambda c: [Failure("down")] * len(c), outputs=["late"], max_reject_share=1, **STEP)
    assert (summary.rejects, summary.inferred, database.has("scored")) == (10, 0, False)
    assert len(store.runs.rejects("run-1")) == 10


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            lambda c: {"late": [*[True] * 4, "perhaps", *[True] * 5]},
            r"Output 'late' of row {'id': '15'}: 'perhaps' is not true or false, the declared type is boolean",
        ),
        (
            lambda c: {"late": [*[True] * 4, math.nan, *[True] * 5]},
            r"Output 'late' of row {'id': '15'}: nan is not true or false.* Return None, or Failure\(reason\)",
        ),
        (
            lambda c: ({"late": [True] * 10}, {"late": [0.5] * 9 + [1.2]}),
            r"Confidence of 'late' of row {'id': '20'} is 1\.2\. A confidence is a number in \[0, 1\]",
        ),
        (
            lambda c: ({"late": [True] * 10}, {"late": [math.nan] + [0.5] * 9}),
            r"Confidence of 'late' of row {'id': '11'} is nan",
        ),
        (lambda c: {"late": [True] * 9}, "The model gave 9 values for output 'late' for a chunk of 10 rows"),
        (lambda c: {"lat": [True] * 10}, r"answered for columns \['lat'\], declared outputs are \['late'\]"),
        (lambda c: None, "returned values of type NoneType"),
    ],
    ids=["type", "nan", "confidence 1.2", "confidence nan", "length", "columns", "nothing"],
)
def test_nothing_of_a_chunk_with_an_invalid_claim_is_written(
    database: Database, run: Runner, store: Store, answer: Any, message: str
) -> None:
    database.flights(30)
    with pytest.raises(InvalidClaimError, match=message):
        run(in_chunk(2, answer), outputs={"late": bool}, **PRICED)
    assert ids(database) == list(range(1, 11))
    record = store.runs.get("run-1")
    assert (record.state, record.summary.rows, record.summary.chunks, run.closed) == (RunState.FAILED, 10, 1, 1)
    # The model was asked: its answers were wrong, but they were made.
    assert standing(store, run) == (200_000, 0)
    assert record.summary.cost_micros == 200_000


def test_a_value_of_none_of_the_labels(database: Database, run: Runner) -> None:
    database.flights(3)
    with pytest.raises(InvalidClaimError, match=r"row {'id': '2'}: 'maybe' is none of the labels \['no', 'yes'\]"):
        run(lambda _: ["yes", "maybe", "no"], outputs={"late": ["yes", "no"]}, **STEP)
    assert not database.rows("SELECT * FROM scored")


def test_a_later_chunk_must_keep_the_type_of_the_first(database: Database, run: Runner) -> None:
    database.flights(20)
    with pytest.raises(InvalidClaimError, match=r"row {'id': '11'}: 'x' is not true or false"):
        run(in_chunk(2, lambda c: {"late": ["x"] * 10}), outputs=["late"], **STEP)
    assert ids(database) == list(range(1, 11))


def test_a_budget_refuses_before_the_model_is_asked(database: Database, run: Runner, store: Store) -> None:
    database.flights(30)
    message = r"Budget 'flights' refuses \$0\.1000.*limit of \$0\.2500, \$0\.2000 is spent and \$0\.00 is held"
    with pytest.raises(BudgetExceededError, match=message):
        run(lambda c: [True] * len(c), outputs=["late"], **PRICED)
    assert ids(database) == list(range(1, 21))
    assert (len(run.seen), run.closed) == (2, 1)
    assert standing(store, run) == (200_000, 0)
    record = store.runs.get("run-1")
    assert (record.state, record.summary.rows, record.summary.cost_micros) == (RunState.FAILED, 20, 200_000)


def test_what_was_asked_is_what_is_paid(database: Database, run: Runner, store: Store) -> None:
    database.flights(25)
    summary = run(lambda c: [True] * len(c), outputs=["late"], **PRICED)
    assert summary.cost_micros == store.runs.get("run-1").summary.cost_micros == 250_000
    assert standing(store, run) == (250_000, 0)


def test_rows_that_are_not_asked_about_cost_nothing(database: Database, run: Runner, store: Store) -> None:
    database.flights(25)
    database.run("ALTER TABLE flights ADD COLUMN late BOOLEAN", "UPDATE flights SET late = true WHERE id > 3")
    summary = run(lambda c: [True] * len(c), outputs=["late"], fill="missing", **PRICED)
    assert (summary.cost_micros, standing(store, run)) == (30_000, (30_000, 0))


def test_a_failed_call_without_a_budget_is_counted_too(database: Database, run: Runner, store: Store) -> None:
    database.flights(25)
    with pytest.raises(ZeroDivisionError, match="division"):
        run(in_chunk(2, lambda _: 1 / 0), outputs=["late"], **{**PRICED, "budgets": ()})
    assert (store.runs.get("run-1").summary.cost_micros, standing(store, run)) == (200_000, (0, 0))


def test_a_price_without_a_budget_is_only_counted(database: Database, run: Runner, store: Store) -> None:
    database.flights(25)
    summary = run(lambda c: [True] * len(c), outputs=["late"], **{**PRICED, "budgets": ()})
    assert (summary.cost_micros, standing(store, run)) == (250_000, (0, 0))


@pytest.mark.parametrize("error", [RuntimeError("down"), Terminated("stop"), KeyboardInterrupt("stop")])
def test_a_call_that_failed_counts_as_spent(
    database: Database, run: Runner, store: Store, error: BaseException
) -> None:
    database.flights(30)

    def fail(_: Any) -> Any:
        assert standing(store, run) == (100_000, 100_000)
        raise error

    with pytest.raises(type(error), match=str(error)):
        run(in_chunk(2, fail), outputs=["late"], **PRICED)
    assert standing(store, run) == (200_000, 0)
    assert ids(database) == list(range(1, 11))
    record = store.runs.get("run-1")
    assert (record.state, record.summary.cost_micros, run.closed) == (RunState.FAILED, 200_000, 1)
    assert record.finished_at is not None


def test_stopped_between_the_answer_and_the_books_nothing_stays_held(
    database: Database, run: Runner, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.flights(10)

    def stop(*_: Any, **__: Any) -> None:
        raise Terminated("in settle")

    monkeypatch.setattr(store.ledger, "settle", stop)
    with pytest.raises(Terminated, match="in settle"):
        run(lambda c: [True] * len(c), outputs=["late"], **PRICED)
    assert standing(store, run) == (100_000, 0)


def test_stopped_while_writing_the_chunk_is_gone_and_the_connection_free(
    database: Database, run: Runner, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_provider_aiguard.tables.writer import ClaimWriter

    database.flights(30)
    statement = ClaimWriter._statement
    written: list[Any] = []

    def stop(self: ClaimWriter, *staged: Any) -> Any:
        written.append(staged)
        if len(written) == 2:
            raise Terminated("in write")
        return statement(self, *staged)

    with monkeypatch.context() as patched:
        patched.setattr(ClaimWriter, "_statement", stop)
        with pytest.raises(Terminated, match="in write"):
            run(lambda c: [True] * len(c), outputs=["late"], **PRICED)
    assert ids(database) == list(range(1, 11))
    assert standing(store, run) == (200_000, 0)
    record = store.runs.get("run-1")
    assert (record.state, record.summary.rows, record.summary.cost_micros) == (RunState.FAILED, 10, 200_000)
    run(lambda c: [True] * len(c), outputs=["late"], run_id="run-2", try_number=2, **STEP)
    assert ids(database) == list(range(1, 31))


def test_a_missing_table_is_a_failed_run(run: Runner, store: Store) -> None:
    with pytest.raises(TableNotFoundError, match="Table 'flights' does not exist"):
        run(lambda c: [True], outputs=["late"], **STEP)
    assert (store.runs.get("run-1").state, run.closed) == (RunState.FAILED, 1)


def test_the_model_is_closed_even_if_the_store_is_not_there(
    run: Runner, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError("no store")

    monkeypatch.setattr(store.runs, "start", refuse)
    with pytest.raises(RuntimeError, match="no store"):
        run(lambda c: [True], outputs=["late"], **STEP)
    assert run.closed == 1
