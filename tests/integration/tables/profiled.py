"""Rows to profile, and profiling them, on any engine."""

from __future__ import annotations

import sqlalchemy as sa

from airflow_provider_aiguard.tables.profile import profile_table


def fill(engine, name, columns, rows):
    table = sa.Table(name, sa.MetaData(), *(sa.Column(c, kind) for c, kind in columns.items()))
    with engine.begin() as conn:
        table.create(conn)
        for start in range(0, len(rows), 1_000):
            conn.execute(sa.insert(table), rows[start : start + 1_000])


def profile(engine, table, columns=None, **options):
    with engine.connect() as conn:
        return profile_table(conn, table, columns, **options)
