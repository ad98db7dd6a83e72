"""The form a language model fills in for a row, and what of it can be stored."""

from __future__ import annotations

import datetime as dt
import math
import types
from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from airflow_provider_aiguard.core.errors import ConfigurationError

if TYPE_CHECKING:
    from pydantic import BaseModel

_SCALARS = (bool, int, float, str, Decimal, dt.date, dt.datetime)


class AnswerForm:
    """Which columns the model fills, and with what.

    :param output_type: a pydantic model, one field an output column; or, for a single column ``output``, the list of
        its labels or its Python type.
    :param output: the column that labels or a type are for.
    :param verbalised: also ask for a confidence in [0, 1] for each column.
    :raises ConfigurationError: if a field is nothing that a cell can hold.
    """

    def __init__(self, output_type: Any, *, output: str | None = None, verbalised: bool = False) -> None:
        filled = _filled(output_type, output)
        self.columns: tuple[str, ...] = tuple(filled.model_fields)
        for name, field in filled.model_fields.items():
            if not _fits_a_cell(field.annotation):
                raise ConfigurationError(
                    f"Field {name!r} of {filled.__name__} is a {field.annotation!r}; a cell holds one bool, int, "
                    "float, str, Decimal, date, datetime or label. Make a field for each column."
                )
        self.schema: type[BaseModel] = _with_confidences(filled, self.columns) if verbalised else filled

    def values(self, answer: BaseModel) -> dict[str, Any]:
        """The claimed value of each column."""
        found = {name: getattr(answer, name) for name in self.columns}
        return {name: value.value if isinstance(value, Enum) else value for name, value in found.items()}

    def confidences(self, answer: BaseModel) -> dict[str, float]:
        """The verbalised confidence of each column."""
        return {name: float(getattr(answer, _confidence_field(name))) for name in self.columns}

    def problem(self, answer: BaseModel) -> str | None:
        """What keeps an answer from being stored, said to the model that made it; ``None`` if nothing does."""
        for name, value in self.values(answer).items():
            if rule := _broken_rule(value):
                return f"{name}: {rule}"
        return None


def _filled(output_type: Any, output: str | None) -> type[BaseModel]:
    from pydantic import BaseModel, create_model

    if isinstance(output_type, type) and issubclass(output_type, BaseModel):
        if output is not None:
            raise ConfigurationError(f"output={output!r} is for labels; {output_type.__name__} names its own columns.")
        if not output_type.model_fields:
            raise ConfigurationError(f"output_type {output_type.__name__} has no fields: name a column to fill.")
        return output_type
    if output is None:
        raise ConfigurationError(f"output_type={output_type!r} needs output=, the column it is for.")
    if isinstance(output_type, list | tuple):
        labels = tuple(output_type)
        if not labels or len(set(labels)) != len(labels) or not all(isinstance(x, str) and x for x in labels):
            raise ConfigurationError(f"output_type must be a list of different labels; got {output_type!r}.")
        output_type = Literal[labels]
    fields: Mapping[str, Any] = {output: (output_type, ...)}
    return create_model("Answer", **fields)


def _with_confidences(filled: type[BaseModel], columns: Sequence[str]) -> type[BaseModel]:
    from pydantic import Field, create_model

    fields: dict[str, Any] = {
        _confidence_field(name): (
            float,
            Field(ge=0, le=1, description=f"The probability, from 0 to 1, that {name} is right."),
        )
        for name in columns
    }
    return create_model(filled.__name__, __base__=filled, **fields)


def _confidence_field(column: str) -> str:
    return f"{column}__confidence"


def _fits_a_cell(annotation: Any) -> bool:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _fits_a_cell(get_args(annotation)[0])
    if origin is Literal:
        return all(isinstance(label, str | bool | int) for label in get_args(annotation))
    if origin in {Union, types.UnionType}:
        return all(kind is type(None) or _fits_a_cell(kind) for kind in get_args(annotation))
    return isinstance(annotation, type) and (annotation in _SCALARS or issubclass(annotation, Enum))


def _broken_rule(value: Any) -> str | None:
    """The rules of the writer: broken by a model, they are a malformed answer, not a broken adapter."""
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
        return "an integer must fit into 64 bits"
    if isinstance(value, float) and not math.isfinite(value):
        return "a number must be finite"
    if isinstance(value, Decimal) and not value.is_finite():
        return "a number must be finite"
    if isinstance(value, dt.datetime) and value.tzinfo is None:
        return "a date with a time must have a time zone, such as +00:00"
    if isinstance(value, str) and ("\x00" in value or any("\ud800" <= c <= "\udfff" for c in value)):
        return "a text must have neither NUL characters nor halves of surrogate pairs"
    return None
