"""``aiguard lineage``: what came from what, and whether the backend knows it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.cli.delivery import add_delivery
from airflow_provider_aiguard.cli.export import add_export
from airflow_provider_aiguard.cli.graph import add_graph

if TYPE_CHECKING:
    from airflow_provider_aiguard.cli import Open


def add_lineage(
    commands: Any, common: argparse.ArgumentParser, parser_class: type[argparse.ArgumentParser], open_store: Open
) -> None:
    """Add the command and what is under it.

    :param commands: where commands are added.
    :param common: options that all commands take.
    :param parser_class: whose usage errors have our exit code.
    :param open_store: opens the store that the options name.
    """
    lineage = commands.add_parser(
        "lineage", help="what a table came from and was made into; send again what a backend lacks"
    )
    inner = lineage.add_subparsers(required=True, metavar="command", parser_class=parser_class)
    add_graph(inner, common, open_store)
    add_export(inner, common, open_store)
    add_delivery(inner, common, open_store)
