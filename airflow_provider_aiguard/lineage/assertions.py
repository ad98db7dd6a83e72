"""A verdict as OpenLineage's test results: assertions about a dataset, and tests of a run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from openlineage.client.facet_v2 import data_quality_assertions_dataset, test_run

from airflow_provider_aiguard.core.verdict import CheckResult, Outcome, Severity, Verdict, number
from airflow_provider_aiguard.lineage.sanitise import clean_text, finite, without_values

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

MAX_ASSERTIONS = 100
"""Most checks an event lists one by one, worst first; the rest is counted in one more."""

_MAX_TEXT = 250
_WORST_FIRST = (Outcome.BREACH, Outcome.UNDECIDED, Outcome.PASS)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A check as both facets say it.

    :param check: what was checked, such as ``drift.ks``.
    :param text: what was seen, with its numbers; unique for its column, because Marquez's page tells rows by it.
    :param success: whether it passed. Undecided is no success, and its text says so.
    :param severity: ``error`` or ``warn``.
    :param column: the column, ``None`` for the whole dataset.
    :param expected: the limit.
    :param actual: the number that was compared with it.
    """

    check: str
    text: str
    success: bool
    severity: str
    column: str | None = None
    expected: str | None = None
    actual: str | None = None


def findings(verdict: Verdict, names: Collection[str]) -> list[Finding]:
    """Turn a verdict's checks into findings, worst first; one finding that nothing could be checked if there are none.

    :param verdict: what the guard said.
    :param names: names that messages may quote. Whatever else is quoted could be a value out of a row and is hidden;
        ``CheckResult.detail`` is never sent.
    """
    if not verdict.checks:
        text = f"undecided: nothing could be checked by the {verdict.guard} guard"
        return [Finding(check=verdict.guard, text=text, success=False, severity=str(Severity.ERROR))]
    checks = sorted(verdict.checks, key=lambda check: _WORST_FIRST.index(check.outcome))
    known = {*names, verdict.guard, verdict.subject, *(check.column for check in checks if check.column)}
    listed = list(_unique(_finding(check, known) for check in checks[:MAX_ASSERTIONS]))
    return [*listed, *_rest(verdict.guard, checks[MAX_ASSERTIONS:])]


def assertions_facet(found: list[Finding]) -> data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet:
    """Make ``dataQualityAssertions`` for the ``inputFacets`` of the dataset that was judged.

    :param found: from :func:`findings`.
    """
    return data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(
        assertions=[
            data_quality_assertions_dataset.Assertion(
                assertion=finding.text,
                success=finding.success,
                column=finding.column,
                severity=finding.severity,
                name=finding.check,
                expected=finding.expected,
                actual=finding.actual,
                params=None,
            )
            for finding in found
        ]
    )


def test_facet(found: list[Finding]) -> test_run.TestRunFacet:
    """Make ``test`` for the run: the same, also where there is no dataset.

    :param found: from :func:`findings`.
    """
    return test_run.TestRunFacet(
        tests=[
            test_run.TestExecution(
                name=f"{finding.check} of {finding.column}" if finding.column else finding.check,
                # "skip" would mean not executed, and reads as harmless: an undecided check is not.
                status="pass" if finding.success else "fail",
                severity=finding.severity,
                type=finding.check,
                description=finding.text,
                expected=finding.expected,
                actual=finding.actual,
                params=None,
            )
            for finding in found
        ]
    )


def _finding(check: CheckResult, names: Collection[str]) -> Finding:
    mark = "undecided: " if check.outcome is Outcome.UNDECIDED else ""
    text = f"{mark}{check.check}: {without_values(check.message, names)}"
    return Finding(
        check=check.check,
        text=clean_text(text, _MAX_TEXT),
        success=check.outcome is Outcome.PASS,
        severity=str(check.severity),
        column=check.column,
        expected=None if finite(check.limit) is None else number(check.limit),
        actual=None if finite(check.value) is None else number(check.value),
    )


def _unique(found: Iterator[Finding]) -> Iterator[Finding]:
    seen: dict[tuple[str | None, str], int] = {}
    for finding in found:
        times = seen[finding.column, finding.text] = seen.get((finding.column, finding.text), 0) + 1
        yield finding if times == 1 else replace(finding, text=f"{finding.text} ({times})")


def _rest(guard: str, checks: list[CheckResult]) -> Iterator[Finding]:
    if checks:
        passed = sum(check.outcome is Outcome.PASS for check in checks)
        deciding = any(check.severity is Severity.ERROR for check in checks if check.outcome is not Outcome.PASS)
        yield Finding(
            check=guard,
            text=f"{len(checks)} more checks, of which {passed} passed",
            success=passed == len(checks),
            severity=str(Severity.ERROR if deciding or passed == len(checks) else Severity.WARN),
        )
