"""Every question that a sensor can put has its way back from plain data."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import pytest

from airflow_provider_aiguard import guards
from airflow_provider_aiguard.guards.questions.base import Question
from airflow_provider_aiguard.guards.questions.registry import question_from_dict

FOLDER = Path(guards.__file__).parent / "questions"
MODULES = [p.stem for p in FOLDER.glob("*.py") if p.stem not in {"__init__", "base", "registry"}]


def question_of(name: str) -> type[Question]:
    module = importlib.import_module(f"{guards.__name__}.questions.{name}")
    (found,) = [c for _, c in inspect.getmembers(module, inspect.isclass) if c.__module__ == module.__name__]
    assert issubclass(found, Question)
    return found


@pytest.mark.parametrize("name", MODULES)
def test_a_question_that_can_be_read_again_is_registered(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    question = question_of(name)
    assert question.guard == name
    if not hasattr(question, "from_dict"):
        assert not (FOLDER.parents[1] / "sensors" / f"{name}.py").exists(), "a sensor has to defer its question"
        return
    monkeypatch.setattr(question, "from_dict", classmethod(lambda _, data: data["table"]))
    assert question_from_dict({"guard": name, "table": "read"}) == "read"


def test_the_guard_of_another_release_is_not_guessed_at() -> None:
    with pytest.raises(KeyError, match="telepathy"):
        question_from_dict({"guard": "telepathy"})
