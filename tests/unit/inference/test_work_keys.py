from __future__ import annotations

import datetime as dt
import subprocess
import sys
import uuid
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.outputs import parse_outputs
from airflow_provider_aiguard.core.run import ModelIdentity
from airflow_provider_aiguard.inference import work_keys as module
from airflow_provider_aiguard.inference.work_keys import canonical, canonical_rows, memory_rows, unique_rows

MODEL = ModelIdentity(name="m", version="1", fingerprint="f")
OUTPUTS = parse_outputs({"late": bool})
NAIVE = dt.datetime(2020, 1, 1)  # noqa: DTZ001  rows of a column without zone
INDIA = dt.timezone(dt.timedelta(hours=5, minutes=30))


def work_keys(frame, model, outputs):
    return module.work_keys(canonical_rows(frame), sorted(frame.columns), model, outputs)


def key(model=MODEL, outputs=OUTPUTS, **values):
    frame = pd.DataFrame({name: pd.Series([value], dtype=object) for name, value in values.items()})
    (found,) = work_keys(frame, model, outputs)
    return found


# Different values, all of them: among 1, true, 1.0 and "1" no two are the same work.
DIFFERENT = [
    None, True, False, 1, 0, 1.0, 0.1, 0.1 + 1e-17 + 2e-17, float("nan"), float("inf"), -1, 10**30, "1", "", "n", "b1",
    "a\x1fb", Decimal("1"), Decimal("1.0"), Decimal("NaN"), dt.date(2020, 1, 1), NAIVE,
    dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.time(1), dt.timedelta(days=1), uuid.UUID(int=1), b"1", [1], [1, 2],
    [[1], 2], ["1"], {"a": 1}, {"a": None}, {"1": 1}, "\ud800", "\ufffd",
]  # fmt: skip


def test_no_two_different_values_have_one_key():
    keys = [key(x=value) for value in DIFFERENT]
    assert len(set(keys)) == len(DIFFERENT)
    assert len({canonical(value) for value in DIFFERENT}) == len(DIFFERENT)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (0.0, -0.0),
        (1, np.int64(1)),
        (0.5, np.float32(0.5)),
        (True, np.bool_(True)),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ([1, 2], (1, 2)),
        ([1.0], np.array([1.0])),
        (dt.datetime(2020, 1, 1, 5, 30, tzinfo=INDIA), dt.datetime(2020, 1, 1, tzinfo=dt.UTC)),
        (NAIVE, pd.Timestamp("2020-01-01")),
        (None, pd.NA),
    ],
)
def test_equal_work_has_an_equal_key(one, other):
    assert key(x=one) == key(x=other)


def test_columns_are_told_apart_by_name_and_not_by_order():
    assert key(a=1, b=2) == key(b=2, a=1)
    assert key(a=1, b=2) != key(a=2, b=1)
    assert key(a=1) != key(b=1)
    assert key(a="x", b="") != key(a="", b="x")


@pytest.mark.parametrize(
    "other",
    [
        {"model": ModelIdentity(name="m2", version="1", fingerprint="f")},
        {"model": ModelIdentity(name="m", version="2", fingerprint="f")},
        {"model": ModelIdentity(name="m", version="1", fingerprint="g")},
        {"outputs": parse_outputs({"late": int})},
        {"outputs": parse_outputs({"early": bool})},
        {"outputs": parse_outputs({"late": ["yes", "no"]})},
    ],
)
def test_another_model_or_question_is_other_work(other):
    assert key(a=1, **other) != key(a=1)


def test_keys_are_the_same_in_every_version():
    """Recorded once. If this fails, everything that was paid for would be paid again."""
    frame = pd.DataFrame(
        {
            "text": pd.array(["späte ✈", None], dtype="str"),
            "whole": pd.array([7, None], dtype="Int64"),
            "real": pd.array([0.1, 2.5], dtype="Float64"),
            "when": pd.to_datetime(["2013-02-01 05:00", "2013-02-02 00:00"], utc=True),
            "exact": [Decimal("1.10"), None],
            "flag": pd.array([True, None], dtype="boolean"),
        }
    )
    assert work_keys(frame, MODEL, OUTPUTS) == RECORDED
    program = (
        "import pandas as pd\n"
        "from airflow_provider_aiguard.core.run import ModelIdentity\n"
        "from airflow_provider_aiguard.inference.work_keys import canonical_rows, work_keys\n"
        "rows = canonical_rows(pd.DataFrame({'a': ['x']}))\n"
        "print(work_keys(rows, ['a'], ModelIdentity(name='m', version='1', fingerprint='f'), ())[0])"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("0", "1")
    }
    assert seen == {work_keys(pd.DataFrame({"a": ["x"]}), MODEL, ())[0] + "\n"}


RECORDED = [
    "743ccddb82b1f649d86c14d9c546a90bbbea4f7530d01c451ca5d974b4077cfd",
    "a5054aa38b5e283936593da2c510e3d3e32d453b1bc1db76154ef4832d1a6e3c",
]

CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 2), st.sampled_from([0.0, 1.0, float("nan")]), st.sampled_from("ab1")
)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=40))
def test_rows_are_equal_exactly_if_their_keys_are(rows):
    frame = pd.DataFrame({n: pd.Series([row[i] for row in rows], dtype=object) for i, n in enumerate("xy")})
    firsts, which = unique_rows(frame)
    keys = work_keys(frame, MODEL, OUTPUTS)
    assert [keys[firsts[i]] for i in which] == keys
    assert len(firsts) == len(set(keys))
    assert list(firsts) == sorted(keys.index(k) for k in set(keys))


@given(st.lists(st.tuples(CELLS, CELLS), max_size=40))
def test_rows_are_equal_in_memory_exactly_if_their_keys_are(rows):
    """Row by row, as they come in different chunks, so that no chunk can tell the kinds apart by its dtype alone."""
    chunks = [pd.DataFrame({n: pd.Series([row[i]]) for i, n in enumerate("xy")}) for row in rows]
    chunks += [pd.DataFrame({n: pd.Series([row[i]], dtype=object) for i, n in enumerate("xy")}) for row in rows]
    keys = [work_keys(chunk, MODEL, OUTPUTS)[0] for chunk in chunks]
    remembered = [memory_rows(chunk)[0] for chunk in chunks]
    for key_a, a in zip(keys, remembered, strict=True):
        assert [b == a for b in remembered] == [key_b == key_a for key_b in keys]
        assert all(hash(b) == hash(a) for b in remembered if b == a)


@pytest.mark.parametrize(
    "column",
    [
        pd.array([1, None, 1, 2], dtype="Int64"),
        pd.array(["a", None, "a", "b"], dtype="str"),
        pd.array([True, None, True, False], dtype="boolean"),
        np.array([1.0, np.nan, 1.0, 2.0]),
        pd.to_datetime(["2020-01-01", None, "2020-01-01", "2020-01-02"]),
        np.array([1, 0, 1, 2]),
        pd.arrays.FloatingArray(np.array([1.0, np.nan, 1.0, 2.0]), np.array([False, True, False, False])),
    ],
)
def test_each_kind_of_column_groups_alike(column):
    firsts, which = unique_rows(pd.DataFrame({"x": column}))
    assert (list(firsts), list(which)) == ([0, 1, 3], [0, 1, 0, 2])


def test_null_and_nan_of_one_nullable_column_differ():
    column = pd.arrays.FloatingArray(np.array([np.nan, np.nan, np.nan]), np.array([False, True, False]))
    assert list(unique_rows(pd.DataFrame({"x": column}))[1]) == [0, 1, 0]


def test_without_rows_or_columns():
    firsts, which = unique_rows(pd.DataFrame({"x": []}))
    assert (len(firsts), len(which)) == (0, 0)
    firsts, which = unique_rows(pd.DataFrame(index=range(3)))
    assert (list(firsts), list(which)) == ([0], [0, 0, 0])
    assert len(set(work_keys(pd.DataFrame(index=range(3)), MODEL, OUTPUTS))) == 1
    assert memory_rows(pd.DataFrame(index=range(3))) == [()] * 3


def test_nanoseconds_and_keys_of_several_types_are_told_apart():
    one, other = (pd.Timestamp(f"2020-01-01T00:00:00.123456{rest}") for rest in ("789", "001"))
    assert canonical(one) != canonical(other) != canonical(other.to_pydatetime(warn=False))
    assert canonical(pd.Timestamp("2020-01-01")) == canonical(dt.datetime(2020, 1, 1))  # noqa: DTZ001
    assert canonical({2: 1, "1": 2}) == canonical({"1": 2, 2: 1})


def test_a_value_without_a_form_is_refused_by_column():
    with pytest.raises(ConfigurationError, match="Input column 'x': A value of type object has no canonical form"):
        key(x=object())


def test_bytes_are_the_same_from_every_driver() -> None:
    assert canonical(memoryview(b"\x00\xff")) == canonical(b"\x00\xff") == "yAP8="
