"""From results of Great Expectations to evidence: counts and aggregates, never values of rows.

Messages of exceptions may hold values of rows (``invalid input syntax for type integer: "Bob"``): of those, only what
is known to be safe is told, else the name of the exception.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.expectations import ExpectationEvidence
from airflow_provider_aiguard.core.verdict import Severity, Verdict

if TYPE_CHECKING:
    from great_expectations.core import ExpectationValidationResult

COUNTS_ONLY: dict[str, Any] = {
    "result_format": "BASIC",
    "partial_unexpected_count": 0,
    "exclude_unexpected_values": True,
}
"""Result format that fetches counts and no unexpected values."""

_KNOWN_PROBLEMS = (
    (re.compile(r"The column .* in BatchData does not exist"), "the column does not exist"),
    (
        re.compile(r"not supported for dialect|not implemented for SQL dialect|No provider found for"),
        "Great Expectations does not support it on {dialect}",
    ),
    (
        re.compile(r"No literal value renderer is available|requires a value for bind parameter"),
        "it needs the rows as SQL text, which where= with parameters is not: make a view of the rows",
    ),
    (re.compile(r"cannot be computed on column of type"), "it cannot be computed on a column of this type"),
)
_RANGES = frozenset({"min_value", "max_value", "threshold"})
"""Arguments that an aggregate is compared with. Sets of values, which are not asked for, have no observed value."""

_EXCEPTION = re.compile(r"^Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)*([A-Za-z_][\w.]*)", re.MULTILINE)


def evidence_of(result: ExpectationValidationResult, dialect: str) -> ExpectationEvidence:
    """What one result says.

    :param result: the result of one expectation.
    :param dialect: name of the database's dialect, for people.
    """
    config: Any = result.expectation_config
    found: Mapping[str, Any] = result.result or {}
    kwargs = config.kwargs
    elements, unexpected = found.get("element_count"), found.get("unexpected_count")
    lowest, highest = (_number(kwargs.get(name, kwargs.get("value"))) for name in ("min_value", "max_value"))
    return ExpectationEvidence(
        type=config.type,
        columns=tuple(_columns(kwargs)),
        success=bool(result.success),
        severity=Severity.ERROR if config.severity == "critical" else Severity.WARN,
        problem=_problem(result.exception_info, dialect),
        observed=_number(found.get("observed_value")),
        nothing=not _RANGES.isdisjoint(kwargs) and found.get("observed_value", 0) is None,
        minimum=lowest,
        maximum=highest if highest is not None else _number(kwargs.get("threshold")),
        elements=elements,
        missing=found.get("missing_count") or 0,
        unexpected=None if elements is None else unexpected,
        max_share=round(1 - (_number(kwargs.get("mostly", 1)) or 0.0), 12),
        verdict=_verdict(found),
    )


def _columns(kwargs: Mapping[str, Any]) -> Iterable[str]:
    for name in ("column", "column_A", "column_B"):
        if isinstance(kwargs.get(name), str):
            yield kwargs[name]
    yield from (name for name in kwargs.get("column_list") or () if isinstance(name, str))


def _number(value: Any) -> float | None:
    if value is None or isinstance(value, bool | str):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if number == number else None  # noqa: PLR0124  NaN is no number


def _verdict(found: Mapping[str, Any]) -> Verdict | None:
    details = found.get("details")
    verdict = details.get("aiguard") if isinstance(details, Mapping) else None
    return Verdict.from_dict(verdict) if verdict else None


def _problem(info: Mapping[str, Any], dialect: str) -> str | None:
    """Why the expectation could not be evaluated: of one exception, or the first of one a metric."""
    exceptions = [info] if "raised_exception" in info else [one for one in info.values() if isinstance(one, Mapping)]
    for exception in exceptions:
        if exception.get("raised_exception"):
            return _known(str(exception.get("exception_message")), dialect) or _named(exception)
    return None


def _known(message: str, dialect: str) -> str | None:
    return next((text.format(dialect=dialect) for known, text in _KNOWN_PROBLEMS if known.search(message)), None)


def _named(exception: Mapping[str, Any]) -> str:
    """The class of the first exception of the traceback: those after it only wrap it."""
    found = _EXCEPTION.search(f"{exception.get('exception_traceback') or ''}\n")
    return f"{found[1].rpartition('.')[2] if found else 'an error'} was raised"
