"""Feature schemas: what the columns of a table must be like, the same at training and at serving."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NoReturn

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.limits.checks import require_share
from airflow_provider_aiguard.core.outputs import OutputType

VERSION = 1
"""Version of the stored form. A schema of another version is refused, never guessed at."""

ANY = "any"
"""Written for a column whose type is not checked."""

_NUMBERS = frozenset({OutputType.INTEGER, OutputType.NUMBER, OutputType.DECIMAL})
_TIMES = frozenset({OutputType.DATE, OutputType.TIMESTAMP})
_KEYS = ("type", "max_null_share", "max_share", "range", "categories", "length")
_TOP_KEYS = ("version", "table", "rows", "max_share", "allow_extra", "columns", "relations")

ACCEPTS: Mapping[OutputType, frozenset[OutputType]] = {
    OutputType.NUMBER: _NUMBERS,
    OutputType.DECIMAL: frozenset({OutputType.INTEGER, OutputType.DECIMAL}),
}
"""Types that a column may have where the schema says this one; those not listed accept only themselves."""


class RelationRule(StrEnum):
    """What two columns of a row must be to each other. Where one is NULL, an order holds."""

    LESS = "<"
    AT_MOST = "<="
    EQUAL = "=="
    NULL_WITH = "null with"
    """Both are NULL or neither is."""


@dataclass(frozen=True, kw_only=True)
class SchemaRule:
    """One rule of a schema in plain values, for whoever enforces or exports it.

    :param check: the check that holds it: ``schema.column``, ``.type``, ``.nulls``, ``.range``, ``.categories``,
        ``.length`` or ``.relation``.
    :param column: the column it is about; of a relation, the left one.
    :param max_share: share of the rows that may break it, in [0, 1]. NULL breaks none but ``nulls`` and ``null with``.
    :param parameters: ``{"type"}``, ``{"minimum", "maximum"}`` (either may be ``None``), ``{"categories"}``,
        ``{"minimum", "maximum"}`` lengths, or ``{"rule", "other"}``.
    """

    check: str
    column: str
    max_share: float = 0.0
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ColumnSchema:
    """What one column must be like.

    :param name: the column, unquoted.
    :param type: kind of its values; ``None`` for any. ``number`` also accepts integers and decimals, ``decimal``
        integers.
    :param max_null_share: share of the rows that may be NULL, in [0, 1]; 0 for none.
    :param minimum: lowest value of a number, date or timestamp (the last two as ISO 8601 text); ``None`` for no limit.
    :param maximum: highest value, likewise.
    :param categories: the only values a text or integer column may have; empty for all.
    :param min_length: fewest characters of a text, 0 or more; ``None`` for no limit.
    :param max_length: most characters, likewise.
    :param max_share: share of the rows, in [0, 1], that may break the rules about its values; ``None`` for that of the
        schema.
    """

    name: str
    type: OutputType | None = None
    max_null_share: float = 1.0
    minimum: float | str | None = None
    maximum: float | str | None = None
    categories: tuple[str | int, ...] = ()
    min_length: int | None = None
    max_length: int | None = None
    max_share: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ConfigurationError(f"A column of a schema needs a name that is text; got {self.name!r}.")
        for share in ("max_null_share", "max_share"):
            self._require_share(share)
        for end in ("minimum", "maximum"):
            object.__setattr__(self, end, self._bound(getattr(self, end)))
        object.__setattr__(self, "categories", self._checked_categories())
        self._check_order("range", self.minimum, self.maximum)
        self._check_lengths()

    def rules(self, max_share: float) -> Iterator[SchemaRule]:
        """The rules of this column.

        :param max_share: share of the rows that may break those about values, if the column has none of its own.
        """
        max_share = max_share if self.max_share is None else self.max_share
        yield SchemaRule(check="schema.column", column=self.name)
        if self.type is not None:
            yield SchemaRule(check="schema.type", column=self.name, parameters={"type": str(self.type)})
        if self.max_null_share < 1:
            yield SchemaRule(check="schema.nulls", column=self.name, max_share=self.max_null_share)
        for check, low, high in (
            ("schema.range", self.minimum, self.maximum),
            ("schema.length", self.min_length, self.max_length),
        ):
            if low is not None or high is not None:
                ends = {"minimum": low, "maximum": high}
                yield SchemaRule(check=check, column=self.name, max_share=max_share, parameters=ends)
        if self.categories:
            allowed = {"categories": list(self.categories)}
            yield SchemaRule(check="schema.categories", column=self.name, max_share=max_share, parameters=allowed)

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON and YAML, without the name and without what is not limited."""
        data: dict[str, Any] = {"type": _name(self.type)}
        data["max_null_share"] = self.max_null_share
        if self.max_share is not None:
            data["max_share"] = self.max_share
        if (self.minimum, self.maximum) != (None, None):
            data["range"] = [self.minimum, self.maximum]
        if self.categories:
            data["categories"] = list(self.categories)
        if (self.min_length, self.max_length) != (None, None):
            data["length"] = [self.min_length, self.max_length]
        return data

    @classmethod
    def from_dict(cls, name: str, data: Any) -> ColumnSchema:
        """Read what :meth:`to_dict` made, or what a person made of it.

        :raises ConfigurationError: naming the column, the rule and the value that is wrong.
        """
        if not isinstance(data, Mapping):
            raise ConfigurationError(f"Column {name!r}: expected a mapping such as {{type: integer}}; got {data!r}.")
        unknown = [key for key in data if key not in _KEYS]
        if unknown:
            raise ConfigurationError(f"Column {name!r}: unknown rule {unknown[0]!r}; the rules are {list(_KEYS)!r}.")
        low, high = _pair(name, "range", data.get("range"))
        shortest, longest = _pair(name, "length", data.get("length"))
        categories = data.get("categories", ())
        if isinstance(categories, str) or not isinstance(categories, Sequence):
            raise ConfigurationError(f"Column {name!r}: categories must be a list of values; got {categories!r}.")
        return cls(
            name=name,
            type=_type(name, data.get("type", ANY)),
            max_null_share=data.get("max_null_share", 1.0),
            max_share=data.get("max_share"),
            minimum=low,
            maximum=high,
            categories=tuple(categories),
            min_length=shortest,
            max_length=longest,
        )

    def _require_share(self, name: str) -> None:
        try:
            require_share(name, 0.0 if getattr(self, name) is None else getattr(self, name))
        except ConfigurationError as error:
            raise ConfigurationError(f"Column {self.name!r}: {error}") from error

    def _bound(self, value: Any) -> float | str | None:
        if value is None:
            return None
        if self.type in _NUMBERS:
            if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # noqa: PLR0124  NaN
                self._refuse("range", value, "of a number has two numbers")
            return value
        if self.type not in _TIMES:
            self._refuse("range", value, f"needs type {', '.join(sorted({*_NUMBERS, *_TIMES}))}")
        return self._time(value)

    def _time(self, value: Any) -> str:
        if isinstance(value, dt.date):  # a datetime is a date, too; YAML reads both by itself
            value = value.isoformat()
        try:
            (dt.date if self.type is OutputType.DATE else dt.datetime).fromisoformat(value)
        except (TypeError, ValueError):
            self._refuse("range", value, f"of a {self.type} has two of them, such as '2013-01-31'")
        return str(value)

    def _checked_categories(self) -> tuple[str | int, ...]:
        wanted = {OutputType.TEXT: str, OutputType.INTEGER: int}.get(self.type) if self.type else None
        if self.categories and wanted is None:
            self._refuse("categories", list(self.categories), "need type text or integer")
        for value in self.categories:
            if isinstance(value, bool) or not isinstance(value, wanted or str):
                self._refuse("categories", value, f"of type {self.type} must be of that type: quote text in YAML")
        return tuple(dict.fromkeys(self.categories))

    def _check_lengths(self) -> None:
        for value in (self.min_length, self.max_length):
            if value is None:
                continue
            if self.type is not OutputType.TEXT:
                self._refuse("length", value, "needs type text")
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                self._refuse("length", value, "has two whole numbers of at least 0")
        self._check_order("length", self.min_length, self.max_length)

    def _check_order(self, rule: str, low: Any, high: Any) -> None:
        if low is not None and high is not None and _ordered(low) > _ordered(high):
            self._refuse(rule, [low, high], "starts above its end")

    def _refuse(self, rule: str, value: Any, why: str) -> NoReturn:
        raise ConfigurationError(f"Column {self.name!r}: {rule} {value!r} is wrong: {rule} {why}.")


@dataclass(frozen=True, kw_only=True)
class Relation:
    """What two columns of a row must be to each other.

    :param left: a column.
    :param rule: the relation.
    :param right: another column.
    """

    left: str
    rule: RelationRule
    right: str

    @property
    def text(self) -> str:
        """The relation for people, ``dep_time <= arr_time``."""
        return f"{self.left} {self.rule} {self.right}"

    def to_list(self) -> list[str]:
        """``[left, rule, right]``."""
        return [self.left, str(self.rule), self.right]

    @classmethod
    def from_list(cls, data: Any) -> Relation:
        """Read what :meth:`to_list` made.

        :raises ConfigurationError: naming the relation and what is wrong with it.
        """
        if not isinstance(data, list | tuple) or len(data) != 3 or not all(isinstance(part, str) for part in data):
            raise ConfigurationError(
                f"A relation is [column, rule, column], such as [dep_time, '<=', arr_time]; got {data!r}."
            )
        left, rule, right = data
        if rule not in tuple(RelationRule):
            raise ConfigurationError(f"Relation {data!r}: unknown rule {rule!r}; use one of {_values(RelationRule)!r}.")
        return cls(left=left, rule=RelationRule(rule), right=right)


@dataclass(frozen=True, kw_only=True)
class FeatureSchema:
    """What the features of a table must be like.

    :param table: full name of the table it was learnt from, for people.
    :param rows: rows it was learnt from; 0 if a person wrote it.
    :param columns: schemas by column name, in table order.
    :param relations: what columns must be to each other.
    :param max_share: share of the rows that may break a rule about values, in [0, 1].
    :param allow_extra: whether the table may have columns that are not in the schema, beside its key and companions.
    :param version: version of the stored form.
    """

    table: str = ""
    rows: int = 0
    columns: Mapping[str, ColumnSchema]
    relations: tuple[Relation, ...] = ()
    max_share: float = 0.0
    allow_extra: bool = True
    version: int = VERSION

    def __post_init__(self) -> None:
        if not self.columns:
            raise ConfigurationError("A feature schema needs at least one column under columns.")
        require_share("max_share", self.max_share)
        if not isinstance(self.allow_extra, bool):
            raise ConfigurationError(f"allow_extra must be true or false; got {self.allow_extra!r}.")
        for relation in self.relations:
            self._check_relation(relation)

    def rules(self) -> list[SchemaRule]:
        """All rules in plain values: those of the columns in table order, then the relations."""
        found = [rule for column in self.columns.values() for rule in column.rules(self.max_share)]
        return found + [
            SchemaRule(
                check="schema.relation",
                column=relation.left,
                max_share=self.max_share,
                parameters={"rule": str(relation.rule), "other": relation.right},
            )
            for relation in self.relations
        ]

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON and YAML."""
        return {
            "version": self.version,
            "table": self.table,
            "rows": self.rows,
            "max_share": self.max_share,
            "allow_extra": self.allow_extra,
            "columns": {name: column.to_dict() for name, column in self.columns.items()},
            "relations": [relation.to_list() for relation in self.relations],
        }

    @classmethod
    def from_dict(cls, data: Any) -> FeatureSchema:
        """Read what :meth:`to_dict` made, or what a person made of it.

        :raises ConfigurationError: naming the column, the rule and the value that is wrong.
        """
        if not isinstance(data, Mapping):
            raise ConfigurationError(f"A feature schema is a mapping with version and columns; got {data!r}.")
        if data.get("version") != VERSION:
            raise ConfigurationError(
                f"The schema is of version {data.get('version')!r}; this release reads version {VERSION}. "
                "Learn it again with this release, or write version: 1 and the form the docs show."
            )
        unknown = [key for key in data if key not in _TOP_KEYS]
        if unknown:
            raise ConfigurationError(f"A feature schema has no entry {unknown[0]!r}; it has {list(_TOP_KEYS)!r}.")
        columns, relations = data.get("columns"), data.get("relations") or []
        if not isinstance(columns, Mapping) or not isinstance(relations, list | tuple):
            raise ConfigurationError("columns must be a mapping of column to its rules, relations a list.")
        return cls(
            table=data.get("table") or "",
            rows=data.get("rows") or 0,
            max_share=data.get("max_share", 0.0),
            allow_extra=data.get("allow_extra", True),
            columns={name: ColumnSchema.from_dict(name, rules) for name, rules in columns.items()},
            relations=tuple(Relation.from_list(relation) for relation in relations),
        )

    def _check_relation(self, relation: Relation) -> None:
        for name in (relation.left, relation.right):
            if name not in self.columns:
                raise ConfigurationError(
                    f"Relation {relation.to_list()!r}: the schema has no column {name!r}. Add it under columns."
                )
        kinds = {self.columns[name].type for name in (relation.left, relation.right)}
        comparable = kinds <= _NUMBERS or (len(kinds) == 1 and (kinds <= _TIMES or relation.rule is RelationRule.EQUAL))
        if relation.rule is not RelationRule.NULL_WITH and (not comparable or None in kinds):
            raise ConfigurationError(
                f"Relation {relation.to_list()!r}: the columns are of types {sorted(_name(kind) for kind in kinds)!r}. "
                "An order needs two numbers, two dates or two timestamps; '==' two columns of one type."
            )


def _type(name: str, value: Any) -> OutputType | None:
    if value == ANY:
        return None
    if value not in tuple(OutputType):
        raise ConfigurationError(
            f"Column {name!r}: type must be one of {[*_values(OutputType), ANY]!r}; got {value!r}."
        )
    return OutputType(value)


def _pair(name: str, rule: str, value: Any) -> tuple[Any, Any]:
    if value is None:
        return None, None
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ConfigurationError(
            f"Column {name!r}: {rule} must be [lowest, highest], null for no limit; got {value!r}."
        )
    return value[0], value[1]


def _ordered(value: Any) -> Any:
    """A number as it is, a time as a moment, so that 2013-01-01 and 2013-01-01T00:00 compare."""
    if not isinstance(value, str):
        return value
    moment = dt.datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _name(kind: OutputType | None) -> str:
    return ANY if kind is None else str(kind)


def _values(names: type[StrEnum]) -> list[str]:
    return [str(name) for name in names]
