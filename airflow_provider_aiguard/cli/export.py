"""``aiguard lineage export``: one run or one row in a form that other tools read."""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.cli.rows import WORDS, open_rows
from airflow_provider_aiguard.core.errors import ConfigurationError, NotRecordedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_aiguard.cli import Open
    from airflow_provider_aiguard.core.lineage import Node
    from airflow_provider_aiguard.core.provenance import Label
    from airflow_provider_aiguard.core.run import RunRecord
    from airflow_provider_aiguard.lineage.prov import ProvDocument
    from airflow_provider_aiguard.store.store import Store

_ROWS = "rows"


def add_export(inner: Any, common: argparse.ArgumentParser, open_store: Open) -> None:
    """Add the command.

    :param inner: where commands under ``aiguard lineage`` are added.
    :param common: options that all commands take.
    :param open_store: opens the store that the options name.
    """
    made = inner.add_parser("export", parents=[common], help="write one run or one row as W3C PROV-JSON")
    made.add_argument("run_id", nargs="?", help="the run, as the companion columns or OpenLineage have it")
    made.add_argument("--row", metavar="ROWS", help=f"instead of a run, a row of these: {WORDS}")
    made.add_argument("--key", action="append", metavar="COLUMN=VALUE", help="what identifies the row; may be repeated")
    made.add_argument("--format", choices=["prov-json"], default="prov-json", help="(default: %(default)s)")
    made.add_argument("--out", type=Path, help="file to write; without it, the answer is the document")
    made.set_defaults(run=lambda options: _export(options, open_store))


def _export(options: argparse.Namespace, opened: Open) -> tuple[int, dict[str, Any]]:
    from airflow_provider_aiguard.lineage.prov import ProvDocument

    if (options.run_id is None) == (options.row is None):
        raise ConfigurationError("aiguard lineage export takes a run, or --row with --key: one of them.")
    document = ProvDocument()
    with opened(options) as store:
        if options.row is None:
            _add_run(document, store, options.run_id)
        else:
            _add_row(document, store, options.row, _key(options.key))
    text = json.dumps(document.to_dict(), indent=2, sort_keys=True)
    if options.out is None:
        # With --json too the answer is the document and nothing else: other tools read it.
        return 0, json.loads(text) if options.json else {"text": text}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text + "\n", encoding="utf-8")
    return 0, {"out": str(options.out), "text": str(options.out)}


def _add_run(document: ProvDocument, store: Store, run_id: str) -> RunRecord | None:
    try:
        record = store.runs.get(run_id)
    except NotRecordedError:
        edges = store.graph.of_run(run_id)
        if not edges:
            raise
        document.add_edges(run_id, edges)
        return None
    identity = record.identity
    job = f"{identity.dag_id}.{identity.task_id}"
    document.add_run(record, store.graph.of_run(identity.openlineage_run_id or "", job=job, at=record.finished_at))
    return record


def _add_row(document: ProvDocument, store: Store, word: str, key: Mapping[str, str]) -> None:
    table, labels = _labels(word, key)
    records = {}
    for run_id in {label.run_id for label in labels.values() if label.run_id}:
        try:
            records[run_id] = store.runs.get(run_id)
        except NotRecordedError:
            continue
        _add_run(document, store, run_id)
    document.add_row(table, _digest(key), labels, records)


def _labels(word: str, key: Mapping[str, str]) -> tuple[Node, dict[str, Label]]:
    from airflow_provider_aiguard.core.lineage import dataset_node
    from airflow_provider_aiguard.tables.labels import read_labels

    with open_rows({_ROWS: word}, key=list(key)) as rows:
        table = rows.tables[_ROWS]
        labels = read_labels(rows.connection, table, key)
    if table.conn_id is None:
        return dataset_node("file", str(Path(word).absolute())), labels
    from airflow_provider_aiguard.hooks.sources import dataset_name

    name = dataset_name(table)
    return dataset_node(name.namespace, name.name), labels


def _key(words: list[str] | None) -> dict[str, str]:
    parts = [word.partition("=") for word in words or []]
    if not parts or not all(column and equals for column, equals, _ in parts):
        raise ConfigurationError(f"--key must be COLUMN=VALUE, such as --key flight_id=17; got {words!r}.")
    return {column: value for column, _, value in parts}


def _digest(key: Mapping[str, str]) -> str:
    """Name the row without its key: a key may be somebody's address."""
    return hashlib.sha256(json.dumps(sorted(key.items())).encode()).hexdigest()[:16]
