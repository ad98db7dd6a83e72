"""Cascades in real DAG runs: what the table, XCom and the store say of each model, and of a budget that ran short."""

from __future__ import annotations

import pandas as pd
import pytest
from airflow_home import run_here

from airflow_provider_aiguard import Budget, Cascade, Level, Table
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.verdict import Outcome, Severity
from airflow_provider_aiguard.models.function import FunctionModel
from airflow_provider_aiguard.operators.inference import InferenceOperator

people = Table("asked", "rows", key="id")


@pytest.fixture(scope="module", autouse=True)
def _people(rows, store):
    pd.DataFrame({"id": range(10), "age": range(10)}).to_sql("asked", rows, index=False)


def cheap(chunk):
    return {"old": [False] * len(chunk)}, {"old": [0.9 if age < 5 else 0.2 for age in chunk["age"]]}


def strong(chunk):
    return {"old": list(chunk["age"] > 6)}, {"old": [0.99] * len(chunk)}


def cascade(**options):
    levels = [
        Level(FunctionModel(f, outputs=["old"], version="1"), price_per_row=price)
        for f, price in ((cheap, "0.01"), (strong, "0.10"))
    ]
    return Cascade(levels, accept=0.8, **options)


def make(name, model=None, **arguments):
    from airflow.sdk import DAG

    with DAG(name, schedule=None) as made:
        InferenceOperator(
            task_id="guess", rows=people, into=name, outputs={"old": bool}, model=model or cascade(), **arguments
        )
    return made


def test_the_table_and_the_summary_say_which_model_it_was(store, rows):
    ran = run_here(make("cascade_plain", budget=Budget("plain", "1.00")))
    assert ran.states == {"guess": "success"}
    [run] = store.runs.list(dag_run_id=ran.run_id)
    assert [(str(m.model), m.asked, m.answered) for m in run.summary.models] == [("cheap@1", 10, 5), ("strong@1", 5, 5)]
    assert run.summary.cost_micros == 600_000
    found = pd.read_sql("SELECT old__run, count(*) AS n FROM cascade_plain GROUP BY 1 ORDER BY 1", rows)
    models = {str(store.runs.get(name).summary.model): n for name, n in found.itertuples(index=False)}
    assert models == {"cheap@1": 5, "strong@1": 5}
    assert not store.verdicts.list(dag_run_id=ran.run_id)


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("stop", "of 10 rows 5 are not processed and 0 were answered by a cheaper model"),
        ("cheaper", "of 10 rows 0 are not processed and 5 were answered by a cheaper model"),
    ],
)
def test_a_budget_that_ran_short_is_said_and_fails_nobody(store, policy, said):
    ran = run_here(make(f"cascade_{policy}", budget=Budget(policy, "0.30"), on_budget=policy))
    assert ran.states == {"guess": "success"}
    [record] = store.verdicts.list(dag_run_id=ran.run_id)
    [check] = record.verdict.checks
    assert (check.check, check.outcome, check.severity) == ("budget.short", Outcome.BREACH, Severity.WARN)
    assert said in check.message
    assert record.verdict.outcome is Outcome.PASS


def test_what_does_not_go_together_is_an_error_of_the_dag_file():
    with pytest.raises(ConfigurationError, match="prices of their own"):
        make("cascade_twice", price_per_row="0.01")
    one = FunctionModel(cheap, outputs=["old"])
    with pytest.raises(ConfigurationError, match="needs a cheaper model"):
        make("cascade_one", model=one, price_per_row="0.01", on_budget="cheaper")
