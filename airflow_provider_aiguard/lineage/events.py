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
    data_quality_metrics_dataset,
    data_quality_metrics_input_dataset,
    documentation_job,
    output_statistics_output_dataset,
    source_code_job,
)

from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.money import format_micros
from airflow_provider_aiguard.core.run import InferenceSummary, ModelIdentity, RunState
from airflow_provider_aiguard.core.verdict import Outcome, Severity, Verdict
from airflow_provider_aiguard.lineage.assertions import Finding, assertions_facet, findings, test_facet
from airflow_provider_aiguard.lineage.datasets import DatasetField, DatasetName, model_dataset
from airflow_provider_aiguard.lineage.facets.cost import cost_facet
from airflow_provider_aiguard.lineage.facets.provenance import provenance_facet
from airflow_provider_aiguard.lineage.facets.run import run_facet
from airflow_provider_aiguard.lineage.facets.verdict import EFFECTS, verdict_facet
from airflow_provider_aiguard.lineage.keys import COST_KEY, PRODUCER, PROVENANCE_KEY, RUN_KEY, VERDICT_KEY
from airflow_provider_aiguard.lineage.model import model_facets
from airflow_provider_aiguard.lineage.sanitise import clean_text, finite, scrub
from airflow_provider_aiguard.lineage.standard import (
    MAX_DOCUMENTATION,
    column_lineage,
    dataset_facets,
    loop_tags,
    provenance_tags,
    with_columns,
)

_MAX_SOURCE = 10_000
_SHOWN = 3
"""Failed checks that fit into one line."""

WrittenBy = Mapping[DatasetName, InferenceSummary]
"""The last finished run that wrote a dataset, where it is known. Repeating it keeps Marquez's descriptions alive."""


@dataclass(frozen=True)
class Lineage:
    """What Airflow's ``OperatorLineage`` takes, safe to send: no NaN, no NUL, our producer on every facet.

    :param inputs: datasets read.
    :param outputs: datasets written.
    :param run_facets: facets of the run, by key.
    :param job_facets: facets of the job, by key.
    :param reason: why the task failed, if it was a verdict; it may travel.
    :param names: names that a message may quote.
    """

    inputs: list[InputDataset] = field(default_factory=list)
    outputs: list[OutputDataset] = field(default_factory=list)
    run_facets: dict[str, RunFacet] = field(default_factory=dict)
    job_facets: dict[str, JobFacet] = field(default_factory=dict)
    reason: str | None = None
    names: frozenset[str] = frozenset()

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
    source: DatasetName | None,
    source_fields: Sequence[DatasetField] = (),
    target: DatasetName | None,
    target_fields: Sequence[DatasetField] = (),
    input_columns: Sequence[str] = (),
    copied_columns: Sequence[str] = (),
    run_url: str | None = None,
    state: RunState = RunState.SUCCESS,
    budgets: Sequence[Budget] = (),
    refusal: Verdict | None = None,
    source_code: str | None = None,
    written_by: WrittenBy | None = None,
) -> Lineage:
    """Say what the event at the end of an AI step says.

    Each model that was asked is an input, as a dataset of its own.

    A run that did not succeed names no outputs. Its event would not move the version, so provenance on it would not be
    seen, but it would replace the descriptions of the good version. The chunks it finished can be found by the
    ``targetNamespace`` and ``targetName`` of its ``aiguard_run``.

    :param summary: what the run did.
    :param source: the dataset read, if it is one.
    :param source_fields: its columns in table order.
    :param target: the dataset written, if it is one; may be the source.
    :param target_fields: its columns in table order, companions included.
    :param input_columns: the columns the model saw.
    :param copied_columns: key and carried columns, copied from the source to the target.
    :param run_url: where a person reads about the run.
    :param state: how the run ended.
    :param budgets: what its money was held against.
    :param refusal: the budget's verdict, if it ended the run.
    :param source_code: the model's, if it is a Python function and its source may be sent.
    :param written_by: see :data:`WrittenBy`; for the source.
    """
    done = state is RunState.SUCCESS
    known = {**(written_by or {}), **({target: summary} if done and target else {})}
    copied = () if source == target else tuple(copied_columns)
    read = with_columns(source_fields, [*input_columns, *copied])
    written = with_columns(target_fields, copied)
    outputs = []
    if done and target:
        came = _column_lineage(summary, source, target, input_columns, copied)
        outputs = [_output(summary, target, written, came, run_url)]
    names = _names([d for d in (source, target) if d], [read, written])
    models = summary.models_that_were_asked
    names |= {budget.name for budget in budgets} | {summary.model.name, *(model.name for model in models)}
    found = findings(refusal, names) if refusal else []
    sources = [_input(source, written if done and source == target else read, known)] if source else []
    return Lineage(
        inputs=[*sources, *map(model_input, models)],
        outputs=outputs,
        run_facets={
            RUN_KEY: run_facet(summary, target=target, state=state, run_url=run_url),
            COST_KEY: cost_facet(summary, budgets=budgets, run_url=run_url),
            **(_verdict_facets(refusal, found, run_url=run_url) if refusal else {}),
        },
        job_facets={**_documentation(_step_text(summary, state)), **_source_code(source_code)},
        reason=_reason(refusal, found) if refusal else None,
        names=names,
    )


def training_lineage(
    model: ModelIdentity,
    inputs: Mapping[DatasetName, Sequence[DatasetField]],
    *,
    loops: Mapping[DatasetName, bool] | None = None,
    written_by: WrittenBy | None = None,
) -> Lineage:
    """Say what the event of a training says: the training set read, and the model written as a dataset.

    :param model: the model.
    :param inputs: the columns of each dataset it learnt from.
    :param loops: whether a dataset descends from this model, where it is known.
    :param written_by: see :data:`WrittenBy`.
    """
    name = model_dataset(model.name, model.version)
    read = {dataset: _input(dataset, fields, written_by) for dataset, fields in inputs.items()}
    for dataset, loop in (loops or {}).items():
        read[dataset].facets = {**(read[dataset].facets or {}), "tags": loop_tags(loop=loop)}
    return Lineage(
        inputs=list(read.values()),
        outputs=[OutputDataset(namespace=name.namespace, name=name.name, facets=model_facets(model))],
        job_facets=_documentation(f"Trains {model}"),
    )


def guard_lineage(
    verdict: Verdict,
    *,
    table: DatasetName | None,
    fields: Sequence[DatasetField] = (),
    reference: str | None = None,
    also_read: Mapping[DatasetName, Sequence[DatasetField]] | None = None,
    policy: str = "fail",
    run_url: str | None = None,
    written_by: WrittenBy | None = None,
) -> Lineage:
    """Say what a guard's event says, whatever its verdict: the dataset judged, each check an assertion.

    :param verdict: what the guard said.
    :param table: the dataset it judged; ``None`` for a budget, whose checks are in the run's ``test`` only.
    :param fields: its columns in table order.
    :param reference: name of the stored profile it was compared with.
    :param also_read: further datasets read: a reference table, the ground truth.
    :param policy: ``fail``, ``skip`` or ``warn``: what applied to an outcome that is no pass.
    :param run_url: where a person reads about the run.
    :param written_by: see :data:`WrittenBy`.
    """
    others = also_read or {}
    names = _names([*([table] if table else []), *others], [fields, *others.values()])
    names |= {reference} if reference else set()
    found = findings(verdict, names)
    judged = [_input(table, fields, written_by, dataQualityAssertions=assertions_facet(found))] if table else []
    return Lineage(
        inputs=judged + [_input(name, more, written_by) for name, more in others.items() if name != table],
        run_facets=_verdict_facets(verdict, found, policy=policy, reference=reference, run_url=run_url),
        job_facets=_documentation(_guard_text(verdict, reference, policy)),
        reason=_reason(verdict, found),
        names=names,
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


def _output(
    summary: InferenceSummary,
    target: DatasetName,
    fields: Sequence[DatasetField],
    came: dict[str, DatasetFacet],
    run_url: str | None,
) -> OutputDataset:
    rows = summary.written
    return OutputDataset(
        namespace=target.namespace,
        name=target.name,
        facets={
            **dataset_facets(fields, summary),
            **came,
            "dataQualityMetrics": _written_metrics(summary),
            "tags": provenance_tags(summary.columns),
            PROVENANCE_KEY: provenance_facet(summary, run_url=run_url),
        },
        outputFacets={
            "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=rows)
        },
    )


def _column_lineage(
    summary: InferenceSummary,
    source: DatasetName | None,
    target: DatasetName,
    input_columns: Sequence[str],
    copied: Sequence[str],
) -> dict[str, DatasetFacet]:
    if source is None:
        return {}
    came = column_lineage(summary, source=source, target=target, input_columns=input_columns, copied_columns=copied)
    return {"columnLineage": came}


def model_input(model: ModelIdentity) -> InputDataset:
    """Name a model as what a run read."""
    name = model_dataset(model.name, model.version)
    return InputDataset(namespace=name.namespace, name=name.name, facets=model_facets(model))


def _input(
    name: DatasetName, fields: Sequence[DatasetField], written_by: WrittenBy | None, **input_facets: Any
) -> InputDataset:
    facets: dict[str, DatasetFacet] = dataset_facets(fields, (written_by or {}).get(name))
    return InputDataset(namespace=name.namespace, name=name.name, facets=facets, inputFacets=input_facets)


def _source_code(source: str | None) -> dict[str, JobFacet]:
    if not source:
        return {}
    cut = clean_text(source, _MAX_SOURCE)
    return {"sourceCode": source_code_job.SourceCodeJobFacet(language="python", sourceCode=cut)}


def _names(datasets: Sequence[DatasetName], fields: Sequence[Sequence[DatasetField]]) -> frozenset[str]:
    """Names of datasets, whole and in parts, and of their columns."""
    parts = {part for dataset in datasets for part in (dataset.name, *dataset.name.split("."))}
    return frozenset(parts | {field.name for more in fields for field in more})


def _verdict_facets(verdict: Verdict, found: list[Finding], **told: Any) -> dict[str, RunFacet]:
    facet = verdict_facet(verdict, reason=_reason(verdict, found), **told)
    return {"test": test_facet(found), VERDICT_KEY: facet}


def _reason(verdict: Verdict, found: list[Finding]) -> str | None:
    """The verdict in one line, without values out of rows; ``None`` for a pass."""
    if verdict.outcome is Outcome.PASS:
        return None
    deciding = [f.text for f in found if not f.success and f.severity == Severity.ERROR]
    more = f" (and {len(deciding) - _SHOWN} more)" if len(deciding) > _SHOWN else ""
    return f"{verdict.guard} guard of {verdict.subject}: {verdict.outcome}. {'; '.join(deciding[:_SHOWN])}{more}"


def _documentation(text: str) -> dict[str, JobFacet]:
    description = clean_text(text, MAX_DOCUMENTATION)
    return {"documentation": documentation_job.DocumentationJobFacet(description=description)}


def _step_text(summary: InferenceSummary, state: RunState) -> str:
    cost = "" if summary.cost_micros is None else f", {format_micros(summary.cost_micros)}"
    last = f"last run {state}: {summary.rows:,} rows{cost}."
    columns = ", ".join(summary.columns) or "nothing yet"
    return clean_text(f"AI step: {summary.model} writes {columns}", MAX_DOCUMENTATION - len(last) - 2) + f"; {last}"


def _guard_text(verdict: Verdict, reference: str | None, policy: str) -> str:
    against = f" against {reference!r}" if reference else ""
    breaches, undecided = len(verdict.of(Outcome.BREACH)), len(verdict.of(Outcome.UNDECIDED))
    effect = "" if verdict.outcome is Outcome.PASS else f", task {EFFECTS[policy]}"
    checks = f"{len(verdict.checks)} checks, {breaches} breached, {undecided} undecided"
    last = f"last verdict {verdict.outcome}{effect}: {checks}."
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


def _written_metrics(summary: InferenceSummary) -> data_quality_metrics_dataset.DataQualityMetricsDatasetFacet:
    return data_quality_metrics_dataset.DataQualityMetricsDatasetFacet(
        rowCount=summary.written,
        columnMetrics={
            name: data_quality_metrics_dataset.ColumnMetrics(count=sum(column.provenance.values()), quantiles=None)
            for name, column in summary.columns.items()
        },
    )
