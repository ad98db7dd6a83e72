"""The batch of a project of Great Expectations' own, as our guards see it."""

from __future__ import annotations

import datetime as dt

import great_expectations as gx
import pandas as pd
import pytest
import sqlalchemy as sa
from great_expectations.execution_engine import ExecutionEngine

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.expectations.batch import BatchSources

ODD = "100 %s of o'neill :x"


@pytest.fixture
def source(engine):
    """A data source on a table of two months."""
    table = sa.Table("rows", sa.MetaData(), sa.Column("at_day", sa.DateTime()), sa.Column("name", sa.Text()))
    days = [dt.datetime(2013, month, 1) for month in (1, 1, 1, 2)]  # noqa: DTZ001  a column without zone
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(sa.insert(table), [{"at_day": day, "name": ODD} for day in days])
    url = engine.url.render_as_string(hide_password=False)
    engine.dispose()
    add = gx.get_context(mode="ephemeral").data_sources
    return (
        add.add_sqlite("s", connection_string=url)
        if url.startswith("sqlite")
        else add.add_sql("s", connection_string=url)
    )


def engine_of(batch):
    """The engine, with the batch loaded, as a validation finds it."""
    engine = batch.data.execution_engine
    engine.batch_manager.load_batch_list(batch_list=[batch])
    return engine


def count(batch):
    """Rows that a guard would see."""
    with BatchSources(engine_of(batch), "sqlite://") as sources, sources.connect(None) as connection:
        rows = sa.select(sa.func.count()).select_from(sa.table(sources.table.name))
        return connection.execute(rows).scalar()


def test_a_table_and_a_query(source):
    table = source.add_table_asset("rows")
    query = source.add_query_asset("q", query="SELECT * FROM rows WHERE name LIKE '100 % o''neill%'  -- a comment")
    assert count(table.add_batch_definition_whole_table("all").get_batch()) == 4
    assert count(query.add_batch_definition_whole_table("all").get_batch()) == 4


@pytest.mark.parametrize("engine", ["sqlite", "postgres"], indirect=True)
def test_a_month_of_a_table(source):
    """Not on DuckDB, where Great Expectations by itself cannot find the months."""
    table = source.add_table_asset("rows")
    month = table.add_batch_definition_monthly("month", column="at_day", validate_batchable=False)
    assert [count(month.get_batch({"year": 2013, "month": m})) for m in (1, 2)] == [3, 1]


def test_a_colon_that_great_expectations_takes_for_a_parameter_is_refused(source):
    query = source.add_query_asset("q", query="SELECT * FROM rows WHERE name <> ' \\:x'")
    with pytest.raises(ConfigurationError, match="has ':x', which Great Expectations takes for a parameter"):
        count(query.add_batch_definition_whole_table("all").get_batch())


def test_a_failed_question_leaves_a_connection_that_works(source):
    batch = source.add_table_asset("rows").add_batch_definition_whole_table("all").get_batch()
    for _ in range(2):
        with (
            pytest.raises(sa.exc.DBAPIError, match="nowhere"),
            BatchSources(engine_of(batch), "sqlite://") as sources,
            sources.connect(None) as connection,
        ):
            connection.exec_driver_sql("SELECT * FROM nowhere")
        assert count(batch) == 4


def test_the_store_is_a_url_or_an_airflow_connection(airflow_home, store_url):
    frame = pd.DataFrame({"x": [1]})
    asset = gx.get_context(mode="ephemeral").data_sources.add_pandas("p").add_dataframe_asset("f")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    for place in (store_url, "aiguard_default"):
        with BatchSources(engine_of(batch), place) as sources:
            assert sources.store is sources.store
            assert sources.store.profiles.names() is not None


def test_spark_is_refused():
    class SparkLike(ExecutionEngine):
        def __init__(self):
            pass

        def get_batch_data_and_markers(self, batch_spec):
            raise NotImplementedError

        def _comparison_condition_to_filter_clause(self, condition):
            raise NotImplementedError

        _nullity_condition_to_filter_clause = _comparison_condition_to_filter_clause
        _and_condition_to_filter_clause = _comparison_condition_to_filter_clause
        _or_condition_to_filter_clause = _comparison_condition_to_filter_clause

    with (
        pytest.raises(ConfigurationError, match="ask SQL and pandas batches; this one is of a SparkLike"),
        BatchSources(SparkLike(), "sqlite://"),
    ):
        pass
