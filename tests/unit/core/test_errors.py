from __future__ import annotations

import inspect
import re

import pytest

from airflow_provider_aiguard.core import errors

CLASSES = {name: cls for name, cls in inspect.getmembers(errors, inspect.isclass) if cls.__module__ == errors.__name__}


def drawn_parents() -> dict[str, str | None]:
    """The tree in the module's docstring, as child to parent."""
    parents: dict[str, str | None] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^    (?P<lead>(?:[│ ]   )*(?:├── |└── )?)(?P<name>\w+Error)\b", line)
        if found:
            depth = len(found["lead"]) // 4
            del path[depth:]
            parents[found["name"]] = path[-1] if path else None
            path.append(found["name"])
    return parents


def test_the_drawn_tree_is_the_class_tree() -> None:
    real = {name: None if name == "AIGuardError" else cls.__bases__[0].__name__ for name, cls in CLASSES.items()}
    assert drawn_parents() == real


def test_builtin_bases_are_drawn() -> None:
    drawn = dict(re.findall(r"(\w+Error) \((\w+)\)", errors.__doc__ or ""))
    real = {name: cls.__bases__[1].__name__ for name, cls in CLASSES.items() if len(cls.__bases__) > 1}
    assert drawn == real


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_error_says_when_it_is_raised(name: str) -> None:
    assert CLASSES[name].__doc__
    assert issubclass(CLASSES[name], errors.AIGuardError)
