"""A DAG file is read again and again: the doors it imports must load nothing heavy."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from airflow_home import environment

import airflow_provider_aiguard

PACKAGE = Path(airflow_provider_aiguard.__file__).parent
DOORS = sorted(
    f"airflow_provider_aiguard.{room}.{path.stem}"
    for room in ("operators", "sensors", "decorators", "triggers", "hooks")
    for path in (PACKAGE / room).glob("*.py")
    if path.stem != "__init__"
)
# Airflow itself loads SQLAlchemy; our rooms that work with it are not wanted all the same.
HEAVY = (
    "alembic", "duckdb", "duckdb_engine", "fastapi", "great_expectations", "numpy", "openlineage", "pandas", "plotly",
    "psycopg", "psycopg2", "scipy", "sklearn",
    *(f"airflow_provider_aiguard.{room}" for room in ("guards", "lineage", "report", "stats", "store", "tables")),
)  # fmt: skip


def newly_loaded(program):
    """Heavy packages that a program loads beyond what ``airflow.sdk`` has loaded before it, by step."""
    source = f"""
import importlib, json, sys
from airflow.sdk import BaseOperator, BaseSensorOperator, DAG, Asset, task
importlib.import_module("airflow.triggers.base")
def new():
    found = sorted(name for name in {HEAVY!r} if name in sys.modules and name not in before)
    before.update(found)
    return found
before = set(sys.modules)
found = {{}}
{program}
print(json.dumps(found))
"""
    done = subprocess.run(
        [sys.executable, "-c", source], env={**environment(), "PATH": ""}, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_no_door_loads_anything_heavy():
    found = newly_loaded(f"for door in {DOORS!r}:\n    importlib.import_module(door)\n    found[door] = new()")
    assert found == {door: [] for door in DOORS}


def test_reading_the_example_dags_loads_nothing_heavy():
    dags = Path(__file__).parent.parent.parent / "dags"
    paths = sorted(str(path) for path in dags.glob("*.py"))
    assert paths
    found = newly_loaded(f"import runpy\nfor path in {paths!r}:\n    runpy.run_path(path)\n    found[path] = new()")
    assert found == {path: [] for path in paths}


@pytest.mark.parametrize("heavy", ["pandas", "airflow_provider_aiguard.tables.reader"])
def test_the_measure_can_fail(heavy):
    assert heavy.removesuffix(".reader") in newly_loaded(f"import {heavy}\nfound['it'] = new()")["it"]
