"""Evidence of an expectation suite: what Great Expectations found, in counts and without values of rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from airflow_provider_aiguard.core.verdict import Severity, Verdict


@dataclass(frozen=True, kw_only=True)
class ExpectationEvidence:
    """What one expectation found.

    :param type: type of the expectation, such as ``expect_column_values_to_not_be_null``.
    :param columns: the columns it is about, none for the whole table.
    :param success: what Great Expectations says.
    :param severity: whether it decides: ``critical`` does, ``warning`` and ``info`` do not.
    :param problem: why it could not be evaluated; ``None`` if it was. Free of values of rows.
    :param observed: the aggregate it compared, ``None`` if that was no number.
    :param nothing: whether the aggregate it should compare does not exist, as the mean of no values.
    :param minimum: lowest aggregate it allows.
    :param maximum: highest, likewise.
    :param elements: rows it looked at one by one; ``None`` if it does not.
    :param missing: those with NULL, which it does not judge.
    :param unexpected: those it does not allow.
    :param max_share: share of the judged rows that may be unexpected, in [0, 1].
    :param verdict: what a guard of this package said, where the expectation is one.
    """

    type: str
    columns: tuple[str, ...] = ()
    success: bool
    severity: Severity = Severity.ERROR
    problem: str | None = None
    observed: float | None = None
    nothing: bool = False
    minimum: float | None = None
    maximum: float | None = None
    elements: int | None = None
    missing: int = 0
    unexpected: int | None = None
    max_share: float = 0.0
    verdict: Verdict | None = None

    @property
    def judged(self) -> int | None:
        """Rows that were judged one by one, NULL left out; ``None`` if it does not look at rows."""
        return None if self.elements is None else self.elements - self.missing


@dataclass(frozen=True, kw_only=True)
class ExpectationsEvidence:
    """What a suite found in a table.

    :param rows: rows of the table.
    :param present: values that are not NULL, by column, for the columns that expectations name.
    :param expectations: one evidence an expectation.
    """

    rows: int
    present: Mapping[str, int] = field(default_factory=dict)
    expectations: tuple[ExpectationEvidence, ...] = ()
