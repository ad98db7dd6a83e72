from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_aiguard.core.claims import Failure
from airflow_provider_aiguard.models.wire import (
    BadResponseError,
    read_predictions,
    read_tensors,
    to_instances,
    to_tensors,
    unfit_columns,
    values_of,
)


def test_instances_keep_the_kind_of_a_value():
    frame = pd.DataFrame(
        {
            "i": pd.array([1, None], dtype="Int64"),
            "s": pd.Series(["x", None], dtype="str"),
            "d": pd.Series([Decimal("1.10"), None], dtype=object),
            "n": pd.Series([np.int64(3), None], dtype=object),
        }
    )
    first, second = json.loads(json.dumps(to_instances(values_of(frame))))["instances"]
    assert first == {"i": 1, "s": "x", "d": "1.10", "n": 3}
    assert second == dict.fromkeys("isdn")


def test_the_first_column_that_does_not_fit_is_named():
    frame = pd.DataFrame({"a": [1.0, np.inf, 2.0], "b": pd.array([None, None, 1], dtype="Int64")})
    assert unfit_columns(frame, null_fits=False) == ["b", "a", None]
    assert unfit_columns(frame, null_fits=True) == [None, "a", None]


def test_a_tensor_of_single_lists_is_read():
    nested = {"outputs": [{"name": "y", "shape": [2, 1], "data": [[1], [2]]}]}
    assert read_tensors(nested, ["y"], rows=2) == [{"y": 1}, {"y": 2}]


def test_tensors_ask_for_each_output_once():
    asked = to_tensors({"a": [1]}, {"a": "INT64"}, outputs=["y", "p", "y"])
    assert asked["outputs"] == [{"name": "y"}, {"name": "p"}]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
TENSOR = st.dictionaries(st.sampled_from(["name", "shape", "data", "x"]), ANYTHING | st.just("y") | st.just([2]))


@given(
    st.one_of(
        ANYTHING, st.fixed_dictionaries({"outputs": st.lists(TENSOR)}), st.fixed_dictionaries({"predictions": ANYTHING})
    )
)
def test_whatever_a_server_says_is_rows_or_a_bad_response(response):
    for read in (read_tensors, read_predictions):
        try:
            rows = read(response, ["y"], rows=2)
        except BadResponseError:
            continue
        assert len(rows) == 2
        assert all(isinstance(row, Failure) or set(row) == {"y"} for row in rows)
