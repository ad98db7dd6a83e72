"""A DAG of tasks that are not ours, each with one argument of ours."""

from __future__ import annotations

import sqlite3
from typing import Any

import duckdb
from airflow.providers.common.ai.operators.llm import LLMOperator
from airflow.providers.common.compat.lineage.hook import get_hook_lineage_collector
from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, Asset, TriggerRule, task
from airflow_home import HOME, ROWS

from airflow_provider_aiguard import Table
from airflow_provider_aiguard.operators.provenance import AIStep, TrainingStep

people = Table("people", "rows", key="id")
labels = Table("labels", "rows", key="id")
rule: dict[str, Any] = {"model_name": "rule", "model_version": "7"}


def write(table="labels"):
    with sqlite3.connect(ROWS) as connection:
        connection.execute(f"CREATE TABLE IF NOT EXISTS {table} (id BIGINT PRIMARY KEY, label TEXT)")
        connection.execute(f"DELETE FROM {table}")
        connection.execute(f"INSERT INTO {table} SELECT id, iif(id < 20, 'SECRET', NULL) FROM people")


def export():
    get_hook_lineage_collector().add_output_asset(object(), uri="file:///data/export.csv")


def foreign() -> DAG:  # noqa: C901  # one task after another
    """Every kind of task."""
    step = AIStep(rows=people, inputs=["age"], into=labels, outputs=["label"], **rule)
    with DAG("foreign", schedule=None, default_args={"trigger_rule": TriggerRule.ALL_DONE, "owner": "data"}) as dag:

        @task(post_execute=step)
        def plain():
            write()

        @task(post_execute=AIStep(into="claims", outputs=["late"], conn_id="rows", **rule))
        def labelled():
            pass

        @task(post_execute=AIStep(into="{{ 'lab' }}els", outputs=["label"], conn_id="rows", **rule))
        def mapped(n):
            print(n)

        @task(post_execute=step, inlets=[Asset("file:///data/in.csv")], outlets=[Asset("file:///data/out.parquet")])
        def with_assets():
            pass

        @task(post_execute=AIStep(into="labels", outputs=["nothing"], conn_id="rows", **rule))
        def wrong():
            pass

        @task(post_execute=AIStep(into=labels, outputs=["label"]))
        def nameless():
            pass

        written = f"{HOME}/labels.parquet"

        @task(post_execute=AIStep(into=written, outputs=["label"], **rule), outlets=[Asset(f"file://{written}")])
        def to_file():
            rows = "VALUES (1, 'SECRET'), (2, NULL)"
            duckdb.sql(f"COPY (SELECT * FROM ({rows}) AS made (id, label)) TO '{written}'")

        @task(
            post_execute=TrainingStep(rows=[people, "claims", written], conn_id="rows", fingerprint="ab" * 32, **rule)
        )
        def trains():
            pass

        @task(post_execute=TrainingStep(rows=Table("nowhere", "rows"), **rule))
        def trains_on_nothing():
            pass

        @task.llm(llm_conn_id="assistant", system_prompt="Be brief.", post_execute=AIStep())
        def asks():
            return "Summarise SECRET."

        one = plain()
        ask = LLMOperator(task_id="asked", llm_conn_id="assistant", prompt="Say SECRET.", post_execute=AIStep())
        classic = PythonOperator(task_id="classic", python_callable=write, post_execute=step)
        loud = task(task_id="loud", post_execute=step)(export)()
        quiet = task(task_id="quiet", post_execute=step)(export)()
        quiet_code = BashOperator(task_id="quiet_code", bash_command="true SECRET", post_execute=step)
        query = "CREATE TABLE public.copied AS SELECT id, label FROM public.labels"
        sql = SQLExecuteQueryOperator(
            task_id="sql",
            conn_id="postgres",
            sql=query,
            post_execute=AIStep(into=Table("copied", "postgres", schema="public"), outputs=["label"], **rule),
        )
        one >> [labelled(), mapped.expand(n=[1, 2]), with_assets(), wrong(), nameless(), trains_on_nothing()]
        one >> to_file() >> trains()
        asks() >> ask >> classic >> loud >> quiet >> quiet_code >> sql
    return dag
