"""What a task's event says it read, wrote and found: OpenLineage objects out of core values.

Three rules of Marquez decide the shape. A dataset's version moves on COMPLETE only, and two different schemas within
one run make two versions: so START names inputs only. What is under ``outputFacets`` is never shown again: so facets
of outputs are under ``facets``. Descriptions are replaced by whatever event names the dataset last: so readers repeat
the writer's (``written_by``).

Events carry counts, means, quantiles and the numbers of checks, never a value out of a row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from openlineage.client.event_v2 import InputDataset, OutputDataset
from openlineage.client.facet_v2 import (
    DatasetFacet,
    JobFacet,
    RunFacet,
    data_quality_metrics_input_dataset,
    documentation_job,
)

from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.money import format_micros
from airflow_provider_aiguard.core.run import InferenceSummary, RunState
from airflow_provider_aiguard.core.verdict import Outcome, Verdict
from airflow_provider_aiguard.lineage.assertions import assertions_facet, findings, test_facet
from airflow_provider_aiguard.lineage.datasets import DatasetField, DatasetName
from airflow_provider_aiguard.lineage.facets import PRODUCER, PROVENANCE_KEY, RUN_KEY, provenance_facet, run_facet
from airflow_provider_aiguard.lineage.sanitise import clean_text, finite, scrub
from airflow_provider_aiguard.lineage.standard import (
    MAX_DOCUMENTATION,
    column_lineage,
    dataset_facets,
    provenance_tags,
    with_columns,
)

WrittenBy = Mapping[DatasetName, InferenceSummary]
"""The last finished run that wrote a dataset, where it is known. Repeating it keeps Marquez's descriptions alive."""


@dataclass(frozen=True)
class Lineage:
    """What Airflow's ``OperatorLineage`` takes, safe to send: no NaN, no NUL, our producer on every facet.

    :param inputs: datasets read.
    :param outputs: datasets written.
    :param run_facets: facets of the run, by key.
    :param job_facets: facets of the job, by key.
    """

    inputs: list[InputDataset] = field(default_factory=list)
    outputs: list[OutputDataset] = field(default_factory=list)
    run_facets: dict[str, RunFacet] = field(default_factory=dict)
    job_facets: dict[str, JobFacet] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("inputs", "outputs", "run_facets", "job_facets"):
            object.__setattr__(self, name, scrub(getattr(self, name), PRODUCER))


@dataclass(frozen=True, kw_only=True)
class ColumnNumbers:
    """What is known about a column, for ``dataQualityMetrics``; everything is optional.

    :param null_count: NULLs.
    :param distinct_count: different values.
    :param count: values that are not NULL.
    :param min: smallest number; of text or dates it would be a value out of a row, so they are not sent.
    :param max: largest number.
    :param quantiles: numbers by quantile in [0, 1].
    """

    null_count: int | None = None
    distinct_count: int | None = None
    count: int | None = None
    min: float | None = None
    max: float | None = None
    quantiles: Mapping[float, float] = field(default_factory=dict)


def start_lineage(
    inputs: Mapping[DatasetName, Sequence[DatasetField]], *, written_by: WrittenBy | None = None
) -> Lineage:
    """Say what a START event says: inputs, and no outputs.

    :param inputs: the columns of each dataset that will be read; none if they are not known yet.
    :param written_by: see :data:`WrittenBy`.
    """
    return Lineage(inputs=[_input(name, fields, written_by) for name, fields in inputs.items()])


def inference_lineage(
    summary: InferenceSummary,
    *,
    source: DatasetName,
    source_fields: Sequence[DatasetField],
    target: DatasetName,
    target_fields: Sequence[DatasetField],
    input_columns: Sequence[str],
    copied_columns: Sequence[str] = (),
    run_url: str | None = None,
    state: RunState = RunState.SUCCESS,
    budgets: Sequence[Budget] = (),
    written_by: WrittenBy | None = None,
) -> Lineage:
    """Say what the event at the end of an AI step says.

    A run that did not succeed names no outputs. Its event would not move the version, so provenance on it would not be
    seen, but it would replace the descriptions of the good version. The chunks it finished can be found by the
    ``targetNamespace`` and ``targetName`` of its ``aiguard_run``.

    :param summary: what the run did.
    :param source: the dataset read.
    :param source_fields: its columns in table order.
    :param target: the dataset written; may be the source.
    :param target_fields: its columns in table order, companions included.
    :param input_columns: the columns the model saw.
    :param copied_columns: key and carried columns, copied from the source to the target.
    :param run_url: where a person reads about the run.
    :param state: how the run ended.
    :param budgets: what its money was held against.
    :param written_by: see :data:`WrittenBy`; for the source.
    """
    done = state is RunState.SUCCESS
    known = {**(written_by or {}), **({target: summary} if done else {})}
    copied = () if source == target else tuple(copied_columns)
    read = with_columns(source_fields, [*input_columns, *copied])
    written = with_columns(target_fields, copied)
    output = OutputDataset(
        namespace=target.namespace,
        name=target.name,
        facets={
            **dataset_facets(written, summary),
            "columnLineage": column_lineage(
                summary, source=source, target=target, input_columns=input_columns, copied_columns=copied
            ),
            "tags": provenance_tags(summary.columns),
            PROVENANCE_KEY: provenance_facet(summary, run_url=run_url),
        },
    )
    run = run_facet(summary, target=target, state=state, budgets=budgets, run_url=run_url)
    return Lineage(
        inputs=[_input(source, written if done and source == target else read, known)],
        outputs=[output] if done else [],
        run_facets={RUN_KEY: run},
        job_facets=_documentation(_step_text(summary, state)),
    )


def guard_lineage(
    verdict: Verdict,
    *,
    table: DatasetName | None,
    fields: Sequence[DatasetField] = (),
    reference: str | None = None,
    also_read: Mapping[DatasetName, Sequence[DatasetField]] | None = None,
    written_by: WrittenBy | None = None,
) -> Lineage:
    """Say what a guard's event says, whatever its verdict: the dataset judged, each check an assertion.

    :param verdict: what the guard said.
    :param table: the dataset it judged; ``None`` for a budget, whose checks are in the run's ``test`` only.
    :param fields: its columns in table order.
    :param reference: name of the stored profile it was compared with.
    :param also_read: further datasets read: a reference table, the ground truth.
    :param written_by: see :data:`WrittenBy`.
    """
    others = also_read or {}
    names = {f.name for f in fields} | {f.name for more in others.values() for f in more}
    names |= {part for name in ([table] if table else []) + list(others) for part in (name.name, *name.name.split("."))}
    found = findings(verdict, names | ({reference} if reference else set()))
    judged = [_input(table, fields, written_by, dataQualityAssertions=assertions_facet(found))] if table else []
    return Lineage(
        inputs=judged + [_input(name, more, written_by) for name, more in others.items() if name != table],
        run_facets={"test": test_facet(found)},
        job_facets=_documentation(_guard_text(verdict, reference)),
    )


def profile_lineage(
    *,
    table: DatasetName,
    fields: Sequence[DatasetField],
    row_count: int | None = None,
    columns: Mapping[str, ColumnNumbers] | None = None,
    profile: str | None = None,
    written_by: WrittenBy | None = None,
) -> Lineage:
    """Say what the event of a profile says: the dataset that was read, with ``dataQualityMetrics``.

    :param table: the dataset.
    :param fields: its columns in table order.
    :param row_count: rows profiled.
    :param columns: what is known, by column.
    :param profile: name it is stored under.
    :param written_by: see :data:`WrittenBy`.
    """
    metrics = data_quality_metrics_input_dataset.DataQualityMetricsInputDatasetFacet(
        rowCount=row_count, columnMetrics={name: _metrics(numbers) for name, numbers in (columns or {}).items()}
    )
    text = f"Stores the profile {profile!r}" if profile else "Profiles a table"
    rows = "" if row_count is None else f", last of {row_count:,} rows"
    return Lineage(
        inputs=[_input(table, fields, written_by, dataQualityMetrics=metrics)],
        job_facets=_documentation(f"{text}{rows}."),
    )


def _input(
    name: DatasetName, fields: Sequence[DatasetField], written_by: WrittenBy | None, **input_facets: Any
) -> InputDataset:
    facets: dict[str, DatasetFacet] = dataset_facets(fields, (written_by or {}).get(name))
    return InputDataset(namespace=name.namespace, name=name.name, facets=facets, inputFacets=input_facets)


def _documentation(text: str) -> dict[str, JobFacet]:
    description = clean_text(text, MAX_DOCUMENTATION)
    return {"documentation": documentation_job.DocumentationJobFacet(description=description)}


def _step_text(summary: InferenceSummary, state: RunState) -> str:
    cost = "" if summary.cost_micros is None else f", {format_micros(summary.cost_micros)}"
    last = f"last run {state}: {summary.rows:,} rows{cost}."
    columns = ", ".join(summary.columns) or "nothing yet"
    return clean_text(f"AI step: {summary.model} writes {columns}", MAX_DOCUMENTATION - len(last) - 2) + f"; {last}"


def _guard_text(verdict: Verdict, reference: str | None) -> str:
    against = f" against {reference!r}" if reference else ""
    breaches, undecided = len(verdict.of(Outcome.BREACH)), len(verdict.of(Outcome.UNDECIDED))
    last = f"last verdict {verdict.outcome}: {len(verdict.checks)} checks, {breaches} breached, {undecided} undecided."
    head = clean_text(f"{verdict.guard} guard of {verdict.subject}{against}", MAX_DOCUMENTATION - len(last) - 2)
    return f"{head}; {last}"


def _metrics(numbers: ColumnNumbers) -> data_quality_metrics_input_dataset.ColumnMetrics:
    quantiles = {f"{q:g}": value for q, x in numbers.quantiles.items() if (value := finite(x)) is not None}
    return data_quality_metrics_input_dataset.ColumnMetrics(
        nullCount=numbers.null_count,
        distinctCount=numbers.distinct_count,
        count=numbers.count,
        min=finite(numbers.min),
        max=finite(numbers.max),
        quantiles=quantiles or None,
    )
