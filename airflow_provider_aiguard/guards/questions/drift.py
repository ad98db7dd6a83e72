"""Has the table moved away from what it was?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_aiguard.core.limits.drift import DriftLimits
from airflow_provider_aiguard.core.profile import VERSION, TableProfile
from airflow_provider_aiguard.core.reference import Reference, ReferenceKind
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.verdict import CheckResult, Verdict
from airflow_provider_aiguard.guards import drift as drift_guard
from airflow_provider_aiguard.guards import trailing, windows
from airflow_provider_aiguard.guards.distribution import distributions
from airflow_provider_aiguard.guards.judgement import undecided
from airflow_provider_aiguard.guards.questions.base import Question, Sources
from airflow_provider_aiguard.tables.profile import profile_table

if TYPE_CHECKING:
    from airflow_provider_aiguard.store.profiles import Batch, Profiles


@dataclass(frozen=True, kw_only=True)
class DriftQuestion(Question):
    """Has the table moved away from what it was?

    With a reference that moves, the judged batch is stored with its outcome, for the checks after it.

    :param table: the current rows.
    :param reference: what to compare with; a plain name is a stored baseline.
    :param limits: what counts as drift, and in which columns.
    :param sample: share of the rows to look at, in (0, 1]; ``None`` for all.
    :param cluster: column whose equal values make rows depend on each other.
    :param dependence: whether columns are also compared two by two.
    """

    guard: ClassVar[str] = "drift"
    table: Table
    reference: Reference
    limits: DriftLimits
    sample: float | None = None
    cluster: str | None = None
    dependence: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.reference, Reference):
            object.__setattr__(self, "reference", Reference.from_dict(self.reference))

    def checks(self, sources: Sources, identity: RunIdentity) -> Sequence[CheckResult]:
        """Profile the table on the reference's cells and compare."""
        if self.reference.moves:
            return self._judge_batch(sources, identity)
        stored, _ = sources.store.profiles.get(self.reference.name)
        reference = TableProfile.from_dict(stored)
        current = self._profile(sources, reference)
        self._draw(reference, current, sources, identity)
        return drift_guard.evaluate(reference, current, self.limits)

    def _draw(self, reference: TableProfile, current: TableProfile, sources: Sources, identity: RunIdentity) -> None:
        """Keep both distributions of each column, in a few cells, for the report."""
        found = distributions(reference.only(self.limits.columns or reference.columns), current)
        drawn = {"reference": self.reference.name, "columns": [distribution.to_dict() for distribution in found]}
        sources.store.measurements.save(f"{self.guard}/{self.subject}", drawn, identity=identity)

    def _judge_batch(self, sources: Sources, identity: RunIdentity) -> Sequence[CheckResult]:
        """Compare with the stored batches, and store this one."""
        store, name = sources.store.profiles, self.reference.name
        others = windows.others(store.batches(name), identity)
        window = windows.window(others, self.reference, identity)
        current = self._profile(sources, _oldest(store, others))
        if not current.rows:
            # As a batch it would teach the later ones nothing, and as the first one no cells.
            return [undecided(f"the current table {current.table!r} has no rows")]
        batches = _profiles(store, window)
        checks = self._compare(batches, current)
        if batches:
            together = batches[-1:] if self.reference.kind is ReferenceKind.PREVIOUS else batches
            self._draw(reduce(TableProfile.merge, together), current, sources, identity)
        outcome = Verdict(guard=self.guard, subject=self.subject, checks=tuple(checks)).outcome
        store.save(name, current.to_dict(), table=self.table.full_name, identity=identity, outcome=outcome)
        return checks

    def _compare(self, batches: Sequence[TableProfile], current: TableProfile) -> Sequence[CheckResult]:
        if not batches:
            alike = f" of the same {self.reference.season}" if self.reference.season else ""
            return [
                undecided(
                    f"{self.reference.name!r} has no earlier batch{alike} to compare with; this one is kept for those "
                    "after it"
                )
            ]
        if self.reference.kind is ReferenceKind.PREVIOUS:
            return drift_guard.evaluate(batches[-1], current, self.limits)
        return trailing.evaluate(batches, current, self.limits)

    def _profile(self, sources: Sources, reference: TableProfile | None) -> TableProfile:
        given = {"sample": self.sample, "cluster": self.cluster, "dependence": self.dependence or None}
        options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        with sources.connect(self.table.conn_id) as connection:
            return profile_table(connection, self.table, self.limits.columns or None, reference=reference, **options)

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return {
            "guard": self.guard,
            "table": self.table.to_dict(),
            "reference": self.reference.to_dict(),
            "limits": self.limits.to_dict(),
            "sample": self.sample,
            "cluster": self.cluster,
            "dependence": self.dependence,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> DriftQuestion:
        """The inverse of :meth:`to_dict`."""
        return cls(
            table=Table.from_dict(data["table"]),
            reference=Reference.from_dict(data["reference"]),
            limits=DriftLimits.from_dict(data["limits"]),
            sample=data.get("sample"),
            cluster=data.get("cluster"),
            dependence=data.get("dependence", False),
        )


def _profiles(store: Profiles, batches: Sequence[Batch]) -> list[TableProfile]:
    """Load them, without those that another release stored."""
    return [TableProfile.from_dict(data) for data in store.load(batches) if data.get("version") == VERSION]


def _oldest(store: Profiles, batches: Sequence[Batch]) -> TableProfile | None:
    """The profile whose cells all batches share; ``None`` if this is the first one."""
    return next((profile for batch in batches for profile in _profiles(store, [batch])), None)
