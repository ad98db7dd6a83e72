"""A run: one execution of one AI step by one task try, and what it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from airflow_provider_aiguard.core.claims import Usage
from airflow_provider_aiguard.core.confidence import ConfidenceSummary
from airflow_provider_aiguard.core.latency import LatencySummary
from airflow_provider_aiguard.core.provenance import Provenance

MIXED = "mixed"
"""Confidence source of a column whose confidences were made in several ways: by the models of a cascade."""


@dataclass(frozen=True, kw_only=True)
class RunIdentity:
    """Who executed: ties a run to its task try, DAG run and lineage.

    :param run_id: id of this run, unique per task try; it is what ``c__run`` holds.
    :param dag_id: DAG of the task; empty outside Airflow.
    :param dag_run_id: Airflow's run id.
    :param task_id: task within the DAG.
    :param map_index: index of a mapped task, -1 if not mapped.
    :param try_number: Airflow's try, from 1.
    :param openlineage_run_id: run id in OpenLineage events, if lineage is on.
    :param logical_date: the DAG run's logical date, or the time it was run after, ISO 8601; empty outside Airflow.
    """

    run_id: str
    dag_id: str = ""
    dag_run_id: str = ""
    task_id: str = ""
    map_index: int = -1
    try_number: int = 1
    openlineage_run_id: str | None = None
    logical_date: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RunIdentity:
        """The inverse of :meth:`to_dict`."""
        return cls(**data)


@dataclass(frozen=True, kw_only=True)
class ModelIdentity:
    """Which model, exactly.

    :param name: name a person knows it by.
    :param version: version its owner gave it, or the first characters of the fingerprint.
    :param fingerprint: sha256 of what decides the answers: the code, the weights or the prompt.
    """

    name: str
    version: str
    fingerprint: str

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


class RunState(StrEnum):
    """How far a run got.

    One that was killed without a chance to say so stays ``running`` until the next try of its task marks it
    ``abandoned``.
    """

    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    ABANDONED = "abandoned"


@dataclass(frozen=True, kw_only=True)
class ColumnSummary:
    """What one run wrote into one column.

    :param provenance: cells by provenance.
    :param confidence: distribution of the confidences of the inferred cells.
    :param confidence_source: how the confidences were made, ``None`` if there are none, ``mixed`` if they are of
        several sources.
    """

    provenance: Mapping[str, int]
    confidence: ConfidenceSummary
    confidence_source: str | None = None

    @property
    def inferred(self) -> int:
        """Cells the model filled."""
        return self.provenance.get(Provenance.AI_INFERRED, 0)

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return {
            "provenance": dict(self.provenance),
            "confidence": self.confidence.to_dict(),
            "confidence_source": self.confidence_source,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ColumnSummary:
        """The inverse of :meth:`to_dict`."""
        return cls(
            provenance=dict(data["provenance"]),
            confidence=ConfidenceSummary.from_dict(data["confidence"]),
            confidence_source=data["confidence_source"],
        )


@dataclass(frozen=True, kw_only=True)
class ModelSummary:
    """What one model of a run did.

    :param model: which model.
    :param asked: rows it was sent.
    :param saved: rows it answered without being sent them, because equal work was paid for before.
    :param answered: rows with at least one cell it filled.
    :param cost_micros: money spent on it, in micro-dollars; ``None`` if no price was declared.
    :param seconds: seconds spent inside it.
    :param usage: requests and tokens, as far as it counts them.
    :param confidence_source: how its confidences were made, ``None`` if it gave none.
    """

    model: ModelIdentity
    asked: int = 0
    saved: int = 0
    answered: int = 0
    cost_micros: int | None = None
    seconds: float = 0.0
    usage: Usage = field(default_factory=Usage)
    confidence_source: str | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ModelSummary:
        """Read what ``asdict`` made."""
        return cls(**{**data, "model": ModelIdentity(**data["model"]), "usage": Usage(**data["usage"])})


@dataclass(frozen=True, kw_only=True)
class InferenceSummary:
    """What one run of an AI step did. Aggregates only: it goes to XCom, the store and lineage.

    :param run_id: see :class:`RunIdentity`.
    :param model: which model.
    :param source: full name of the table read.
    :param target: full name of the table written.
    :param rows: rows read.
    :param inferred: rows with at least one cell the model filled.
    :param rejects: rows the model failed on.
    :param not_processed: rows that were left out because a budget ran short; they are no rejects.
    :param degraded: rows answered by a cheaper model than the one they should have gone to, by why: ``outage``,
        ``budget``, or ``uncertified`` where the quality cannot be met and ``on_uncertified="accept"``.
    :param sample_share: share of the rows that was asked about at the end: 1 unless a budget ran short. The rows in it
        are a random sample, by key.
    :param sample_steps: from which row on which share was asked about, wherever it changed.
    :param chunks: chunks written.
    :param saved: rows that are answered and that no model was asked about, because equal work was paid for before.
    :param cost_micros: money spent, in micro-dollars; ``None`` if no price was declared.
    :param seconds: wall-clock seconds, all of it.
    :param model_seconds: seconds spent inside the model.
    :param usage: requests and tokens, as far as the model counts them.
    :param latency: how long its calls took.
    :param columns: what was written, by output column.
    :param models: what each model did, in the order they are asked.
    """

    run_id: str
    model: ModelIdentity
    source: str
    target: str
    rows: int = 0
    inferred: int = 0
    rejects: int = 0
    not_processed: int = 0
    degraded: Mapping[str, int] = field(default_factory=dict)
    sample_share: float = 1.0
    sample_steps: tuple[tuple[int, float], ...] = ()
    chunks: int = 0
    saved: int = 0
    cost_micros: int | None = None
    seconds: float = 0.0
    model_seconds: float = 0.0
    usage: Usage = field(default_factory=Usage)
    latency: LatencySummary = field(default_factory=LatencySummary)
    columns: Mapping[str, ColumnSummary] = field(default_factory=dict)
    models: tuple[ModelSummary, ...] = ()

    @property
    def asked(self) -> int:
        """Questions asked: rows that a model was sent. Those that were saved are not among them."""
        if self.models:
            return sum(model.asked for model in self.models)
        return self.inferred + self.rejects - self.saved

    @property
    def written(self) -> int:
        """Rows that are in the target: neither rejected nor left out."""
        return self.rows - self.rejects - self.not_processed

    def sample_share_at(self, row: int) -> float:
        """Give the share that was asked about from some row of the table on; 0 beyond the last row that was read."""
        if row >= self.rows:
            return 0.0
        return next((share for start, share in reversed(self.sample_steps) if start <= row), 1.0)

    @property
    def models_that_were_asked(self) -> list[ModelIdentity]:
        """Whose answers can be in the table: what a cascade did not need is not among them."""
        used = [m.model for m in self.models if m.asked or m.answered]
        return used or [m.model for m in self.models[:1]] or [self.model]

    @property
    def reject_share(self) -> float:
        """Rejected rows over the rows the model was asked for; 0 if it was asked for none."""
        asked = self.inferred + self.rejects
        return self.rejects / asked if asked else 0.0

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        data = asdict(self)
        data["columns"] = {name: column.to_dict() for name, column in self.columns.items()}
        data["latency"] = self.latency.to_dict()
        data["models"] = list(data["models"])
        data["sample_steps"] = [list(step) for step in self.sample_steps]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> InferenceSummary:
        """The inverse of :meth:`to_dict`."""
        return cls(
            **{
                **data,
                "model": ModelIdentity(**data["model"]),
                "columns": {n: ColumnSummary.from_dict(c) for n, c in data["columns"].items()},
                # Runs that were recorded before these were counted have none.
                "usage": Usage(**data.get("usage", {})),
                "latency": LatencySummary.from_dict(data["latency"]) if "latency" in data else LatencySummary(),
                "models": tuple(ModelSummary.from_dict(model) for model in data.get("models", ())),
                "sample_steps": tuple((row, share) for row, share in data.get("sample_steps", ())),
            }
        )


def run_of_model(run_id: str, position: int, models: int) -> str:
    """Give what ``c__run`` holds for a cell of one of several models: the run, and which of its models.

    >>> run_of_model("r1", 0, 1), run_of_model("r1", 1, 2)
    ('r1', 'r1#2')

    :param run_id: the run.
    :param position: position of the model among ``InferenceSummary.models``.
    :param models: how many there are.
    """
    return run_id if models == 1 else f"{run_id}#{position + 1}"


def split_run(run: str) -> tuple[str, int | None]:
    """Read what :func:`run_of_model` wrote: the run, and the position of its model, ``None`` if it has but one.

    >>> split_run("r1"), split_run("r1#2")
    (('r1', None), ('r1', 1))
    """
    run_id, mark, number = run.rpartition("#")
    return (run_id, int(number) - 1) if mark and number.isdecimal() and int(number) else (run, None)


@dataclass(frozen=True, kw_only=True)
class Reject:
    """A row the model failed on: kept in the store, never a silent NULL.

    :param key: the row's key columns and values, as text.
    :param reason: short machine-readable cause, such as ``no_value``.
    :param detail: what a person needs to understand it; no row values beyond the key.
    """

    key: Mapping[str, str]
    reason: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """A run as the store remembers it.

    :param identity: who executed.
    :param state: how far it got.
    :param started_at: start, with zone.
    :param finished_at: end, with zone; ``None`` while running or if it was killed.
    :param summary: what it did so far.
    """

    identity: RunIdentity
    state: RunState
    started_at: datetime
    finished_at: datetime | None
    summary: InferenceSummary
