"""A schema that events name never changes what it says, and a newer one of the same model only adds."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_aiguard.lineage.facets import FACETS

REPOSITORY = Path(__file__).parents[2]
SCHEMAS = REPOSITORY / "airflow_provider_aiguard" / "lineage" / "schemas"
FROZEN = Path(__file__).with_name("facet_schemas.json")
FILES = sorted(path.relative_to(SCHEMAS).as_posix() for path in SCHEMAS.rglob("*.json"))


def read(file: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SCHEMAS / file).read_text("utf-8"))
    return found


def version(file: str) -> tuple[int, ...]:
    return tuple(int(part) for part in file.partition("/")[0].split("-"))


def history(facet: str) -> list[str]:
    return sorted((file for file in FILES if file.endswith(f"/{facet}.json")), key=version)


def broken(old: Any, new: Any, at: str = "") -> list[str]:
    """Where ``new`` says something else than ``old`` about what both name; texts may be said better.

    A property may come, but not become required; nothing may go, nor may its type, its range or its words change.
    """
    if not isinstance(old, dict) or not isinstance(new, dict):
        return [] if old == new else [at]
    found = []
    for key in (old.keys() | new.keys()) - {"$id", "title", "description", "examples"}:
        here = f"{at}/{key}"
        if key not in new or (key not in old and not at.endswith(("/properties", "/$defs"))):
            found.append(here)
        elif key == "required":
            found += [] if sorted(old[key]) == sorted(new[key]) else [here]
        elif isinstance(old.get(key), list) and key == "allOf":
            found += [
                p for i, (a, b) in enumerate(zip(old[key], new[key], strict=True)) for p in broken(a, b, f"{here}/{i}")
            ]
        elif key in old:
            found += broken(old[key], new[key], here)
    return found


def test_what_was_released_says_the_same_for_ever():
    """A schema of the coming release may still change: then renew the list. One of a past release may not."""
    hashes = {file: hashlib.sha256((SCHEMAS / file).read_bytes()).hexdigest() for file in FILES}
    assert hashes == json.loads(FROZEN.read_text()), "add the schema under a new version, see docs/stability.md"


@pytest.mark.parametrize("facet", [cls.__name__ for cls in FACETS.values()])
def test_a_newer_schema_of_the_same_model_only_adds(facet):
    files = history(facet)
    for old, new in pairwise(files):
        if version(old)[0] == version(new)[0]:
            assert not broken(read(old), read(new)), (old, new)


@pytest.mark.parametrize(("key", "cls"), FACETS.items())
def test_events_name_the_newest_schema(key, cls):
    newest = history(cls.__name__)[-1]
    assert f"/{newest}#" in cls._get_schema()
    assert re.fullmatch(r"\d+-\d+-\d+/\w+\.json", newest)


def change(schema: dict[str, Any], edit: Any) -> list[str]:
    changed = copy.deepcopy(schema)
    edit(changed["$defs"]["AiguardVerdictRunFacet"]["allOf"][1])
    return broken(schema, changed)


def test_what_counts_as_an_addition():
    schema = read("1-0-0/AiguardVerdictRunFacet.json")
    assert not change(schema, lambda body: body["properties"].update(more={"type": "string"}))
    assert not change(schema, lambda body: body["properties"]["guard"].update(description="Said better."))


@pytest.mark.parametrize(
    "edit",
    [
        lambda body: body["properties"].pop("reason"),
        lambda body: body["properties"]["checks"].update(type="number"),
        lambda body: body["properties"]["checks"].pop("minimum"),
        lambda body: body["properties"]["reason"].update(maxLength=10),
        lambda body: body["properties"]["outcome"]["enum"].append("perhaps"),
        lambda body: body["required"].append("reason"),
        lambda body: body["required"].remove("guard"),
    ],
)
def test_what_does_not(edit):
    assert change(read("1-0-0/AiguardVerdictRunFacet.json"), edit)
