from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.outputs import Output, OutputType
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.tables.writer import ClaimWriter, _fits

if TYPE_CHECKING:
    from collections.abc import Iterator

LATE = Output("late", OutputType.BOOLEAN)
KEY = {"id": sa.BigInteger()}


@pytest.fixture
def conn() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://")
    with engine.connect() as made:
        yield made
    engine.dispose()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"mode": "insert"}, r"mode must be 'upsert', 'update' or 'fill'; got 'insert'"),
        ({"key": {}}, r"Writing to 't' needs a key and at least one output"),
        ({"outputs": []}, r"needs a key and at least one output"),
        ({"outputs": [Output("late")]}, r"Output 'late' has no type yet\. Declare one: outputs=\{'late': \.\.\.\}"),
        ({"mode": "fill", "carry": {"x": sa.Text()}}, r"'fill' writes into the rows it read: nothing to carry.*'x'"),
        ({"carry": {"late__run": sa.Text()}}, r"must not share a name\. Rename the output"),
        ({"outputs": [Output("id", OutputType.TEXT)]}, r"Key \['id'\].*must not share a name"),
    ],
)
def test_arguments(conn: sa.Connection, changed: dict[str, Any], message: str) -> None:
    given_: dict[str, Any] = {"outputs": [LATE], "key": KEY, **changed}
    with pytest.raises(ConfigurationError, match=message):
        ClaimWriter(conn, Table("t"), given_.pop("outputs"), **given_)


def test_an_error_that_is_not_about_the_chunk_is_passed_on(conn: sa.Connection) -> None:
    conn.exec_driver_sql("PRAGMA query_only = ON")
    conn.rollback()
    with pytest.raises(sa.exc.OperationalError, match=r"readonly database"):
        ClaimWriter(conn, Table("t"), [LATE], key=KEY).prepare()


@given(st.integers(0, 12), st.integers(0, 12), st.integers(-(10**14), 10**14), st.integers(-9, 3))
def test_fits_agrees_with_rounding(integers: int, scale: int, digits: int, exponent: int) -> None:
    value = Decimal(digits).scaleb(exponent)
    exact = value == value.quantize(Decimal(1).scaleb(-scale)) and abs(value) < 10**integers
    assert _fits(value, integers + scale, scale) == exact


@pytest.mark.parametrize(
    ("value", "precision", "scale", "expected"),
    [
        ("1e30", None, None, True),
        ("NaN", None, None, True),
        ("NaN", 10, 2, False),
        ("123456789012345", 15, None, True),
        ("1234567890123456", 15, None, False),
        ("1.000", 15, 0, True),
        ("0", 1, 1, True),
        ("5", None, 0, True),
    ],
)
def test_fits(value: str, precision: int | None, scale: int | None, expected: bool) -> None:
    assert _fits(Decimal(value), precision, scale) is expected
