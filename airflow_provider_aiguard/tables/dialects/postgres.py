"""PostgreSQL: ``COPY`` into a temporary table, by psycopg2 or psycopg 3, whichever the engine uses."""

from __future__ import annotations

import hashlib
import io
import json
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from airflow_provider_aiguard.core.outputs import OutputType
from airflow_provider_aiguard.tables.dialects.base import CreateStage, Dialect
from airflow_provider_aiguard.tables.frames import to_list

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy.sql.expression import TableClause

    from airflow_provider_aiguard.core.table import Table
    from airflow_provider_aiguard.tables.kinds import ColumnInfo

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
"""https://www.postgresql.org/docs/current/sql-copy.html, "Text Format"."""


class PostgresDialect(Dialect):
    """See the module."""

    def bind(self, column: ColumnInfo, value: Any) -> sa.ColumnElement[Any]:
        """Floats cast to the column's type: ``real '0.1' > 0.1`` is true otherwise, and a page would repeat a row."""
        bound = super().bind(column, value)
        return sa.cast(bound, column.type) if column.kind is OutputType.NUMBER else bound

    def after(self, keys: Sequence[ColumnInfo], values: Sequence[Any]) -> sa.ColumnElement[bool]:
        """By row values, which can use an index on the key."""
        bound = [self.bind(k, v) for k, v in zip(keys, values, strict=True)]
        return sa.tuple_(*(sa.column(k.name) for k in keys)) > sa.tuple_(*bound)

    @contextmanager
    def stage(
        self, conn: sa.Connection, frame: pd.DataFrame, target: TableClause, columns: Sequence[ColumnInfo]
    ) -> Iterator[Mapping[str, sa.ColumnElement[Any]]]:
        """Fill a temporary table, which the end of the transaction drops."""
        names = [f"c{i}" for i in range(len(columns))]
        stage = sa.table(f"aiguard_stage_{uuid.uuid4().hex}", *(sa.column(n) for n in names))
        source = (target.c[c.name].label(n) for c, n in zip(columns, names, strict=True))
        conn.execute(CreateStage(stage.name, sa.select(*source).where(sa.false()), suffix="ON COMMIT DROP"))
        values = [_texts(c, frame[c.name]) for c in columns]
        lines = "\n".join(map("\t".join, zip(*values, strict=True))) + "\n"
        _copy(conn, f"COPY {stage.name} FROM STDIN", lines)
        yield {c.name: stage.c[n] for c, n in zip(columns, names, strict=True)}

    def upsert(
        self, target: TableClause, staged: Mapping[str, sa.ColumnElement[Any]], keys: Sequence[str]
    ) -> sa.sql.dml.UpdateBase:
        """``INSERT … SELECT … ON CONFLICT``."""
        insert = postgresql.insert(target).from_select(list(staged), sa.select(*staged.values()))
        changed = {name: insert.excluded[name] for name in staged if name not in keys}
        return insert.on_conflict_do_update(index_elements=list(keys), set_=changed)

    def require_writable(self, conn: sa.Connection) -> None:
        """Allow it."""

    def serialise(self, conn: sa.Connection, table: Table) -> None:
        """By an advisory lock: ``IF NOT EXISTS`` alone loses races inside PostgreSQL's catalogue."""
        digest = hashlib.sha256(f"aiguard:{table.full_name}".encode()).digest()
        number = int.from_bytes(digest[:8], "big", signed=True)
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))

    def reason(self, error: BaseException) -> str:
        """Name the error's class, with the constraint or column it is about."""
        named = getattr(error, "diag", None)
        about = getattr(named, "constraint_name", None) or getattr(named, "column_name", None)
        return f"{type(error).__name__} of {about!r}" if about else type(error).__name__


def _copy(conn: sa.Connection, command: str, lines: str) -> None:
    cursor: Any = conn.connection.cursor()
    try:
        if hasattr(cursor, "copy_expert"):
            cursor.copy_expert(command, io.StringIO(lines))
        else:
            with cursor.copy(command) as copy:
                copy.write(lines)
    except conn.dialect.loaded_dbapi.Error as error:
        # As if SQLAlchemy had run it: it wraps what goes through ``execute`` only.
        raise sa.exc.DBAPIError.instance(command, None, error, Exception, dialect=conn.dialect) from error
    finally:
        cursor.close()


def _texts(column: ColumnInfo, array: Any) -> list[str]:
    """Write the column in COPY's text format."""
    if column.kind is OutputType.TEXT:
        # Provenance, run and labels repeat: escape each value once. Code -1 is NULL, and takes the last.
        codes, found = pd.factorize(array)
        escaped = np.array([*(value.translate(_ESCAPES) for value in found), "\\N"], dtype=object)
        return list(escaped[codes].tolist())
    values = to_list(array)
    if column.kind is OutputType.BOOLEAN:
        return ["\\N" if v is None else "t" if v else "f" for v in values]
    if column.kind is None:
        return ["\\N" if v is None else _text(v).translate(_ESCAPES) for v in values]
    return ["\\N" if v is None else str(v) for v in values]


def _text(value: Any) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        return f"\\x{bytes(value).hex()}"
    return json.dumps(value) if isinstance(value, dict | list) else str(value)
