"""Equal work is paid for once: rows of a chunk, of a table, of a retry, and of earlier runs if asked for."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from http_server import Endpoint
from steps import Database, Runner, identity

from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.claims import Claims, Failure
from airflow_provider_aiguard.core.errors import InvalidClaimError, RejectShareError
from airflow_provider_aiguard.core.outputs import parse_outputs
from airflow_provider_aiguard.core.provenance import ConfidenceSource
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.inference import asker, keeping
from airflow_provider_aiguard.inference.engine import run_inference
from airflow_provider_aiguard.inference.plan import InferencePlan
from airflow_provider_aiguard.models.http import HttpModel
from airflow_provider_aiguard.store import schema

if TYPE_CHECKING:
    import pandas as pd

    from airflow_provider_aiguard.store.store import Store

FLIGHTS, SCORED = Table("flights", key="id"), Table("scored")
PRICED = {"rows": FLIGHTS, "into": SCORED, "price_per_row": Decimal("0.01"), "outputs": {"late": bool}}
BY_CARRIER = {**PRICED, "inputs": ("carrier",)}


def is_ua(chunk: pd.DataFrame) -> Any:
    return {"late": list(chunk["carrier"] == "UA")}, {"late": [0.75] * len(chunk)}


class Scripted:
    """One model, by its code, that answers each call with the next function, and then with the last."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def answer(self, chunk: pd.DataFrame) -> Any:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer(chunk)

    def of(self) -> Any:
        return lambda chunk: self.answer(chunk)  # noqa: PLW0108  a model is told by the code of a plain function


def killed(_chunk: pd.DataFrame) -> Any:
    raise SystemExit("killed")


def asked(run: Runner) -> list[int]:
    return [len(chunk) for chunk in run.seen]


class TestEqualRows:
    def test_columns_in_another_order_are_other_work(self, database: Database, run: Runner) -> None:
        database.flights(4)

        def by_place(chunk: pd.DataFrame) -> Any:
            return {"first": chunk.to_numpy()[:, 0]}

        def first(*inputs: str) -> list[float]:
            plan = {**PRICED, "outputs": {"first": float}, "reuse": timedelta(days=1), "run_id": inputs[0]}
            run(by_place, inputs=inputs, **plan)
            return [value for (value,) in database.rows("SELECT first FROM scored ORDER BY id")]

        database.run("ALTER TABLE flights ADD COLUMN hour DOUBLE PRECISION", "UPDATE flights SET hour = 7")
        assert first("distance", "hour") == [100.0, 200.0, 300.0, 400.0]
        assert first("hour", "distance") == [7.0] * 4
        assert asked(run) == [4, 4]

    def test_each_different_row_of_a_table_is_asked_about_once(self, database: Database, run: Runner) -> None:
        database.flights(30)
        summary = run(is_ua, chunk_size=10, **BY_CARRIER)
        assert asked(run) == [2]
        assert (summary.rows, summary.inferred, summary.saved, summary.cost_micros) == (30, 30, 28, 20_000)
        written = (
            "SELECT carrier, late, late__confidence, count(*) FROM flights JOIN scored USING (id) GROUP BY 1, 2, 3"
        )
        assert {(c, bool(late), p, n) for c, late, p, n in database.rows(written)} == {
            ("AA", False, 0.75, 15),
            ("UA", True, 0.75, 15),
        }

    def test_a_model_without_a_price_is_asked_about_every_row(self, database: Database, run: Runner) -> None:
        database.flights(30)
        summary = run(is_ua, **{**BY_CARRIER, "price_per_row": None})
        assert asked(run) == [30]
        assert summary.saved == 0

    @pytest.mark.parametrize("price", [None, Decimal(0)])
    def test_but_once_where_a_budget_counts_its_calls(
        self, database: Database, run: Runner, price: Decimal | None
    ) -> None:
        database.flights(30)
        plan = {**BY_CARRIER, "price_per_row": price, "budgets": (Budget("flights", 5, unit="calls"),)}
        assert run(is_ua, **plan).saved == 28
        assert run(is_ua, run_id="run-2", try_number=2, **plan).saved == 30
        assert asked(run) == [2]

    def test_results_may_stay_out_of_the_store(self, database: Database, run: Runner, store: Store) -> None:
        database.flights(30)
        summary = run(is_ua, chunk_size=10, store_results=False, **BY_CARRIER)
        assert (asked(run), summary.saved) == ([2], 28)
        assert stored(store) == []
        run(is_ua, run_id="run-2", try_number=2, store_results=False, **BY_CARRIER)
        assert asked(run) == [2, 2]

    def test_rows_that_need_different_outputs_are_different_work(self, database: Database, run: Runner) -> None:
        database.flights(4)
        database.run("ALTER TABLE flights ADD COLUMN late BOOLEAN", "ALTER TABLE flights ADD COLUMN far BOOLEAN")
        database.run("UPDATE flights SET late = true WHERE id = 1")

        def both(chunk: pd.DataFrame) -> Any:
            return {"late": [False] * len(chunk), "far": [True] * len(chunk)}

        plan = {**BY_CARRIER, "into": FLIGHTS, "outputs": {"late": bool, "far": bool}, "fill": "missing"}
        run(both, **plan)
        assert asked(run) == [3]
        rows = "SELECT id, late, far, late__provenance FROM flights ORDER BY id"
        assert [(i, bool(a), bool(b), p) for i, a, b, p in database.rows(rows)] == [
            (1, True, True, "observed"),
            (2, False, True, "ai_inferred"),
            (3, False, True, "ai_inferred"),
            (4, False, True, "ai_inferred"),
        ]

    def test_a_row_that_needs_everything_is_the_same_work_beside_any_other(
        self, database: Database, run: Runner
    ) -> None:
        database.flights(4)
        database.run("ALTER TABLE flights ADD COLUMN late BOOLEAN", "ALTER TABLE flights ADD COLUMN far BOOLEAN")
        database.run("UPDATE flights SET late = true WHERE id = 3")

        def both(chunk: pd.DataFrame) -> Any:
            return {"late": [False] * len(chunk), "far": [True] * len(chunk)}

        # Of the second chunk one row needs less: the other is still equal to one of the first.
        plan = {**BY_CARRIER, "into": FLIGHTS, "outputs": {"late": bool, "far": bool}, "fill": "missing"}
        assert run(both, chunk_size=2, **plan).saved == 1
        assert asked(run) == [2, 1]

    def test_any_number_of_outputs_may_be_missing(self, database: Database, run: Runner) -> None:
        database.flights(4)
        names = [f"x{i}" for i in range(70)]
        database.run("UPDATE flights SET carrier = 'AA'")
        for name in names:
            database.run(f"ALTER TABLE flights ADD COLUMN {name} BOOLEAN")
        database.run(
            "UPDATE flights SET " + ", ".join(f"{name} = true" for name in names) + " WHERE id IN (1, 2)",
            "UPDATE flights SET x64 = NULL WHERE id = 1",
            "UPDATE flights SET x65 = NULL WHERE id = 2",
        )
        plan = {**BY_CARRIER, "into": FLIGHTS, "outputs": dict.fromkeys(names, bool), "fill": "missing"}
        summary = run(lambda chunk: {name: [False] * len(chunk) for name in names}, **plan)
        assert (asked(run), summary.rejects) == ([3], 0)
        assert database.rows("SELECT count(*) FROM flights WHERE x64 IS NULL OR x65 IS NULL") == [(0,)]


class TestAgain:
    def test_a_retry_asks_only_about_what_is_missing(self, database: Database, run: Runner) -> None:
        database.flights(30)
        model = Scripted(is_ua, killed, is_ua)
        budget = (Budget("flights", "0.50"),)
        with pytest.raises(SystemExit, match="killed"):
            run(model.of(), chunk_size=10, budgets=budget, **PRICED)
        summary = run(model.of(), run_id="run-2", try_number=2, chunk_size=10, budgets=budget, **PRICED)
        assert asked(run) == [10, 10, 10, 10]
        assert (summary.saved, summary.cost_micros) == (10, 200_000)
        assert database.rows("SELECT count(*) FROM scored WHERE late IS NOT NULL") == [(30,)]
        status = run.store.ledger.status(budget[0], identity("run-2", 2), datetime.now(UTC))
        assert (status.spent, status.held) == (400_000, 0)

    def test_another_dag_run_asks_anew_unless_it_may_reuse(self, database: Database, run: Runner, store: Store) -> None:
        database.flights(30)
        run(is_ua, **BY_CARRIER)
        store._database.write(lambda conn: conn.execute(sa.update(schema.result).values(dag_run_id="earlier")).close())
        assert run(is_ua, run_id="run-2", reuse=timedelta(days=30), **BY_CARRIER).saved == 30
        store._database.write(
            lambda conn: conn.execute(
                sa.update(schema.result).values(made_at=datetime.now(UTC) - timedelta(days=31))
            ).close()
        )
        assert run(is_ua, run_id="run-3", reuse=timedelta(days=30), **BY_CARRIER).saved == 28
        assert asked(run) == [2, 2]

    @pytest.mark.parametrize("failed", [True, False])
    def test_a_cleared_task_pays_nothing_again_whoever_asked_the_same_since(
        self, database: Database, run: Runner, store: Store, monkeypatch: pytest.MonkeyPatch, failed: bool
    ) -> None:
        """Another DAG run asks anew, without ``reuse=``, and fails or has its own answers."""
        database.flights(30)
        model = Scripted(is_ua, killed if failed else is_ua, is_ua)
        run(model.of(), **BY_CARRIER)
        with monkeypatch.context() as patch:
            another = dataclasses.replace(identity("tomorrow"), dag_run_id="tomorrow")
            patch.setattr("steps.identity", lambda *_: another)
            if failed:
                with pytest.raises(SystemExit, match="killed"):
                    run(model.of(), **BY_CARRIER)
            else:
                run(model.of(), **BY_CARRIER)
        assert asked(run) == [2, 2]
        assert run(model.of(), run_id="cleared", try_number=2, **BY_CARRIER).saved == 30
        with monkeypatch.context() as patch:
            # What it had before is not its own: it asks anew once more.
            retried = dataclasses.replace(identity("tomorrow-2", 2), dag_run_id="tomorrow")
            patch.setattr("steps.identity", lambda *_: retried)
            assert run(model.of(), **BY_CARRIER).saved == (28 if failed else 30)

    @pytest.mark.parametrize(
        ("kind", "values"),
        [
            (str, ["später", ""]),
            (int, [2**62, -1]),
            (float, [0.1, 1e300]),
            (Decimal, [Decimal("1.10"), Decimal("-3")]),
            (dt.date, [dt.date(2020, 2, 29), dt.date(1, 1, 1)]),
            (dt.datetime, [datetime(2020, 1, 1, 5, 30, 0, 1, tzinfo=UTC), datetime(1999, 1, 1, tzinfo=UTC)]),
            (["a", "b"], ["a", "b"]),
        ],
    )
    def test_every_type_comes_back_as_it_was(
        self, database: Database, run: Runner, kind: Any, values: list[Any]
    ) -> None:
        database.flights(2)
        plan = {**BY_CARRIER, "outputs": {"x": kind}}
        model = Scripted(lambda chunk: {"x": values}, lambda chunk: pytest.fail("paid again"))
        run(model.of(), **plan)
        first = database.rows("SELECT id, x, x__confidence FROM scored ORDER BY id")
        database.run("DROP TABLE scored")
        assert run(model.of(), run_id="run-2", try_number=2, **plan).saved == 2
        assert database.rows("SELECT id, x, x__confidence FROM scored ORDER BY id") == first

    def test_undeclared_types_come_back_too(self, database: Database, run: Runner) -> None:
        database.flights(2)
        plan = {**BY_CARRIER, "outputs": ["late"]}
        run(is_ua, **plan)
        assert run(is_ua, run_id="run-2", try_number=2, **plan).saved == 2
        assert asked(run) == [2]

    def test_an_answer_of_another_type_than_the_column_is_paid_for_again(self, database: Database, run: Runner) -> None:
        database.flights(2)
        database.run("CREATE TABLE numbers (id BIGINT NOT NULL PRIMARY KEY, x DOUBLE PRECISION)")
        database.run("CREATE TABLE whole (id BIGINT NOT NULL PRIMARY KEY, x BIGINT)")
        plan = {**BY_CARRIER, "outputs": ["x"]}

        def ones(chunk: pd.DataFrame) -> Any:
            return {"x": [1] * len(chunk)}

        run(ones, **{**plan, "into": Table("numbers")})
        assert run(ones, run_id="run-2", try_number=2, **{**plan, "into": Table("whole")}).saved == 0
        assert database.rows("SELECT x FROM whole") == [(1,), (1,)]


class TestFailures:
    def test_a_row_the_model_failed_on_is_asked_about_again(self, database: Database, run: Runner) -> None:
        database.flights(30)

        def fails(chunk: pd.DataFrame) -> Any:
            late = [Failure("timeout") if c == "AA" else True for c in chunk["carrier"]]
            return {"late": late}

        model = Scripted(fails, is_ua)
        with pytest.raises(RejectShareError, match="failed on 15 of 30 rows"):
            run(model.of(), **BY_CARRIER)
        assert [r.reason for r in run.store.runs.rejects("run-1")] == ["timeout"] * 15
        summary = run(model.of(), run_id="run-2", try_number=2, **BY_CARRIER)
        assert (asked(run), summary.saved) == ([2, 1], 29)

    def test_one_that_it_would_fail_on_again_is_not_paid_for_twice(self, database: Database, run: Runner) -> None:
        database.flights(30)

        def fails(chunk: pd.DataFrame) -> Any:
            return {"late": [Failure("malformed") if c == "AA" else True for c in chunk["carrier"]]}

        summary = run(fails, chunk_size=10, max_reject_share=1.0, **BY_CARRIER)
        assert (asked(run), summary.cost_micros) == ([2], 20_000)
        # Nobody has answered the others of its kind.
        assert (summary.rejects, summary.saved, summary.models[0].saved) == (15, 14, 14)

    def test_an_invalid_answer_is_not_kept(self, database: Database, run: Runner, store: Store) -> None:
        database.flights(2)
        with pytest.raises(InvalidClaimError, match=r"row \{'id': '2'\}: 'yes' is not true or false"):
            run(lambda chunk: {"late": [True, "yes"]}, **BY_CARRIER)
        assert stored(store) == []

    @pytest.mark.parametrize(
        "poison",
        ['{"v": {"late": "yes"}, "c": {}, "s": null}', '{"v": {"early": true}, "c": {}, "s": null}', "[]", "rubbish",
         '{"v": {"late": true}, "c": {"late": 7}, "s": null}', '{"v": {"late": {"decimal": "x"}}, "c": {}, "s": null}'],
    )  # fmt: skip
    def test_a_poisoned_result_is_paid_for_again(
        self, database: Database, run: Runner, store: Store, poison: str
    ) -> None:
        database.flights(2)
        run(is_ua, **BY_CARRIER)
        store._database.write(lambda conn: conn.execute(sa.update(schema.result).values(result=poison)).close())
        assert run(is_ua, run_id="run-2", try_number=2, **BY_CARRIER).saved == 0
        assert run(is_ua, run_id="run-3", try_number=3, **BY_CARRIER).saved == 2


def test_columns_that_a_model_does_not_see_make_no_work(database: Database, run: Runner, store: Store) -> None:
    database.flights(30)
    with Endpoint(lambda body, _: {"predictions": [row["carrier"] == "UA" for row in body["instances"]]}) as endpoint:
        model = HttpModel(endpoint.url, model="m", outputs=["late"], protocol="json", features=["carrier"])
        plan = InferencePlan(**{**PRICED, "outputs": parse_outputs({"late": bool})})
        engine = database.engine
        summary = run_inference(plan, model, source=engine, target=engine, store=store, identity=identity("run-1"))
        assert [len(body["instances"]) for body in endpoint.requests] == [2]
    assert (summary.saved, summary.cost_micros) == (28, 20_000)


def test_a_source_of_confidence_is_remembered(database: Database, run: Runner) -> None:
    database.flights(2)

    def verbalised(chunk: pd.DataFrame) -> Claims:
        source = ConfidenceSource.VERBALISED
        return Claims(values={"late": [True, True]}, confidences={"late": [0.5, None]}, confidence_source=source)

    run(verbalised, **BY_CARRIER)
    summary = run(verbalised, run_id="run-2", try_number=2, **BY_CARRIER)
    assert summary.columns["late"].confidence_source == "verbalised"
    assert summary.columns["late"].confidence.missing == 1


def test_an_output_without_confidences_has_no_source_of_them(database: Database, run: Runner) -> None:
    database.flights(2)

    def of_one(chunk: pd.DataFrame) -> Any:
        return {"late": [True] * len(chunk), "far": [False] * len(chunk)}, {"late": [0.5] * len(chunk)}

    for number in (1, 2):
        plan = {**BY_CARRIER, "outputs": {"late": bool, "far": bool}, "run_id": f"run-{number}", "try_number": number}
        columns = run(of_one, **plan).columns
        assert [columns[name].confidence_source for name in ("late", "far")] == ["probability", None]


@pytest.mark.parametrize(("backfill", "ahead"), [(False, 0), (True, 0), (True, 2)])
def test_of_two_runs_at_once_one_pays_and_the_other_waits(
    database: Database, run: Runner, store: Store, backfill: bool, ahead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the other's clock is some minutes ahead."""
    database.flights(2)
    under_way, go_on = threading.Event(), threading.Event()

    def slow(chunk: pd.DataFrame) -> Any:
        if under_way.is_set():
            pytest.fail("paid twice")
        under_way.set()
        assert go_on.wait(30)
        return is_ua(chunk)

    other = Runner(run.engine, store)
    first = threading.Thread(target=lambda: run(slow, **BY_CARRIER))
    first.start()
    assert under_way.wait(30)
    into = {**BY_CARRIER, "into": Table("elsewhere")}
    if backfill:
        # Another DAG run: what was made while it waited is shared without reuse.
        another = dataclasses.replace(identity("backfill"), dag_run_id="backfill")
        monkeypatch.setattr("steps.identity", lambda *_: another)
        there = timedelta(minutes=ahead)
        monkeypatch.setattr("airflow_provider_aiguard.inference.once._now", lambda: datetime.now(UTC) + there)
    summaries: list[Any] = []
    # A mapped sibling: another run of the same task in the same DAG run.
    second = threading.Thread(target=lambda: summaries.append(other(slow, run_id="sibling", try_number=0, **into)))
    second.start()
    second.join(1.0)
    assert second.is_alive()
    go_on.set()
    first.join(30)
    second.join(30)
    assert (summaries[0].saved, asked(other)) == (2, [])


def test_work_that_takes_long_stays_the_workers_own(
    database: Database, run: Runner, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "KEEP_SECONDS", 0.01)
    monkeypatch.setattr(asker, "RENEW_SECONDS", 0)
    database.flights(2)
    until: list[datetime] = []

    def slow(chunk: pd.DataFrame) -> Any:
        until.append(stored(store)[0].taken_until)
        for _ in range(3_000):
            if (later := stored(store)[0].taken_until) > until[0]:
                until.append(later)
                break
            time.sleep(0.01)
        return is_ua(chunk)

    run(slow, **BY_CARRIER)
    assert len(until) == 2
    assert [row.state for row in stored(store)] == ["done"] * 2


def stored(store: Store) -> list[Any]:
    return store._database.read(lambda conn: list(conn.execute(sa.select(schema.result))))
