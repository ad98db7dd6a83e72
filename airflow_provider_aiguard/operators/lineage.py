"""OpenLineage methods of every door. No SQL here: they run in a fork of the task while it waits."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.table import Table

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage

    from airflow_provider_aiguard.core.run import InferenceSummary, RunIdentity
    from airflow_provider_aiguard.hooks.sources import AirflowSources
    from airflow_provider_aiguard.lineage.datasets import DatasetField, DatasetName
    from airflow_provider_aiguard.lineage.events import Lineage
    from airflow_provider_aiguard.operators.links import MarquezLink, ReportLink

log = logging.getLogger(__name__)


class LineageMixin:
    """Gives an operator its OpenLineage methods.

    ``execute`` leaves a function that builds the lineage from what it saw; it is called only if events are sent.
    Nothing here fails a task: what goes wrong is a warning, and the event goes without our facets.
    """

    lineage_dataset: DatasetName | None = None
    build_lineage: Callable[..., Lineage] | None = None

    def lineage_inputs(self) -> list[Table]:
        """Tables read, as far as they are known before execution."""
        return []

    def show_lineage(self, dataset: DatasetName, *others: DatasetName) -> None:
        """Make a dataset the one of the button *Lineage in Marquez*; print the address of each into the task's log."""
        from airflow_provider_aiguard.operators.links import marquez_page

        if dataset == self.lineage_dataset:  # a sensor asks many times
            return
        self.lineage_dataset = dataset
        for shown in dict.fromkeys((dataset, *others)):
            page = marquez_page(shown)
            if page:
                log.info("Lineage of %s in Marquez: %s", shown.name, page)

    def gather_lineage(
        self, build: Callable[..., Lineage], table: Table, sources: AirflowSources, identity: RunIdentity
    ) -> None:
        """Gather what an event says of a table that was read as a whole, to be told with ``build``.

        :param build: takes ``table``, ``fields`` and ``written_by``.
        """
        try:
            from airflow_provider_aiguard.hooks.sources import dataset_name
            from airflow_provider_aiguard.tables.columns import read_columns

            dataset = dataset_name(table)
            self.show_lineage(dataset)
            with sources.connect(table.conn_id) as connection:
                fields = fields_of(read_columns(connection, table))
            writer = written_by(table, dataset, sources, identity)
            self.build_lineage = partial(build, table=dataset, fields=fields, written_by=writer)
        except Exception:
            log.warning("The lineage of table %r could not be gathered.", table.full_name, exc_info=True)

    def get_openlineage_facets_on_start(self) -> OperatorLineage[Any, Any] | None:
        """Inputs only: outputs on START would make Marquez count two versions of one run."""

        def build() -> Lineage:
            from airflow_provider_aiguard.hooks.sources import dataset_name_if_known
            from airflow_provider_aiguard.lineage.events import start_lineage

            names = [dataset_name_if_known(table) for table in self.lineage_inputs()]
            return start_lineage({name: [] for name in names if name is not None})

        return _operator_lineage(build)

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage[Any, Any] | None:  # noqa: ARG002
        """What the finished task read, wrote and found."""
        return _operator_lineage(self.build_lineage)

    def get_openlineage_facets_on_failure(self, task_instance: Any) -> OperatorLineage[Any, Any] | None:
        """What the failed task had seen: a breached guard's checks are the reason it failed."""
        return _operator_lineage(self.build_lineage, failed=task_instance)


def written_by(
    table: Table, name: DatasetName, sources: AirflowSources, identity: RunIdentity
) -> dict[DatasetName, InferenceSummary]:
    """The last run of this DAG that wrote a table, if there is one: who reads it repeats its descriptions.

    Marquez shows those of the event that named the dataset last.
    """
    writer = sources.store.runs.last_into(table.full_name, dag_id=identity.dag_id)
    return {} if writer is None else {name: writer}


def add_lineage(task: Any, build: Callable[..., Lineage]) -> None:
    """Have the event at the end of a task that is not ours also say this.

    What the task, its extractor or its hooks tell by themselves stays; of a dataset that both name, each facet of ours
    counts. Call it while the task runs: it is this one that the event asks.

    :param task: the running task.
    :param build: makes what is to be said, only if an event is sent.
    """
    from airflow.providers.openlineage.api import is_openlineage_active

    if is_openlineage_active():
        from airflow_provider_aiguard.operators.foreign_lineage import ask_us_too

        ask_us_too(task, partial(_operator_lineage, build))


def step_lineage(summary: InferenceSummary, **told: Any) -> Lineage:
    """Build the lineage of an AI step once an event asks for it: the facet classes load only then.

    :param summary: what the step did.
    :param told: see :func:`airflow_provider_aiguard.lineage.events.inference_lineage`.
    """
    from airflow_provider_aiguard.lineage.events import inference_lineage

    return inference_lineage(summary, **told)


def fields_of(columns: dict[str, Any]) -> list[DatasetField]:
    """Columns read from a database, as lineage describes them."""
    from airflow_provider_aiguard.lineage.datasets import DatasetField

    return [DatasetField(name, str(column.type)) for name, column in columns.items()]


def extra_links() -> tuple[ReportLink, MarquezLink]:
    """The buttons every door has."""
    from airflow_provider_aiguard.operators.links import MarquezLink, ReportLink

    return ReportLink(), MarquezLink()


def _operator_lineage(build: Callable[..., Lineage] | None, failed: Any = None) -> OperatorLineage[Any, Any] | None:
    lineage: Lineage | None = None
    try:
        lineage = build() if build else None
    except Exception:
        log.warning("The lineage of this task could not be told; its event goes without it.", exc_info=True)
    if failed is not None:
        _retell_error(failed, lineage)
    return None if lineage is None else _as_airflow_takes_it(lineage)


def _as_airflow_takes_it(lineage: Lineage) -> OperatorLineage[Any, Any]:
    from airflow.providers.openlineage.extractors import OperatorLineage

    return OperatorLineage(
        inputs=lineage.inputs,
        outputs=lineage.outputs,
        run_facets=lineage.run_facets,
        job_facets=lineage.job_facets,
    )


def _retell_error(task_instance: Any, lineage: Lineage | None) -> None:
    """Change the exception that Airflow is about to put into the event: in a fork, after it was logged."""
    try:
        from airflow_provider_aiguard.lineage.failure import retell

        error = task_instance.get_template_context().get("exception")
        if isinstance(error, BaseException):
            retell(error, lineage)
    except Exception:
        log.warning("The error of this task goes into its event as Airflow tells it.", exc_info=True)
