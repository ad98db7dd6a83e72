"""Provenance of tasks that are not ours: one argument of any operator, and its event says what a model did.

``post_execute`` is Airflow's own: a function called after the task has succeeded, in the process that ran it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.run import ModelIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.operators.base import table_spec
from airflow_provider_aiguard.operators.lineage import add_lineage, fields_of, step_lineage

if TYPE_CHECKING:
    from airflow.sdk import Context
    from sqlalchemy import Connection

    from airflow_provider_aiguard.core.run import ColumnSummary, InferenceSummary, RunIdentity
    from airflow_provider_aiguard.hooks.sources import AirflowSources
    from airflow_provider_aiguard.lineage.datasets import DatasetField, DatasetName

log = logging.getLogger(__name__)

_MODEL_NAME = "__AIRFLOW__COMMON_AI_MODEL_NAME__"
"""XCom key under which the operators of Airflow's AI provider say which model answered."""


class AIStep:
    """Gives a task that a model had a part in what ours have: a run in the store, and its facets in the event.

    ``@task(post_execute=AIStep(...))``, ``LLMOperator(..., post_execute=AIStep())``: nothing else of the task changes,
    and what it says of its lineage by itself stays. Provenance and confidence are read from the companion columns of
    ``into``; without them every value there counts as inferred, without a confidence. It never fails the task.

    :param into: table the task wrote, or the path of a Parquet or CSV file: a text with a ``/``. May have templates.
    :param outputs: the columns of it that a model wrote.
    :param rows: table or file the model read, likewise.
    :param inputs: the columns of it that the model saw. Default: all but the key.
    :param model_name: name of the model. Default: what an operator of Airflow's AI provider said.
    :param model_version: version of the model. Default ``"unknown"``: a provider's name often has it.
    :param conn_id: connection of tables that name none.
    :param aiguard_conn_id: connection of the store.
    """

    def __init__(
        self,
        *,
        into: Table | str | None = None,
        outputs: Sequence[str] = (),
        rows: Table | str | None = None,
        inputs: Sequence[str] | None = None,
        model_name: str | None = None,
        model_version: str = "unknown",
        conn_id: str | None = None,
        aiguard_conn_id: str = "aiguard_default",
    ) -> None:
        if bool(outputs) != (into is not None):
            raise ConfigurationError(
                f"AIStep got into={into!r} and outputs={outputs!r}. Give both, the table and the columns that a model "
                "wrote, or neither."
            )
        self.into = None if into is None else _spec(into, conn_id)
        self.outputs = tuple(outputs)
        self.rows = None if rows is None else _spec(rows, conn_id)
        self.inputs = inputs
        self.model_name = model_name
        self.model_version = model_version
        self.aiguard_conn_id = aiguard_conn_id

    def __call__(self, context: Context, result: Any = None) -> None:  # noqa: ARG002  # Airflow gives both
        """Record the run, and have the event of this task say so."""
        try:
            self._tell(context)
        except Exception:
            log.warning("The provenance of this task could not be told; the task is not affected.", exc_info=True)

    def _tell(self, context: Context) -> None:
        from airflow_provider_aiguard.core.run import RunState
        from airflow_provider_aiguard.hooks.identity import identity_of, task_url
        from airflow_provider_aiguard.hooks.sources import AirflowSources

        identity = identity_of(context)
        into, rows = _rendered(self.into, context), _rendered(self.rows, context)
        with AirflowSources(self.aiguard_conn_id) as sources:
            summary = self._summary(identity, self._model(context), into, rows, sources)
            sources.store.runs.start(identity, summary.model, summary.source, summary.target)
            sources.store.runs.finish(RunState.SUCCESS, summary)
            (source, source_fields), (target, target_fields) = _described(rows, sources), _described(into, sources)
        seen = self.inputs
        if seen is None:
            seen = [f.name for f in source_fields if rows is None or f.name not in rows.key_columns]
        lineage = partial(
            step_lineage,
            summary,
            source=source,
            source_fields=source_fields,
            target=target,
            target_fields=target_fields,
            input_columns=seen,
            run_url=task_url(identity),
        )
        add_lineage(context["task"], lineage)

    def _model(self, context: Context) -> ModelIdentity:
        ti = context["ti"]
        name = self.model_name or ti.xcom_pull(key=_MODEL_NAME, task_ids=ti.task_id, map_indexes=ti.map_index)
        if not name:
            raise ConfigurationError(
                f"AIStep of task {ti.task_id!r} does not know which model answered. Give it model_name=."
            )
        return ModelIdentity(name=str(name), version=self.model_version, fingerprint="")

    def _summary(
        self,
        identity: RunIdentity,
        model: ModelIdentity,
        into: Table | None,
        rows: Table | None,
        sources: AirflowSources,
    ) -> InferenceSummary:
        from airflow_provider_aiguard.core.run import InferenceSummary

        read: dict[str, tuple[int, ColumnSummary]] = {}
        if into is not None:
            with _opened(into, sources) as (connection, table):
                read = {column: _column(connection, table, column) for column in self.outputs}
        columns = {name: column for name, (_, column) in read.items()}
        return InferenceSummary(
            run_id=identity.run_id,
            model=model,
            source=rows.full_name if rows else "",
            target=into.full_name if into else "",
            rows=max((n for n, _ in read.values()), default=0),
            inferred=max((column.inferred for column in columns.values()), default=0),
            columns=columns,
        )


class TrainingStep:
    """Says which tables a task trained a model on: ``@task(post_execute=TrainingStep(...))``.

    The model is then in the graph, between its training set and whatever it infers. A table that descends from what a
    model of this name inferred is tagged as a feedback loop, and named in the log. It never fails the task.

    :param model_name: name of the model, as ``@task.inference`` has it.
    :param model_version: its version, likewise.
    :param rows: table or file, or several, of the training set.
    :param fingerprint: sha256 of the model, if it is known before it is trained.
    :param conn_id: connection of tables that name none.
    :param aiguard_conn_id: connection of the store.
    """

    def __init__(
        self,
        *,
        model_name: str,
        model_version: str,
        rows: Table | str | Sequence[Table | str],
        fingerprint: str = "",
        conn_id: str | None = None,
        aiguard_conn_id: str = "aiguard_default",
    ) -> None:
        self.model = ModelIdentity(name=model_name, version=model_version, fingerprint=fingerprint)
        several = (rows,) if isinstance(rows, Table | str) else tuple(rows)
        self.rows = [_spec(table, conn_id) for table in several]
        self.aiguard_conn_id = aiguard_conn_id

    def __call__(self, context: Context, result: Any = None) -> None:  # noqa: ARG002  # Airflow gives both
        """Have the event of this task say what it trained on."""
        try:
            self._tell(context)
        except Exception:
            log.warning("The training set of this task could not be told; the task is not affected.", exc_info=True)

    def _tell(self, context: Context) -> None:
        from airflow_provider_aiguard.hooks.sources import AirflowSources

        with AirflowSources(self.aiguard_conn_id) as sources:
            described = [_described(_rendered(spec, context), sources) for spec in self.rows]
            inputs = {name: fields for name, fields in described if name is not None}
            loops = _loops(self.model, inputs, sources)
        add_lineage(context["task"], partial(_training_lineage, self.model, inputs, loops))


def _spec(table: Table | str, conn_id: str | None) -> dict[str, Any]:
    if isinstance(table, str) and "/" in table:
        return Table(table).to_dict()
    return table_spec(table, conn_id=conn_id)


def _rendered(spec: dict[str, Any] | None, context: Context) -> Table | None:
    return None if spec is None else Table.from_dict(context["task"].render_template(spec, context))


@contextmanager
def _opened(table: Table, sources: AirflowSources) -> Iterator[tuple[Connection, Table]]:
    """A connection, and the table on it; a file is a view of a DuckDB in memory."""
    if table.conn_id is not None:
        with sources.connect(table.conn_id) as connection:
            yield connection, table
        return
    from airflow_provider_aiguard.tables.files import open_files

    with open_files({"file": table.name}) as connection:
        yield connection, Table("file")


def _described(table: Table | None, sources: AirflowSources) -> tuple[DatasetName | None, list[DatasetField]]:
    from airflow_provider_aiguard.hooks.sources import dataset_name
    from airflow_provider_aiguard.lineage.datasets import file_dataset
    from airflow_provider_aiguard.tables.columns import read_columns

    if table is None:
        return None, []
    with _opened(table, sources) as (connection, found):
        fields = fields_of(read_columns(connection, found))
    return file_dataset(table.name) if table.conn_id is None else dataset_name(table), fields


def _column(connection: Any, table: Table, column: str) -> tuple[int, ColumnSummary]:
    """Rows, and what is in the column: by its companions if it has them."""
    from airflow_provider_aiguard.core.provenance import Companions
    from airflow_provider_aiguard.core.run import ColumnSummary
    from airflow_provider_aiguard.tables.columns import read_columns
    from airflow_provider_aiguard.tables.evidence import confidence_evidence, unlabelled_evidence

    companions = Companions(column)
    labelled = {companions.provenance, companions.confidence} <= read_columns(connection, table).keys()
    evidence = (confidence_evidence if labelled else unlabelled_evidence)(connection, table, column)
    return evidence.rows, ColumnSummary(provenance=evidence.provenance, confidence=evidence.confidence)


def _loops(model: ModelIdentity, inputs: Iterable[DatasetName], sources: AirflowSources) -> dict[DatasetName, bool]:
    """Whether each table descends from what a model of this name inferred, as far as events say."""
    from airflow_provider_aiguard.core.errors import NotRecordedError
    from airflow_provider_aiguard.core.lineage import dataset_node
    from airflow_provider_aiguard.lineage.loops import own_work

    known: dict[DatasetName, bool] = {}
    try:
        for name in inputs:
            with suppress(NotRecordedError):
                own = own_work(sources.store.graph.ancestors(dataset_node(name.namespace, name.name)), model.name)
                known[name] = own is not None
                if own is not None:
                    log.warning(
                        "A feedback loop: %s is trained on %s, which descends from %s.", model, name.name, own.node
                    )
    except Exception:
        log.warning("Whether the model is trained on its own work is not known.", exc_info=True)
    return known


def _training_lineage(
    model: ModelIdentity, inputs: dict[DatasetName, list[DatasetField]], loops: dict[DatasetName, bool]
) -> Any:
    from airflow_provider_aiguard.lineage.events import training_lineage

    return training_lineage(model, inputs, loops=loops)
