"""What tells the answers of a decorated function from others: its code and its arguments."""

from __future__ import annotations

import ast
import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.models.function import source_of

if TYPE_CHECKING:
    from airflow.sdk import Context

DECORATORS = ("inference", "inference_task")


def code_hash(function: Callable[..., Any]) -> str:
    """Hash a function's code without the line that makes it a task: that changes how it is run, not what it answers.

    :param function: the decorated function itself.
    """
    return _sha256(_without_task_decorator(source_of(function)))


def fingerprint(code: str, bound: inspect.BoundArguments, context: Context, *, strict: bool) -> str:
    """Hash what decides the answers: the code, and what the function is called with besides the chunk.

    :param code: hash of the code.
    :param bound: the arguments, with their defaults.
    :param context: the task's context: what comes from it is named as such in the error.
    :param strict: whether an argument that cannot be told apart is refused; else it is left out.
    :raises ConfigurationError: if there is one.
    """
    told = [text for name, value in bound.arguments.items() if (text := _told(name, value, context, strict=strict))]
    return _sha256("\n".join([code, *sorted(told)])) if told else code


def _told(name: str, value: Any, context: Context, *, strict: bool) -> str | None:
    from airflow_provider_aiguard.inference.work_keys import canonical

    try:
        return f"{name}={canonical(_plain(value))}"
    except (ConfigurationError, TypeError):
        if not strict:
            return None
    whose = "of the task's context" if name in context else "of the function"
    raise ConfigurationError(
        f"Argument {name!r} {whose} is a {type(value).__name__}, which has no canonical form, so that answers that are "
        "paid for once cannot be told from those to another. Pass the numbers or texts that the function needs of it, "
        "or give model_version= and change it whenever the answers could."
    ) from None


def _plain(value: Any) -> Any:
    """Take what Airflow passes for a dict or a list, such as params and what mapped tasks returned, for one."""
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | memoryview):
        return [_plain(item) for item in value]
    return value


def _without_task_decorator(source: str) -> str:
    # A method or an inner function is indented.
    indented = source[:1].isspace()
    try:
        tree = ast.parse(f"if True:\n{source}" if indented else source)
    except (SyntaxError, ValueError):
        return source  # a lambda: a part of some line
    found = next((node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)), None)
    ours = [d for d in (found.decorator_list if found else ()) if _name(d) in DECORATORS]
    if found is None or not ours:
        return source
    # Those above it change the task, those below belong to the function.
    first, last = found.decorator_list[0].lineno - indented, (ours[-1].end_lineno or 0) - indented
    lines = source.splitlines(keepends=True)
    return "".join([*lines[: first - 1], *lines[last:]])


def _name(decorator: ast.expr) -> str:
    """Last part of a decorator's name."""
    named = decorator.func if isinstance(decorator, ast.Call) else decorator
    return named.attr if isinstance(named, ast.Attribute) else getattr(named, "id", "")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
