"""Evidence on calibration by SQL: confidences beside what turned out right, counted on bins where the rows are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_aiguard.core.calibration import BINS, CalibrationBin, CalibrationEvidence
from airflow_provider_aiguard.core.provenance import Companions
from airflow_provider_aiguard.tables.cells import NAN_CELL, NULL_CELL, cell_of, fenced
from airflow_provider_aiguard.tables.connection import transaction
from airflow_provider_aiguard.tables.truth import TruthJoin, join_truth, refuse_repeated

if TYPE_CHECKING:
    from airflow_provider_aiguard.core.table import Table

_EDGES = tuple(i / BINS for i in range(1, BINS))


def calibration_evidence(
    connection: sa.Connection, table: Table, column: str, truth: Table, truth_column: str
) -> CalibrationEvidence:
    """Count confidences and what was right of them by bin, in one statement.

    Only ``ai_inferred`` cells count, and only confidences in [0, 1]. A claim that is NULL is not right.

    :param connection: where both tables are; the caller owns it.
    :param table: the rows with claims; needs a key.
    :param column: the AI-touched column.
    :param truth: the rows with the truth, at most one a key.
    :param truth_column: the column that holds the truth.
    :raises TableNotFoundError: if a table, a column or the companions do not exist.
    :raises TableKeyError: if the truth has several rows for one key.
    :raises ColumnTypeError: if inferred and true values are of different kinds.
    """
    confidence = Companions(column).confidence
    with transaction(connection):
        joined = join_truth(connection, table, column, truth, truth_column, also=[confidence])
        found = list(connection.execute(_counts(joined, confidence, connection.dialect.name)))
    inferred = found[0].inferred if found else 0
    refuse_repeated(truth, pairs=sum(row.claims for row in found), inferred=inferred)
    cells = {row.cell: row for row in found if row.cell >= 0}
    return CalibrationEvidence(
        column=column,
        truth_column=truth_column,
        inferred=inferred,
        labels=sum(row.labels or 0 for row in found),
        bins=tuple(_labelled(cells.get(i)) for i in range(BINS)),
        claimed=tuple(_claimed(cells.get(i)) for i in range(BINS)),
        squares=float(sum(row.squares or 0 for row in cells.values())),
        fourths=float(sum(row.fourths or 0 for row in cells.values())),
    )


def _counts(joined: TruthJoin, confidence: str, dialect: str) -> sa.Select[Any]:
    arrived = joined.truth.is_not(None)
    pairs = sa.select(
        sa.cast(joined.claims.c[confidence], sa.Double).label("x"),
        sa.case((arrived, 1), else_=0).label("known"),
        sa.case((sa.and_(arrived, joined.guess == joined.truth), 1), else_=0).label("right_one"),
    ).select_from(joined.pairs)
    inner = fenced(pairs, dialect).subquery()
    x, known, right = inner.c.x, inner.c.known, inner.c.right_one
    inside = sa.and_(x >= 0.0, x <= 1.0)
    cell = sa.case(
        (x.is_(None), sa.literal_column(str(NULL_CELL), sa.Integer)),
        (inside, cell_of("x", _EDGES, closed_above=False)),
        else_=sa.literal_column(str(NAN_CELL), sa.Integer),
    )
    # Outside [0, 1] a square might overflow; those rows are in cells of their own.
    square = sa.case((sa.and_(inside, known == 1), (x - right) * (x - right)))
    cells = sa.select(cell.label("cell"), x, known, right, square.label("square")).select_from(inner)
    celled = fenced(cells, dialect).subquery()
    add = sa.func.sum
    return sa.select(
        celled.c.cell,
        sa.select(sa.func.count()).select_from(joined.claims).scalar_subquery().label("inferred"),
        sa.func.count().label("claims"),
        add(celled.c.known).label("labels"),
        add(celled.c.right_one).label("correct"),
        add(celled.c.x).label("claimed"),
        add(sa.case((celled.c.known == 1, celled.c.x))).label("confidence"),
        add(celled.c.square).label("squares"),
        add(celled.c.square * celled.c.square).label("fourths"),
    ).group_by(celled.c.cell)


def _labelled(row: sa.Row[Any] | None) -> CalibrationBin:
    if row is None:
        return CalibrationBin()
    return CalibrationBin(n=int(row.labels), confidence=float(row.confidence or 0), correct=int(row.correct))


def _claimed(row: sa.Row[Any] | None) -> CalibrationBin:
    return CalibrationBin() if row is None else CalibrationBin(n=int(row.claims), confidence=float(row.claimed))
