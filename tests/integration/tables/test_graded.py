"""Answers about labelled rows, right or wrong, on three databases."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import ColumnTypeError, EmptyTableError, TableNotFoundError
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.tables.graded import read_graded

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = [
    ("a", "a", 0.9, "a"),
    ("a", "b", 0.8, "a"),
    ("b", None, None, "a"),
    ("b", "b", 1.5, "b"),
    (None, "a", 0.9, "a"),
]


@pytest.fixture
def connection(engine: sa.Engine) -> Iterator[sa.Connection]:
    with engine.connect() as opened:
        opened.execute(
            sa.text(
                'CREATE TABLE labelled ("the ""truth""" TEXT, cheap TEXT, cheap__confidence DOUBLE PRECISION, big TEXT)'
            )
        )
        insert = sa.text("INSERT INTO labelled VALUES (:t, :c, :p, :b)")
        opened.execute(insert, [dict(zip("tcpb", row, strict=True)) for row in ROWS])
        opened.commit()
        yield opened
        opened.rollback()


def test_right_and_how_sure(connection: sa.Connection) -> None:
    found = read_graded(connection, Table("labelled"), 'the "truth"', ["cheap", "big"])
    order = np.argsort([not right for right in found.right["cheap"]], kind="stable")
    assert (found.labels, found.table) == (4, "labelled")
    assert sorted(found.right["cheap"].tolist()) == [False, False, True, True]
    assert found.right["big"].sum() == 3
    assert list(found.confidences) == ["cheap"]
    known = [x for x in found.confidences["cheap"][order].tolist() if not math.isnan(x)]
    # A confidence above 1 is none.
    assert sorted(known) == [0.8, 0.9]


def test_only_some_rows(connection: sa.Connection) -> None:
    table = Table("labelled", where="big = :b", parameters={"b": "b"})
    assert read_graded(connection, table, 'the "truth"', ["big"]).labels == 1


def test_no_labels(connection: sa.Connection) -> None:
    with pytest.raises(EmptyTableError, match="no row with a truth"):
        read_graded(connection, Table("labelled", where="1 = 0"), 'the "truth"', ["cheap"])


def test_what_cannot_be_read_or_compared(connection: sa.Connection) -> None:
    with pytest.raises(TableNotFoundError, match="nothing"):
        read_graded(connection, Table("labelled"), "nothing", ["cheap"])
    with pytest.raises(ColumnTypeError, match="cannot be"):
        read_graded(connection, Table("labelled"), 'the "truth"', ["cheap__confidence"])
