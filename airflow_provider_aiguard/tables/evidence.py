"""Evidence by SQL: confidences and truth, aggregated where the rows are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_aiguard.core.confidence import CELLS, ConfidenceSummary
from airflow_provider_aiguard.core.errors import ColumnTypeError
from airflow_provider_aiguard.core.evidence import UNLABELLED, ConfidenceEvidence, ErrorSums, TruthEvidence
from airflow_provider_aiguard.core.provenance import Companions, Provenance
from airflow_provider_aiguard.tables.cells import NAN_CELL, NULL_CELL, cell_of, fenced
from airflow_provider_aiguard.tables.columns import rows_of
from airflow_provider_aiguard.tables.connection import transaction
from airflow_provider_aiguard.tables.truth import (
    NUMBERS,
    TruthJoin,
    count_if,
    join_truth,
    refuse_repeated,
    require,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_provider_aiguard.core.table import Table

MAX_PAIRS = 400
"""Different (inferred, truth) pairs that are kept; more are no confusion matrix."""

LARGEST_ERROR = 1e45
"""Claims and truths beyond this have no error that can be raised to the sixth power."""

_CELL_EDGES = tuple(i / CELLS for i in range(1, CELLS))


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
        infos = require(connection, table, (column, companions.provenance, companions.confidence))
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
        entropy=_mean_entropy([(row.n, row.total / row.n) for row in cells.values()]),
    )


def unlabelled_evidence(connection: sa.Connection, table: Table, column: str) -> ConfidenceEvidence:
    """Count the values of a column that has no companions, all as inferred without a confidence.

    :param connection: where the table is; the caller owns it.
    :param table: the rows.
    :param column: the column a model wrote.
    :raises TableNotFoundError: if the table or the column does not exist.
    """
    with transaction(connection):
        rows = rows_of(table, require(connection, table, (column,)).values()).subquery()
        count = sa.select(sa.func.count(), sa.func.count(rows.c[column])).select_from(rows)
        total, values = connection.execute(count).one()
    return ConfidenceEvidence(
        column=column,
        rows=total,
        provenance={str(Provenance.AI_INFERRED): values},
        confidence=ConfidenceSummary(missing=values),
    )


def _mean_entropy(cells: Sequence[tuple[int, float]]) -> float | None:
    """Mean bits of a yes-or-no with the confidence's odds, each cell's confidences taken for their mean."""
    n = sum(count for count, _ in cells)
    return math.fsum(count * _bits(min(1.0, mean)) for count, mean in cells) / n if n else None


def _bits(p: float) -> float:
    return -math.fsum(q * math.log2(q) for q in (p, 1 - p) if q > 0)


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
        *(count_if(x < sa.literal(t, sa.Double)) for t in below),
    ).group_by(celled.c.provenance, celled.c.cell)


def _by_provenance(found: Iterable[sa.Row[Any]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in found:
        name = UNLABELLED if row.provenance is None else row.provenance
        counts[name] = counts.get(name, 0) + row.n
    return counts


def truth_evidence(
    connection: sa.Connection, table: Table, column: str, truth: Table, truth_column: str, *, errors: bool = False
) -> TruthEvidence:
    """Compare inferred values with the truth, joined by key where the rows are.

    Only ``ai_inferred`` cells count. A truth that is NULL, or a row that is not there, has not arrived. The conditions
    of both tables apply.

    :param connection: where both tables are; the caller owns it.
    :param table: the rows with claims; needs a key.
    :param column: the AI-touched column.
    :param truth: the rows with the truth, at most one a key; its key columns pair with those of ``table`` in order.
    :param truth_column: the column that holds the truth.
    :param errors: also add up the errors of a numeric column.
    :raises TableNotFoundError: if a table or a column does not exist.
    :raises TableKeyError: if the truth has several rows for one key.
    :raises ColumnTypeError: if inferred and true values are of different kinds, or have no errors.
    """
    with transaction(connection):
        joined = join_truth(connection, table, column, truth, truth_column)
        totals = connection.execute(_totals(joined)).one()
        confusion = _confusion(connection, joined)
        sums = _errors(connection, joined, column, truth_column) if errors else None
    refuse_repeated(truth, pairs=totals.pairs, inferred=totals.inferred)
    return TruthEvidence(
        column=column,
        truth_column=truth_column,
        inferred=totals.inferred,
        labels=totals.labels,
        correct=totals.correct or 0,
        confusion=confusion,
        errors=sums,
    )


def _totals(joined: TruthJoin) -> sa.Select[Any]:
    count = sa.func.count
    return sa.select(
        sa.select(count()).select_from(joined.claims).scalar_subquery().label("inferred"),
        count().label("pairs"),
        count(joined.truth).label("labels"),
        count_if(joined.guess == joined.truth).label("correct"),
    ).select_from(joined.pairs)


def _confusion(connection: sa.Connection, joined: TruthJoin) -> dict[tuple[str, str], int]:
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


def _errors(connection: sa.Connection, joined: TruthJoin, column: str, truth_column: str) -> ErrorSums:
    for info in (joined.infos[0][column], joined.infos[1][truth_column]):
        if info.kind not in NUMBERS:
            raise ColumnTypeError(f"Column {info.name!r} is {info.type}: only numbers have errors. Use another metric.")
    guess, truth = sa.cast(joined.guess, sa.Double), sa.cast(joined.truth, sa.Double)
    # NaN and infinity are not within the bounds either. Within them, no database overflows.
    usable = sa.and_(*(sa.func.abs(x) <= LARGEST_ERROR for x in (guess, truth)))
    error = sa.select(sa.case((usable, guess - truth)).label("e")).select_from(joined.pairs)
    within = fenced(error, connection.dialect.name).subquery().c.e
    # PostgreSQL raises where a power is too small to be a number.
    flat = sa.select(sa.case((sa.func.abs(within) < 1 / LARGEST_ERROR, 0.0), else_=within).label("e"))
    e = fenced(flat.where(within.is_not(None)), connection.dialect.name).subquery().c.e
    size = sa.func.abs(e)
    powers = (e, e * e * e, size, e * e, size * size * size, e * e * e * e, e * e * e * e * e * e)
    n, *sums = connection.execute(sa.select(sa.func.count(), *(sa.func.sum(power) for power in powers))).one()
    return ErrorSums(n, *(float(value or 0) for value in sums))
