"""Write claims: value and companions in one statement, one transaction a chunk, idempotent by key."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import pandas as pd
import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import (
    ColumnTypeError,
    ConfigurationError,
    TableBusyError,
    TableKeyError,
    TableNotFoundError,
)
from airflow_provider_aiguard.core.outputs import Output, OutputType
from airflow_provider_aiguard.core.provenance import Provenance
from airflow_provider_aiguard.tables.columns import sql_table
from airflow_provider_aiguard.tables.dialects.base import AddColumn, dialect_of, portable_type
from airflow_provider_aiguard.tables.frames import to_kind, to_list
from airflow_provider_aiguard.tables.kinds import ColumnInfo, holds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy.sql.expression import TableClause
    from sqlalchemy.types import TypeEngine

    from airflow_provider_aiguard.core.table import Table

Mode = Literal["upsert", "update", "fill"]


def resolve_outputs(columns: Mapping[str, ColumnInfo], outputs: Sequence[Output]) -> tuple[Output, ...]:
    """Give outputs without a type the type of the target's column; those the target does not have stay open.

    :param columns: columns of the target; empty if it does not exist yet.
    :raises ColumnTypeError: if a column's type is none a claim can have.
    """
    return tuple(_resolve(columns.get(o.name), o) for o in outputs)


class ClaimWriter:
    """Writes chunks of claims into one table.

    :param conn: a connection without an open transaction; the writer commits on it.
    :param into: the target.
    :param outputs: the columns a model writes, with their types.
    :param key: key columns and their types, as read from the source.
    :param carry: further columns copied from the source, and their types.
    :param mode: ``upsert`` inserts rows and overwrites those with the same key. ``update`` overwrites existing rows
        only. ``fill`` sets only cells that are NULL, and labels the others ``observed`` if they have no label.
    :raises ConfigurationError: if an output has no type, or the database cannot be written to.
    """

    def __init__(
        self,
        conn: sa.Connection,
        into: Table,
        outputs: Sequence[Output],
        *,
        key: Mapping[str, TypeEngine[Any]],
        carry: Mapping[str, TypeEngine[Any]] | None = None,
        mode: Mode = "upsert",
    ) -> None:
        self._conn = conn
        self._dialect = dialect_of(conn)
        self._dialect.require_writable(conn)
        self._into = into
        self._outputs = tuple(outputs)
        self._key = dict(key)
        self._carry = dict(carry or {})
        self._mode = mode
        self._wanted = _wanted(outputs)
        self._columns: dict[str, ColumnInfo] = {}
        self._check_arguments()

    def prepare(self) -> None:
        """Make the target ready: create it, or add what is missing to it. Safe when many processes do so at once.

        Types of new columns: boolean, bigint, double, text, date, timestamp with time zone; decimals are ``NUMERIC``
        in PostgreSQL, ``DECIMAL(38, 18)`` in DuckDB and exact text in SQLite.

        :raises ColumnTypeError: if a column exists whose type cannot hold what would be written.
        :raises TableKeyError: if ``mode`` is ``upsert`` and nothing keeps the key of the existing target unique.
        :raises TableNotFoundError: if ``mode`` is not ``upsert`` and the target does not exist.
        """
        with self._transaction():
            self._dialect.serialise(self._conn, self._into)
            try:
                found = self._dialect.columns(self._conn, self._into)
            except TableNotFoundError:
                if self._mode != "upsert":
                    raise
                self._create()
            else:
                self._check_key(found)
                self._extend(found)
            found = self._dialect.columns(self._conn, self._into)
        self._columns = {name: found[name] for name in self._new_columns()}

    def write(self, frame: pd.DataFrame) -> None:
        """Write one chunk: all of it or, whatever happens, nothing of it.

        :param frame: the key columns, the carried columns, and for each output ``c`` the columns ``c``,
            ``c__provenance``, ``c__confidence`` and ``c__run``. A NaN confidence is NULL.
        :raises TableKeyError: if a key in the frame is NULL or repeated.
        :raises ColumnTypeError: if a value does not fit its column.
        :raises TableBusyError: if another process holds the database.
        """
        if not self._columns:
            self.prepare()
        if frame.empty:
            return
        target = sql_table(self._into, self._columns.values())
        columns = list(self._columns.values())
        ready = self._ready(frame)
        with self._transaction(), self._dialect.stage(self._conn, ready, target, columns) as staged:
            self._conn.execute(self._statement(target, staged))

    def _statement(self, target: TableClause, staged: Mapping[str, Any]) -> sa.sql.dml.UpdateBase:
        if self._mode == "upsert":
            return self._dialect.upsert(target, staged, list(self._key))
        if self._mode == "fill":
            values = {n: v for o in self._outputs for n, v in _fill(target, staged, o).items()}
        else:
            values = {name: staged[name] for name in self._columns if name not in self._key}
        same = [target.c[name] == staged[name] for name in self._key]
        return sa.update(target).values({target.c[name]: value for name, value in values.items()}).where(*same)

    def _ready(self, frame: pd.DataFrame) -> pd.DataFrame:
        missing = [name for name in self._columns if name not in frame]
        if missing:
            raise ConfigurationError(f"The chunk lacks column {', '.join(map(repr, missing))}. It has {list(frame)!r}.")
        arrays = {
            name: to_kind(column, _series(frame, column, self._outputs)) for name, column in self._columns.items()
        }
        ready = pd.DataFrame(arrays, copy=False)
        self._refuse_keys(ready)
        for column in self._columns.values():
            if column.kind is OutputType.DECIMAL:
                self._refuse_digits(column, ready[column.name])
        return ready

    def _refuse_keys(self, frame: pd.DataFrame) -> None:
        keys = frame[list(self._key)]
        for bad, what in ((keys.isna().any(axis=1), "NULL in"), (keys.duplicated(), "a repeated")):
            if bad.any():
                row = ", ".join(f"{name}={to_list(keys[name][bad])[0]!r}" for name in keys)
                raise TableKeyError(
                    f"The chunk for table {self._into.full_name!r} has {what} key: {row}. A key identifies one row; "
                    "nothing was written."
                )

    def _refuse_digits(self, column: ColumnInfo, values: pd.Series[Any]) -> None:
        precision, scale = self._dialect.decimal_digits(column)
        for value in values:
            if value is not None and not _fits(value, precision, scale):
                raise ColumnTypeError(
                    f"Column {column.name!r} of table {self._into.full_name!r} keeps {precision or 'any number of'} "
                    f"digits, {'any number' if scale is None else scale} of them after the point; a value of the chunk "
                    "has more, and would be rounded. Round it in the model, or widen the column. Nothing was written."
                )

    def _check_arguments(self) -> None:
        if self._mode not in ("upsert", "update", "fill"):
            raise ConfigurationError(f"mode must be 'upsert', 'update' or 'fill'; got {self._mode!r}.")
        if not self._key or not self._outputs:
            raise ConfigurationError(f"Writing to {self._into.full_name!r} needs a key and at least one output.")
        if self._mode == "fill" and self._carry:
            raise ConfigurationError(
                f"mode 'fill' writes into the rows it read: nothing to carry; got {[*self._carry]!r}."
            )
        names = list(self._new_columns())
        if len(names) != len(self._key) + len(self._carry) + len(self._wanted):
            raise ConfigurationError(
                f"Key {[*self._key]!r}, carried columns {[*self._carry]!r} and output columns {[*self._wanted]!r} must "
                "not share a name. Rename the output."
            )

    def _new_columns(self) -> dict[str, None]:
        return dict.fromkeys([*self._key, *self._carry, *self._wanted])

    def _types(self) -> dict[str, TypeEngine[Any]]:
        copied = {**self._key, **self._carry}
        types = {name: portable_type(self._dialect, self._conn, name, kind) for name, kind in copied.items()}
        return types | {name: self._dialect.column_type(kind) for name, kind in self._wanted.items()}

    def _create(self) -> None:
        columns = [
            sa.Column(name, kind, primary_key=name in self._key, autoincrement=False)
            for name, kind in self._types().items()
        ]
        table = sa.Table(self._into.name, sa.MetaData(), *columns, schema=self._into.schema)
        self._conn.execute(sa.schema.CreateTable(table, if_not_exists=True))

    def _extend(self, found: Mapping[str, ColumnInfo]) -> None:
        self._check_types(found)
        missing = [sa.Column(name, kind) for name, kind in self._types().items() if name not in found]
        sa.Table(self._into.name, sa.MetaData(), *missing, schema=self._into.schema)
        for column in missing:
            self._conn.execute(AddColumn(column))

    def _check_key(self, found: Mapping[str, ColumnInfo]) -> None:
        missing = [name for name in self._key if name not in found]
        if missing:
            raise TableNotFoundError(
                f"Table {self._into.full_name!r} has no key column {', '.join(map(repr, missing))}. It has: "
                f"{', '.join(found)}."
            )
        if self._mode != "upsert":
            return
        if frozenset(self._key) not in self._dialect.unique_keys(self._conn, self._into):
            raise TableKeyError(
                f"Table {self._into.full_name!r} has no primary key or unique constraint on exactly {[*self._key]!r}, "
                "so a retry would write rows twice. Add one (CREATE UNIQUE INDEX), or let a new table be created."
            )

    def _check_types(self, found: Mapping[str, ColumnInfo]) -> None:
        for name, kind in self._wanted.items():
            if name in found and not holds(found[name].type, kind):
                self._refuse_type(found[name], kind)
        for name, declared in {**self._key, **self._carry}.items():
            source = ColumnInfo(name, declared).kind
            if name in found and source is not None and not holds(found[name].type, source):
                self._refuse_type(found[name], source)

    def _refuse_type(self, column: ColumnInfo, kind: OutputType) -> NoReturn:
        raise ColumnTypeError(
            f"Column {column.name!r} of table {self._into.full_name!r} has type {column.type!r}, which cannot hold "
            f"{kind} values. Name another output column, declare its type as the column's, or change the column."
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        if self._conn.in_transaction():
            raise ConfigurationError(
                "The connection has an open transaction. A chunk is one of its own: commit or roll back first."
            )
        try:
            with self._conn.begin():
                yield
        except sa.exc.DBAPIError as error:
            self._translate(error)
        except BaseException:
            # A task that is killed between statement and COMMIT leaves the driver in a transaction that SQLAlchemy
            # takes for ended: the next chunk would commit it.
            with suppress(Exception):
                self._conn.connection.rollback()
            raise

    def _translate(self, error: sa.exc.DBAPIError) -> NoReturn:
        """Raise ours; cut the cause off where the database's message may quote values of the row."""
        cause = error.orig or error
        if self._dialect.is_busy(cause):
            raise TableBusyError(
                f"Table {self._into.full_name!r} is held by another process: {cause}. Nothing was written; retry, or "
                "run the writing tasks in a pool with one slot."
            ) from error
        if isinstance(error, sa.exc.DataError | sa.exc.IntegrityError):
            raise ColumnTypeError(
                f"Table {self._into.full_name!r} refused the chunk: {self._dialect.reason(cause)}. A value does not "
                "fit its column, or a constraint of the table does not hold. Nothing was written."
            ) from None
        raise error


def _resolve(column: ColumnInfo | None, output: Output) -> Output:
    if output.type is not None or column is None:
        return output
    if column.kind is None:
        raise ColumnTypeError(
            f"Column {column.name!r} has type {column.type!r}, which no model can write. Declare another output column."
        )
    return replace(output, type=column.kind)


def _wanted(outputs: Sequence[Output]) -> dict[str, OutputType]:
    wanted: dict[str, OutputType] = {}
    for output in outputs:
        if output.type is None:
            raise ConfigurationError(
                f"Output {output.name!r} has no type yet. Declare one: outputs={{{output.name!r}: ...}}."
            )
        wanted[output.name] = output.type
        wanted[output.companions.provenance] = OutputType.TEXT
        wanted[output.companions.confidence] = OutputType.NUMBER
        wanted[output.companions.run] = OutputType.TEXT
    return wanted


def _series(frame: pd.DataFrame, column: ColumnInfo, outputs: Sequence[Output]) -> pd.Series[Any]:
    series = frame[column.name]
    if any(column.name == o.companions.confidence for o in outputs) and series.isna().any():
        return series.astype("Float64").mask(series.isna())
    return series


def _fill(target: TableClause, staged: Mapping[str, Any], output: Output) -> dict[str, sa.ColumnElement[Any]]:
    """Cells of one output, decided by what the target holds when the statement runs."""
    value, names = target.c[output.name], output.companions
    empty = value.is_(None)
    label = target.c[names.provenance]
    observed = sa.func.coalesce(label, sa.literal(str(Provenance.OBSERVED)))
    return {
        output.name: sa.func.coalesce(value, staged[output.name]),
        names.provenance: sa.case((empty, staged[names.provenance]), else_=observed),
        names.confidence: sa.case((empty, staged[names.confidence]), else_=target.c[names.confidence]),
        names.run: sa.case((empty, staged[names.run]), else_=target.c[names.run]),
    }


def _fits(value: Any, precision: int | None, scale: int | None) -> bool:
    if not value.is_finite():
        return precision is None
    _, digits, exponent = value.normalize().as_tuple()
    fraction = max(0, -exponent)
    if scale is None:
        return precision is None or len(digits) <= precision
    whole = max(0, value.adjusted() + 1) if value else 0
    return fraction <= scale and (precision is None or whole <= precision - scale)
