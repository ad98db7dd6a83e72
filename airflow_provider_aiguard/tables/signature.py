"""The truth signature by SQL: labelled claims by class, confidence quartile and right or wrong, where the rows are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_aiguard.core.concept import CELLS, TruthSignature
from airflow_provider_aiguard.core.provenance import Companions
from airflow_provider_aiguard.tables.cells import cell_of
from airflow_provider_aiguard.tables.connection import transaction
from airflow_provider_aiguard.tables.truth import join_truth, refuse_repeated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_aiguard.core.table import Table
    from airflow_provider_aiguard.tables.truth import TruthJoin

MAX_CLASSES = 100
"""Different predicted values that are told apart; if there are more, or they are no classes, none is."""

UNTOLD = ""
"""Name under which all predicted values are counted that are not told apart."""

_HALF = CELLS // 2
_NO_CONFIDENCE = _HALF - 1


@dataclass(frozen=True, kw_only=True)
class SignedClaims:
    """The labelled claims of a table.

    :param inferred: all claims, labelled or not.
    :param signature: the labelled ones.
    :param run: run that made most of the labelled ones, ``None`` if there are none.
    """

    inferred: int
    signature: TruthSignature
    run: str | None


def truth_signature(
    connection: sa.Connection,
    table: Table,
    column: str,
    truth: Table,
    truth_column: str,
    *,
    like: TruthSignature | None = None,
) -> SignedClaims:
    """Count labelled claims by class, confidence quartile and right or wrong, joined by key where the rows are.

    :param connection: where both tables are; the caller owns it.
    :param table: the rows with claims; needs a key.
    :param column: the AI-touched column.
    :param truth: the rows with the truth, at most one a key.
    :param truth_column: the column that holds the truth, NULL while it has not arrived.
    :param like: an earlier signature, whose quartiles and classes are used, so that the two compare. Default: the
        quartiles of these claims.
    :raises TableNotFoundError: if a table or a column does not exist.
    :raises TableKeyError: if the truth has several rows for one key.
    :raises ColumnTypeError: if inferred and true values are of different kinds.
    """
    companions = Companions(column)
    with transaction(connection):
        joined = join_truth(
            connection, table, column, truth, truth_column, also=(companions.confidence, companions.run)
        )
        pairs, inferred = connection.execute(_sizes(joined)).one()
        refuse_repeated(truth, pairs=pairs, inferred=inferred)
        labelled = _labelled(joined, companions).subquery()
        edges = like.edges if like else _quartiles(connection, labelled)
        classes = joined.discrete and _has_few_classes(connection, labelled)
        rows = connection.execute(_cells(labelled, edges, classes=classes)).all()
        run = connection.execute(_main_run(labelled)).scalar()
    known = set(like.counts) if like else None
    return SignedClaims(inferred=inferred, signature=TruthSignature(edges=edges, counts=_counts(rows, known)), run=run)


def _sizes(joined: TruthJoin) -> sa.Select[Any]:
    claims = sa.select(sa.func.count()).select_from(joined.claims).scalar_subquery()
    return sa.select(sa.func.count(), claims).select_from(joined.pairs)


def _labelled(joined: TruthJoin, companions: Companions) -> sa.Select[Any]:
    x = sa.cast(joined.claims.c[companions.confidence], sa.Double)
    return (
        sa.select(
            joined.guess.label("guess"),
            sa.case((sa.and_(x >= 0.0, x <= 1.0), x)).label("x"),
            sa.case((joined.guess == joined.truth, 0), else_=1).label("wrong"),
            joined.claims.c[companions.run].label("run"),
        )
        .select_from(joined.pairs)
        .where(joined.truth.is_not(None))
    )


def _quartiles(connection: sa.Connection, labelled: sa.Subquery) -> tuple[float, ...]:
    quarter = sa.func.ntile(4).over(order_by=labelled.c.x).label("quarter")
    tiles = sa.select(labelled.c.x, quarter).where(labelled.c.x.is_not(None)).subquery()
    highest = sa.select(sa.func.max(tiles.c.x)).where(tiles.c.quarter < 4).group_by(tiles.c.quarter)
    return tuple(sorted({float(edge) for (edge,) in connection.execute(highest)}))


def _has_few_classes(connection: sa.Connection, labelled: sa.Subquery) -> bool:
    some = sa.select(labelled.c.guess).distinct().limit(MAX_CLASSES + 1).subquery()
    return int(connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()) <= MAX_CLASSES


def _cells(labelled: sa.Subquery, edges: Sequence[float], *, classes: bool) -> sa.Select[Any]:
    quarter = sa.case(
        (labelled.c.x.is_(None), sa.literal_column(str(_NO_CONFIDENCE), sa.Integer)), else_=cell_of("x", edges)
    )
    guess = labelled.c.guess if classes else sa.literal_column("''", sa.String)
    celled = sa.select(guess.label("guess"), (quarter + _HALF * labelled.c.wrong).label("cell")).subquery()
    return sa.select(celled.c.guess, celled.c.cell, sa.func.count()).group_by(celled.c.guess, celled.c.cell)


def _main_run(labelled: sa.Subquery) -> sa.Select[Any]:
    run = sa.cast(labelled.c.run, sa.String).label("run")
    return sa.select(run).group_by(run).order_by(sa.func.count().desc(), run).limit(1)


def _counts(rows: Sequence[Any], known: set[str] | None) -> dict[str, tuple[int, ...]]:
    counts: dict[str, list[int]] = {}
    for guess, cell, n in rows:
        name = str(guess).lower() if isinstance(guess, bool) else UNTOLD if guess is None else str(guess)
        if known == {UNTOLD}:
            name = UNTOLD
        counts.setdefault(name, [0] * CELLS)[cell] += n
    return {name: tuple(counts[name]) for name in sorted(counts)}
