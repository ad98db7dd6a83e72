"""``aiguard_provenance`` on a dataset that was written: where its values came from, column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attr
from openlineage.client.facet_v2 import DatasetFacet
from openlineage.client.serde import Serde
from openlineage.client.utils import RedactMixin

from airflow_provider_aiguard.core.confidence import ConfidenceSummary
from airflow_provider_aiguard.core.provenance import Provenance
from airflow_provider_aiguard.core.run import MIXED as MIXED_SOURCES
from airflow_provider_aiguard.core.run import ColumnSummary, InferenceSummary, ModelIdentity
from airflow_provider_aiguard.lineage.facets.base import MAX_FACET_BYTES, link, ready, schema_url, short
from airflow_provider_aiguard.lineage.keys import PRODUCER
from airflow_provider_aiguard.lineage.sanitise import rounded, scrub

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

UNLABELLED = "unlabelled"
MIXED = "mixed"

_HISTOGRAM_BINS = 10
_PROVENANCES = tuple(str(p) for p in Provenance)


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
        return schema_url("AiguardProvenanceDatasetFacet", "1-0-0")


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
    sources = {c.confidence_source for c in seen}
    if not seen or len(sources) > 1 or MIXED_SOURCES in sources:
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
        model=short(summary.model.name),
        modelVersion=short(summary.model.version),
        runId=short(summary.run_id),
        rowCount=summary.rows,
        aiShare=rounded(counts[Provenance.AI_INFERRED] / cells) if cells else None,
        confidenceMean=rounded(confidence.mean),
        confidenceP10=rounded(confidence.quantile(0.1)),
        confidenceMissing=sum(c.confidence.missing for c in columns),
        columnCount=len(columns),
        columnsOmitted=len(columns),
        detailUri=link(run_url),
    )
    return _with_columns(ready(facet), summary)


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
        model=short(model.name) if inferred else None,
        modelVersion=short(model.version) if inferred else None,
    )
