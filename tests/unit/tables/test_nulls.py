"""NULL is not NaN."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from airflow_provider_aiguard.tables.nulls import null_mask


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pd.Series([1.5, np.nan]), [False, False]),
        (
            pd.Series(pd.arrays.FloatingArray(np.array([np.nan, 1.0, 2.0]), np.array([False, True, False]))),
            [False, True, False],
        ),
        (pd.Series([1, None], dtype="Int64"), [False, True]),
        (pd.Series([1, 2]), [False, False]),
        (pd.Series(["a", None], dtype="str"), [False, True]),
        (pd.Series([Decimal("NaN"), None, pd.NA], dtype="object"), [False, True, True]),
        (pd.to_datetime(pd.Series(["2013-01-01", None])), [False, True]),
    ],
)
def test_only_nulls_are_null(column: pd.Series, expected: list[bool]) -> None:
    assert null_mask(column).tolist() == expected
