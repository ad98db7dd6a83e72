"""Count by SQL what breaks a feature schema: one statement for all rules, where the rows are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_aiguard.core.outputs import OutputType
from airflow_provider_aiguard.core.provenance import Companions
from airflow_provider_aiguard.core.schema import ACCEPTS, FeatureSchema, RelationRule, SchemaRule
from airflow_provider_aiguard.core.schema_evidence import RuleCount, SchemaEvidence
from airflow_provider_aiguard.tables.columns import read_columns, rows_of
from airflow_provider_aiguard.tables.comparable import Comparable, bound, comparable
from airflow_provider_aiguard.tables.connection import transaction
from airflow_provider_aiguard.tables.truth import count_if

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_aiguard.core.table import Table
    from airflow_provider_aiguard.tables.kinds import ColumnInfo

RULES = 500
"""Rules in one statement. Databases allow 1,600 columns and more in an answer; SQLite's 32,766 bound values are enough
for 60 categories in each of them."""

_ORDERS: Mapping[RelationRule, Callable[[Any, Any], sa.ColumnElement[bool]]] = {
    RelationRule.LESS: lambda left, right: left >= right,
    RelationRule.AT_MOST: lambda left, right: left > right,
    RelationRule.EQUAL: lambda left, right: left != right,
}


def schema_evidence(connection: sa.Connection, table: Table, schema: FeatureSchema) -> SchemaEvidence:
    """Count the rows that break each rule, in one statement (one for each 500 rules).

    :param connection: where the table is; the caller owns it.
    :param table: the rows.
    :param schema: the rules.
    :raises TableNotFoundError: if the table does not exist. A column that does not is a part of the evidence.
    """
    with transaction(connection):
        infos = read_columns(connection, table)
        judged = _Judged(schema, infos, connection.dialect.name)
        counts = [judged.before_counting(rule) for rule in schema.rules() if rule.check != "schema.column"]
        rows = _fill(connection, table, judged, counts)
    return SchemaEvidence(
        rows=rows,
        counts=tuple(counts),
        columns=len(schema.columns),
        missing=tuple(name for name in schema.columns if name not in infos),
        extra=() if schema.allow_extra else tuple(_extra(table, schema, infos)),
    )


def feature_columns(table: Table, infos: Mapping[str, ColumnInfo]) -> list[str]:
    """Columns that may be features: all but the key and companion columns, in table order."""
    companions = {name for column in infos for name in Companions(column).names}
    return [name for name in infos if name not in {*table.key_columns, *companions}]


def _extra(table: Table, schema: FeatureSchema, infos: Mapping[str, ColumnInfo]) -> list[str]:
    return [name for name in feature_columns(table, infos) if name not in schema.columns]


def _fill(connection: sa.Connection, table: Table, judged: _Judged, counts: list[RuleCount]) -> int:
    """Put the numbers of broken rows into the counts that have none and no reason either; return the rows."""
    source = rows_of(table, judged.infos.values()).subquery()
    open_counts = [i for i, count in enumerate(counts) if count.broken is None and not count.reason]
    rows = 0
    for start in range(0, max(1, len(open_counts)), RULES):
        batch = open_counts[start : start + RULES]
        broken = [count_if(judged.broken(source, counts[i].rule)) for i in batch]
        # A statement that no other will be equal to is not worth a place in SQLAlchemy's cache.
        found = connection.execute(
            sa.select(sa.func.count(), *broken).select_from(source), execution_options={"compiled_cache": None}
        ).one()
        rows = found[0]
        for i, number in zip(batch, found[1:], strict=True):
            counts[i] = RuleCount(rule=counts[i].rule, broken=int(number or 0))
    return int(rows)


class _Judged:
    """The columns of a table, as far as the schema's rules can be put to them."""

    def __init__(self, schema: FeatureSchema, infos: Mapping[str, ColumnInfo], dialect: str) -> None:
        self.schema = schema
        self.infos = {name: infos[name] for name in schema.columns if name in infos} or dict(infos)
        self.dialect = dialect

    def before_counting(self, rule: SchemaRule) -> RuleCount:
        """The rule's count, as far as the catalogue decides it."""
        if rule.check == "schema.type" and rule.column in self.infos and not self.has_type(rule.column):
            return RuleCount(rule=rule, found=str(self.infos[rule.column].type), reason="type")
        about = [rule.column, rule.parameters["other"]] if rule.check == "schema.relation" else [rule.column]
        absent = [name for name in about if name not in self.infos]
        if absent:
            return RuleCount(rule=rule, reason=f"the table has no column {absent[0]!r}")
        other = [name for name in about if not self.has_type(name)]
        if other and rule.check != "schema.nulls":
            return RuleCount(
                rule=rule, reason=f"column {other[0]!r} is not of type {self.schema.columns[other[0]].type}"
            )
        return RuleCount(rule=rule)

    def has_type(self, name: str) -> bool:
        wanted, kind = self.schema.columns[name].type, self.infos[name].kind
        return wanted is None or kind in ACCEPTS.get(wanted, {wanted})

    def broken(self, source: sa.Subquery, rule: SchemaRule) -> sa.ColumnElement[bool]:
        """Condition that a row breaks the rule; neither true nor false where the rule does not apply."""
        cell = self._cell(source, rule.column)
        if rule.check == "schema.nulls":
            return cell.missing
        if rule.check == "schema.type":
            return sa.false() if cell.mistyped is None else cell.mistyped
        if rule.check == "schema.relation":
            return _unrelated(cell, self._cell(source, rule.parameters["other"]), rule)
        if rule.check == "schema.categories":
            return cell.value.not_in(rule.parameters["categories"])
        value = sa.func.length(cell.value) if rule.check == "schema.length" else cell.value
        return self._outside(value, rule)

    def _cell(self, source: sa.Subquery, name: str) -> Comparable:
        return comparable(source.c[name], self.infos[name], self.dialect)

    def _outside(self, value: sa.ColumnElement[Any], rule: SchemaRule) -> sa.ColumnElement[bool]:
        low, high = rule.parameters["minimum"], rule.parameters["maximum"]
        info = self.infos[rule.column]
        below = [] if low is None else [value < bound(low, info, self.dialect)]
        above = [] if high is None else [value > bound(high, info, self.dialect)]
        return sa.or_(*below, *above)


def _unrelated(left: Comparable, right: Comparable, rule: SchemaRule) -> sa.ColumnElement[bool]:
    relation = RelationRule(rule.parameters["rule"])
    if relation is RelationRule.NULL_WITH:
        return sa.or_(sa.and_(left.missing, sa.not_(right.missing)), sa.and_(sa.not_(left.missing), right.missing))
    return _ORDERS[relation](left.value, right.value)


def is_ordered(kind: OutputType | None) -> bool:
    """Whether values of a kind can have a range: numbers, dates and timestamps."""
    return kind not in {None, OutputType.BOOLEAN, OutputType.TEXT}
