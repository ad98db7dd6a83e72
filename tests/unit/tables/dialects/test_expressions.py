"""The words of each database that runs here, by what they answer."""

from __future__ import annotations

import hashlib

import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.tables.dialects.expressions import LOWER, UPPER, Expressions, expressions_of

TEXTS = ["", " ", "abc", "ABC", "aBc", "123", "É☂", 'it\'s 100 % \\ "q"']


def ask(engine, expression):
    with engine.connect() as conn:
        words = expressions_of(conn.dialect.name)
        words.prepare(conn)
        return conn.execute(sa.select(expression(words))).scalar()


@pytest.mark.parametrize("text", TEXTS)
def test_texts(engine, text):
    value = sa.cast(sa.literal(text), sa.Text)
    assert ask(engine, lambda words: words.length(value)) == len(text)
    assert (
        ask(engine, lambda words: words.digit(value))
        == hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[0]
    )
    for letters in (LOWER, UPPER):
        held = ask(engine, lambda words, letters=letters: words.has_any(value, letters))
        assert bool(held) == any(letter in text for letter in letters)


def test_chance(engine):
    with engine.connect() as conn:
        words = expressions_of(conn.dialect.name)
        numbers = sa.text(
            "WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM t WHERE i < 4000) SELECT i FROM t"
        )
        rows = numbers.columns(sa.column("i", sa.Integer)).subquery()
        drawn = conn.execute(sa.select(sa.func.count()).select_from(rows).where(words.chance(0.25))).scalar()
    assert 830 <= drawn <= 1_170  # six standard deviations


def test_cells(engine):
    edges = (-2.5, 0.0, 1e20)
    for x, cell in ((-3.0, 0), (-2.5, 0), (-2.4, 1), (0.0, 1), (5e-324, 2), (1e20, 2), (1e21, 3)):
        row = sa.select(sa.cast(sa.literal_column(repr(x)), sa.Double).label("v")).subquery()
        with engine.connect() as conn:
            words = expressions_of(conn.dialect.name)
            cells = sa.select(words.cell(row.c.v, edges), words.cell(row.c.v, ())).select_from(row)
            assert tuple(conn.execute(cells).one()) == (cell, 0)


@pytest.mark.parametrize(("x", "cell"), [("NULL", None), ("'NaN'", 4), ("'Infinity'", 3), ("'-Infinity'", 0)])
@pytest.mark.parametrize("kind", ["postgres", "duckdb"])
def test_cells_of_what_is_no_finite_number(request, kind, x, cell):
    row = sa.select(sa.cast(sa.literal_column(x), sa.Double).label("v")).subquery()
    edges = (-2.5, 0.0, 1.7976931348623157e308)
    found = ask(request.getfixturevalue(f"{kind}_engine"), lambda words: words.cell(row.c.v, edges))
    assert found == cell


def test_a_null_on_sqlite_has_no_cell(sqlite_engine):
    row = sa.select(sa.cast(sa.null(), sa.Double).label("v")).subquery()
    assert ask(sqlite_engine, lambda words: words.cell(row.c.v, (0.0,))) is None


def test_an_unknown_database_speaks_the_standard():
    assert type(expressions_of("oracle")) is Expressions
