from __future__ import annotations

import functools
import subprocess
import sys
import types
from collections import UserDict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import airflow_provider_aiguard
from airflow_provider_aiguard.core.claims import Claims, Failure
from airflow_provider_aiguard.core.errors import InvalidClaimError
from airflow_provider_aiguard.core.provenance import ConfidenceSource
from airflow_provider_aiguard.models.function import FunctionModel, code_hash

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK = pd.DataFrame({"x": [1, 2]})


def answer_of(answer: Any, *, outputs: tuple[str, ...] = ("y",)) -> Claims:
    return FunctionModel(lambda _: answer, outputs=outputs).predict(CHUNK)


def plain(columns: Any) -> dict[str, list[Any]]:
    return {name: list(values) for name, values in columns.items()}


@pytest.mark.parametrize(
    "values",
    [
        {"y": [1, 2]},
        UserDict(y=[1, 2]),
        pd.DataFrame({"y": [1, 2]}),
        [1, 2],
        np.array([1, 2]),
        pd.Series([1, 2], index=[7, 3]),
    ],
    ids=["dict", "mapping", "frame", "list", "array", "series"],
)
def test_the_forms_of_values(values: Any) -> None:
    claims = answer_of(values)
    assert plain(claims.values) == {"y": [1, 2]}
    assert (claims.confidences, claims.confidence_source) == ({}, None)


@pytest.mark.parametrize(
    "confidences",
    [{"y": [0.5, 0.75]}, pd.DataFrame({"y": [0.5, 0.75]}), [0.5, 0.75], np.array([0.5, 0.75])],
    ids=["dict", "frame", "list", "array"],
)
def test_the_forms_of_a_pair(confidences: Any) -> None:
    claims = answer_of(([1, 2], confidences))
    assert plain(claims.values) == {"y": [1, 2]}
    assert plain(claims.confidences) == {"y": [0.5, 0.75]}
    assert claims.confidence_source is ConfidenceSource.PROBABILITY


def test_a_pair_without_confidences_has_no_source() -> None:
    claims = answer_of(([1, 2], None))
    assert (claims.confidences, claims.confidence_source) == ({}, None)


def test_a_tuple_that_is_no_pair_is_values() -> None:
    model = FunctionModel(lambda _: (1, 2, 3), outputs=["y"])
    assert plain(model.predict(pd.DataFrame({"x": [1, 2, 3]})).values) == {"y": [1, 2, 3]}


def test_claims_are_passed_on_as_they_are() -> None:
    claims = Claims(values={"y": [1, 2]})
    assert answer_of(claims) is claims


def test_several_outputs_come_by_name() -> None:
    claims = answer_of({"y": [1, 2], "z": [3, 4]}, outputs=("y", "z"))
    assert plain(claims.values) == {"y": [1, 2], "z": [3, 4]}


def test_the_source_of_confidences_can_be_told() -> None:
    model = FunctionModel(lambda _: ([1, 2], [1, 1]), outputs=["y"], confidence_source="verbalised")
    assert model.predict(CHUNK).confidence_source is ConfidenceSource.VERBALISED


@pytest.mark.parametrize(
    ("answer", "outputs", "message"),
    [
        (None, ("y",), "values of type NoneType"),
        ("ab", ("y",), "values of type str"),
        (b"ab", ("y",), "values of type bytes"),
        ((True, False), ("y",), "values of type bool"),
        (3, ("y",), "values of type int"),
        ([1, 2], ("y", "z"), "values of type list"),
        (([1, 2], 0.5), ("y",), "confidences of type float"),
    ],
)
def test_other_forms_are_refused_by_name(answer: Any, outputs: tuple[str, ...], message: str) -> None:
    with pytest.raises(InvalidClaimError, match=rf"Model <lambda>@\w{{12}} returned {message}\. Return .*'y': \["):
        answer_of(answer, outputs=outputs)


@pytest.mark.parametrize(
    "values", [[1, Failure("timeout", "no answer")], pd.Series([1, Failure("timeout", "no answer")])]
)
def test_a_failure_among_the_values_is_the_rows(values: Any) -> None:
    assert answer_of(values).failures == {1: Failure("timeout", "no answer")}


def test_failures_of_all_columns_count() -> None:
    claims = answer_of({"y": [Failure("a"), 2], "z": [3, Failure("b")]}, outputs=("y", "z"))
    assert claims.failures == {0: Failure("a"), 1: Failure("b")}


def test_numbers_cannot_hold_failures_and_are_not_searched() -> None:
    assert answer_of(np.array([1.0, 2.0])).failures == {}


def test_the_function_gets_the_chunk_itself() -> None:
    seen: list[Any] = []
    FunctionModel(lambda chunk: seen.append(chunk) or [1, 2], outputs=["y"]).predict(CHUNK)
    assert seen[0] is CHUNK


def test_names_and_versions() -> None:
    def late(chunk: Any) -> Any:
        return chunk

    model = FunctionModel(late, outputs=["y"])
    assert model.identity.name == "late"
    assert model.identity.version == model.identity.fingerprint[:12]
    named = FunctionModel(late, outputs=["y"], name="delays", version="7").identity
    assert (named.name, named.version, named.fingerprint) == ("delays", "7", model.identity.fingerprint)


def test_closing_is_free() -> None:
    model = FunctionModel(lambda _: [1, 2], outputs=["y"])
    model.close()
    assert plain(model.predict(CHUNK).values) == {"y": [1, 2]}


def module_with(source: str, folder: Path, name: str) -> types.ModuleType:
    path = folder / f"{name}.py"
    path.write_text(source)
    module = types.ModuleType(name)
    module.__file__ = str(path)
    exec(compile(source, str(path), "exec"), module.__dict__)  # noqa: S102  a module as a user would write it
    return module


def test_the_hash_follows_the_source(tmp_path: Path) -> None:
    one = module_with("def f(c):\n    return c.a > 1\n", tmp_path, "one").f
    same = module_with("def f(c):\n    return c.a > 1\n", tmp_path, "same").f
    other = module_with("def f(c):\n    return c.a > 2\n", tmp_path, "other").f
    assert code_hash(one) == code_hash(same)
    assert code_hash(one) != code_hash(other)


def test_a_decorated_function_is_known_by_its_own_code() -> None:
    def traced(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any) -> Any:
            return function(*args)

        return call

    def f(c: Any) -> Any:
        return c

    assert code_hash(traced(f)) == code_hash(f)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("lambda c: c.a", "lambda c: c.b"),
        ("lambda c: c + 1", "lambda c: c + 2"),
        ("lambda c: c + 1", "lambda c: c - 1"),
        ("lambda c: [x + 1 for x in c]", "lambda c: [x + 2 for x in c]"),
        ("lambda c: (lambda x: x.a)(c)", "lambda c: (lambda x: x.b)(c)"),
        ("lambda c: c in {1, 2}", "lambda c: c in {1, 3}"),
    ],
)
def test_without_source_the_bytecode_decides(one: str, other: str) -> None:
    assert code_hash(eval(one)) == code_hash(eval(one))  # noqa: S307
    assert code_hash(eval(one)) != code_hash(eval(other))  # noqa: S307


def test_without_source_a_warning_says_once_that_the_hash_does_not_last(caplog: pytest.LogCaptureFixture) -> None:
    unread = {}
    exec("def typed_in(batch): return batch", unread)  # noqa: S102  a function as a prompt makes it
    for _ in range(2):
        code_hash(unread["typed_in"])
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "typed_in cannot be read" in caplog.text


def test_the_hash_is_the_same_in_every_process() -> None:
    script = (
        "from airflow_provider_aiguard.models.function import code_hash\n"
        'print(code_hash(eval(\'lambda c: [x for x in c if x in {"a", "b", "c", "d"}]\')))'
    )
    root = str(Path(airflow_provider_aiguard.__file__).parents[1])
    seen = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": root},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1


def test_partials_differ_by_function_and_arguments() -> None:
    def f(chunk: Any, limit: int) -> Any:
        return chunk, limit

    def g(chunk: Any, limit: int) -> Any:
        return limit, chunk

    one = functools.partial(f, limit=1)
    assert code_hash(one) == code_hash(functools.partial(f, limit=1))
    assert len({code_hash(p) for p in (f, one, functools.partial(f, limit=2), functools.partial(g, limit=1))}) == 4


def test_callable_objects_and_methods_are_hashed_by_their_code() -> None:
    class A:
        def __call__(self, chunk: Any) -> Any:
            return chunk

        def score(self, chunk: Any) -> Any:
            return -chunk

    class B:
        def __call__(self, chunk: Any) -> Any:
            return chunk + 1

    assert code_hash(A()) == code_hash(A())
    assert len({code_hash(A()), code_hash(B()), code_hash(A().score)}) == 3
    assert FunctionModel(A(), outputs=["y"]).identity.name == "A"


def test_builtins_are_hashed_by_name() -> None:
    assert code_hash(len) != code_hash(sum)
