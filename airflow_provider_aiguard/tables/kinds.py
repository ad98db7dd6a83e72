"""Column types: which :class:`OutputType` a database type is, and which outputs it can hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_aiguard.core.outputs import OutputType

if TYPE_CHECKING:
    from sqlalchemy.types import TypeEngine


@dataclass(frozen=True)
class ColumnInfo:
    """A column as the database declares it.

    :param name: column name, unquoted.
    :param type: SQLAlchemy type; ``NullType`` where the database declares something this package does not know.
    :param nullable: whether the database allows NULL.
    """

    name: str
    type: TypeEngine[Any]
    nullable: bool = True

    @property
    def kind(self) -> OutputType | None:
        """Its kind of value, ``None`` if it is none a claim can have (bytes, JSON, UUID, arrays)."""
        return output_type(self.type)

    @property
    def zoned(self) -> bool:
        """Whether it is a timestamp with time zone."""
        return bool(getattr(self.type, "timezone", False))


# In this order: Enum is a String, and Float was a Numeric until SQLAlchemy 2.1.
_KINDS: tuple[tuple[type, OutputType], ...] = (
    (sa.Boolean, OutputType.BOOLEAN),
    (sa.Integer, OutputType.INTEGER),
    (sa.Float, OutputType.NUMBER),
    (sa.Numeric, OutputType.DECIMAL),
    (sa.DateTime, OutputType.TIMESTAMP),
    (sa.Date, OutputType.DATE),
    (sa.String, OutputType.TEXT),
)


def output_type(declared: TypeEngine[Any]) -> OutputType | None:
    """Kind of the values of a database type, ``None`` if a claim cannot have it.

    >>> output_type(sa.BigInteger())
    <OutputType.INTEGER: 'integer'>
    >>> output_type(sa.LargeBinary()) is None
    True
    """
    return next((kind for base, kind in _KINDS if isinstance(declared, base)), None)


def holds(declared: TypeEngine[Any], output: OutputType) -> bool:
    """Whether a column of this type stores every value of an output exactly, or refuses it loudly.

    A float column does not hold integers (2**53 + 1 would change), a decimal column does not hold floats.
    A timestamp column without zone holds timestamps as UTC.
    """
    kind = output_type(declared)
    return kind is output or (output is OutputType.INTEGER and kind is OutputType.DECIMAL)
