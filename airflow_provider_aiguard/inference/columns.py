"""Which columns a step reads, shows to the model, copies and writes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_aiguard.core.errors import TableNotFoundError
from airflow_provider_aiguard.core.outputs import Output
from airflow_provider_aiguard.core.provenance import Companions
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.inference.plan import InferencePlan
from airflow_provider_aiguard.inference.values import infer_type
from airflow_provider_aiguard.tables.columns import ColumnInfo, read_columns
from airflow_provider_aiguard.tables.writer import resolve_outputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection
    from sqlalchemy.types import TypeEngine

    from airflow_provider_aiguard.core.claims import Claims


@dataclass(frozen=True, kw_only=True)
class StepColumns:
    """The columns of one step.

    :param read: columns read from the rows.
    :param inputs: those the model sees.
    :param carry: those copied to the target, with their types.
    :param key_types: key columns with their types.
    :param outputs: the outputs, typed where the target, or the rows that are filled, already have the column.
    :param into: the target, with its key.
    :param mode: how the writer writes.
    """

    read: tuple[str, ...]
    inputs: tuple[str, ...]
    carry: Mapping[str, TypeEngine[Any]]
    key_types: Mapping[str, TypeEngine[Any]]
    outputs: tuple[Output, ...]
    into: Table
    mode: Literal["upsert", "update", "fill"]

    @classmethod
    def of(cls, plan: InferencePlan, read: Connection, write: Connection) -> StepColumns:
        """Look at both tables and decide.

        :raises TableNotFoundError: if the rows' table, or a column that was named, does not exist.
        """
        source = read_columns(read, plan.rows)
        target = source if plan.in_place else _columns_if_any(write, plan.into)
        key = plan.rows.require_key()
        inputs = plan.inputs if plan.inputs is not None else _default_inputs(source, plan)
        carry = () if plan.in_place else _carried(plan, source)
        _require(source, (*key, *inputs, *carry), plan.rows)
        kept = _kept(source, plan.outputs) if plan.fill == "missing" else ()
        outputs = tuple(resolve_outputs(target, plan.outputs))
        if plan.fill == "missing":
            outputs = tuple(resolve_outputs(source, outputs))
        return cls(
            read=tuple(dict.fromkeys((*key, *inputs, *carry, *kept))),
            inputs=inputs,
            carry={name: source[name].type for name in carry},
            key_types={name: source[name].type for name in key},
            outputs=outputs,
            into=replace(plan.into, key=plan.rows.key),
            mode=_mode(plan),
        )


class StepOutputs:
    """The outputs of a step. A type that nobody declared is taken from the first value that is seen.

    :param outputs: the outputs, typed as far as it is known.
    """

    def __init__(self, outputs: Sequence[Output]) -> None:
        self.all = tuple(outputs)

    @property
    def typed(self) -> bool:
        """Whether all types are known. Before that there is nothing to write, and no column to label."""
        return all(output.type for output in self.all)

    def resolve(self, claims: Claims) -> None:
        """Take the types of undeclared outputs from claims that have a value for them."""
        self.all = tuple(
            o if o.type or o.name not in claims.values else replace(o, type=infer_type(claims.values[o.name], o.name))
            for o in self.all
        )


def _mode(plan: InferencePlan) -> Literal["upsert", "update", "fill"]:
    if not plan.in_place:
        return "upsert"
    return "fill" if plan.fill == "missing" else "update"


def _columns_if_any(connection: Connection, table: Table) -> dict[str, ColumnInfo]:
    try:
        return read_columns(connection, table)
    except TableNotFoundError:
        return {}


def _default_inputs(source: Mapping[str, ColumnInfo], plan: InferencePlan) -> tuple[str, ...]:
    # A model must not see its own earlier answers, nor anybody's companion columns; and a key says which row it is,
    # not what is in it.
    hidden = {o.name for o in plan.outputs} | set(plan.rows.require_key())
    hidden |= {name for column in source for name in Companions(column).names}
    return tuple(name for name in source if name not in hidden)


def _carried(plan: InferencePlan, source: Mapping[str, ColumnInfo]) -> tuple[str, ...]:
    key = plan.rows.require_key()
    if plan.carry is not None:
        return tuple(name for name in plan.carry if name not in key)
    quoted, bare = _named_in(plan.into.where or "")
    outputs = {name for o in plan.outputs for name in (o.name, *o.companions.names)}
    named = (name for name in source if name in quoted or name.lower() in bare)
    return tuple(name for name in named if name not in outputs and name not in key)


def _named_in(where: str) -> tuple[set[str], set[str]]:
    """Identifiers of a condition: quoted ones as they are, the others, whose case does not count, in lower case."""
    where = re.sub(r"'[^']*'", " ", where)
    quoted = re.findall(r'"((?:[^"]|"")+)"', where)
    bare = re.sub(r'"(?:[^"]|"")+"|:\w+', " ", where)
    # A colon that is no bind parameter is written with a backslash before it.
    return {q.replace('""', '"').replace("\\:", ":") for q in quoted}, set(re.findall(r"\w+", bare.lower()))


def _kept(source: Mapping[str, ColumnInfo], outputs: tuple[Output, ...]) -> tuple[str, ...]:
    return tuple(name for o in outputs for name in (o.name, *o.companions.names) if name in source)


def _require(source: Mapping[str, ColumnInfo], names: tuple[str, ...], table: Table) -> None:
    missing = [name for name in names if name not in source]
    if missing:
        raise TableNotFoundError(
            f"Table {table.full_name!r} has no column {missing[0]!r}. Its columns are {sorted(source)!r}."
        )
