"""A table as a data source: nothing about the connection is in it."""

from __future__ import annotations

import sqlalchemy as sa

from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.expectations.datasource import AIGuardDatasource
from airflow_provider_aiguard.expectations.engine import TableExecutionEngine
from airflow_provider_aiguard.expectations.run import context


def test_it_asks_the_engine_it_was_given_and_stores_no_url(engine):
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE people (age INTEGER)")
        connection.exec_driver_sql("INSERT INTO people VALUES (1), (2), (3)")
    table = Table("people", where="age > :age", parameters={"age": 1})
    with engine.connect() as connection:
        asked = TableExecutionEngine(connection, table, sources=None, identity=RunIdentity(run_id="r"))
        source = AIGuardDatasource(name="aiguard")
        source.use(asked)
        project = context()
        project.add_datasource(datasource=source)
        batch = source.add_rows_asset("people").add_batch_definition_whole_table("all").get_batch()
        assert batch.columns() == ["age"]
        assert source.get_execution_engine() is asked
        assert source.get_engine() is connection.engine
        rows = sa.select(sa.func.count()).select_from(batch.data.selectable)
        assert asked.execute_query(rows).scalar() == 2
        assert source.connection_string == "aiguard://"
        assert str(engine.url) not in str(project.variables.config.to_json_dict())
