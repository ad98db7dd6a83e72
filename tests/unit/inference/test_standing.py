"""What stands of several answers about one chunk."""

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
from airflow_provider_aiguard.inference.standing import Standing
from airflow_provider_aiguard.inference.validate import ValidClaims, validate_claims

KINDS: dict[OutputType, tuple[Any, Any]] = {
    OutputType.BOOLEAN: (True, False),
    OutputType.INTEGER: (1, 2),
    OutputType.NUMBER: (0.5, 0.25),
    OutputType.DECIMAL: (Decimal("0.1"), Decimal("0.2")),
    OutputType.TEXT: ("a", "b"),
    OutputType.DATE: (dt.date(2026, 1, 1), dt.date(2026, 1, 2)),
    OutputType.TIMESTAMP: (dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.datetime(2026, 1, 2, tzinfo=dt.UTC)),
}


def claims(values: list[Any], confidence: float = 0.5, kind: OutputType = OutputType.TEXT, **more: Any) -> ValidClaims:
    made = Claims(
        values={"y": values},
        confidences={"y": [confidence] * len(values)},
        confidence_source=more.pop("source", ConfidenceSource.PROBABILITY),
        failures=more.pop("failures", {}),
    )
    needed = {"y": np.ones(len(values), dtype=bool)}
    return validate_claims(made, [Output("y", kind)], rows=len(values), needed=needed, describe_row=str)


def at(*rows: int) -> Any:
    return np.array(rows, dtype=np.intp)


def shown(column: Any) -> list[Any]:
    return [None if pd.isna(value) else value for value in column]


@pytest.mark.parametrize("kind", OutputType)
def test_a_later_answer_stands_in_front_of_an_earlier_one(kind: OutputType) -> None:
    first, second = KINDS[kind]
    standing = Standing(3, ["y"])
    standing.put(at(0, 1, 2), claims([first] * 3, 0.5, kind), 0)
    standing.put(at(1), claims([second], 0.75, kind), 1)
    valid = standing.valid
    assert shown(valid.values["y"]) == [first, second, first]
    assert valid.confidences["y"].tolist() == [0.5, 0.75, 0.5]
    assert standing.by.tolist() == [0, 1, 0]
    assert [standing.asked(1, where) for where in (at(1), at(0, 1), at())] == [True, False, True]
    assert valid.values["y"].dtype == claims([first], 0.5, kind).values["y"].dtype


@pytest.mark.parametrize("kind", OutputType)
def test_rows_without_an_answer_are_null(kind: OutputType) -> None:
    standing = Standing(3, ["y"])
    standing.put(at(2), claims([KINDS[kind][0]], 0.5, kind), 0)
    standing.fail(at(0, 1), Failure("left_out"))
    valid = standing.valid
    assert shown(valid.values["y"]) == [None, None, KINDS[kind][0]]
    assert valid.answered.tolist() == [False, False, True]
    assert valid.failures == {0: Failure("left_out"), 1: Failure("left_out")}


def test_one_answer_about_everything_is_passed_on_untouched() -> None:
    standing, whole = Standing(2, ["y"]), claims(["a", "b"])
    standing.put(at(0, 1), whole, 0)
    assert standing.valid is whole
    standing.fail(at(1), Failure("not_confident"))
    assert shown(standing.valid.values["y"]) == ["a", None]


def test_an_answer_after_a_failure_stands_and_a_failure_after_an_answer_too() -> None:
    standing = Standing(2, ["y"])
    standing.put(at(0, 1), claims([None, "a"], failures={0: Failure("no_idea")}), 0)
    standing.put(at(0, 1), claims(["b", None], failures={1: Failure("no_idea")}), 1)
    assert standing.by.tolist() == [1, -1]
    assert standing.valid.failures == {1: Failure("no_idea")}


def test_sources_are_of_what_stands() -> None:
    standing = Standing(2, ["y"])
    standing.put(at(0, 1), claims(["a", "a"], source=ConfidenceSource.VERBALISED), 0)
    standing.put(at(0), claims(["b"]), 1)
    assert standing.sources == {"y": {ConfidenceSource.VERBALISED, ConfidenceSource.PROBABILITY}}
    standing.put(at(1), claims(["b"]), 1)
    assert standing.sources == {"y": {ConfidenceSource.PROBABILITY}}


def test_nothing_at_all() -> None:
    standing = Standing(2, ["y"])
    standing.fail(at(0, 1), Failure("left_out"))
    assert shown(standing.valid.values["y"]) == [None, None]
    assert np.isnan(standing.valid.confidences["y"]).all()


def test_the_last_reason_for_no_answer_stands() -> None:
    standing = Standing(2, ["y"])
    standing.put(at(0, 1), claims(["a", None], failures={1: Failure("no_idea")}), 0)
    standing.fail(at(1), Failure("left_out"))
    assert standing.valid.failures == {1: Failure("left_out")}
