"""The checks of features and of their business, in real DAG runs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from airflow_home import run_here

from airflow_provider_aiguard import Table
from airflow_provider_aiguard.core.claims import Claims
from airflow_provider_aiguard.core.verdict import Outcome, Verdict
from airflow_provider_aiguard.models.function import FunctionModel
from airflow_provider_aiguard.operators.alignment import AlignmentCheckOperator
from airflow_provider_aiguard.operators.importance import ImportanceCheckOperator
from airflow_provider_aiguard.operators.schema import SchemaCheckOperator, SchemaOperator
from airflow_provider_aiguard.operators.skew import SkewCheckOperator
from airflow_provider_aiguard.sensors.schema import SchemaSensor
from airflow_provider_aiguard.sensors.skew import SkewSensor
from airflow_provider_aiguard.tables.schema_file import read_schema

N = 600
trips = Table("trips", "rows", key="id")
later = Table("later", "rows", key="id")
served = Table("served", "rows", key="id")


def says_late(chunk):
    return {"late": chunk["hour"] + 0.2 * chunk["distance"] > 20}


class Breaks:
    """A model that fails once and then works: a retry helps."""

    calls = 0

    def predict(self, chunk):
        type(self).calls += 1
        if type(self).calls == 1:
            raise OSError("The model's file system went away.")
        return Claims(values=says_late(chunk))


def telling(operator):
    """The operator, which also pushes the names of the tables that its lineage event would tell of."""

    class Telling(operator):
        def execute(self, context):
            result = super().execute(context)
            told = self.get_openlineage_facets_on_complete(context["ti"])
            context["ti"].xcom_push(key="told", value=[dataset.name for dataset in told.inputs])
            return result

    return Telling


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("schemas") / "trips.yaml"


@pytest.fixture(scope="module")
def ran(rows, store, path):
    from airflow.sdk import DAG

    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"id": range(N), "hour": rng.integers(5, 23, N), "distance": rng.random(N) * 30, "idle": 1.0})
    frame["carrier"] = rng.choice(["AA", "B6"], N)
    frame["late"] = pd.array(says_late(frame)["late"], dtype="boolean")
    frame.to_sql("trips", rows, index=False)
    frame.assign(hour=frame["hour"] + 100 * (frame["id"] < 90), carrier="ZZ").to_sql("later", rows, index=False)
    frame.assign(distance=frame["distance"].round(0)).to_sql("served", rows, index=False)
    path.with_name("broken.yaml").write_text("version: 1\ncolumns:\n  hour: {typ: integer}\n", "utf-8")

    with DAG("feature_checks", schedule=None, default_args={"retries": 2, "retry_delay": timedelta(0)}) as dag:
        learn = telling(SchemaOperator)(task_id="learn", table=trips, name="{{ dag.dag_id }}")
        learn_file = SchemaOperator(task_id="learn_file", table=trips, path=str(path), columns=["hour", "carrier"])
        learn_nothing = SchemaOperator(
            task_id="learn_nothing", table=Table("trips", "rows", where="id < 0"), name="none"
        )
        again = SchemaOperator(task_id="again", table=trips, path=str(path), columns=["hour"], slack=0.5)
        schema = "feature_checks"
        checks = [
            telling(SchemaCheckOperator)(task_id="same", table=trips, schema=schema),
            SchemaCheckOperator(task_id="same_by_file", table=trips, schema=str(path)),
            SchemaCheckOperator(task_id="changed", table=later, schema=schema),
            SchemaCheckOperator(task_id="changed_warn", table=later, schema=str(path), on_breach="warn"),
            SchemaCheckOperator(task_id="changed_skip", table=later, schema=schema, on_breach="skip"),
            SchemaCheckOperator(task_id="no_rows", table=Table("trips", "rows", where="id < 0"), schema=schema),
            SchemaCheckOperator(task_id="no_schema", table=trips, schema="never", on_undecided="warn"),
            SchemaCheckOperator(task_id="broken_file", table=trips, schema=str(path.with_name("broken.yaml"))),
            SchemaSensor(task_id="wait", table=trips, schema=schema, timeout=5, poke_interval=0.1),
            SchemaSensor(
                task_id="wait_in_vain", table=later, schema=schema, timeout=0.3, poke_interval=0.1, soft_fail=True
            ),
        ]
        [learn, learn_file] >> learn_nothing
        learn_file >> again
        [learn, learn_file] >> checks[0]
        for check in checks[1:]:
            [learn, learn_file] >> check
        SkewCheckOperator(task_id="no_skew", table=trips, serving=trips)
        SkewCheckOperator(task_id="skew", table=trips, serving=served)
        telling(SkewCheckOperator)(task_id="skew_within", table=trips, serving=served, absolute_tolerance=0.51)
        SkewCheckOperator(
            task_id="skew_few", table=trips, serving=Table("served", "rows", key="id", where="id < 9"), max_unmatched=1
        )
        SkewSensor(task_id="skew_wait", table=trips, serving=trips, timeout=5)
        common = {"table": trips, "truth_column": "late", "features": ["hour", "distance", "idle"], "min_rows": 100}
        model = FunctionModel(says_late, outputs=["late"])
        telling(ImportanceCheckOperator)(task_id="first", model=model, name="a", on_undecided="warn", **common)
        ImportanceCheckOperator(task_id="first_fails", model=model, name="b", **common)
        ImportanceCheckOperator(task_id="retried", model=Breaks(), name="c", on_undecided="warn", **common)
        kpi = {"table": trips, "column": "late", "min_correlation": 0.5, "on_undecided": "warn"}
        telling(AlignmentCheckOperator)(task_id="aligned", aggregate="share_true", kpi="SELECT 5", name="d", **kpi)
        AlignmentCheckOperator(task_id="two_numbers", aggregate="count", kpi="SELECT 1, 2", name="e", **kpi)
    return run_here(dag)


def verdict(ran, task):
    return Verdict.from_dict(ran.xcom(task, "verdict"))


def test_each_task_ends_as_its_verdict_says(ran):
    assert ran.states == {
        "learn": "success",
        "learn_file": "success",
        "learn_nothing": "failed",
        "again": "failed",
        "same": "success",
        "same_by_file": "success",
        "changed": "failed",
        "changed_warn": "success",
        "changed_skip": "skipped",
        "no_rows": "failed",
        "no_schema": "success",
        "broken_file": "failed",
        "wait": "success",
        "wait_in_vain": "skipped",
        "no_skew": "success",
        "skew": "failed",
        "skew_within": "success",
        "skew_few": "failed",
        "skew_wait": "success",
        "first": "success",
        "first_fails": "failed",
        "retried": "success",
        "aligned": "success",
        "two_numbers": "failed",
    }


def test_only_what_a_retry_can_help_is_retried(ran):
    tries = {ti.task_id: ti.try_number for ti in ran.tasks}
    assert {task for task, number in tries.items() if number > 1} == {"retried", "learn_nothing"}


def test_what_was_learnt_is_where_it_should_be(ran, store, path):
    learnt = ran.xcom("learn")
    assert learnt["schema"] == "feature_checks"
    assert learnt["columns"] == ["hour", "distance", "idle", "carrier", "late"]
    (stored,) = store.measurements.list("schema/feature_checks")
    assert stored.values["rows"] == learnt["rows"] == N
    assert ran.xcom("learn_file")["schema"] == str(path)
    assert list(read_schema(path).columns) == ["hour", "carrier"]
    assert not list(Path(path.parent).glob(".*"))


def test_the_verdict_names_rules_and_no_values(ran):
    breached = verdict(ran, "changed").of(Outcome.BREACH)
    assert [(c.check, c.column) for c in breached] == [("schema.range", "hour"), ("schema.categories", "carrier")]
    assert breached[0].message.startswith("hour: 90 of 600 rows lie outside the range (0.15, 0.0")
    assert "ZZ" not in str(ran.xcom("changed", "verdict"))
    assert verdict(ran, "no_rows").outcome is Outcome.UNDECIDED


def test_skew_is_named_by_column(ran):
    assert [(c.check, c.column) for c in verdict(ran, "skew").of(Outcome.BREACH)] == [("skew.mismatch", "distance")]
    assert verdict(ran, "skew_few").outcome is Outcome.UNDECIDED
    assert {c.value for c in verdict(ran, "no_skew").checks} == {0.0}


def test_measurements_are_recorded_whatever_the_verdict(ran, store):
    for name in "abc":
        (measured,) = store.measurements.list(f"importance/{name}")
        assert measured.values["rows"] == N
        assert np.mean(measured.values["importances"]["hour"]) > np.mean(measured.values["importances"]["distance"])
    (point,) = store.measurements.list("alignment/d")
    assert point.values["kpi"] == 5
    assert 0 < point.values["prediction"] < 1
    assert store.measurements.list("alignment/e") == []
    assert "1 runs with both numbers, 20 needed" in verdict(ran, "aligned").checks[0].message


@pytest.mark.parametrize(
    ("task", "tables"),
    [
        ("learn", ["trips"]),
        ("same", ["trips"]),
        ("skew_within", ["trips", "served"]),
        ("first", ["trips"]),
        ("aligned", ["trips"]),
    ],
)
def test_lineage_tells_of_the_tables_that_were_read(ran, task, tables):
    assert [name.rpartition(".")[2].rpartition("/")[2] for name in ran.xcom(task, "told")] == tables
