"""Budgets in real DAG runs: units, token prices, and notifiers that hear of 50, 80 and 100 %."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest
from airflow.sdk import BaseNotifier
from airflow_home import run_here

from airflow_provider_aiguard import Budget, Claims, Price, Table
from airflow_provider_aiguard.core.claims import Usage
from airflow_provider_aiguard.core.run import ModelIdentity
from airflow_provider_aiguard.operators.inference import InferenceOperator

people = Table("warned", "rows", key="id")
heard = []


@pytest.fixture(scope="module", autouse=True)
def _people(rows, store):
    pd.DataFrame({"id": range(10), "age": range(10)}).to_sql("warned", rows, index=False)


class Heard(BaseNotifier):
    """Writes down what a notifier of any other provider would send."""

    template_fields = ("message",)

    def __init__(self, message):
        super().__init__()
        self.message = message

    def notify(self, context):
        heard.append(self.message)


class Counting:
    """A model that counts tokens: ten sent and one received a row, at most twice as many."""

    identity = ModelIdentity(name="openai:unheard-of", version="1", fingerprint="f")

    def most_usage(self, chunk):
        return Usage(requests=2 * len(chunk), input_tokens=20 * len(chunk), output_tokens=2 * len(chunk))

    def predict(self, chunk):
        n = len(chunk)
        return Claims(values={"late": [True] * n}, usage=Usage(requests=n, input_tokens=10 * n, output_tokens=n))

    def close(self):
        pass


def make(name, **arguments):
    from airflow.sdk import DAG

    with DAG(name, schedule=None) as made:
        InferenceOperator(
            task_id="guess", rows=people, into=name, outputs={"late": bool}, model=Counting(), chunk_size=1, **arguments
        )
    return made


def test_notifiers_hear_each_level_once_with_the_context(store):
    heard.clear()
    functions = []
    ran = run_here(
        make(
            "warned_levels",
            budget=Budget("warned", 10, unit="calls", per="task"),
            on_budget_warning=[
                Heard("{{ dag.dag_id }}: {{ budget_warning.level }} % of {{ budget_warning.name }}"),
                lambda context: functions.append(context["budget_warning"].spent),
            ],
        )
    )
    # The last call needs two of the ten: what it may use, not what it uses.
    assert ran.states == {"guess": "failed"}
    assert heard == [f"warned_levels: {level} % of warned" for level in (50, 80, 100)]
    assert functions == [5, 8, 9]


def test_one_notifier_need_not_be_a_list_and_may_fail(store):
    def broken(context):
        raise OSError(context["budget_warning"].level)

    budget = Budget("broken", 100, unit="calls")
    ran = run_here(make("warned_broken", budget=budget, on_budget_warning=broken))
    assert ran.states == {"guess": "success"}


def test_tokens_have_a_price_and_the_books_what_was_used(store):
    money, tokens = Budget("priced", "1.00"), Budget("counted", 1_000, unit="tokens")
    ran = run_here(
        make("warned_priced", budget=[money, tokens], price=Price(input="100", output="1000", request="0.0001"))
    )
    assert ran.states == {"guess": "success"}
    [run] = store.runs.list(dag_run_id=ran.run_id)
    spent = [store.ledger.status(b, run.identity, datetime.now(UTC)).spent for b in (money, tokens)]
    assert spent == [10 * (10 * 100 + 1000 + 100), 110]
    assert run.summary.cost_micros == spent[0]


def test_an_unlisted_model_is_refused_before_it_is_asked(store):
    budget = Budget("unlisted", "1.00")
    ran = run_here(make("warned_unlisted", budget=budget))
    assert ran.states == {"guess": "failed"}
    [run] = store.runs.list(dag_run_id=ran.run_id)
    assert run.summary.rows == 0
    assert store.ledger.status(budget, run.identity, datetime.now(UTC)).spent == 0


def test_without_a_budget_an_unlisted_model_only_has_no_cost(store):
    ran = run_here(make("warned_free"))
    assert ran.states == {"guess": "success"}
    [run] = store.runs.list(dag_run_id=ran.run_id)
    assert run.summary.cost_micros is None
