"""``aiguard_verdict`` on the run of a guard: what it said, and what that did to the task."""

from __future__ import annotations

from typing import Any, ClassVar

import attr
from openlineage.client.facet_v2 import RunFacet

from airflow_provider_aiguard.core.verdict import Outcome, Severity, Verdict
from airflow_provider_aiguard.lineage.facets.base import link, ready, schema_url, short
from airflow_provider_aiguard.lineage.sanitise import clean_text, rounded

EFFECTS = {"fail": "failed", "skip": "skipped", "warn": "warned"}
"""What a verdict that did not pass did to the task, by the policy that applied."""

_MAX_REASON = 500


@attr.define(kw_only=True)
class AiguardVerdictRunFacet(RunFacet):
    """What a guard said. Each check by itself is in the standard facets ``test`` and ``dataQualityAssertions``.

    :param guard: which guard.
    :param subject: what it judged: a table, or budgets.
    :param outcome: ``pass``, ``breach`` or ``undecided``.
    :param effect: what that did to the task: ``passed``, ``warned``, ``skipped`` or ``failed``. A task that skipped
        ends with COMPLETE: here one can tell.
    :param reason: the checks that decided it, with their numbers.
    :param checks: how many checks there were.
    :param passed: how many passed.
    :param breached: how many breached, those of severity ``warn`` too.
    :param undecided: how many could not be decided.
    :param reference: name of the stored profile it was compared with.
    :param check: the first check that decided.
    :param column: its column.
    :param value: the number it compared.
    :param limit: the limit it compared that with.
    :param detailUri: where a person reads more.
    """

    guard: str
    subject: str
    outcome: str
    effect: str
    reason: str | None = None
    checks: int
    passed: int
    breached: int
    undecided: int
    reference: str | None = None
    check: str | None = None
    column: str | None = None
    value: float | None = None
    limit: float | None = None
    detailUri: str | None = None  # noqa: N815

    _additional_skip_redact: ClassVar[list[str]] = [
        *("guard", "subject", "outcome", "effect", "reason", "reference", "check", "column", "detailUri"),
    ]

    @staticmethod
    def _get_schema() -> str:
        return schema_url("AiguardVerdictRunFacet", "1-0-0")


def verdict_facet(
    verdict: Verdict,
    *,
    policy: str = "fail",
    reason: str | None = None,
    reference: str | None = None,
    run_url: str | None = None,
) -> AiguardVerdictRunFacet:
    """Say what a guard said.

    :param verdict: what it said.
    :param policy: ``fail``, ``skip`` or ``warn``: what applied to an outcome that is no pass.
    :param reason: why, as text that may travel.
    :param reference: name of the stored profile it was compared with.
    :param run_url: where a person reads more; left out if it is no ASCII URL of at most 500 characters.
    """
    passed = verdict.outcome is Outcome.PASS
    return ready(
        AiguardVerdictRunFacet(
            guard=short(verdict.guard),
            subject=short(verdict.subject),
            outcome=str(verdict.outcome),
            effect="passed" if passed else EFFECTS[policy],
            reason=None if passed or reason is None else clean_text(reason, _MAX_REASON),
            checks=len(verdict.checks),
            passed=len(verdict.of(Outcome.PASS)),
            breached=len(verdict.of(Outcome.BREACH)),
            undecided=len(verdict.of(Outcome.UNDECIDED)),
            reference=None if reference is None else short(reference),
            detailUri=link(run_url),
            **({} if passed else _decided_by(verdict)),
        )
    )


def _decided_by(verdict: Verdict) -> dict[str, Any]:
    check = next((c for c in verdict.of(verdict.outcome) if c.severity is Severity.ERROR), None)
    if check is None:
        return {}
    return {
        "check": check.check,
        "column": None if check.column is None else short(check.column),
        "value": rounded(check.value, 6),
        "limit": rounded(check.limit, 6),
    }
