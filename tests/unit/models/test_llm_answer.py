from __future__ import annotations

import datetime as dt
from decimal import Decimal
from enum import Enum
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.models.llm.answer import AnswerForm


class Colour(Enum):
    RED = "red"


class Claim(BaseModel):
    kind: Literal["late", "lost"]
    amount: Decimal | None = None
    colour: Colour = Colour.RED
    sure: Annotated[float, Field(description="how sure")] = 0.5


def test_a_pydantic_model_names_the_columns():
    form = AnswerForm(Claim)
    assert form.columns == ("kind", "amount", "colour", "sure")
    assert form.values(Claim(kind="late")) == {"kind": "late", "amount": None, "colour": "red", "sure": 0.5}


@pytest.mark.parametrize("labels", [["late", "lost"], ("late", "lost")])
def test_labels_are_the_only_values(labels):
    form = AnswerForm(labels, output="kind")
    assert form.columns == ("kind",)
    assert form.values(form.schema(kind="late")) == {"kind": "late"}
    with pytest.raises(ValidationError, match="kind"):
        form.schema(kind="Late")


@pytest.mark.parametrize("kind", [bool, int, float, str, Decimal, dt.date, dt.datetime])
def test_a_type_is_enough_for_one_column(kind):
    assert AnswerForm(kind, output="x").schema.model_fields["x"].annotation is kind


@pytest.mark.parametrize("labels", [[], ["a", "a"], ["a", ""], ["a", 1]])
def test_labels_are_checked(labels):
    with pytest.raises(ConfigurationError, match="list of different labels"):
        AnswerForm(labels, output="kind")


class Nested(BaseModel):
    claim: Claim


class Several(BaseModel):
    tags: list[str]


class Nothing(BaseModel):
    pass


@pytest.mark.parametrize("form", [Nested, Several])
def test_a_field_that_fits_no_cell_is_refused(form):
    with pytest.raises(ConfigurationError, match="a cell holds one bool, int"):
        AnswerForm(form)


def test_a_type_that_fits_no_cell_is_refused():
    with pytest.raises(ConfigurationError, match="Field 'x' of Answer"):
        AnswerForm(bytes, output="x")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"output_type": Claim, "output": "kind"}, "output='kind' is for labels"),
        ({"output_type": ["a", "b"]}, "needs output="),
        ({"output_type": Nothing}, "has no fields"),
    ],
)
def test_output_belongs_to_labels(arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        AnswerForm(**arguments)


def test_a_verbalised_confidence_is_asked_for_each_column_and_checked():
    form = AnswerForm(Claim, verbalised=True)
    sure = {f"{name}__confidence": 0.25 for name in form.columns}
    answer = form.schema(kind="late", **sure)
    assert isinstance(answer, Claim)
    assert form.confidences(answer) == dict.fromkeys(form.columns, 0.25)
    assert "kind__confidence" not in form.values(answer)
    with pytest.raises(ValidationError, match="kind__confidence"):
        form.schema(kind="late", **{**sure, "kind__confidence": 1.5})


@pytest.mark.parametrize(
    ("kind", "value", "rule"),
    [
        (int, 2**63, "64 bits"),
        (float, float("nan"), "finite"),
        (Decimal, Decimal("Infinity"), "finite"),
        (dt.datetime, dt.datetime(2026, 1, 1), "time zone"),  # noqa: DTZ001  that it has none is the point
        (str, "a\x00b", "NUL"),
        (str, "\ud800", "surrogate"),
    ],
)
def test_what_no_database_takes_is_a_malformed_answer(kind, value, rule):
    form = AnswerForm(kind, output="x")
    problem = form.problem(form.schema.model_construct(x=value))
    assert problem.startswith("x: ")
    assert rule in problem


@pytest.mark.parametrize(
    ("kind", "value"), [(int, -(2**63)), (float, 1e308), (str, "é"), (bool, True), (dt.date, dt.date(2026, 1, 1))]
)
def test_everything_else_can_be_stored(kind, value):
    form = AnswerForm(kind, output="x")
    assert form.problem(form.schema(x=value)) is None
