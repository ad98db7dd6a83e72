"""The shape of the house: floors, exports, sizes, a test file for every module."""

from __future__ import annotations

import ast
import importlib
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

import airflow_provider_aiguard

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "airflow_provider_aiguard"
BELOW_AIRFLOW = ["core", "stats", "tables", "models", "store", "inference", "guards", "lineage", "report"]
MODULES = [p for p in PACKAGE.rglob("*.py") if p.name != "__init__.py" and "migrations" not in p.parts]


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def test_floors_import_downwards_only() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_everything_below_the_doors_works_without_airflow() -> None:
    modules = [dotted(p) for p in MODULES if p.relative_to(PACKAGE).parts[0] in BELOW_AIRFLOW]
    program = (
        "import sys, importlib\n"
        "sys.modules['airflow'] = None\n"
        f"for name in {['airflow_provider_aiguard', *modules]!r}: importlib.import_module(name)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(modules) > 40


def test_core_is_standard_library_only() -> None:
    allowed = {*sys.stdlib_module_names, "airflow_provider_aiguard"}
    for path in (PACKAGE / "core").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert {name.partition(".")[0] for name in names} <= allowed, path


def test_the_exports_are_what_can_be_imported() -> None:
    exported = airflow_provider_aiguard.__all__
    assert exported == sorted(exported)
    assert set(exported) == {"__version__", *airflow_provider_aiguard._LAZY_IMPORTS}
    for name in exported:
        assert getattr(airflow_provider_aiguard, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = airflow_provider_aiguard.nonsense


def test_importing_the_package_loads_nothing_heavy() -> None:
    program = "import sys, airflow_provider_aiguard; print([m for m in sys.modules if '.' not in m])"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert not {"airflow", "pandas", "numpy", "sqlalchemy", "scipy"} & set(ast.literal_eval(loaded))


# Modules whose behaviour is tested under another name, with the reason. It may only shrink.
TESTED_ELSEWHERE = {
    "core.measurement": "a plain record; test_measurements",
    "demo.__main__": "test_demo runs the whole demo",
    "demo.flights": "the same",
    "demo.house": "the same",
    "demo.model": "the same",
    "demo.prepare": "test_compose runs it against a real PostgreSQL",
    "demo.year": "test_demo",
    "store.books": "test_store_ledger and test_ledger: the ledger is its only user",
    "store.origins": "test_store_graph, on two databases",
    "store.second_source": "the same",
    "store.walk": "the same",
    "tables.levels": "test_profile, against an exact oracle",
    "tables.numbers": "the same",
}


def test_every_module_has_a_test_file() -> None:
    tests = {p.stem.removeprefix("test_") for p in (ROOT / "tests").rglob("test_*.py")}
    missing = []
    for path in MODULES:
        relative = path.relative_to(PACKAGE)
        name, room = relative.stem, relative.parts[0] if len(relative.parts) > 1 else "provider"
        known = {name, f"{room}_{name}", f"{name}_{room}", f"{name.removesuffix('s')}s"} & tests
        by_room = any(name in t.split("_") or t.endswith(name) for t in tests)
        if not known and not by_room and ".".join(relative.with_suffix("").parts) not in TESTED_ELSEWHERE:
            missing.append(str(relative))
    assert missing == []


def test_modules_and_functions_stay_small() -> None:
    sizes = {p: len(p.read_text(encoding="utf-8").splitlines()) for p in MODULES}
    functions = [
        (node.end_lineno or 0) - node.lineno + 1
        for p in MODULES
        for node in ast.walk(ast.parse(p.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert statistics.median(sizes.values()) <= 150
    assert max(sizes.values()) <= 600, max(sizes, key=lambda p: sizes[p])
    assert statistics.median(functions) <= 10
    assert sorted(functions)[int(len(functions) * 0.95)] <= 40


def test_public_classes_and_functions_have_docstrings() -> None:
    undocumented = []
    for path in MODULES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in tree.body:
            public = isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_")
            if public and not ast.get_docstring(node):
                undocumented.append(f"{dotted(path)}.{node.name}")
    assert undocumented == []


@pytest.mark.parametrize("room", ["operators", "sensors"])
def test_every_parameter_of_a_door_is_documented(room: str) -> None:
    import inspect

    from airflow.sdk import BaseOperator, BaseSensorOperator

    inherited = {*inspect.signature(BaseOperator.__init__).parameters, "args", "kwargs", "self"}
    inherited |= {*inspect.signature(BaseSensorOperator.__init__).parameters} - {"soft_fail"}
    doors = []
    for path in (PACKAGE / room).glob("*.py"):
        module = importlib.import_module(dotted(path))
        for name, door in inspect.getmembers(module, inspect.isclass):
            public = name.endswith(("Operator", "Sensor")) and name not in {"GuardOperator", "GuardSensor"}
            if door.__module__ != module.__name__ or not public or not issubclass(door, BaseOperator):
                continue
            doors.append(name)
            own = {
                p for k in door.__mro__ if "aiguard" in k.__module__ for p in inspect.signature(k.__init__).parameters
            }
            documented = {
                line.split(":")[1].removeprefix("param ")
                for line in (door.__doc__ or "").splitlines()
                if ":param" in line
            }
            assert own - inherited - documented == set(), name
            assert door.template_fields, name
    assert len(doors) >= 4


def test_every_raise_in_tests_says_what_it_expects() -> None:
    bare = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "tests").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "pytest.raises"
        and not any(keyword.arg == "match" for keyword in node.keywords)
    ]
    assert bare == []
