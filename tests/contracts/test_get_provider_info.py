"""What Airflow is told about this package, and what Airflow then knows."""

from __future__ import annotations

import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path

import airflow
import jsonschema
import pytest
from airflow.sdk import BaseOperator
from airflow_home import environment

import airflow_provider_aiguard
from airflow_provider_aiguard.get_provider_info import get_provider_info

PACKAGE = Path(airflow_provider_aiguard.__file__).parent
INFO = get_provider_info()
LISTED = {
    module
    for kind in ("operators", "sensors", "hooks", "triggers")
    for entry in INFO[kind]
    for module in entry["python-modules"]
}
CLASSES = [
    *(entry["hook-class-name"] for entry in INFO["connection-types"]),
    *(entry["class-name"] for entry in INFO["task-decorators"]),
    *INFO["extra-links"],
    *(entry["plugin-class"] for entry in INFO["plugins"]),
]


@pytest.mark.parametrize("schema", ["provider_info.schema.json"])
def test_it_follows_airflows_schema(schema):
    rules = json.loads((Path(airflow.__file__).parent / schema).read_text())
    jsonschema.validate(INFO, rules)
    with pytest.raises(jsonschema.ValidationError, match="required property"):
        jsonschema.validate({}, rules)


@pytest.mark.parametrize("module", sorted(LISTED))
def test_every_listed_module_exists(module):
    importlib.import_module(module)


@pytest.mark.parametrize("path", CLASSES)
def test_every_listed_class_exists(path):
    module, _, name = path.rpartition(".")
    assert callable(getattr(importlib.import_module(module), name))


@pytest.mark.parametrize("room", ["operators", "sensors"])
def test_every_module_with_a_public_door_is_listed(room):
    """``guard`` holds the base classes, which are nobody's task."""
    doors = set()
    for path in (PACKAGE / room).glob("*.py"):
        module = importlib.import_module(f"airflow_provider_aiguard.{room}.{path.stem}".removesuffix(".__init__"))
        for name, thing in inspect.getmembers(module, inspect.isclass):
            is_door = name.endswith(("Operator", "Sensor")) and issubclass(thing, BaseOperator)
            if is_door and thing.__module__ == module.__name__ and path.stem != "guard":
                doors.add(module.__name__)
    assert doors == {module for module in LISTED if f".{room}." in module}


def test_options_are_documented_and_have_their_default():
    from airflow.sdk import conf

    for section, described in INFO["config"].items():
        for option, about in described["options"].items():
            assert about["description"].endswith(".")
            assert conf.get(section, option) == about["default"]


@pytest.mark.parametrize("module", ["providers", "hooks", "plugins"])
def test_airflow_lists_us(airflow_home, module):
    command, shown = {
        "providers": (["providers", "list"], ["airflow-provider-aiguard", "Provenance, confidence and guardrails"]),
        "hooks": (["providers", "hooks"], ["aiguard", "AIGuardHook"]),
        "plugins": (["plugins"], ["aiguard", "AI Guard"]),
    }[module]
    done = subprocess.run(
        [Path(sys.executable).with_name("airflow"), *command, "--output", "json"],
        env={**environment(), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    ours = [entry for entry in json.loads(done.stdout[done.stdout.index("[\n" if "[\n" in done.stdout else "[{") :])
            if "aiguard" in json.dumps(entry)]  # fmt: skip
    assert len(ours) == 1
    for part in shown:
        assert part in json.dumps(ours)
