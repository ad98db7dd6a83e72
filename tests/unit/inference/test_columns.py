from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import TableNotFoundError
from airflow_provider_aiguard.core.outputs import OutputType, parse_outputs
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.inference.columns import StepColumns
from airflow_provider_aiguard.inference.plan import InferencePlan

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = """
CREATE TABLE flights (
    day INTEGER, id BIGINT, distance DOUBLE, "Month" INTEGER, "co:lon" TEXT, "we""ird" TEXT, "a b" TEXT,
    late BOOLEAN, late__provenance TEXT, late__confidence DOUBLE, late__run TEXT,
    carrier TEXT, carrier__run TEXT, distance__provenance TEXT
)
"""


@pytest.fixture
def conn() -> Iterator[sa.Connection]:
    with sa.create_engine("sqlite://").connect() as conn:
        conn.exec_driver_sql(SOURCE)
        conn.commit()
        yield conn


def columns(conn: sa.Connection, **changes: Any) -> StepColumns:
    given: dict[str, Any] = {
        "rows": Table("flights", key=("day", "id")),
        "into": Table("scored"),
        "outputs": parse_outputs(["late"]),
    }
    return StepColumns.of(InferencePlan(**{**given, **changes}), conn, conn)


def test_a_model_sees_all_but_keys_outputs_and_companions(conn: sa.Connection) -> None:
    seen = columns(conn)
    assert seen.inputs == ("distance", "Month", "co:lon", 'we"ird', "a b", "carrier")
    assert seen.read == ("day", "id", *seen.inputs)
    assert (dict(seen.carry), list(seen.key_types), seen.mode) == ({}, ["day", "id"], "upsert")
    assert seen.into.key_columns == ("day", "id")


def test_named_inputs_are_what_it_sees(conn: sa.Connection) -> None:
    seen = columns(conn, inputs=("carrier", "late"))
    assert (seen.inputs, seen.read) == (("carrier", "late"), ("day", "id", "carrier", "late"))


@pytest.mark.parametrize(
    ("changes", "missing"), [({"inputs": ("speed",)}, "speed"), ({"carry": ("day", "tail")}, "tail")]
)
def test_a_column_that_does_not_exist(conn: sa.Connection, changes: Any, missing: str) -> None:
    with pytest.raises(TableNotFoundError, match=rf"Table 'flights' has no column '{missing}'\. Its columns are \["):
        columns(conn, **changes)


def test_a_key_that_does_not_exist(conn: sa.Connection) -> None:
    with pytest.raises(TableNotFoundError, match="no column 'nr'"):
        columns(conn, rows=Table("flights", key="nr"))


@pytest.mark.parametrize(
    ("where", "carried"),
    [
        (None, []),
        ("month = :carrier", ["Month"]),
        ("MONTH = :m AND carrier = 'distance :m'", ["Month", "carrier"]),
        ('"Month" = :m', ["Month"]),
        ('"month" = :m', []),
        (r'"co\:lon" = :m', ["co:lon"]),
        ('"we""ird" = :m OR "a b" = :m', ['we"ird', "a b"]),
        ("late = :m AND late__run = :m AND day = :m", []),
    ],
)
def test_columns_of_the_targets_where_are_carried(conn: sa.Connection, where: str | None, carried: list[str]) -> None:
    parameters = {name: 1 for name in ("m", "carrier") if where and f":{name}" in where}
    seen = columns(conn, inputs=("distance",), into=Table("scored", where=where, parameters=parameters))
    assert list(seen.carry) == carried
    assert set(carried) < set(seen.read)


def test_named_carry_is_what_is_carried(conn: sa.Connection) -> None:
    into = Table("scored", where="carrier = :c", parameters={"c": 1})
    assert list(columns(conn, into=into, carry=()).carry) == []
    assert list(columns(conn, into=into, carry=("day", "distance")).carry) == ["distance"]


def test_filling_reads_what_is_there(conn: sa.Connection) -> None:
    seen = columns(conn, fill="missing", inputs=("distance",))
    assert seen.read == ("day", "id", "distance", "late", "late__provenance", "late__confidence", "late__run")
    assert seen.mode == "upsert"


def test_a_fill_takes_the_type_of_the_column_it_fills(conn: sa.Connection) -> None:
    assert columns(conn).outputs[0].type is None
    assert columns(conn, fill="missing").outputs[0].type is OutputType.BOOLEAN


def test_the_targets_type_comes_first(conn: sa.Connection) -> None:
    conn.exec_driver_sql("CREATE TABLE scored (day INTEGER, id BIGINT, late TEXT, PRIMARY KEY (day, id))")
    conn.commit()
    assert columns(conn, fill="missing").outputs[0].type is OutputType.TEXT
    assert columns(conn, fill="missing", outputs=parse_outputs({"late": int})).outputs[0].type is OutputType.INTEGER


@pytest.mark.parametrize(("fill", "mode"), [("all", "update"), ("missing", "fill")])
def test_in_place_rows_are_updated_and_nothing_is_carried(conn: sa.Connection, fill: str, mode: str) -> None:
    into = Table("flights", where="carrier = :c", parameters={"c": 1})
    seen = columns(conn, into=into, fill=fill)
    assert (seen.mode, dict(seen.carry)) == (mode, {})
