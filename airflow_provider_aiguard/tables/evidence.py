"""Evidence by SQL: confidences and truth, aggregated where the rows are."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_aiguard.core.confidence import CELLS, ConfidenceSummary
from airflow_provider_aiguard.core.errors import ColumnTypeError, ConfigurationError, TableKeyError
from airflow_provider_aiguard.core.evidence import UNLABELLED, ConfidenceEvidence, TruthEvidence
from airflow_provider_aiguard.core.outputs import OutputType
from airflow_provider_aiguard.core.provenance import Companions, Provenance
from airflow_provider_aiguard.tables.cells import NAN_CELL, NULL_CELL, cell_of
from airflow_provider_aiguard.tables.columns import read_columns, rows_of, select_columns
from airflow_provider_aiguard.tables.connection import transaction

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_provider_aiguard.core.table import Table
    from airflow_provider_aiguard.tables.columns import ColumnInfo

MAX_PAIRS = 400
"""Different (inferred, truth) pairs that are kept; more are no confusion matrix."""

_CELL_EDGES = tuple(i / CELLS for i in range(1, CELLS))

_NUMBERS = frozenset({OutputType.INTEGER, OutputType.NUMBER, OutputType.DECIMAL})

_DISCRETE = frozenset({OutputType.BOOLEAN, OutputType.INTEGER, OutputType.TEXT})


_PARAMETER = re.compile(r"(?<![:\w\x5c]):(\w+)(?!:)")
"""A bind parameter, as SQLAlchemy's ``text()`` reads it."""


def confidence_evidence(
    connection: sa.Connection, table: Table, column: str, below: Sequence[float] = ()
) -> ConfidenceEvidence:
    """Count the provenance and the confidences of a column, in one statement.

    :param connection: where the table is; the caller owns it.
    :param table: the rows.
    :param column: the AI-touched column, without a companion's suffix.
    :param below: thresholds in [0, 1] to count the confidences under, exactly.
    :raises TableNotFoundError: if the table, the column or its companions do not exist.
    """
    companions = Companions(column)
    with transaction(connection):
        infos = _require(connection, table, (column, companions.provenance, companions.confidence))
        rows = rows_of(table, infos.values()).subquery()
        found = list(connection.execute(_confidences(rows, companions, below)))
    inferred = [row for row in found if row.provenance == Provenance.AI_INFERRED]
    cells = {row.cell: row for row in inferred if row.cell >= 0}
    return ConfidenceEvidence(
        column=column,
        rows=sum(row.n for row in found),
        provenance=_by_provenance(found),
        confidence=ConfidenceSummary(
            total=math.fsum(row.total for row in cells.values()),
            counts=tuple(cells[cell].n if cell in cells else 0 for cell in range(CELLS)),
            missing=sum(row.n for row in inferred if row.cell == NULL_CELL),
        ),
        minimum=min((row.low for row in cells.values()), default=None),
        below={t: sum(row[5 + i] for row in cells.values()) for i, t in enumerate(below)},
        out_of_range=sum(row.n for row in inferred if row.cell == NAN_CELL),
    )


def _confidences(rows: sa.Subquery, companions: Companions, below: Sequence[float]) -> sa.Select[Any]:
    number = sa.cast(rows.c[companions.confidence], sa.Double)
    claims = sa.select(
        sa.cast(rows.c[companions.provenance], sa.String).label("provenance"), number.label("x")
    ).subquery()
    x = claims.c.x
    cell = sa.case(
        (x.is_(None), sa.literal_column(str(NULL_CELL), sa.Integer)),
        (sa.and_(x >= 0.0, x <= 1.0), cell_of("x", _CELL_EDGES, closed_above=False)),
        else_=sa.literal_column(str(NAN_CELL), sa.Integer),
    )
    celled = sa.select(claims.c.provenance, x, cell.label("cell")).subquery()
    x = celled.c.x
    return sa.select(
        celled.c.provenance,
        celled.c.cell,
        sa.func.count().label("n"),
        sa.func.sum(x).label("total"),
        sa.func.min(x).label("low"),
        *(_count_if(x < sa.literal(t, sa.Double)) for t in below),
    ).group_by(celled.c.provenance, celled.c.cell)


def _by_provenance(found: Iterable[sa.Row[Any]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in found:
        name = UNLABELLED if row.provenance is None else row.provenance
        counts[name] = counts.get(name, 0) + row.n
    return counts


def truth_evidence(
    connection: sa.Connection, table: Table, column: str, truth: Table, truth_column: str
) -> TruthEvidence:
    """Compare inferred values with the truth, joined by key where the rows are.

    Only ``ai_inferred`` cells count. A truth that is NULL, or a row that is not there, has not arrived. The conditions
    of both tables apply.

    :param connection: where both tables are; the caller owns it.
    :param table: the rows with claims; needs a key.
    :param column: the AI-touched column.
    :param truth: the rows with the truth, at most one a key; its key columns pair with those of ``table`` in order.
    :param truth_column: the column that holds the truth.
    :raises TableNotFoundError: if a table or a column does not exist.
    :raises TableKeyError: if the truth has several rows for one key.
    :raises ColumnTypeError: if inferred and true values are of different kinds.
    """
    with transaction(connection):
        joined = _joined(connection, table, column, truth, truth_column)
        totals = connection.execute(_totals(joined)).one()
        confusion = _confusion(connection, joined)
    if totals.pairs > totals.inferred:
        raise TableKeyError(
            f"Table {truth.full_name!r} has more than one row for the same key {truth.key_columns!r}. "
            "Narrow it with where=, or correct the key."
        )
    return TruthEvidence(
        column=column,
        truth_column=truth_column,
        inferred=totals.inferred,
        labels=totals.labels,
        correct=totals.correct or 0,
        confusion=confusion,
    )


@dataclass(frozen=True, kw_only=True)
class _Joined:
    """Claims beside the truth: the inferred rows, the join, and the two values in it."""

    claims: sa.Subquery
    pairs: sa.Join
    guess: sa.ColumnElement[Any]
    truth: sa.ColumnElement[Any]
    discrete: bool


def _joined(connection: sa.Connection, table: Table, column: str, truth: Table, truth_column: str) -> _Joined:
    provenance = Companions(column).provenance
    left_keys, right_keys = table.require_key(), truth.require_key()
    if len(left_keys) != len(right_keys):
        raise ConfigurationError(
            f"Table {table.full_name!r} has the key {left_keys!r}, its truth {truth.full_name!r} {right_keys!r}. They "
            "are joined by key: name as many columns."
        )
    left_infos = _require(connection, table, (*left_keys, column, provenance))
    right_infos = _require(connection, truth, (*right_keys, truth_column))
    left = rows_of(table, left_infos.values()).subquery()
    right = rows_of(_apart(truth), right_infos.values()).subquery()
    is_inferred = sa.cast(left.c[provenance], sa.String) == Provenance.AI_INFERRED.value
    claims = sa.select(left).where(is_inferred).subquery()
    same_key = sa.and_(*(claims.c[a] == right.c[b] for a, b in zip(left_keys, right_keys, strict=True)))
    claim = claims.c[column], left_infos[column]
    guess, actual = _comparable(claim, (right.c[truth_column], right_infos[truth_column]))
    discrete = left_infos[column].kind in _DISCRETE
    return _Joined(
        claims=claims, pairs=sa.outerjoin(claims, right, same_key), guess=guess, truth=actual, discrete=discrete
    )


def _totals(joined: _Joined) -> sa.Select[Any]:
    count = sa.func.count
    return sa.select(
        sa.select(count()).select_from(joined.claims).scalar_subquery().label("inferred"),
        count().label("pairs"),
        count(joined.truth).label("labels"),
        _count_if(joined.guess == joined.truth).label("correct"),
    ).select_from(joined.pairs)


def _apart(truth: Table) -> Table:
    """Rename the parameters of a table, so that those of another in the same statement are not taken for them."""
    if truth.where is None:
        return truth
    where = _PARAMETER.sub(lambda found: f":truth_{found[1]}", truth.where)
    return replace(truth, where=where, parameters={f"truth_{name}": value for name, value in truth.parameters.items()})


def _comparable(
    guess: tuple[sa.ColumnElement[Any], ColumnInfo], truth: tuple[sa.ColumnElement[Any], ColumnInfo]
) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]:
    """Bring both values to one type, or refuse: databases differ in what they let through."""
    (first, claimed), (second, actual) = guess, truth
    kinds = {claimed.kind, actual.kind}
    if kinds == {OutputType.TEXT}:
        return sa.cast(first, sa.String), sa.cast(second, sa.String)
    if kinds == {OutputType.BOOLEAN, OutputType.INTEGER}:
        return _as_integer(first, claimed), _as_integer(second, actual)
    if len(kinds) > 1 and not kinds <= _NUMBERS:
        raise ColumnTypeError(
            f"Column {claimed.name!r} is {claimed.type}, its truth {actual.name!r} is {actual.type}: they cannot be "
            "compared. Make a truth column of the same type."
        )
    return first, second


def _as_integer(column: sa.ColumnElement[Any], info: ColumnInfo) -> sa.ColumnElement[Any]:
    if info.kind is not OutputType.BOOLEAN:
        return column
    return sa.case((column.is_(sa.true()), 1), (column.is_(sa.false()), 0))


def _confusion(connection: sa.Connection, joined: _Joined) -> dict[tuple[str, str], int]:
    if not joined.discrete:
        return {}
    pairs = (
        sa.select(joined.guess, joined.truth, sa.func.count())
        .select_from(joined.pairs)
        .where(joined.truth.is_not(None))
        .group_by(joined.guess, joined.truth)
        .limit(MAX_PAIRS + 1)
    )
    found = {(_as_text(guess), _as_text(truth)): n for guess, truth, n in connection.execute(pairs)}
    return found if len(found) <= MAX_PAIRS else {}


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else "NULL" if value is None else str(value)


def _count_if(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[Any]:
    return sa.func.sum(sa.case((condition, 1), else_=0))


def _require(connection: sa.Connection, table: Table, columns: Iterable[str]) -> dict[str, ColumnInfo]:
    return select_columns(table, read_columns(connection, table), columns)
