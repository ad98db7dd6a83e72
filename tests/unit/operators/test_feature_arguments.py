"""Bad arguments of the checks of features are errors when the DAG file is read."""

from __future__ import annotations

import pytest

from airflow_provider_aiguard import Table
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.models.function import FunctionModel
from airflow_provider_aiguard.operators.alignment import AlignmentCheckOperator
from airflow_provider_aiguard.operators.importance import ImportanceCheckOperator
from airflow_provider_aiguard.operators.schema import SchemaCheckOperator, SchemaOperator
from airflow_provider_aiguard.operators.skew import SkewCheckOperator
from airflow_provider_aiguard.sensors.schema import SchemaSensor
from airflow_provider_aiguard.sensors.skew import SkewSensor

table = Table("t", "rows", key="id")


def importance(**kwargs):
    arguments = {"table": table, "model": FunctionModel(len, outputs=["late"]), "truth_column": "late", "name": "n"}
    return ImportanceCheckOperator(task_id="i", **arguments | kwargs)


def alignment(**kwargs):
    arguments = {"table": table, "column": "late", "aggregate": "mean", "kpi": "SELECT 1", "name": "n"}
    return AlignmentCheckOperator(task_id="a", **{**arguments, "min_correlation": 0.5} | kwargs)


def learn(**kwargs):
    return SchemaOperator(task_id="l", **{"table": table, "name": "n"} | kwargs)


def check(**kwargs):
    return SchemaCheckOperator(task_id="s", **{"table": table, "schema": "n"} | kwargs)


def skew(**kwargs):
    return SkewCheckOperator(task_id="k", **{"table": table, "serving": "s"} | kwargs)


def schema_sensor(**kwargs):
    return SchemaSensor(task_id="s", **{"table": table, "schema": "n"} | kwargs)


def skew_sensor(**kwargs):
    return SkewSensor(task_id="k", **{"table": table, "serving": "s"} | kwargs)


DOORS = [importance, alignment, learn, check, skew, schema_sensor, skew_sensor]


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (importance, {"table": "t"}, "Table 't' has no connection"),
        (importance, {"table": Table("t", "rows")}, "Table 't' needs a key"),
        (importance, {"model": None}, r"needs a model= that can predict, such as SklearnModel\(...\); got None"),
        (importance, {"features": "hour"}, "features must be a sequence of column names; got 'hour'"),
        (importance, {"repeats": 1}, "repeats must be at least 2, .* got repeats=1"),
        (importance, {"sample": 100}, "sample at least min_rows; got repeats=20, sample=100, min_rows=200"),
        (importance, {"reference": "last"}, "reference must be one of"),
        (importance, {"min_rank_correlation": 2}, "min_rank_correlation must be a number"),
        (alignment, {"aggregate": "avg(late)"}, r"aggregate must be one of \['mean', .*\]; got 'avg\(late\)'"),
        (alignment, {"min_correlation": -0.5}, "min_correlation must lie above 0"),
        (alignment, {"min_runs": 5}, "min_runs must be at least 10 more than max_lead=0; got 5"),
        (learn, {"path": "/x/y.yaml"}, "Give either path= or name= to a SchemaOperator; got '/x/y.yaml' and 'n'"),
        (learn, {"name": None}, "Give either path= or name= .*; got None and None"),
        (learn, {"slack": -1}, "slack must be a number of at least 0; got -1"),
        (learn, {"columns": "hour"}, "columns must be a sequence of column names; got 'hour'"),
        (check, {"min_rows": 0}, "min_rows must be at least 1; got 0"),
        (check, {"alpha": 2}, "alpha must lie between 0 and 1; got 2"),
        (check, {"on_breach": "ignore"}, "on_breach must be one of"),
        (skew, {"table": Table("t", "rows")}, "Table 't' needs a key"),
        (skew, {"tolerance": -1}, "tolerance must be a number of at least 0; got -1"),
        (skew, {"max_mismatch": 5}, r"max_mismatch must be a number in \[0, 1\]; got 5"),
        (skew, {"columns": "hour"}, "columns must be a sequence of column names; got 'hour'"),
        (schema_sensor, {"soft_fail": True, "on_breach": "warn"}, "soft_fail=True is the same"),
        (skew_sensor, {"min_rows": 0}, "min_rows must be at least 1; got 0"),
    ],
)
def test_bad_argument(make, arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        make(**arguments)


@pytest.mark.parametrize("make", DOORS)
def test_an_unknown_argument_is_an_error(make):
    with pytest.raises(TypeError, match="on_breech"):
        make(on_breech="warn")


@pytest.mark.parametrize("make", DOORS)
def test_template_fields_are_attributes(make):
    operator = make()
    for field in operator.template_fields:
        assert hasattr(operator, field)


def test_arguments_reach_the_question():
    question = skew(serving=Table("s", key="key"), columns=["x"], max_unmatched=1).question()
    assert (question.serving, question.columns) == (Table("s", "rows", key="key"), ("x",))
    assert question.limits.max_unmatched == 1
    assert check(schema="/a/b.yaml", min_rows=7).question().limits.min_rows == 7
    asked = importance(column="is_late", features=["hour"], reference="previous", repeats=5).question()
    assert (asked.column, asked.features, asked.repeats, asked.limits.reference) == (
        "is_late",
        ("hour",),
        5,
        "previous",
    )
    assert importance().question().column == "late"
    lead = alignment(max_lead=2, kpi_parameters={"d": 1}, kpi_conn_id="crm").question()
    assert (lead.limits.max_lead, lead.kpi_parameters, lead.kpi_conn_id) == (2, {"d": 1}, "crm")


def test_both_sides_of_a_skew_are_inputs_of_its_lineage():
    assert [t.name for t in skew().lineage_inputs()] == ["t", "s"]
    assert [t.name for t in check().lineage_inputs()] == ["t"]
    assert [t.name for t in learn().lineage_inputs()] == ["t"]


def test_tables_on_two_connections_are_refused_when_they_are_known():
    with pytest.raises(ConfigurationError, match="table is on conn_id 'rows' and serving on 'elsewhere'"):
        skew(serving=Table("s", "elsewhere", key="id")).question()
