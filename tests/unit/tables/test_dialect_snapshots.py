"""The SQL of databases that no test can run, against what was read and found right.

Renew after a change, and read the difference: ``python tests/unit/tables/test_dialect_snapshots.py``. MySQL and Trino
are compiled by their own SQLAlchemy dialects; those of BigQuery, Snowflake and Databricks do not install beside Airflow
3.3, so SQLAlchemy's default compiler writes our words for them.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect

from airflow_provider_aiguard.core.profile import ColumnKind, ColumnProfile
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.tables import clusters, levels, numbers, times
from airflow_provider_aiguard.tables.kinds import ColumnInfo
from airflow_provider_aiguard.tables.source import Source

FOLDER = Path(__file__).parent / "snapshots"

PUBLISHED = {
    "mysql": "sqlalchemy.dialects.mysql.pymysql:MySQLDialect_pymysql",
    "trino": "trino.sqlalchemy.dialect:TrinoDialect",
}

DATABASES = [*PUBLISHED, "bigquery", "snowflake", "databricks"]

INFOS = {
    "distance": ColumnInfo("distance", sa.Double()),
    "carrier": ColumnInfo("carrier", sa.Text()),
    "late": ColumnInfo("late", sa.Boolean()),
    "left_at": ColumnInfo("left_at", sa.DateTime()),
    "seen_at": ColumnInfo("seen_at", sa.DateTime(timezone=True)),
}

COLUMNS = {
    "distance": ColumnProfile(
        name="distance",
        kind=ColumnKind.NUMERIC,
        type="DOUBLE",
        edges=(0.5, 9.0, 1e20),
        counts=(1, 2, 3, 4),
        center=7.5,
    ),
    "carrier": ColumnProfile(name="carrier", kind=ColumnKind.CATEGORICAL, type="TEXT", levels=("UA", "it's")),
    "late": ColumnProfile(name="late", kind=ColumnKind.CATEGORICAL, type="BOOLEAN", levels=("false",)),
    "left_at": ColumnProfile(name="left_at", kind=ColumnKind.TEMPORAL, type="DATETIME"),
    "seen_at": ColumnProfile(name="seen_at", kind=ColumnKind.TEMPORAL, type="TIMESTAMP"),
}


def dialect_named(name):
    if name in PUBLISHED:
        module, _, attribute = PUBLISHED[name].partition(":")
        return getattr(import_module(module), attribute)()
    made = DefaultDialect()
    made.name = name
    return made


def statements(name):
    """The statements of a profile with all it can have."""
    dialect = dialect_named(name)
    table = Table("flights", schema="s", where="month = :month", parameters={"month": 1})
    whole = Source(SimpleNamespace(dialect=dialect), table, INFOS)
    made = {}
    for title, source in (("all rows", whole), ("a sample", sampled(whole))):
        branches = [branch(source, i, column) for i, column in enumerate(COLUMNS.values())]
        made[f"count, {title}"] = sa.union_all(*branches)
    made["levels"] = sa.union_all(*levels.frequencies(whole.values("carrier", 0.25), 0))
    made["tiles"] = numbers.tiles(whole.values("distance", 0.25), 0, 1_024)
    made["clusters"] = clusters._totals(whole, list(COLUMNS.values()), "carrier")
    compiled = (f"-- {title}\n{written(query, dialect)};\n" for title, query in made.items())
    return "\n".join(line.rstrip() for line in "\n".join(compiled).splitlines()) + "\n"


def written(query, dialect):
    return query.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})


def sampled(source):
    drawn = source.select(list(INFOS), 0.1).cte("sampled")
    return Source(source.connection, source.table, source.infos, drawn=drawn, share=0.1)


def branch(source, i, column):
    values = source.values(column.name)
    if column.kind is ColumnKind.NUMERIC:
        return numbers.branch(values, i, column, source.words)
    if column.kind is ColumnKind.TEMPORAL:
        return times.branch(values, i, source.words)
    return levels.branch(values, i, column, source.words, text=column.name == "carrier")


@pytest.mark.parametrize("name", DATABASES)
def test_the_sql_is_the_one_that_was_read(name):
    assert statements(name) == (FOLDER / f"{name}.sql").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", DATABASES)
def test_it_asks_for_nothing_that_only_postgresql_has(name):
    text = statements(name)
    assert not [word for word in ("::double", "isodow", "GLOB", "strftime", "timezone('UTC'") if word in text]
    assert "random()" not in text or name in {"trino", "snowflake"}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for database in DATABASES:
        (FOLDER / f"{database}.sql").write_text(statements(database), encoding="utf-8")
