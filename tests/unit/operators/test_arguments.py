"""Bad arguments are errors when the DAG file is read, not at 3 a.m."""

from __future__ import annotations

import pytest

from airflow_provider_aiguard import Budget, Price, Reference, Table
from airflow_provider_aiguard.core.errors import ConfigurationError, PriceUnknownError
from airflow_provider_aiguard.models.function import FunctionModel
from airflow_provider_aiguard.operators.base import check_policy, table_spec
from airflow_provider_aiguard.operators.budget import BudgetCheckOperator
from airflow_provider_aiguard.operators.confidence import ConfidenceCheckOperator
from airflow_provider_aiguard.operators.drift import DriftCheckOperator
from airflow_provider_aiguard.operators.ground_truth import GroundTruthCheckOperator
from airflow_provider_aiguard.operators.guard import GuardOperator
from airflow_provider_aiguard.operators.inference import InferenceOperator
from airflow_provider_aiguard.operators.profile import ProfileOperator

table = Table("t", "rows", key="id")


def inference(**kwargs):
    arguments = {"rows": table, "into": "out", "outputs": ["late"], "model": FunctionModel(len, outputs=["late"])}
    return InferenceOperator(task_id="i", **arguments | kwargs)


def confidence(**kwargs):
    return ConfidenceCheckOperator(task_id="c", **{"table": table, "column": "late", "min_mean": 0.8} | kwargs)


def drift(**kwargs):
    return DriftCheckOperator(task_id="d", **{"table": table, "reference": "r"} | kwargs)


def ground_truth(**kwargs):
    arguments = {"table": table, "column": "late", "truth": "truth", "min_accuracy": 0.8}
    return GroundTruthCheckOperator(task_id="g", **arguments | kwargs)


def budget(**kwargs):
    return BudgetCheckOperator(task_id="b", **{"budget": Budget("b", "1.00")} | kwargs)


def profile(**kwargs):
    return ProfileOperator(task_id="p", **{"table": table, "name": "n"} | kwargs)


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (confidence, {"table": "t"}, r"Table 't' has no connection. Use Table\('t', conn_id=...\) or the operator's"),
        (profile, {"table": "t"}, "Table 't' has no connection"),
        (inference, {"rows": Table("t", key="id")}, "Table 't' has no connection"),
        (confidence, {"on_breach": "ignore"}, r"on_breach must be one of \('fail', 'skip', 'warn'\); got 'ignore'"),
        (drift, {"on_undecided": None}, "on_undecided must be one of .*; got None"),
        (confidence, {"min_mean": None}, "needs a limit: give min_mean=, max_share_below= or max_entropy="),
        (confidence, {"min_mean": 80}, r"min_mean must be a number in \[0, 1\]; got 80"),
        (confidence, {"max_share_below": (0.6,)}, r"max_share_below must be \(threshold, share\)"),
        (budget, {"budget": [Budget("b", "1")]}, "looks at one Budget; got list. Give each budget a guard of its own"),
        (budget, {"budget": Budget("b", "1", per="task")}, "'b' is per='task': each task has a window of its own"),
        (confidence, {"min_rows": 0}, "min_rows must be at least 1; got 0"),
        (drift, {"alpha": 5}, "alpha must lie between 0 and 1; got 5"),
        (drift, {"min_effect": {"psy": 1}}, "min_effect has no test 'psy'"),
        (drift, {"columns": "carrier"}, "columns must be a sequence of column names; got 'carrier'"),
        (drift, {"methods": {"x": ["kl"]}}, "methods has no 'kl'; column 'x' may have"),
        (drift, {"design_effect": 0.2}, "design_effect must be a number from 1; got 0.2"),
        (drift, {"sample": 10}, r"sample must be a share of the rows in \(0, 1\]; got 10"),
        (drift, {"reference": 7}, "A reference is the name of a baseline, or made by .*; got 7"),
        (drift, {"reference": ""}, "A reference needs the name of a stored profile; got ''"),
        (ground_truth, {"min_accuracy": 80}, "min_accuracy must lie above 0 and at most at 1; got 80"),
        (ground_truth, {"min_truth_share": 1.5}, r"min_truth_share must lie in \[0, 1\]; got 1.5"),
        (ground_truth, {"table": Table("t", "rows")}, "Table 'truth' needs a key"),
        (ground_truth, {"truth": Table("truth", "elsewhere", key="id")}, "Truth is joined where the rows are"),
        (ground_truth, {"truth": Table("truth", "rows", key="other")}, "joined by key"),
        (budget, {"needed": "a lot"}, "needed must be dollars as a string such as '5.00'; got 'a lot'"),
        (budget, {"needed": 2.5}, "needed must be dollars as a string such as '5.00'; got 2.5"),
        (budget, {"budget": Budget("b", 5, unit="calls"), "needed": "2.5"}, "needed must be a whole number of calls"),
        (budget, {"max_used_share": 90}, r"max_used_share must lie in \[0, 1\]; got 90"),
        (inference, {"rows": Table("t", "rows")}, "Table 't' needs a key"),
        (inference, {"into": Table("out", "rows", key="other")}, r"into has key \('other',\), rows has \('id',\)"),
        (inference, {"outputs": []}, "outputs must name at least one column"),
        (inference, {"outputs": "late"}, "outputs must name at least one column"),
        (inference, {"outputs": {"late": "yesno"}}, "Output 'late' has type 'yesno'"),
        (inference, {"outputs": ["id"]}, r"\['id'\] are key columns of rows"),
        (inference, {"fill": "some"}, "fill must be one of .*; got 'some'"),
        (inference, {"chunk_size": 0}, "chunk_size must be at least 1; got 0"),
        (inference, {"max_reject_share": 5}, r"max_reject_share must be in \[0, 1\]; got 5"),
        (inference, {"price_per_row": "cheap"}, "price_per_row must be dollars .*; got 'cheap'"),
        (inference, {"price_per_row": "0.01", "price": Price(input="1", output="1")}, "are two prices for one thing"),
        (inference, {"price_per_row": 0.01}, "price_per_row must be dollars as a string such as '5.00'; got 0.01"),
    ],
)  # fmt: skip
def test_bad_argument(make, arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        make(**arguments)


def test_a_budget_needs_a_price():
    with pytest.raises(PriceUnknownError, match="Budget 'b' is set, but no price"):
        inference(budget=Budget("b", "1.00"))
    assert inference(budget=[Budget("b", "1.00")], price_per_row="0").price_per_row == "0"


def test_a_budget_of_calls_needs_none():
    assert inference(budget=Budget("b", 100, unit="calls")).price_per_row is None


def test_an_inference_needs_a_model():
    with pytest.raises(ConfigurationError, match=r"InferenceOperator needs a model=, such as SklearnModel"):
        inference(model=None)


@pytest.mark.parametrize("make", [inference, confidence, drift, ground_truth, budget, profile])
def test_an_unknown_argument_is_an_error(make):
    with pytest.raises(TypeError, match="on_breech"):
        make(on_breech="warn")


@pytest.mark.parametrize("make", [inference, confidence, drift, ground_truth, budget, profile])
def test_template_fields_are_attributes(make):
    operator = make()
    for field in operator.template_fields:
        assert hasattr(operator, field)


def test_templates_are_left_for_later():
    assert budget(needed="{{ params.needed }}").needed == "{{ params.needed }}"
    assert inference(price_per_row="{{ params.price }}").price_per_row == "{{ params.price }}"


def test_the_truth_takes_connection_and_key_of_the_table():
    operator = ground_truth(table=Table("t", "rows", key=("a", "b")), truth=Table("w", where="true"), min_labels=5)
    question = operator.question()
    assert question.truth == Table("w", "rows", key=("a", "b"), where="true")
    assert (question.truth_column, question.limits.min_labels) == ("late", 5)


def test_a_reference_is_a_plain_value_that_templates_are_rendered_in():
    assert drift().question().reference == Reference("r")
    made = drift(reference=Reference.trailing("{{ params.name }}", batches=5), sample=0.5, cluster="id")
    assert made.reference == {"name": "{{ params.name }}", "kind": "trailing", "batches": 5, "season": None}
    made.reference = {**made.reference, "name": "flights"}
    question = made.question()
    assert question.reference == Reference.trailing("flights", batches=5)
    assert (question.sample, question.cluster, question.dependence) == (0.5, "id", False)


def test_a_connection_that_is_a_template_is_checked_when_it_is_known():
    operator = ground_truth(table=Table("t", "{{ params.place }}", key="id"), truth=Table("w", "rows", key="id"))
    operator.table = {**operator.table, "conn_id": "elsewhere"}
    with pytest.raises(ConfigurationError, match="conn_id 'elsewhere' and truth on 'rows'"):
        operator.question()


class TestTableSpec:
    def test_a_name_takes_connection_and_key_of_the_operator(self):
        spec = table_spec("t", conn_id="rows", key=("a", "b"))
        assert Table.from_dict(spec) == Table("t", "rows", key=("a", "b"))

    def test_a_table_keeps_its_own(self):
        own = Table("t", "own", key="id", schema="s", where="x = :x", parameters={"x": 1})
        assert Table.from_dict(table_spec(own, conn_id="rows", key="other")) == own

    def test_a_dict_is_a_table(self):
        assert table_spec(table.to_dict(), conn_id=None) == table.to_dict()


def test_a_policy_is_returned():
    assert [check_policy("on_breach", p) for p in ("fail", "skip", "warn")] == ["fail", "skip", "warn"]


def test_the_base_asks_nothing():
    with pytest.raises(NotImplementedError, match="GuardOperator asks nothing"):
        GuardOperator(task_id="g").question()
