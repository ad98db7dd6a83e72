"""A feature schema as a YAML file that a person reads, edits and reviews."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from airflow_provider_aiguard.core.errors import ConfigurationError, NotRecordedError
from airflow_provider_aiguard.core.schema import VERSION, ColumnSchema, FeatureSchema, Relation

_HEAD = """\
# Feature schema, learnt from {rows} rows of {table}. Edit it: what is not limited here is not checked.
# max_share: share of the rows that may break a rule about values. max_null_share: share that may be NULL.
# range and length: [lowest, highest], null for no limit. relations: [column, '<' | '<=' | '==' | 'null with', column].
"""


_Dumper: Any = type("_Dumper", (yaml.SafeDumper,), {})


def _dump_list(dumper: Any, data: list[Any]) -> Any:
    """Lists of plain values in one line."""
    nested = any(isinstance(item, list) for item in data)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=not nested)


_Dumper.add_representer(list, _dump_list)


def schema_text(schema: FeatureSchema) -> str:
    """The file's content."""
    head = _HEAD.format(rows=schema.rows, table=schema.table)
    return head + str(yaml.dump(schema.to_dict(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120))


def write_schema(path: str | Path, schema: FeatureSchema, *, overwrite: bool = False) -> None:
    """Write the file, whole or not at all.

    :param path: an absolute path whose folder exists.
    :param schema: what to write.
    :param overwrite: whether a file with another content may be lost: a person may have edited it.
    :raises ConfigurationError: if it may not, or the folder does not exist.
    """
    file, text = _absolute(path), schema_text(schema)
    if file.exists() and not overwrite:
        if file.read_text("utf-8") == text:
            return
        raise ConfigurationError(
            f"Schema file {str(file)!r} exists and is not what was learnt now: it may have been edited. Learn into "
            "another path=, delete the file, or set overwrite=True."
        )
    if not file.parent.is_dir():
        raise ConfigurationError(
            f"There is no folder {str(file.parent)!r} for the schema file. Make it, or change path=."
        )
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    fresh.write_text(text, "utf-8")
    fresh.replace(file)


def read_schema(path: str | Path) -> FeatureSchema:
    """Read the file.

    :raises NotRecordedError: if there is no such file.
    :raises ConfigurationError: naming the file, the line, the column, the rule and the value that is wrong.
    """
    file = _absolute(path)
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        raise NotRecordedError(
            f"There is no schema file {str(file)!r}. Write one with SchemaOperator(path=...), where every worker "
            "sees it."
        ) from None
    return parse_schema(text, name=str(file))


def parse_schema(text: str, *, name: str = "schema") -> FeatureSchema:
    """Read the content of a file.

    :param text: YAML.
    :param name: the file's name, for errors.
    :raises ConfigurationError: as :func:`read_schema`.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where else ""
        what = getattr(error, "problem", None) or str(error)
        raise ConfigurationError(f"{name}{line}: this is no YAML: {what}.") from error
    repeated = _repeated(node)
    if repeated is not None:
        raise ConfigurationError(f"{name}, line {repeated.start_mark.line + 1}: {repeated.value!r} is there twice.")
    try:
        return FeatureSchema.from_dict(data)
    except ConfigurationError as error:
        raise ConfigurationError(f"{name}, line {_line(node, data)}: {error}") from error


def _absolute(path: str | Path) -> Path:
    file = Path(path)
    if not file.is_absolute():
        raise ConfigurationError(
            f"Schema path {str(path)!r} is relative, but tasks run in any folder. Make it absolute: "
            "str(Path(__file__).parent / 'schema.yaml')."
        )
    return file


def _repeated(node: Any) -> Any:
    """The first key that is in one mapping twice; YAML would silently keep the last."""
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                return key
            seen.add(key.value)
    children = [v for _, v in node.value] if isinstance(node, yaml.MappingNode) else getattr(node, "value", ())
    nested = children if isinstance(node, yaml.CollectionNode) else ()
    return next((found for child in nested if (found := _repeated(child)) is not None), None)


def _line(node: Any, data: Any) -> int:
    """The line of what is wrong: of the rule if one is, of the column or relation, or of the entry."""
    if not isinstance(data, Mapping):
        return 1
    entries = {key.value: (key, value) for key, value in node.value}
    columns = data.get("columns")
    if isinstance(columns, Mapping) and columns:
        for (key, value), (name, rules) in zip(entries["columns"][1].value, columns.items(), strict=True):
            if _fails(ColumnSchema.from_dict, name, rules):
                return _rule_line(key, value, name, rules)
    relations = data.get("relations")
    for i, relation in enumerate(relations if isinstance(relations, list) else ()):
        if _fails(Relation.from_list, relation) or (columns and _fails(_alone, data, relation)):
            return int(entries["relations"][1].value[i].start_mark.line) + 1
    known = {"columns": columns} if columns else {}
    for name, (key, _) in entries.items():
        if _fails(FeatureSchema.from_dict, {"version": VERSION, **known, name: data.get(name)}):
            return int(key.start_mark.line) + 1
    return 1


def _rule_line(key: Any, value: Any, name: Any, rules: Any) -> int:
    if isinstance(rules, Mapping):
        kind = {"type": rules.get("type", "any")}
        for rule, _ in value.value:
            alone = {rule.value: rules.get(rule.value)} if rule.value in rules else {rule.value: None}
            if _fails(ColumnSchema.from_dict, name, kind | alone):
                return int(rule.start_mark.line) + 1
    return int(key.start_mark.line) + 1


def _alone(data: Mapping[str, Any], relation: Any) -> None:
    FeatureSchema.from_dict({"version": VERSION, "columns": data["columns"], "relations": [relation]})


def _fails(read: Any, *arguments: Any) -> bool:
    try:
        read(*arguments)
    except ConfigurationError:
        return True
    return False
