"""Output columns: what a model is declared to write, and in which type."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.provenance import Companions


class OutputType(StrEnum):
    """The types a claim can have; each has one column type per database."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    DECIMAL = "decimal"
    TEXT = "text"
    DATE = "date"
    TIMESTAMP = "timestamp"


_PYTHON_TYPES: dict[type, OutputType] = {
    bool: OutputType.BOOLEAN,
    int: OutputType.INTEGER,
    float: OutputType.NUMBER,
    Decimal: OutputType.DECIMAL,
    str: OutputType.TEXT,
    dt.date: OutputType.DATE,
    dt.datetime: OutputType.TIMESTAMP,
}

_TYPE_NAMES = tuple(str(kind) for kind in OutputType)


@dataclass(frozen=True)
class Output:
    """One column a model writes.

    :param name: column name, unquoted.
    :param type: declared type; ``None`` takes the target column's, or the first chunk's.
    :param labels: the only values allowed, for a classifier; empty allows all of the type.
    """

    name: str
    type: OutputType | None = None
    labels: tuple[str, ...] = ()

    @property
    def companions(self) -> Companions:
        """The three columns that travel with it."""
        return Companions(self.name)


def parse_outputs(declared: Sequence[str] | Mapping[str, Any]) -> tuple[Output, ...]:
    """Read the ``outputs`` argument of an operator.

    :param declared: column names, or a mapping of column name to type: a Python type (``bool``, ``int``,
        ``float``, ``str``, ``Decimal``, ``date``, ``datetime``), its name in :class:`OutputType`, or the list of
        allowed labels.
    :raises ConfigurationError: if a name or type is not usable.
    """
    if isinstance(declared, str) or not declared:
        raise ConfigurationError(f"outputs must name at least one column, such as ['late']; got {declared!r}.")
    items = declared.items() if isinstance(declared, Mapping) else [(name, None) for name in declared]
    outputs = tuple(_output(name, kind) for name, kind in items)
    names = [name for o in outputs for name in (o.name, *o.companions.names)]
    if len(set(names)) != len(names):
        raise ConfigurationError(f"outputs {[o.name for o in outputs]!r} repeat a column or a companion column.")
    return outputs


def _output(name: Any, kind: Any) -> Output:
    if not isinstance(name, str) or not name:
        raise ConfigurationError(f"An output must be a column name; got {name!r}.")
    if kind is None:
        return Output(name)
    if isinstance(kind, type) and kind in _PYTHON_TYPES:
        return Output(name, _PYTHON_TYPES[kind])
    if isinstance(kind, str) and kind in _TYPE_NAMES:
        return Output(name, OutputType(kind))
    if isinstance(kind, list | tuple) and kind and all(isinstance(label, str) for label in kind):
        return Output(name, OutputType.TEXT, tuple(kind))
    raise ConfigurationError(
        f"Output {name!r} has type {kind!r}. Use one of {list(_TYPE_NAMES)!r}, a Python type such as bool, "
        "or a list of labels."
    )
