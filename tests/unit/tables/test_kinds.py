from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from airflow_provider_aiguard.core.outputs import OutputType
from airflow_provider_aiguard.tables.kinds import ColumnInfo, holds, output_type


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        (sa.Boolean(), OutputType.BOOLEAN),
        (sa.SmallInteger(), OutputType.INTEGER),
        (sa.BigInteger(), OutputType.INTEGER),
        (sa.Float(), OutputType.NUMBER),
        (sa.REAL(), OutputType.NUMBER),
        (sa.Double(), OutputType.NUMBER),
        (postgresql.DOUBLE_PRECISION(), OutputType.NUMBER),
        (sa.Numeric(10, 2), OutputType.DECIMAL),
        (sa.DECIMAL(), OutputType.DECIMAL),
        (sa.String(3), OutputType.TEXT),
        (sa.Enum("a", "b"), OutputType.TEXT),
        (postgresql.CITEXT(), OutputType.TEXT),
        (sa.Date(), OutputType.DATE),
        (sa.DATETIME(), OutputType.TIMESTAMP),
        (postgresql.TIMESTAMP(timezone=True), OutputType.TIMESTAMP),
        (sa.Time(), None),
        (sa.LargeBinary(), None),
        (postgresql.JSONB(), None),
        (sa.Uuid(), None),
        (sa.types.NullType(), None),
    ],
)
def test_kind_of_a_declared_type(declared: Any, kind: OutputType | None) -> None:
    assert output_type(declared) is kind
    assert ColumnInfo("c", declared).kind is kind


def test_zone() -> None:
    assert ColumnInfo("c", sa.DateTime(timezone=True)).zoned
    assert not ColumnInfo("c", sa.DateTime()).zoned
    assert not ColumnInfo("c", sa.Text()).zoned


def test_a_type_holds_its_own_kind_and_decimals_hold_integers() -> None:
    types: dict[OutputType, Any] = {
        OutputType.BOOLEAN: sa.Boolean(),
        OutputType.INTEGER: sa.BigInteger(),
        OutputType.NUMBER: sa.Double(),
        OutputType.DECIMAL: sa.Numeric(),
        OutputType.TEXT: sa.Text(),
        OutputType.DATE: sa.Date(),
        OutputType.TIMESTAMP: sa.DateTime(),
    }
    held = {(column, output) for column, declared in types.items() for output in OutputType if holds(declared, output)}
    assert held == {(kind, kind) for kind in OutputType} | {(OutputType.DECIMAL, OutputType.INTEGER)}
