from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from airflow_provider_aiguard.tables.dialects.postgres import PostgresDialect, _texts
from airflow_provider_aiguard.tables.kinds import ColumnInfo


@pytest.mark.parametrize(
    ("declared", "values", "expected"),
    [
        (
            sa.Text(),
            pd.array(["a\tb", None, "\\N", "x\r\ny", "a\tb"], dtype="str"),
            ["a\\tb", "\\N", "\\\\N", "x\\r\\ny", "a\\tb"],
        ),
        (sa.Boolean(), pd.array([True, False, None], dtype="boolean"), ["t", "f", "\\N"]),
        (sa.BigInteger(), np.array([2**53 + 1]), ["9007199254740993"]),
        (sa.Double(), np.array([0.1, np.nan, np.inf]), ["0.1", "nan", "inf"]),
        (sa.LargeBinary(), np.array([b"\x00\xff", None], dtype=object), ["\\\\x00ff", "\\N"]),
        (sa.JSON(), np.array([{"a": "x\ty"}, None], dtype=object), ['{"a": "x\\\\ty"}', "\\N"]),
    ],
)
def test_copy_text(declared: Any, values: Any, expected: list[str]) -> None:
    assert _texts(ColumnInfo("c", declared), pd.Series(values)) == expected


def test_the_reason_names_constraint_or_column_but_no_value() -> None:
    class ViolationError(Exception):
        diag = SimpleNamespace(constraint_name=None, column_name="late")

    assert PostgresDialect().reason(ViolationError("Failing row contains (secret)")) == "ViolationError of 'late'"
    assert PostgresDialect().reason(ValueError("secret")) == "ValueError"


def test_float_keys_compare_in_the_type_of_their_column() -> None:
    bound = PostgresDialect().bind(ColumnInfo("k", sa.REAL()), 0.1)
    assert str(bound.compile(dialect=postgresql.dialect())) == "CAST(%(param_1)s AS REAL)"
