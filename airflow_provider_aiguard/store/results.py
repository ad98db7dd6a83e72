"""Results by work key: what was paid for is not paid for again.

Work is *taken* before it is done: one row a key, inserted or taken over in one statement, so that of two workers with
the same work one does it and the other waits. A taken row whose time is up belongs to whoever asks next. A result is
written in the transaction that settles its price. Work that is done anew keeps its old result until there is a new one:
given back, it is as done as it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy import Connection

from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.database import Database, insert_into
from airflow_provider_aiguard.store.identity import aware

KEYS = 10_000
"""Keys in one transaction. They travel as one JSON document: bound one by one they would take longer than the work."""

T = TypeVar("T")

row = schema.result.c


class Cipher(Protocol):
    """What encrypts results, such as a Fernet."""

    def encrypt(self, data: bytes) -> bytes:
        """Into a token of ASCII characters."""

    def decrypt(self, token: bytes) -> bytes:
        """Back again."""


class WorkState(StrEnum):
    """Whether a result is there."""

    TAKEN = "taken"
    DONE = "done"


@dataclass(frozen=True, kw_only=True)
class Taken(Generic[T]):
    """Who does what of some work.

    :param mine: keys that are the caller's to do.
    :param known: results that are there, by key.
    :param elsewhere: keys that another worker has taken and not yet finished.
    """

    mine: frozenset[str]
    known: Mapping[str, T]
    elsewhere: frozenset[str]


class Results:
    """Results of inference, each a plain value that survives JSON."""

    def __init__(self, database: Database, cipher: Cipher | None = None) -> None:
        self._database = database
        self._cipher = cipher

    def take(
        self,
        keys: Iterable[str],
        identity: RunIdentity,
        *,
        read: Callable[[Any], T | None],
        until: datetime,
        now: datetime,
        since: datetime | None = None,
    ) -> Taken[T]:
        """Take what nobody has done or is doing.

        :param keys: work keys.
        :param identity: who asks. Results of the same task in the same DAG run are always known: a retry and a cleared
            task pay nothing again.
        :param read: turns a stored value into what the caller uses; ``None`` if it cannot be used: then it is done
            anew.
        :param until: when the caller's work belongs to whoever asks next, with zone.
        :param now: the time, with zone.
        :param since: results of other tasks and DAG runs are known from this time on; ``None`` for never.
        """
        aware(until, what="until")
        free = _is_free(identity, aware(now, what="now"), since and aware(since, what="since"))
        values = {name: getattr(identity, name) for name in ("run_id", "dag_id", "dag_run_id", "task_id")}
        values |= {"state": str(WorkState.TAKEN), "taken_until": until}
        parts = [self._take(some, values, free, read) for some in _batches(sorted(set(keys)))]
        return Taken(
            mine=frozenset(key for part in parts for key in part.mine),
            known={key: value for part in parts for key, value in part.known.items()},
            elsewhere=frozenset(key for part in parts for key in part.elsewhere),
        )

    def give_back(self, keys: Iterable[str], identity: RunIdentity) -> None:
        """Leave work undone to others: what this run has taken and not finished."""
        for some in _batches(sorted(set(keys))):
            self._database.write(partial(_give_back_some, keys=some, run_id=identity.run_id))

    def renew(self, identity: RunIdentity, until: datetime) -> None:
        """Keep what a run has taken and not finished from others for longer.

        :param until: when it belongs to whoever asks next, with zone.
        """
        mine = sa.and_(row.run_id == identity.run_id, _is_taken)
        change = sa.update(schema.result).where(mine).values(taken_until=aware(until, what="until"))
        self._database.write(lambda conn: conn.execute(change).close())

    def save(self, conn: Connection, results: Mapping[str, Any], identity: RunIdentity, now: datetime) -> None:
        """Keep results, inside the caller's transaction: the one that settles what they cost.

        :param results: by work key. Work that was taken over in the meantime is left to the other.
        """
        names = ("run_id", "dag_id", "dag_run_id", "task_id")
        values: dict[str, Any] = {name: getattr(identity, name) for name in names}
        values |= {"state": str(WorkState.DONE), "taken_until": now, "made_at": now}
        for some in _batches(sorted(results)):
            pairs = _pairs(conn, {key: self._sealed(results[key]) for key in some})
            _put(conn, pairs, ["work_key", "result"], values, where=row.run_id == identity.run_id).close()

    def keep(self, results: Mapping[str, Any], identity: RunIdentity, now: datetime) -> None:
        """Keep results whose price nobody settles, in a transaction of their own."""
        self._database.write(lambda conn: self.save(conn, results, identity, now))

    def prune(self, before: datetime) -> int:
        """Forget results made before a time, and work taken before it that was never done; return how many."""
        moment = aware(before, what="before")
        old = sa.or_(sa.and_(_was_done, row.made_at < moment), sa.and_(_is_taken, row.taken_until < moment))
        return self._database.write(lambda conn: conn.execute(sa.delete(schema.result).where(old)).rowcount)

    def _take(
        self,
        keys: Sequence[str],
        values: Mapping[str, Any],
        free: sa.ColumnElement[bool],
        read: Callable[[Any], T | None],
    ) -> Taken[T]:
        got = self._database.write(partial(_take, keys=keys, values=values, free=free))
        rest = [key for key in keys if key not in got]
        found = self._database.read(partial(_done, keys=rest))
        opened = {key: self._opened(text, read) for key, text in found.items()}
        # What cannot be used is nobody's work: whoever notices first takes it over.
        useless = [key for key, value in opened.items() if value is None]
        retaken = self._database.write(partial(_take, keys=useless, values=values, free=_was_done))
        known = {key: value for key, value in opened.items() if value is not None}
        return Taken(mine=frozenset(got | retaken), known=known, elsewhere=frozenset(rest) - known.keys() - retaken)

    def _sealed(self, value: Any) -> str:
        text = _written(value)
        return self._cipher.encrypt(text.encode()).decode() if self._cipher else text

    def _opened(self, text: str, read: Callable[[Any], T | None]) -> T | None:
        try:
            return read(json.loads(self._cipher.decrypt(text.encode()) if self._cipher else text))
        except Exception:  # Encrypted with another key, or by hand: a cipher raises errors of its own.
            return None


_written = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode
"""Made once: ``json.dumps`` makes an encoder a call where it is not to write as it does by default."""

_was_done = row.state == str(WorkState.DONE)
_is_taken = row.state == str(WorkState.TAKEN)

_NOBODY = {"run_id": "", "dag_id": "", "dag_run_id": "", "task_id": ""}
"""Whose a result is again whose maker is not known any more: only its age tells who may use it."""


def _is_free(identity: RunIdentity, now: datetime, since: datetime | None) -> sa.ColumnElement[bool]:
    """Whether a row's work may be taken: not reusable, or its holder's time is up, or it is the caller's own."""
    same = sa.and_(*(row[name] == getattr(identity, name) for name in ("dag_id", "dag_run_id", "task_id")))
    if not identity.dag_id:
        same = row.run_id == identity.run_id
    known = same if since is None else sa.or_(same, row.made_at >= since)
    left = sa.or_(row.taken_until <= now, row.run_id == identity.run_id)
    return sa.or_(sa.and_(_was_done, ~known), sa.and_(_is_taken, left))


def _take(conn: Connection, keys: Sequence[str], values: Mapping[str, Any], free: sa.ColumnElement[bool]) -> set[str]:
    if not keys:
        return set()
    got = _put(conn, _array(conn, keys), ["work_key"], values, where=free)
    return set(got.scalars())


def _put(
    conn: Connection,
    source: sa.FromClause,
    given: Sequence[str],
    values: Mapping[str, Any],
    *,
    where: sa.ColumnElement[bool],
) -> sa.CursorResult[Any]:
    """Insert a row for each of the source, or change the one that is there if it meets the condition.

    What another transaction changes first is looked at again when it has committed.

    :param source: its columns are those of ``given``, in that order.
    :param given: columns of the table.
    :param values: the other columns.
    :param where: condition on the row that is there.
    """
    constants = [sa.literal(value, schema.result.c[name].type) for name, value in values.items()]
    new = sa.select(*source.c, *constants).where(sa.true())
    insert = insert_into(conn, schema.result).from_select([*given, *values], new)
    again = {name: insert.excluded[name] for name in [*given[1:], *values]}
    put = insert.on_conflict_do_update(index_elements=["work_key"], set_=again, where=where)
    return conn.execute(put.returning(row.work_key))


def give_back_all(conn: Connection, run_ids: Sequence[str]) -> None:
    """Leave what ended or dead runs have taken and not done to others, inside the caller's transaction."""
    _give_back(conn, row.run_id.in_(run_ids))


def _give_back_some(conn: Connection, keys: Sequence[str], run_id: str) -> None:
    _give_back(conn, sa.and_(row.work_key.in_(_those(conn, keys)), row.run_id == run_id))


def _give_back(conn: Connection, whose: sa.ColumnElement[bool]) -> None:
    undone = sa.and_(whose, _is_taken)
    conn.execute(sa.delete(schema.result).where(undone, row.result.is_(None))).close()
    conn.execute(sa.update(schema.result).where(undone).values(state=str(WorkState.DONE), **_NOBODY)).close()


def _done(conn: Connection, keys: Sequence[str]) -> dict[str, str]:
    if not keys:
        return {}
    query = sa.select(row.work_key, row.result).where(row.work_key.in_(_those(conn, keys)), _was_done)
    return {found.work_key: found.result for found in conn.execute(query)}


def _those(conn: Connection, keys: Sequence[str]) -> sa.Select[Any]:
    return sa.select(*_array(conn, keys).c)


def _array(conn: Connection, keys: Sequence[str]) -> sa.FromClause:
    if conn.dialect.name == "sqlite":
        return sa.func.json_each(json.dumps(keys)).table_valued("value")
    return sa.func.json_array_elements_text(sa.cast(keys, sa.JSON)).table_valued("value")


def _pairs(conn: Connection, values: Mapping[str, str]) -> sa.FromClause:
    if conn.dialect.name == "sqlite":
        return sa.func.json_each(json.dumps(values)).table_valued("key", "value")
    return sa.func.json_each_text(sa.cast(values, sa.JSON)).table_valued("key", "value")


def _batches(keys: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(keys)
    while some := list(islice(rest, KEYS)):
        yield some
