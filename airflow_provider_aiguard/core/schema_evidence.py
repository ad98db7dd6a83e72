"""How many rows of a table break the rules of a feature schema."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_aiguard.core.schema import SchemaRule


@dataclass(frozen=True, kw_only=True)
class RuleCount:
    """What became of one rule.

    :param rule: the rule.
    :param broken: rows that break it; ``None`` if that could not be counted.
    :param found: the type the column has, where that is what breaks the rule.
    :param reason: why nothing was counted.
    """

    rule: SchemaRule
    broken: int | None = None
    found: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class SchemaEvidence:
    """A table beside its schema.

    :param rows: rows looked at.
    :param counts: what became of each rule but ``schema.column``, in the order of the schema.
    :param columns: how many columns the schema names.
    :param missing: those of them that the table has not.
    :param extra: columns of the table that the schema does not name, beside its key and companions; empty if the
        schema allows them.
    """

    rows: int
    counts: tuple[RuleCount, ...]
    columns: int
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
