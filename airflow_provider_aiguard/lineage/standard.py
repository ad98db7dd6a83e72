"""OpenLineage's own facets for what an AI step wrote: a person who browses Marquez reads them without opening JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openlineage.client.facet_v2 import (
    DatasetFacet,
    column_lineage_dataset,
    documentation_dataset,
    schema_dataset,
    tags_dataset,
)

from airflow_provider_aiguard.core.money import format_micros
from airflow_provider_aiguard.core.provenance import Companions, Provenance
from airflow_provider_aiguard.core.run import ColumnSummary, InferenceSummary
from airflow_provider_aiguard.lineage.datasets import UNKNOWN_TYPE, DatasetField, DatasetName
from airflow_provider_aiguard.lineage.keys import PROVENANCE_KEY
from airflow_provider_aiguard.lineage.sanitise import clean_text, rounded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_DOCUMENTATION = 160
"""Characters of a dataset's description: what Marquez shows in one piece."""

MAX_EDGES = 2000
"""Most column-to-column edges of one event, about 500 KB."""

TAG_SOURCE = "AIGUARD"
CONFIDENCE_TAG = "aiguard_confidence"
LOOP_TAG = "aiguard_feedback_loop"

_MAX_MODEL = 80
_MAX_DESCRIPTION = 1000
_COMPANION_TEXTS = (
    "Provenance of {!r}: observed, human_annotated or ai_inferred",
    "Confidence of {!r} in [0, 1], NULL where it was observed",
    "Run that wrote {!r}",
)


def dataset_facets(
    fields: Sequence[DatasetField], written_by: InferenceSummary | None = None
) -> dict[str, DatasetFacet]:
    """Make ``schema``, and ``documentation`` if an AI step wrote the dataset.

    Marquez replaces descriptions by those of the latest event that names the dataset, reader or writer, and clears
    them if it has none. So a reader that knows the writer says the same again.

    :param fields: the columns in table order; without any there is no ``schema``.
    :param written_by: the run that last wrote the dataset, if it is known.
    """
    facets: dict[str, DatasetFacet] = {}
    described = describe_fields(fields, written_by) if written_by else list(fields)
    if described:
        facets["schema"] = schema_dataset.SchemaDatasetFacet(fields=[_schema_field(field) for field in described])
    if written_by:
        facets["documentation"] = documentation_dataset.DocumentationDatasetFacet(description=describe(written_by))
    return facets


def with_columns(fields: Sequence[DatasetField], names: Sequence[str]) -> list[DatasetField]:
    """Add those of ``names`` the fields lack, behind them: an edge without both its columns is not drawn."""
    known = {field.name for field in fields}
    return [*fields, *(DatasetField(name) for name in dict.fromkeys(names) if name not in known)]


def describe_fields(fields: Sequence[DatasetField], summary: InferenceSummary) -> list[DatasetField]:
    """Describe every AI-touched column and its companions, before the author's own.

    :param fields: the columns in table order; AI-touched columns that are missing are added.
    :param summary: the run that wrote them.
    """
    texts = {name: _column_text(column, summary) for name, column in summary.columns.items()}
    for name in summary.columns:
        companions = zip(Companions(name).names, _COMPANION_TEXTS, strict=True)
        texts.update({companion: text.format(name) for companion, text in companions})
    return [_described(field, texts.get(field.name)) for field in with_columns(fields, list(summary.columns))]


def describe(summary: InferenceSummary) -> str:
    """Say what a run wrote, in at most :data:`MAX_DOCUMENTATION` characters.

    :param summary: the run.
    """
    columns = "; ".join(f"{name}, {_confidence_text(c)}" for name, c in summary.columns.items() if c.inferred)
    cost = "" if summary.cost_micros is None else f" {format_micros(summary.cost_micros)}."
    rejects = f", {summary.rejects:,} rejected" if summary.rejects else ""
    tail = f". {summary.inferred:,} of {summary.rows:,} rows{rejects}.{cost}"
    head = f"AI-inferred by {_model(summary)}: {columns}" if columns else f"Nothing inferred by {_model(summary)}"
    return clean_text(head, MAX_DOCUMENTATION - len(tail)) + tail


def column_lineage(
    summary: InferenceSummary,
    *,
    source: DatasetName,
    target: DatasetName,
    input_columns: Sequence[str],
    copied_columns: Sequence[str] = (),
) -> column_lineage_dataset.ColumnLineageDatasetFacet:
    """From the input columns to every AI-touched column, and from copied columns to themselves.

    Said twice, as ``transformations`` and in the deprecated per-column form: Marquez keeps only the latter. Beyond
    :data:`MAX_EDGES` each AI-touched column names only the first input columns, and says how many there are.

    :param summary: the run.
    :param source: the dataset read.
    :param target: the dataset written; if it is the source, nothing was copied.
    :param input_columns: the columns the model saw.
    :param copied_columns: key and carried columns.
    """
    shown = input_columns[: max(1, MAX_EDGES // max(1, len(summary.columns)))]
    more = "" if len(shown) == len(input_columns) else f"; {len(shown)} of {len(input_columns)} input columns shown"
    fields = {
        name: column_lineage_dataset.Fields(
            inputFields=[
                _edge(source, column, "TRANSFORMATION", f"AI inference {_model(summary)}") for column in shown
            ],
            transformationType="AI_INFERRED",
            transformationDescription=f"{_model(summary)}, {_confidence_text(column_summary)}{more}",
        )
        for name, column_summary in summary.columns.items()
    }
    for name in () if source == target else copied_columns:
        fields[name] = column_lineage_dataset.Fields(
            inputFields=[_edge(source, name, "IDENTITY", "copied")],
            transformationType="IDENTITY",
            transformationDescription="copied",
        )
    return column_lineage_dataset.ColumnLineageDatasetFacet(fields=fields, dataset=None)


def provenance_tags(columns: Mapping[str, ColumnSummary]) -> tags_dataset.TagsDatasetFacet:
    """Tag each column and the dataset with the provenances present, each column also with its confidence bucket.

    :param columns: what was written, by column.
    """
    tags = []
    for name, column in columns.items():
        tags += [_tag(PROVENANCE_KEY, provenance, name) for provenance in _present(column)]
        bucket = confidence_bucket(column.confidence.mean)
        tags += [_tag(CONFIDENCE_TAG, bucket, name)] if bucket else []
    everywhere = {provenance for column in columns.values() for provenance in _present(column)}
    tags += [_tag(PROVENANCE_KEY, provenance) for provenance in sorted(everywhere)]
    return tags_dataset.TagsDatasetFacet(tags=tags)


def loop_tags(*, loop: bool) -> tags_dataset.TagsDatasetFacet:
    """Tag a training set: whether it descends from the model that is trained on it.

    :param loop: whether it does. That it does not takes an earlier tag off.
    """
    return tags_dataset.TagsDatasetFacet(tags=[_tag(LOOP_TAG, "true" if loop else "false")])


def confidence_bucket(mean: float | None) -> str | None:
    """Name the tenth of [0, 1] a mean confidence lies in; ``None`` without one.

    >>> confidence_bucket(0.86), confidence_bucket(1.0)
    ('0.80-0.90', '0.90-1.00')
    """
    value = rounded(mean)
    if value is None:
        return None
    cell = min(int(value * 10), 9)
    return f"{cell / 10:.2f}-{(cell + 1) / 10:.2f}"


def _schema_field(field: DatasetField) -> schema_dataset.SchemaDatasetFacetFields:
    description = field.description and clean_text(field.description, _MAX_DESCRIPTION)
    return schema_dataset.SchemaDatasetFacetFields(
        name=field.name, type=field.type or UNKNOWN_TYPE, description=description, fields=None
    )


def _described(field: DatasetField, text: str | None) -> DatasetField:
    if text is None:
        return field
    own = f" | {field.description}" if field.description else ""
    return DatasetField(field.name, field.type, text + own)


def _column_text(column: ColumnSummary, summary: InferenceSummary) -> str:
    cells = sum(column.provenance.values())
    if not column.inferred:
        return f"[{', '.join(_present(column)) or 'unlabelled'}] nothing inferred by {_model(summary)}"
    part = "" if column.inferred == cells else f", {column.inferred:,} of {cells:,} values"
    return f"[AI-inferred] {_model(summary)}, {_confidence_text(column)}{part}"


def _confidence_text(column: ColumnSummary) -> str:
    mean = rounded(column.confidence.mean)
    if mean is None:
        return "no confidence"
    missing = f", {column.confidence.missing:,} without" if column.confidence.missing else ""
    return f"mean confidence {mean:.2f} (p10 {column.confidence.quantile(0.1):.2f}{missing})"


def _present(column: ColumnSummary) -> list[str]:
    return [str(provenance) for provenance in Provenance if column.provenance.get(provenance)]


def _model(summary: InferenceSummary) -> str:
    return clean_text(str(summary.model), _MAX_MODEL)


def _tag(key: str, value: str, column: str | None = None) -> tags_dataset.TagsDatasetFacetFields:
    return tags_dataset.TagsDatasetFacetFields(key=key, value=value, source=TAG_SOURCE, field=column)


def _edge(source: DatasetName, column: str, subtype: str, description: str) -> column_lineage_dataset.InputField:
    transformation = column_lineage_dataset.Transformation(
        type="DIRECT", subtype=subtype, description=description, masking=False
    )
    return column_lineage_dataset.InputField(
        namespace=source.namespace, name=source.name, field=column, transformations=[transformation]
    )
