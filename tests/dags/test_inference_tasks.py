"""AI steps in real DAG runs: arguments, mapping, templates, retries, and what happens when Airflow stops them."""

from __future__ import annotations

import os
import signal
import time
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
import sqlalchemy as sa
from airflow_home import run_here

from airflow_provider_aiguard import Budget, Failure, Table
from airflow_provider_aiguard.core.run import RunState
from airflow_provider_aiguard.models.function import FunctionModel
from airflow_provider_aiguard.operators.inference import InferenceOperator

people = Table("people", "rows", key="id")


@pytest.fixture(scope="module", autouse=True)
def _people(rows, store):
    frame = pd.DataFrame({"id": range(30), "part": ["a", "b", "c"] * 10, "age": range(30)})
    frame.to_sql("people", rows, index=False)


@pytest.fixture
def ask(rows):
    """Rows of a query on the connection ``rows``."""

    def ask(sql):
        with rows.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(sql))]

    return ask


def one_run(store, ran, task_id="guess", map_index=-1):
    found = [r for r in store.runs.list(dag_run_id=ran.run_id, task_id=task_id) if r.identity.map_index == map_index]
    return found[-1]


def guess_all(batch):
    return {"late": [True] * len(batch)}, {"late": [0.9] * len(batch)}


class TestArguments:
    def test_function_gets_the_chunk_taskflow_arguments_defaults_and_context(self, store, ask):
        from airflow.sdk import dag, task

        seen = {}

        @dag("arguments", schedule=None, params={"threshold": 20})
        def arguments():
            @task
            def limit():
                return 7

            @task.inference(rows=people, into="arguments", outputs={"old": bool}, inputs=["age"])
            def guess(batch, limit, plus=3, *, params, dag_run=None):
                seen.update(columns=list(batch), limit=limit, plus=plus, params=dict(params), run=dag_run.run_id)
                return batch["age"] >= limit + plus, [0.9] * len(batch)

            guess(limit())

        ran = run_here(arguments())
        assert ran.states == {"limit": "success", "guess": "success"}
        assert seen == {
            "columns": ["age"], "limit": 7, "plus": 3, "params": {"threshold": 20}, "run": ran.run_id,
        }  # fmt: skip
        assert ask("SELECT count(*) FROM arguments WHERE old") == [(20,)]

    def test_without_parentheses_the_arguments_come_from_the_dag(self, store, ask):
        from airflow.sdk import dag, task

        tables = {"rows": people, "into": "bare", "outputs": {"late": bool}}

        @dag("bare", schedule=None, default_args=tables)
        def bare():
            @task.inference
            def guess(batch):
                return guess_all(batch)

            guess()

        assert run_here(bare()).states == {"guess": "success"}
        assert ask("SELECT count(*) FROM bare WHERE late__provenance = 'ai_inferred'") == [(30,)]

    def test_a_wrapped_function_keeps_its_wrapper(self, store, ask):
        """Decorators of the author's own, below ``@task.inference``, are part of the model."""
        import functools

        from airflow.sdk import dag, task

        def negated(function):
            @functools.wraps(function)
            def wrapper(batch, *args, **kwargs):
                values, confidences = function(batch, *args, **kwargs)
                return {"late": [not v for v in values["late"]]}, confidences

            return wrapper

        @dag("wrapped", schedule=None)
        def wrapped():
            @task.inference(rows=people, into="wrapped", outputs={"late": bool})
            @negated
            def guess(batch):
                return guess_all(batch)

            guess()

        assert run_here(wrapped()).states == {"guess": "success"}
        assert ask("SELECT DISTINCT late FROM wrapped") == [(0,)]

    def test_the_return_value_is_the_summary_in_the_store(self, store):
        from airflow.sdk import dag, task

        @dag("summary", schedule=None)
        def summary():
            @task.inference(rows=people, into="summary", outputs={"late": bool}, model_name="rule", model_version="3")
            def guess(batch):
                return guess_all(batch)

            guess()

        ran = run_here(summary())
        run = one_run(store, ran)
        # The clock goes on until the value is returned.
        assert ran.xcom("guess") | {"seconds": 0} == run.summary.to_dict() | {"seconds": 0}
        assert run.identity.run_id == str(ran.task("guess").id)
        assert str(run.summary.model) == "rule@3"
        assert (run.summary.rows, run.summary.inferred, run.summary.source) == (30, 30, "people")


class TestMapping:
    def test_function_arguments_are_mapped_and_templated(self, store, ask):
        from airflow.sdk import dag, task

        part = Table(
            "people", "rows", key="id", where="part = :part", parameters={"part": "{{ task.op_kwargs['part'] }}"}
        )

        @dag("mapped", schedule=None)
        def mapped():
            @task.inference(rows=part, into="mapped", outputs={"late": bool}, carry=["part"])
            def guess(batch, part, sure):
                assert set(batch["part"]) == {part}
                return {"late": [True] * len(batch)}, {"late": [sure] * len(batch)}

            guess.partial(sure=0.75).expand(part=["a", "c"])

        ran = run_here(mapped())
        assert ran.states == {"guess[0]": "success", "guess[1]": "success"}
        assert ask("SELECT part, count(*), avg(late__confidence) FROM mapped GROUP BY 1 ORDER BY 1") == [
            ("a", 10, 0.75),
            ("c", 10, 0.75),
        ]
        runs = {map_index: one_run(store, ran, map_index=map_index).identity.run_id for map_index in (0, 1)}
        assert ask("SELECT DISTINCT late__run FROM mapped WHERE part = 'c'") == [(runs[1],)]

    def test_a_priced_function_answers_each_argument_for_itself(self, store, ask):
        from airflow.sdk import dag, task

        carried = Table("people", "rows", key="id", where="part = :part", parameters={"part": "a"})

        @dag("mapped_priced", schedule=None)
        def mapped_priced():
            @task.inference(
                rows=carried, into="mapped_priced_{{ task.op_kwargs['cutoff'] }}", outputs={"old": bool},
                inputs=["age"], price_per_row="0.01", max_active_tis_per_dagrun=1,
            )  # fmt: skip
            def label(batch, cutoff):
                return {"old": batch["age"] >= cutoff}

            label.expand(cutoff=[3, 24])

        ran = run_here(mapped_priced())
        assert ran.states == {"label[0]": "success", "label[1]": "success"}
        assert [ask(f"SELECT count(*) FROM mapped_priced_{cutoff} WHERE old") for cutoff in (3, 24)] == [[(9,)], [(2,)]]
        assert [one_run(store, ran, "label", index).summary.saved for index in (0, 1)] == [0, 0]

    def test_the_operator_is_mapped_over_tables(self, store, ask):
        from airflow.sdk import DAG

        parts = [
            Table("people", "rows", key="id", where="part = :part", parameters={"part": part}) for part in ("b", "c")
        ]
        with DAG("mapped_operator", schedule=None) as dag:
            InferenceOperator.partial(
                task_id="guess",
                into="mapped_operator",
                outputs={"late": bool},
                model=FunctionModel(guess_all, outputs=["late"]),
            ).expand(rows=parts)
        assert run_here(dag).states == {"guess[0]": "success", "guess[1]": "success"}
        assert ask("SELECT id FROM mapped_operator ORDER BY 1") == [(i,) for i in range(30) if i % 3]


class TestTemplates:
    def dag(self, **kwargs):
        from airflow.sdk import dag, task

        part = Table("people", "rows", key="id", where="part = :part", parameters={"part": "{{ params.part }}"})

        @dag("templates", schedule=None, params={"part": "a", "price": "0.01", "table": "templates"})
        def templates():
            @task.inference(
                rows=part,
                into=Table("{{ params.table }}", "rows"),
                outputs={"late": bool},
                price_per_row="{{ params.price }}",
                budget=Budget("templates", "1.00"),
                **kwargs,
            )
            def guess(batch):
                return guess_all(batch)

            guess()

        return templates()

    def test_table_parameters_and_price(self, store, ask):
        ran = run_here(self.dag(), {"part": "b", "price": "0.02", "table": "by template"})
        assert ran.states == {"guess": "success"}
        assert ask('SELECT count(*), max(id) FROM "by template"') == [(10, 28)]
        run = one_run(store, ran)
        assert run.summary.cost_micros == 10 * 20_000
        assert store.ledger.status(Budget("templates", "1.00"), run.identity, datetime.now(UTC)).spent == 200_000

    @pytest.mark.parametrize("hostile", ["a'; DROP TABLE people --", "a' OR '1'='1", "a' OR 1=1 --"])
    def test_a_hostile_parameter_does_nothing(self, store, ask, hostile):
        ran = run_here(self.dag(), {"part": hostile, "table": "hostile"})
        assert ask("SELECT count(*) FROM people") == [(30,)]
        run = one_run(store, ran)
        assert (run.state, run.summary.rows) == (RunState.SUCCESS, 0)

    @pytest.mark.parametrize("hostile", ["1; DROP TABLE flights --", "0 OR 1=1"])
    def test_a_hostile_parameter_does_nothing_in_duckdb(self, warehouse, query, store, hostile):
        from airflow.sdk import dag, task

        flights = Table(
            "flights", "warehouse", key="flight_id", where="month = :month", parameters={"month": "{{ params.month }}"}
        )

        @dag("hostile", schedule=None, params={"month": 1})
        def hostile_dag():
            @task.inference(rows=flights, into="hostile", outputs={"late": bool})
            def guess(batch):
                return guess_all(batch)

            guess()

        before = query("SELECT count(*) FROM flights")
        ran = run_here(hostile_dag(), {"month": hostile})
        assert ran.states == {"guess": "failed"}
        assert query("SELECT count(*) FROM flights") == before
        assert one_run(store, ran).summary.rows == 0

    def test_a_price_that_renders_to_nonsense_fails_without_a_retry(self, store):
        ran = run_here(self.dag(retries=3), {"price": "cheap", "table": "nonsense"})
        assert (ran.states, ran.task("guess").try_number) == ({"guess": "failed"}, 1)


class TestRetries:
    def dag(self, name, function, **kwargs):
        from airflow.sdk import DAG

        with DAG(name, schedule=None) as dag:
            InferenceOperator(
                task_id="guess",
                rows=people,
                into=name,
                outputs={"late": bool},
                model=FunctionModel(function, outputs=["late"]),
                chunk_size=10,
                retry_delay=timedelta(0),
                **kwargs,
            )
        return dag

    def test_a_second_try_ends_with_the_right_table(self, store, ask):
        calls = []

        def fails_once(batch):
            calls.append(len(batch))
            if len(calls) == 2:
                raise RuntimeError("a cloud passed by")
            return guess_all(batch)

        ran = run_here(self.dag("second_try", fails_once, retries=2))
        assert (ran.states, ran.task("guess").try_number) == ({"guess": "success"}, 2)
        assert calls == [10, 10, 10, 10, 10]
        first, second = store.runs.list(dag_run_id=ran.run_id)
        assert (first.state, first.identity.try_number, first.summary.rows) == (RunState.FAILED, 1, 10)
        assert (second.state, second.identity.try_number, second.summary.rows) == (RunState.SUCCESS, 2, 30)
        assert ask("SELECT count(*), count(DISTINCT id), min(late__run) FROM second_try") == [
            (30, 30, second.identity.run_id)
        ]
        assert first.identity.run_id != second.identity.run_id

    def test_a_refused_hold_is_final(self, store, ask):
        budget = Budget("two chunks", "0.20")
        ran = run_here(self.dag("refused", guess_all, retries=3, price_per_row="0.01", budget=budget))
        assert (ran.states, ran.task("guess").try_number) == ({"guess": "failed"}, 1)
        assert ask("SELECT count(*) FROM refused") == [(20,)]
        run = one_run(store, ran)
        assert (run.state, run.summary.rows, run.summary.cost_micros) == (RunState.FAILED, 20, 200_000)
        status = store.ledger.status(budget, run.identity, datetime.now(UTC))
        assert (status.spent, status.held) == (200_000, 0)

    def test_rejects_fail_the_task_after_the_good_rows_are_written(self, store, ask):
        def refuses_one(batch):
            return {"late": [Failure("no_idea") if i == 3 else True for i in batch["age"]]}

        ran = run_here(self.dag("rejects", refuses_one))
        assert ran.states == {"guess": "failed"}
        run = one_run(store, ran)
        assert [(r.key, r.reason) for r in store.runs.rejects(run.identity.run_id)] == [({"id": "3"}, "no_idea")]
        assert ask("SELECT count(*), count(*) FILTER (WHERE id = 3) FROM rejects") == [(29, 0)]


class TestStopped:
    """Nothing stays held, and the run is not left open."""

    budget = Budget("stopped", "1.00")

    def run_and_look(self, store, name, function, **kwargs):
        from airflow.sdk import DAG

        with DAG(name, schedule=None) as dag:
            InferenceOperator(
                task_id="guess",
                rows=people,
                into=name,
                outputs={"late": bool},
                model=FunctionModel(function, outputs=["late"]),
                chunk_size=10,
                price_per_row="0.01",
                budget=self.budget,
                **kwargs,
            )
        ran = run_here(dag)
        run = one_run(store, ran)
        status = store.ledger.status(self.budget, run.identity, datetime.now(UTC))
        return ran, run, status

    def test_by_a_signal(self, store, ask):
        calls = []

        def is_killed(batch):
            calls.append(len(batch))
            if len(calls) == 2:
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(60)
                pytest.fail("The task went on.")
            return guess_all(batch)

        ran, run, status = self.run_and_look(store, "killed", is_killed)
        assert ran.states == {"guess": "failed"}
        assert len(calls) == 2
        assert (run.state, run.summary.rows) == (RunState.FAILED, 10)
        # The second call had gone out, so its money counts as spent.
        assert (status.held, status.spent) == (0, 200_000)
        assert ask("SELECT count(*), count(late__run) FROM killed") == [(10, 10)]

    def test_by_its_execution_timeout(self, store, ask):
        calls = []

        def is_slow(batch):
            calls.append(len(batch))
            if len(calls) == 2:
                time.sleep(60)
                pytest.fail("The task went on.")
            return guess_all(batch)

        ran, run, status = self.run_and_look(store, "slow", is_slow, execution_timeout=timedelta(seconds=5))
        assert ran.states == {"guess": "failed"}
        assert (run.state, run.summary.rows) == (RunState.FAILED, 10)
        assert (status.held, status.spent) == (0, 200_000)
        assert ask("SELECT count(*) FROM slow") == [(10,)]
