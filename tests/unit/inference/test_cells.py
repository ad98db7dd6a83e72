from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from airflow_provider_aiguard.core.claims import Claims, Failure
from airflow_provider_aiguard.core.outputs import Output, OutputType
from airflow_provider_aiguard.core.provenance import ConfidenceSource
from airflow_provider_aiguard.inference.cells import ChunkClaims, add_claimed, add_kept, no_claims, nullable, spread
from airflow_provider_aiguard.inference.standing import Standing
from airflow_provider_aiguard.inference.validate import validate_claims

SAMPLES: dict[OutputType, Any] = {
    OutputType.BOOLEAN: True,
    OutputType.INTEGER: 2**63 - 1,
    OutputType.NUMBER: 0.5,
    OutputType.DECIMAL: Decimal("0.10"),
    OutputType.TEXT: "a",
    OutputType.DATE: dt.date(2013, 1, 1),
    OutputType.TIMESTAMP: dt.datetime(2013, 1, 1, tzinfo=dt.UTC),
}


def spread_claims(
    values: dict[str, list[Any]],
    kind: OutputType,
    positions: list[int],
    needed: dict[str, list[bool]],
    failures: dict[int, Failure] | None = None,
) -> ChunkClaims:
    """Claims about the rows at ``positions`` of a chunk of ``needed``'s length, each with confidence 0.5."""
    at = np.array(positions, dtype=np.intp)
    masks = {name: np.array(mask) for name, mask in needed.items()}
    outputs = [Output(name, kind) for name in values]
    claims = Claims(
        values=values,
        confidences={name: [0.5] * len(at) for name in values},
        confidence_source=ConfidenceSource.PROBABILITY,
        failures=failures or {},
    )
    wanted = {name: mask[at] for name, mask in masks.items()}
    valid = validate_claims(claims, outputs, rows=len(at), needed=wanted, describe_row=str)
    standing = Standing(len(at), list(values))
    standing.put(np.arange(len(at)), valid, 0)
    return spread(standing, at, len(next(iter(masks.values()))), masks)


def as_objects(column: Any) -> list[Any]:
    return [None if pd.isna(value) else value for value in column]


@pytest.mark.parametrize("kind", OutputType)
def test_claims_about_some_rows_find_their_places(kind: OutputType) -> None:
    value = SAMPLES[kind]
    needed = [False, True, False, True]
    claims = spread_claims({"y": [None, value]}, kind, [1, 3], {"y": needed}, {0: Failure("timeout")})
    assert as_objects(claims.values["y"]) == [None, None, None, value]
    # Whatever the type: a hole is NULL, never a float's NaN among dates or decimals.
    assert not any(isinstance(v, float) and kind in (OutputType.DATE, OutputType.DECIMAL) for v in claims.values["y"])
    assert as_objects(claims.confidences["y"]) == [None, None, None, 0.5]
    assert claims.inferred["y"].tolist() == [False, False, False, True]
    assert claims.rejected.tolist() == [False, True, False, False]
    assert claims.failures == {1: Failure("timeout")}


@pytest.mark.parametrize("kind", OutputType)
def test_a_rejected_row_leaves_no_value_of_any_output(kind: OutputType) -> None:
    value = SAMPLES[kind]
    both = {"y": [True, True], "z": [True, True]}
    claims = spread_claims({"y": [value, value], "z": [None, value]}, kind, [0, 1], both)
    assert as_objects(claims.values["y"]) == [None, value]
    assert claims.rejected.tolist() == [True, False]
    frame = pd.DataFrame({"id": [1, 2]})
    add_claimed(frame, Output("y", kind), claims, ["run"])
    halves = frame["y"].isna() != frame["y__provenance"].isna()
    assert not halves.any()


def test_whole_chunks_are_passed_on() -> None:
    claims = spread_claims({"y": [1, 2]}, OutputType.INTEGER, [0, 1], {"y": [True, True]})
    assert claims.values["y"].tolist() == [1, 2]


def test_companions_of_claims() -> None:
    claims = spread_claims({"y": [None, 7]}, OutputType.INTEGER, [0, 2], {"y": [True, False, True]})
    frame = pd.DataFrame({"id": [1, 2, 3]})
    add_claimed(frame, Output("y"), claims, ["run-1"])
    assert list(frame) == ["id", "y", "y__provenance", "y__confidence", "y__run"]
    assert [as_objects(row) for row in frame.itertuples(index=False)] == [
        [1, None, None, None, None],
        [2, None, None, None, None],
        [3, 7, "ai_inferred", 0.5, "run-1"],
    ]


def test_a_chunk_nobody_was_asked_about() -> None:
    claims = no_claims([Output("y")], 2)
    frame = pd.DataFrame({"id": [1, 2]})
    add_claimed(frame, Output("y"), claims, ["run-1"])
    assert frame.drop(columns="id").isna().all(axis=None)
    assert not claims.rejected.any()


def test_kept_values_stay_beside_the_inferred_ones() -> None:
    chunk = pd.DataFrame(
        {
            "y": pd.Series([5, None, 2**62 + 1, 9], dtype="Int64"),
            "y__provenance": pd.Series([None, None, "human_annotated", "ai_inferred"], dtype="str"),
            "y__confidence": pd.Series([None, None, None, 0.25], dtype="Float64"),
            "y__run": pd.Series([None, None, "review", "old"], dtype="str"),
        }
    )
    claims = spread_claims({"y": [7]}, OutputType.INTEGER, [1], {"y": [False, True, False, False]})
    frame = pd.DataFrame({"id": [1, 2, 3, 4]})
    add_claimed(frame, Output("y"), claims, ["new"])
    add_kept(frame, Output("y"), chunk, claims.inferred["y"])
    assert [as_objects(row) for row in frame.itertuples(index=False)] == [
        [1, 5, "observed", None, None],
        [2, 7, "ai_inferred", 0.5, "new"],
        [3, 2**62 + 1, "human_annotated", None, "review"],
        [4, 9, "ai_inferred", 0.25, "old"],
    ]


def test_kept_values_without_companions_are_observed() -> None:
    chunk = pd.DataFrame({"y": ["a", None]})
    claims = spread_claims({"y": ["b"]}, OutputType.TEXT, [1], {"y": [False, True]})
    frame = pd.DataFrame({"id": [1, 2]})
    add_claimed(frame, Output("y"), claims, ["new"])
    add_kept(frame, Output("y"), chunk, claims.inferred["y"])
    assert frame["y"].tolist() == ["a", "b"]
    assert frame["y__provenance"].tolist() == ["observed", "ai_inferred"]


def test_a_nan_that_was_there_is_a_value() -> None:
    numbers = pd.Series(pd.arrays.FloatingArray(np.array([np.nan, 0.0, 1.5]), np.array([False, True, False])))
    exact = pd.Series([Decimal("NaN"), None, Decimal("1.10")], dtype="object")
    chunk = pd.DataFrame({"y": numbers, "z": exact})
    claims = no_claims([Output("y"), Output("z")], 3)
    frame = pd.DataFrame({"id": [1, 2, 3]})
    for name in ("y", "z"):
        add_claimed(frame, Output(name), claims, ["run"])
        add_kept(frame, Output(name), chunk, claims.inferred[name])
    assert [str(v) for v in frame["y"].tolist()] == ["nan", "None", "1.5"]
    assert [str(v) for v in frame["z"].tolist()] == ["NaN", "None", "1.10"]


def test_confidences_with_gaps() -> None:
    column = nullable(np.array([0.5, np.nan]))
    assert str(column.dtype) == "Float64"
    assert as_objects(column) == [0.5, None]
