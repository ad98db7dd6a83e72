"""The expectations guard: does a table keep what a Great Expectations suite expects?

Great Expectations knows pass and fail. Whatever had nothing to judge (no rows, only NULLs, an error) is
``undecided`` here.
"""

from __future__ import annotations

from airflow_provider_aiguard.core.expectations import ExpectationEvidence, ExpectationsEvidence
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome, number

ABOUT_TABLES = frozenset({"expect_column_to_exist"})
"""Expectations about the shape of a table: no rows are an answer, too. So are those named ``expect_table_...``."""

ABOUT_TYPES = frozenset({"expect_column_values_to_be_of_type", "expect_column_values_to_be_in_type_list"})
"""Expectations about declared types, which a column without values has as well."""

ABOUT_NULLS = frozenset(
    {
        "expect_column_values_to_be_null",
        "expect_column_values_to_not_be_null",
        "expect_column_proportion_of_non_null_values_to_be_between",
    }
)
"""Expectations about NULLs: a column of nothing else is an answer, too."""


def evaluate(evidence: ExpectationsEvidence) -> list[CheckResult]:
    """Turn what a suite found into checks, one an expectation, in the order found.

    :return: checks named ``expectations.<type>``; none for an empty suite, which is an undecided verdict.
    """
    return [_check(found, _nothing(found, evidence)) for found in evidence.expectations]


def _check(found: ExpectationEvidence, nothing: str | None) -> CheckResult:
    judged = found.judged
    share = found.unexpected / judged if judged and found.unexpected is not None else None
    return CheckResult(
        check=f"expectations.{found.type}",
        column=found.columns[0] if len(found.columns) == 1 else None,
        outcome=_outcome(found, nothing),
        message=_message(found, nothing, share),
        value=found.observed if share is None else share,
        limit=_bound(found) if share is None else found.max_share,
        severity=found.severity,
        detail=_detail(found),
    )


def _outcome(found: ExpectationEvidence, nothing: str | None) -> Outcome:
    if nothing is not None:
        return Outcome.UNDECIDED
    if found.verdict is not None:
        return found.verdict.outcome
    return Outcome.PASS if found.success else Outcome.BREACH


def _nothing(found: ExpectationEvidence, evidence: ExpectationsEvidence) -> str | None:
    """Why there is nothing to decide from, if so."""
    if found.problem is not None:
        return found.problem
    if found.verdict is not None or found.type in ABOUT_TABLES | ABOUT_TYPES or found.type.startswith("expect_table_"):
        return None
    if evidence.rows == 0 or found.elements == 0:
        return "there are no rows to judge"
    if found.type in ABOUT_NULLS:
        return None
    if found.judged == 0 or any(evidence.present.get(column) == 0 for column in found.columns):
        return "there are no values but NULL"
    return "there is nothing to aggregate" if found.nothing else None


def _message(found: ExpectationEvidence, nothing: str | None, share: float | None) -> str:
    subject = f"{', '.join(found.columns)}: " if found.columns else ""
    if found.verdict is not None and nothing is None:
        return found.verdict.summary
    return f"{subject}{_seen(found, nothing, share)}"


def _seen(found: ExpectationEvidence, nothing: str | None, share: float | None) -> str:
    if nothing is not None:
        return f"{found.type} could not be decided: {nothing}"
    if share is not None:
        return f"{share:.2%} of {found.judged} values break {found.type} ({found.max_share:.2%} allowed)"
    if found.observed is not None:
        return f"{number(found.observed)} observed by {found.type}{_range(found)}"
    return f"{found.type} is {'met' if found.success else 'not met'}"


def _range(found: ExpectationEvidence) -> str:
    if found.minimum is None and found.maximum is None:
        return ""
    if found.minimum == found.maximum:
        return f" (expected {number(found.minimum)})"
    if found.maximum is None:
        return f" (at least {number(found.minimum)})"
    if found.minimum is None:
        return f" (at most {number(found.maximum)})"
    return f" ({number(found.minimum)} to {number(found.maximum)})"


def _bound(found: ExpectationEvidence) -> float | None:
    """The end of the range that is broken; the only one, or the lower one, if none is."""
    over = None not in {found.observed, found.maximum} and found.observed >= found.maximum  # type: ignore[operator]
    return found.maximum if found.minimum is None or over else found.minimum


def _detail(found: ExpectationEvidence) -> dict[str, int]:
    counts = {"elements": found.elements, "missing": found.missing, "unexpected": found.unexpected}
    return {name: count for name, count in counts.items() if count is not None} if found.elements is not None else {}
