from __future__ import annotations

from types import SimpleNamespace

import pytest

from airflow_provider_aiguard import Budget
from airflow_provider_aiguard.lineage.datasets import DatasetName
from airflow_provider_aiguard.operators.budget import BudgetCheckOperator
from airflow_provider_aiguard.operators.links import MarquezLink, ReportLink
from airflow_provider_aiguard.sensors.budget import BudgetSensor

TRY = SimpleNamespace(dag_id="my dag", run_id="manual__2026-01-01T00:00:00+00:00", task_id="t")


@pytest.fixture
def operator():
    made = BudgetCheckOperator(task_id="t", budget=Budget("b", "1"))
    made.lineage_dataset = DatasetName("postgres://db:5432", "app.public.my table")
    return made


def test_the_report_is_that_of_the_dag_run(operator):
    assert ReportLink().get_link(operator, ti_key=TRY) == (
        "http://airflow.example:8080/aiguard/report?dag_id=my+dag&dag_run_id=manual__2026-01-01T00%3A00%3A00%2B00%3A00"
    )


def test_marquez_shows_the_dataset(operator, monkeypatch):
    monkeypatch.setenv("AIRFLOW__AIGUARD__MARQUEZ_URL", "http://marquez.example/")
    assert MarquezLink().get_link(operator, ti_key=TRY) == (
        "http://marquez.example/lineage/dataset/postgres%3A%2F%2Fdb%3A5432/app.public.my%20table"
        "?tableLevelNode=dataset%3Apostgres%3A%2F%2Fdb%3A5432%3Aapp.public.my%20table"
    )


def test_without_marquez_or_without_a_dataset_there_is_no_link(operator, monkeypatch):
    assert MarquezLink().get_link(operator, ti_key=TRY) == ""
    monkeypatch.setenv("AIRFLOW__AIGUARD__MARQUEZ_URL", "http://marquez.example")
    operator.lineage_dataset = None
    assert MarquezLink().get_link(operator, ti_key=TRY) == ""


@pytest.mark.parametrize("door", [BudgetCheckOperator, BudgetSensor])
def test_every_door_has_both(door):
    assert [link.name for link in door.operator_extra_links] == ["AI Guard report", "Lineage in Marquez"]


def test_the_log_has_the_address_of_each_dataset_once(operator, monkeypatch, caplog):
    caplog.set_level("INFO")
    first, second = DatasetName("a", "main.first"), DatasetName("a", "main.second")
    operator.show_lineage(first, second)
    assert caplog.messages == [], "nobody said where Marquez is"
    assert operator.lineage_dataset == first
    monkeypatch.setenv("AIRFLOW__AIGUARD__MARQUEZ_URL", "http://marquez.example")
    operator.lineage_dataset = None
    for _ in range(2):
        operator.show_lineage(first, second, first)
    assert [message.split("?")[0] for message in caplog.messages] == [
        "Lineage of main.first in Marquez: http://marquez.example/lineage/dataset/a/main.first",
        "Lineage of main.second in Marquez: http://marquez.example/lineage/dataset/a/main.second",
    ]
