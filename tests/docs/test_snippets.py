"""Every snippet of the documentation runs."""

from __future__ import annotations

import configparser
import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import event_samples
import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
import yaml
from airflow_home import HOME, run_here
from pages import FENCES, REPOSITORY

from airflow_provider_aiguard.get_provider_info import get_provider_info

RUN = ("python", "shell", "sql", "json", "ini")
SHOWN = ("text",)
"""What programs print, formulas, trees. The messages among them are compared with the code's in test_docs."""

MOST_OPT_OUTS = 3


def fences(language):
    chosen = [f for f in FENCES if f.language == language and not f.not_run]
    return pytest.mark.parametrize("fence", chosen, ids=str)


def test_every_fence_says_what_it_is():
    odd = [str(f) for f in FENCES if f.language not in (*RUN, *SHOWN) and not f.language.startswith("{")]
    assert odd == []


@pytest.mark.parametrize("language", RUN)
def test_each_language_has_snippets(language):
    assert [f for f in FENCES if f.language == language and not f.not_run]


def test_opting_out_is_rare_and_has_a_reason():
    out = [f for f in FENCES if f.not_run]
    assert len(out) <= MOST_OPT_OUTS
    assert all(len(f.not_run) > 10 for f in out)
    marks = sum(page.read_text("utf-8").count("<!-- not run") for page in {REPOSITORY / f.page for f in FENCES})
    assert marks == len(out), "a mark that stands before no fence"


@fences("python")
def test_python(fence, airflow_home, tmp_path, request):
    if "@dag" not in fence.body:
        exec(compile(fence.body, str(fence), "exec"), {"__name__": "snippet"})  # noqa: S102  our own pages
        return
    store, _ = request.getfixturevalue("store"), request.getfixturevalue("warehouse")
    states = run_here(only_dag(fence, tmp_path), {"month": 2}).states
    assert set(states.values()) == {"success"}
    (run,) = store.runs.list()
    assert run.summary.rows == run.summary.inferred == 700
    assert [v.verdict.guard for v in store.verdicts.list()] == ["ground_truth"]


def only_dag(fence, folder):
    """The DAG of a snippet, read as Airflow reads a DAG file."""
    from airflow.dag_processing.dagbag import DagBag

    file = folder / "snippet.py"
    file.write_text(fence.body, encoding="utf-8")
    bag = DagBag(dag_folder=file)
    assert bag.import_errors == {}
    (dag,) = bag.dags.values()
    return dag


@pytest.fixture(scope="module")
def scored(warehouse, tmp_path_factory):
    """A copy of the warehouse with a table that a model wrote into."""
    from airflow_provider_aiguard import Table
    from airflow_provider_aiguard.core.outputs import parse_outputs
    from airflow_provider_aiguard.core.run import RunIdentity
    from airflow_provider_aiguard.inference.engine import run_inference
    from airflow_provider_aiguard.inference.plan import InferencePlan
    from airflow_provider_aiguard.models.function import FunctionModel
    from airflow_provider_aiguard.store.store import open_store

    folder = tmp_path_factory.mktemp("scored")
    shutil.copy(warehouse, folder / "warehouse.duckdb")
    engine = sa.create_engine(f"duckdb:///{folder / 'warehouse.duckdb'}", poolclass=sa.pool.NullPool)
    rows, into = Table("flights", key="flight_id"), Table("flights_scored")
    model = FunctionModel(lambda chunk: ([False] * len(chunk), [0.86] * len(chunk)), outputs=["late"])
    with open_store(f"sqlite:///{folder / 'aiguard.db'}") as store:
        plan = InferencePlan(rows=rows, into=into, outputs=parse_outputs({"late": bool}))
        run_inference(plan, model, source=engine, target=engine, store=store, identity=RunIdentity(run_id="one"))
    return engine


@fences("sql")
def test_sql(fence, scored):
    with scored.connect() as conn:
        answer = conn.execute(sa.text(fence.body))
        names, rows = list(answer.keys()), answer.all()
    if "HAVING count(*) > 1" not in fence.body:  # looks for duplicates, and there are none
        assert rows
    assert names


@fences("json")
def test_json(fence):
    json.loads(fence.body)


@fences("ini")
def test_ini(fence):
    config = configparser.ConfigParser()
    config.read_string(fence.body)
    json.loads(config["openlineage"]["transport"])
    ours = get_provider_info()["config"]["aiguard"]["options"]
    assert set(config["aiguard"]) == set(ours)


@fences("shell")
def test_shell(fence, airflow_home, store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "late.pkl").write_bytes(b"a model")
    write_flights(tmp_path)
    write_lineage(store)
    for line in fence.body.splitlines():
        program, *arguments = shlex.split(line)
        PROGRAMS[Path(program).name](arguments, tmp_path)


def write_flights(folder):
    """The files that the snippets about files name."""
    rng = np.random.default_rng(2013)
    for name, hour in (("january", 12), ("july", 14)):
        flights = {"flight_id": range(2_000), "hour": rng.normal(hour, 5, 2_000).round()}
        pd.DataFrame(flights).to_csv(folder / f"{name}.csv", index=False)
    for name, late in (("claims", 0.2), ("truth", 0.21)):
        answers = {"flight_id": range(2_000), "late": np.arange(2_000) < late * 2_000}
        pd.DataFrame(answers).to_csv(folder / f"{name}.csv", index=False)
    i = np.arange(2_000)
    labelled = {
        "digit": i % 7, "small": np.where(i % 10, i % 7, 9), "small__confidence": np.where(i % 5, 0.97, 0.6),
        "large": np.where(i % 100 == 50, 9, i % 7),
    }  # fmt: skip
    pd.DataFrame(labelled).to_csv(folder / "labelled.csv", index=False)


def write_lineage(store):
    """What the snippets about lineage ask for."""
    from airflow_provider_aiguard.lineage.edges import edges_of

    told = {**event_samples.columns({"late": [event_samples.field("main.flights", "hour")]})}
    scored = event_samples.dataset("main.flights_scored", told)
    run = "01a209cb-7ad2-7370-85bf-6cd4ec6cdde3"
    store.graph.record(edges_of(event_samples.event(["main.flights"], [scored], run=run)))


def make(arguments, _folder):
    targets = re.findall(r"^(\w+):", (REPOSITORY / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert set(arguments) <= set(targets)


def pip(arguments, _folder):
    command, *packages = arguments
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    assert command == "install"
    for package in packages:
        name, _, extras = package.rstrip("]").partition("[")
        assert name == project["name"]
        assert not extras or set(extras.split(",")) <= set(project["optional-dependencies"])


def aiguard(arguments, folder):
    from airflow_provider_aiguard.cli.main import main

    assert main(arguments) in {0, 1, 2}
    for out in [Path(b) for a, b in itertools.pairwise(arguments) if a in {"--out", "--report"}]:
        start = "<!DOCTYPE html>" if out.suffix == ".html" else "{"
        assert (folder / out).read_text("utf-8").startswith(start)


def airflow(arguments, folder):
    """Run it for real, on a copy of the database: it changes connections and pools."""
    for file in HOME.glob("airflow.*"):
        shutil.copy(file, folder)
    database = f"sqlite:///{folder / 'airflow.db'}"
    clean = {k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW_CONN_")}
    env = clean | {"AIRFLOW_HOME": str(folder), "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database}
    run([Path(sys.executable).with_name("airflow"), *arguments], cwd=folder, env=env)


def docker(arguments, _folder):
    services = yaml.safe_load((REPOSITORY / "docker-compose.yaml").read_text("utf-8"))["services"]
    compose, command, *rest = arguments
    assert (compose, command in {"up", "logs", "down"}) == ("compose", True)
    assert {name for name in rest if not name.startswith("--")} <= set(services)


def python(arguments, _folder):
    assert arguments[:2] == ["-m", "pytest"]
    assert (REPOSITORY / arguments[2]).exists()


def sha256sum(arguments, folder):
    run(["sha256sum", *arguments], cwd=folder, env=dict(os.environ))


def run(command, **kwargs):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **kwargs)
    assert done.returncode == 0, done.stdout + done.stderr


PROGRAMS = {f.__name__: f for f in (make, pip, aiguard, airflow, docker, python, sha256sum)}
