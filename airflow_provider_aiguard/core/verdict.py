"""What a guard says: checks, each with its outcome, and the verdict over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_aiguard.core.run import RunIdentity

_SHOWN = 3
"""Messages that fit into one line."""


class Outcome(StrEnum):
    """Three ways a check can end. ``undecided`` is never a pass."""

    PASS = "pass"  # noqa: S105
    BREACH = "breach"
    UNDECIDED = "undecided"


class Severity(StrEnum):
    """Whether a failed check decides the verdict (``error``) or is only shown (``warn``)."""

    ERROR = "error"
    WARN = "warn"


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """One check of one guard.

    :param check: what was checked, such as ``drift.ks`` or ``confidence.mean``.
    :param outcome: how it ended.
    :param message: one sentence with the numbers, in the field's units.
    :param column: the column it is about, ``None`` for the whole table.
    :param value: the number that was compared; ``None`` if there was none to compare.
    :param limit: the limit it was compared with.
    :param severity: whether it decides the verdict.
    :param detail: further numbers for machines (p-value, interval, smallest visible change).
    """

    check: str
    outcome: Outcome
    message: str
    column: str | None = None
    value: float | None = None
    limit: float | None = None
    severity: Severity = Severity.ERROR
    detail: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CheckResult:
        """The inverse of :meth:`to_dict`."""
        return cls(**{**data, "outcome": Outcome(data["outcome"]), "severity": Severity(data["severity"])})


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A guard's answer about one table or budget.

    :param guard: which guard: ``drift``, ``confidence``, ``budget`` or ``ground_truth``.
    :param subject: what it judged: the table's full name, or the budget's name.
    :param checks: the checks; none at all is ``undecided``.
    """

    guard: str
    subject: str
    checks: tuple[CheckResult, ...]

    @property
    def outcome(self) -> Outcome:
        """Breach if any deciding check breached, else undecided if any is, else pass."""
        deciding = [c.outcome for c in self.checks if c.severity is Severity.ERROR]
        if Outcome.BREACH in deciding:
            return Outcome.BREACH
        if Outcome.UNDECIDED in deciding or not self.checks:
            return Outcome.UNDECIDED
        return Outcome.PASS

    def of(self, outcome: Outcome) -> list[CheckResult]:
        """The checks that ended so."""
        return [check for check in self.checks if check.outcome is outcome]

    @property
    def summary(self) -> str:
        """One line for an error or a notification: the outcome and the checks that decided it."""
        head = f"{self.guard} of {self.subject!r}: {self.outcome}"
        deciding = [c.message for c in self.of(self.outcome) if c.severity is Severity.ERROR]
        if self.outcome is Outcome.PASS or not deciding:
            return head if self.checks else f"{head}. Nothing could be checked."
        shown = deciding[:_SHOWN]
        more = f" (and {len(deciding) - _SHOWN} more)" if len(deciding) > _SHOWN else ""
        return f"{head}. {'; '.join(shown)}{more}"

    def as_text(self) -> str:
        """The checks as a table for a log: outcome, check, column, value, limit, message; worst first."""
        order = {Outcome.BREACH: 0, Outcome.UNDECIDED: 1, Outcome.PASS: 2}
        checks = sorted(self.checks, key=lambda c: order[c.outcome])
        rows = [("outcome", "check", "column", "value", "limit", "what was seen")]
        rows += [_text_row(check) for check in checks]
        widths = [max(len(row[i]) for row in rows) for i in range(5)]
        lines = ["  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[5]]) for row in rows]
        return "\n".join([f"{self.guard} of {self.subject}: {self.outcome.upper()}", *lines])

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON; ``outcome`` is included for readers."""
        return {
            "guard": self.guard,
            "subject": self.subject,
            "outcome": str(self.outcome),
            "checks": [c.to_dict() for c in self.checks],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Verdict:
        """The inverse of :meth:`to_dict`."""
        checks = tuple(CheckResult.from_dict(c) for c in data["checks"])
        return cls(guard=data["guard"], subject=data["subject"], checks=checks)


@dataclass(frozen=True, kw_only=True)
class VerdictRecord:
    """A verdict as the store remembers it.

    :param identity: the task try that asked.
    :param recorded_at: when, with zone.
    :param verdict: what the guard said.
    """

    identity: RunIdentity
    recorded_at: datetime
    verdict: Verdict


def _text_row(check: CheckResult) -> tuple[str, str, str, str, str, str]:
    mark = str(check.outcome) if check.severity is Severity.ERROR else f"{check.outcome} (warn)"
    return mark, check.check, check.column or "-", number(check.value), number(check.limit), check.message


def number(value: float | None) -> str:
    """A number for people: four significant digits, ``-`` if there is none."""
    return "-" if value is None else f"{value:.4g}"
