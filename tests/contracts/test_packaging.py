"""What a user gets: the wheel, its metadata, and honest files beside it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)],
        check=True,
        capture_output=True,
    )
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_holds_every_file_the_package_reads(wheel: zipfile.ZipFile) -> None:
    packed = set(wheel.namelist())
    package = ROOT / "airflow_provider_aiguard"
    wanted = {str(p.relative_to(ROOT)) for p in package.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    assert wanted <= packed
    assert {Path(name).suffix for name in wanted} >= {".py", ".json", ".html", ".css", ".js"}
    assert not [name for name in packed if name.startswith(("tests/", "docs/", "benchmarks/", "dags/"))]


def test_the_wheel_registers_with_airflow(wheel: zipfile.ZipFile) -> None:
    name = next(n for n in wheel.namelist() if n.endswith("entry_points.txt"))
    entry_points = wheel.read(name).decode()
    assert "[apache_airflow_provider]" in entry_points
    assert "[airflow.plugins]" in entry_points
    assert "aiguard = airflow_provider_aiguard.cli.main:main" in entry_points


def test_the_packages_that_were_asked_for_are_base_dependencies() -> None:
    names = {re.split(r"[\[><=]", d)[0] for d in PROJECT["dependencies"]}
    asked = {"apache-airflow", "great-expectations", "pandas", "sqlalchemy", "apache-airflow-providers-openlineage"}
    assert asked <= names
    assert set(PROJECT["optional-dependencies"]) == {"postgres", "llm", "onnx", "sklearn", "demo", "docs", "dev"}


def test_every_base_dependency_says_why_it_is_there() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = text.split("dependencies = [", 1)[1].split("\n]", 1)[0].strip().splitlines()
    assert block[0].strip().startswith("#")
    assert sum(line.strip().startswith("#") for line in block) >= 8


def test_constraints_pin_the_tested_set_and_name_no_index() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    assert all(re.fullmatch(r"[\w.\-]+==[\w.+!]+", line) for line in lines), lines
    pinned = {re.sub(r"[-_.]+", "-", line.split("==")[0]).lower() for line in lines}
    declared = [
        *PROJECT["dependencies"],
        *(d for n, e in PROJECT["optional-dependencies"].items() if n != "llm" for d in e),
    ]
    names = {re.sub(r"[-_.]+", "-", re.split(r"[\[><=]", d)[0]).lower() for d in declared}
    assert names <= pinned


def test_nothing_in_the_repository_speaks_of_this_machine() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    machine = re.compile(r"(^|[^\w.])/(root|home)/\w")
    for name in filter(None, tracked):
        path = ROOT / name
        if path.suffix in {".png", ".woff2"} or not path.exists():
            continue
        assert not machine.search(path.read_text(encoding="utf-8")), name
        assert path.stat().st_size <= 200 * 1024, name
