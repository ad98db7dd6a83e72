"""The two facets of our own: ``aiguard_provenance`` on a dataset that was written, ``aiguard_run`` on the run.

Both are flat, scalars first: Marquez shows the first level without a click. They hold aggregates, stay below
:data:`MAX_FACET_BYTES` each (every view of a dataset in Marquez carries all its facets), and are described by the JSON
Schemas beside this module.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any, ClassVar

import attr
from openlineage.client.facet_v2 import DatasetFacet, RunFacet
from openlineage.client.serde import Serde
from openlineage.client.utils import RedactMixin

from airflow_provider_aiguard import __version__
from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.confidence import ConfidenceSummary
from airflow_provider_aiguard.core.money import MICROS_PER_DOLLAR
from airflow_provider_aiguard.core.provenance import Provenance
from airflow_provider_aiguard.core.run import ColumnSummary, InferenceSummary, ModelIdentity, RunState
from airflow_provider_aiguard.lineage.datasets import DatasetName
from airflow_provider_aiguard.lineage.sanitise import clean_text, rounded, scrub

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROJECT_URL = "https://github.com/aiguard/airflow-provider-aiguard"
PRODUCER = f"{PROJECT_URL}/tree/v{__version__}"
"""What made the facets, at its version."""

SCHEMA_TAG = "v0.1.0"
"""The release that first published the schemas below. OpenLineage wants schema URLs immutable: this moves only
together with :data:`SCHEMA_VERSION`, not with each release."""
SCHEMA_VERSION = "1-0-0"
"""SchemaVer (MODEL-REVISION-ADDITION) of both schemas."""
SCHEMA_BASE_URL = f"{PROJECT_URL}/raw/{SCHEMA_TAG}/airflow_provider_aiguard/lineage/schemas/{SCHEMA_VERSION}"

PROVENANCE_KEY = "aiguard_provenance"
RUN_KEY = "aiguard_run"

MAX_FACET_BYTES = 20_000
"""Most bytes of one of our facets as JSON."""

UNLABELLED = "unlabelled"
MIXED = "mixed"

_MAX_TEXT = 120
_MAX_URL = 500
_HISTOGRAM_BINS = 10
_PROVENANCES = tuple(str(p) for p in Provenance)


def _url(facet: str) -> str:
    return f"{SCHEMA_BASE_URL}/{facet}.json#/$defs/{facet}"


def load_schema(facet: str) -> dict[str, Any]:
    """Read a facet's JSON Schema (draft 2020-12) as it is shipped, to validate events without a network.

    :param facet: class name of the facet, such as ``AiguardRunRunFacet``.
    """
    text = (files("airflow_provider_aiguard.lineage") / "schemas" / SCHEMA_VERSION / f"{facet}.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


@attr.define(kw_only=True)
class ColumnProvenance(RedactMixin):
    """What one run wrote into one column.

    :param name: the column.
    :param origin: its one provenance, ``mixed`` or ``unlabelled``.
    :param provenance: cells by provenance.
    :param confidenceMean: mean confidence of the inferred cells, in [0, 1].
    :param confidenceP10: a tenth of the confidences are below; to within 0.01, from below. P50 and P90 likewise.
    :param confidenceHistogram: inferred cells by confidence in ten equal bins over [0, 1].
    :param confidenceMissing: inferred cells without a confidence.
    :param confidenceSource: how the confidences were made.
    :param model: name of the model.
    :param modelVersion: version of the model.
    """

    name: str
    origin: str
    provenance: dict[str, int]
    confidenceMean: float | None = None  # noqa: N815
    confidenceP10: float | None = None  # noqa: N815
    confidenceP50: float | None = None  # noqa: N815
    confidenceP90: float | None = None  # noqa: N815
    confidenceHistogram: list[int] | None = None  # noqa: N815
    confidenceMissing: int | None = None  # noqa: N815
    confidenceSource: str | None = None  # noqa: N815
    model: str | None = None
    modelVersion: str | None = None  # noqa: N815

    # Airflow replaces text below names that look secret by ***: a column may be called `token_kind`.
    _skip_redact: ClassVar[list[str]] = [
        *("name", "origin", "provenance", "confidenceHistogram", "confidenceSource", "model", "modelVersion"),
    ]


@attr.define(kw_only=True)
class AiguardProvenanceDatasetFacet(DatasetFacet):
    """Where the values of a dataset came from, as the run that wrote this version saw it.

    :param origin: the one provenance of all cells written, ``mixed`` or ``unlabelled``.
    :param model: name of the model.
    :param modelVersion: version of the model.
    :param runId: the run, as the ``…__run`` columns hold it.
    :param rowCount: rows read.
    :param aiShare: inferred cells over all cells written, in [0, 1].
    :param confidenceMean: mean over all inferred cells; absent if the columns' confidences are of different sources.
    :param confidenceP10: a tenth of them are below.
    :param confidenceMissing: inferred cells without a confidence.
    :param columnCount: AI-touched columns.
    :param columnsOmitted: how many of them ``columns`` leaves out to stay small; 0 if it is complete.
    :param detailUri: where a person reads more.
    :param columns: the AI-touched columns, in table order.
    """

    origin: str
    model: str
    modelVersion: str  # noqa: N815
    runId: str  # noqa: N815
    rowCount: int  # noqa: N815
    aiShare: float | None = None  # noqa: N815
    confidenceMean: float | None = None  # noqa: N815
    confidenceP10: float | None = None  # noqa: N815
    confidenceMissing: int = 0  # noqa: N815
    columnCount: int = 0  # noqa: N815
    columnsOmitted: int = 0  # noqa: N815
    detailUri: str | None = None  # noqa: N815
    columns: list[ColumnProvenance] = attr.field(factory=list)

    _additional_skip_redact: ClassVar[list[str]] = ["origin", "model", "modelVersion", "runId", "detailUri", "columns"]

    @staticmethod
    def _get_schema() -> str:
        return _url("AiguardProvenanceDatasetFacet")


@attr.define(kw_only=True)
class AiguardRunRunFacet(RunFacet):
    """What one run of an AI step did, whether it succeeded or not.

    :param runId: the run, as the ``…__run`` columns hold it.
    :param state: ``success`` or ``failed``.
    :param model: name of the model.
    :param modelVersion: version of the model.
    :param fingerprint: sha256 of what decides the answers: code, weights or prompt.
    :param rows: rows read.
    :param inferred: rows with at least one inferred cell.
    :param rejects: rows the model failed on.
    :param rejectShare: rejects over the rows the model was asked for, in [0, 1].
    :param chunks: chunks that are safely written.
    :param costUsd: money spent; absent if no price was declared.
    :param seconds: wall-clock seconds, all of it.
    :param modelSeconds: seconds inside the model.
    :param budget: names of the budgets the money was held against, comma-separated.
    :param budgetLimitUsd: the smallest of their limits.
    :param targetNamespace: namespace of the dataset written. A failed run names no outputs, yet its finished chunks
        are there: here one can find them.
    :param targetName: name of the dataset written.
    :param detailUri: where a person reads more.
    """

    runId: str  # noqa: N815
    state: str
    model: str
    modelVersion: str  # noqa: N815
    fingerprint: str
    rows: int
    inferred: int
    rejects: int
    chunks: int
    rejectShare: float | None = None  # noqa: N815
    costUsd: float | None = None  # noqa: N815
    seconds: float | None = None
    modelSeconds: float | None = None  # noqa: N815
    budget: str | None = None
    budgetLimitUsd: float | None = None  # noqa: N815
    targetNamespace: str | None = None  # noqa: N815
    targetName: str | None = None  # noqa: N815
    detailUri: str | None = None  # noqa: N815

    _additional_skip_redact: ClassVar[list[str]] = [
        *("runId", "state", "model", "modelVersion", "fingerprint", "budget"),
        *("targetNamespace", "targetName", "detailUri"),
    ]

    @staticmethod
    def _get_schema() -> str:
        return _url("AiguardRunRunFacet")


def origin_of(provenance: Mapping[str, int]) -> str:
    """Name the one provenance of some cells, ``mixed`` if there are several, ``unlabelled`` if there is none.

    :param provenance: cells by provenance.

    >>> origin_of({"observed": 3, "ai_inferred": 0}), origin_of({"observed": 3, "ai_inferred": 1}), origin_of({})
    ('observed', 'mixed', 'unlabelled')
    """
    present = [p for p in _PROVENANCES if provenance.get(p)]
    return (present[0] if len(present) == 1 else MIXED) if present else UNLABELLED


def overall_confidence(columns: Sequence[ColumnSummary]) -> ConfidenceSummary | None:
    """Merge the confidences of all columns; ``None`` if there are none or their sources differ."""
    seen = [c for c in columns if c.confidence.count]
    if not seen or len({c.confidence_source for c in seen}) > 1:
        return None
    total = ConfidenceSummary()
    for column in seen:
        total = total.merge(column.confidence)
    return total


def provenance_facet(summary: InferenceSummary, *, run_url: str | None = None) -> AiguardProvenanceDatasetFacet:
    """Say what a run wrote, column by column; columns beyond :data:`MAX_FACET_BYTES` are counted, not listed.

    :param summary: what the run did.
    :param run_url: where a person reads more; left out if it is no ASCII URL of at most 500 characters.
    """
    columns = list(summary.columns.values())
    counts = {p: sum(c.provenance.get(p, 0) for c in columns) for p in _PROVENANCES}
    cells = sum(counts.values())
    confidence = overall_confidence(columns) or ConfidenceSummary()
    facet = AiguardProvenanceDatasetFacet(
        origin=origin_of(counts),
        model=_short(summary.model.name),
        modelVersion=_short(summary.model.version),
        runId=_short(summary.run_id),
        rowCount=summary.rows,
        aiShare=rounded(counts[Provenance.AI_INFERRED] / cells) if cells else None,
        confidenceMean=rounded(confidence.mean),
        confidenceP10=rounded(confidence.quantile(0.1)),
        confidenceMissing=sum(c.confidence.missing for c in columns),
        columnCount=len(columns),
        columnsOmitted=len(columns),
        detailUri=_link(run_url),
    )
    return _with_columns(scrub(facet, PRODUCER), summary)


def run_facet(
    summary: InferenceSummary,
    *,
    target: DatasetName,
    state: RunState = RunState.SUCCESS,
    budgets: Sequence[Budget] = (),
    run_url: str | None = None,
) -> AiguardRunRunFacet:
    """Say what a run did.

    :param summary: what the run did so far.
    :param target: the dataset it wrote.
    :param state: how it ended.
    :param budgets: what its money was held against.
    :param run_url: see :func:`provenance_facet`.
    """
    limits = [b.limit_amount / MICROS_PER_DOLLAR for b in budgets if b.unit == "usd"]
    facet = AiguardRunRunFacet(
        runId=_short(summary.run_id),
        state=str(state),
        model=_short(summary.model.name),
        modelVersion=_short(summary.model.version),
        fingerprint=_short(summary.model.fingerprint),
        rows=summary.rows,
        inferred=summary.inferred,
        rejects=summary.rejects,
        rejectShare=rounded(summary.reject_share),
        chunks=summary.chunks,
        costUsd=None if summary.cost_micros is None else summary.cost_micros / MICROS_PER_DOLLAR,
        seconds=rounded(summary.seconds),
        modelSeconds=rounded(summary.model_seconds),
        budget=_short(", ".join(sorted(b.name for b in budgets))) if budgets else None,
        budgetLimitUsd=min(limits) if limits else None,
        targetNamespace=clean_text(target.namespace, 1024),
        targetName=clean_text(target.name, 512),
        detailUri=_link(run_url),
    )
    scrubbed: AiguardRunRunFacet = scrub(facet, PRODUCER)
    return scrubbed


def _with_columns(facet: AiguardProvenanceDatasetFacet, summary: InferenceSummary) -> AiguardProvenanceDatasetFacet:
    # 100: the digits of columnsOmitted and the brackets, with room.
    left = MAX_FACET_BYTES - len(Serde.to_json(facet)) - 100
    for name, column in summary.columns.items():
        entry = scrub(_column(name, column, summary.model), PRODUCER)
        left -= len(Serde.to_json(entry)) + 2
        if left < 0:
            break
        facet.columns.append(entry)
        facet.columnsOmitted -= 1
    return facet


def _column(name: str, column: ColumnSummary, model: ModelIdentity) -> ColumnProvenance:
    confidence = column.confidence
    inferred = column.inferred > 0
    return ColumnProvenance(
        name=name,
        origin=origin_of(column.provenance),
        provenance={p: column.provenance[p] for p in _PROVENANCES if column.provenance.get(p)},
        confidenceMean=rounded(confidence.mean),
        confidenceP10=rounded(confidence.quantile(0.1)),
        confidenceP50=rounded(confidence.quantile(0.5)),
        confidenceP90=rounded(confidence.quantile(0.9)),
        confidenceHistogram=confidence.coarse(_HISTOGRAM_BINS) if confidence.count else None,
        confidenceMissing=confidence.missing,
        confidenceSource=column.confidence_source and str(column.confidence_source),
        model=_short(model.name) if inferred else None,
        modelVersion=_short(model.version) if inferred else None,
    )


def _short(text: str) -> str:
    return clean_text(text, _MAX_TEXT)


def _link(url: str | None) -> str | None:
    """Pass the URL on, unless cutting it or escaping it would break it."""
    return url if url and url.isascii() and url.isprintable() and " " not in url and len(url) <= _MAX_URL else None
