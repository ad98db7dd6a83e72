"""Suites as authors give them: plain data, a JSON file, or a function that makes one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.expectations import register

if TYPE_CHECKING:
    from collections.abc import Iterator

    from great_expectations.core import ExpectationSuite

SuiteSource = Mapping[str, Any] | str | Callable[[], Any]
"""``ExpectationSuite.to_json_dict()``, the path of a JSON file with it, or a function that returns a suite."""


def load_suite(source: Any) -> ExpectationSuite:
    """Read a suite.

    :param source: a :data:`SuiteSource`, or a suite.
    :raises ConfigurationError: if there is none in it, or an expectation of it is not valid.
    """
    from great_expectations.core import ExpectationSuite

    register()
    made = source() if callable(source) else source
    if isinstance(made, ExpectationSuite):
        with _valid(made.name):
            for configuration in made.expectation_configurations:
                configuration.to_domain_obj()
        return made
    data = _read(made) if isinstance(made, str | Path) else made
    if not isinstance(data, Mapping):
        raise ConfigurationError(
            "suite must be a Great Expectations suite as a dict, the path of its JSON file, or a function that "
            f"returns one; got {type(data).__name__}."
        )
    return _made_of(data)


def _read(path: str | Path) -> Any:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"Suite file {str(path)!r} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ConfigurationError(f"Suite file {str(path)!r} is not JSON: {error}.") from error


def _made_of(data: Mapping[str, Any]) -> ExpectationSuite:
    from great_expectations.core import ExpectationSuite

    with _valid(data.get("name")):
        # Objects, not data: of data, Great Expectations leaves out what is not valid, with a line in the log.
        expectations = [_configuration(one).to_domain_obj() for one in data.get("expectations") or []]
        # No id: with one, Great Expectations would look for the suite in a project.
        return ExpectationSuite(name=str(data.get("name") or "suite"), expectations=expectations)


@contextmanager
def _valid(name: Any) -> Iterator[None]:
    from great_expectations.exceptions.exceptions import GreatExpectationsError

    try:
        yield
    except (GreatExpectationsError, TypeError, ValueError) as error:
        raise ConfigurationError(f"Suite {name!r} is not valid: {error}") from error


def _configuration(data: Any) -> Any:
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    if not isinstance(data, Mapping) or not isinstance(data.get("type"), str):
        raise TypeError(f"an expectation is a mapping with type and kwargs, got {data!r}.")
    kept = ("type", "kwargs", "meta", "notes", "description", "severity")
    return ExpectationConfiguration(**{"kwargs": {}, **{key: data[key] for key in kept if data.get(key) is not None}})
