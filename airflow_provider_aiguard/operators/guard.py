"""What the check operators share: ask a question once, make the verdict known, let it decide."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.verdict import Outcome, Verdict
from airflow_provider_aiguard.operators.base import Policy, airflow_errors, check_policy, deliver
from airflow_provider_aiguard.operators.lineage import LineageMixin, extra_links, fields_of, written_by

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_aiguard.core.run import RunIdentity
    from airflow_provider_aiguard.guards.questions.base import Question
    from airflow_provider_aiguard.hooks.sources import AirflowSources
    from airflow_provider_aiguard.lineage.datasets import DatasetField


class GuardLineage(LineageMixin):
    """Lineage of a door that asks a guard."""

    on_breach: Policy
    on_undecided: Policy

    if TYPE_CHECKING:

        def question(self) -> Question:
            """The question, from the rendered arguments."""

    def lineage_inputs(self) -> list[Table]:
        """The judged table, if it is one, and the truth, serving side or reference rows it is compared with."""
        question = self.question()
        return [table for table in (question.table, _truth(question)) if table is not None]

    def remember_lineage(self, verdict: Verdict, sources: AirflowSources, identity: RunIdentity) -> None:
        """Keep what the event of this task will say. Never fails the task."""
        try:
            self.build_lineage = self._lineage_builder(verdict, sources, identity)
        except Exception:
            self.log.warning("The lineage of this check could not be gathered.", exc_info=True)  # type: ignore[attr-defined]

    def _lineage_builder(self, verdict: Verdict, sources: AirflowSources, identity: RunIdentity) -> partial[Any]:
        from airflow_provider_aiguard.hooks.identity import task_url
        from airflow_provider_aiguard.hooks.sources import dataset_name

        question = self.question()
        table = question.table
        told = {"policy": self._policy(verdict), "run_url": task_url(identity)}
        if table is None:
            return partial(_guard_lineage, verdict, table=None, **told)
        judged, truth = dataset_name(table), _truth(question)
        also_read = {} if truth is None else {dataset_name(truth): _fields(truth, sources)}
        self.show_lineage(judged, *also_read)
        return partial(
            _guard_lineage,
            verdict,
            table=judged,
            fields=_fields(table, sources),
            reference=_reference(question),
            also_read=also_read,
            written_by=written_by(table, judged, sources, identity),
            **told,
        )

    def _policy(self, verdict: Verdict) -> Policy:
        return self.on_breach if verdict.outcome is Outcome.BREACH else self.on_undecided


class GuardOperator(GuardLineage, BaseOperator):
    """Asks a guard once and lets the verdict decide about the task. Base of the check operators.

    :param on_breach: what a breach does: ``"fail"`` (default) without a retry, ``"skip"`` this task, so that
        downstream follows its trigger rule, or ``"warn"`` and go on.
    :param on_undecided: the same for a verdict that could not be reached: no data, no reference, too few rows.
        Default ``"fail"``: not knowing is not passing.
    :param conn_id: connection of a table that names none.
    :param aiguard_conn_id: connection of the store.
    """

    operator_extra_links = extra_links()
    ui_color = "#fce8c9"

    def __init__(
        self,
        *,
        on_breach: Policy = "fail",
        on_undecided: Policy = "fail",
        conn_id: str | None = None,
        aiguard_conn_id: str = "aiguard_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.on_breach = check_policy("on_breach", on_breach)
        self.on_undecided = check_policy("on_undecided", on_undecided)
        self.conn_id = conn_id
        self.aiguard_conn_id = aiguard_conn_id

    def question(self) -> Question:
        """The question, from the rendered arguments."""
        raise NotImplementedError(f"{type(self).__name__} asks nothing.")

    def execute(self, context: Context) -> dict[str, Any]:
        """Ask, make the verdict known, and return it unless it fails or skips the task."""
        from airflow_provider_aiguard.hooks.identity import identity_of
        from airflow_provider_aiguard.hooks.sources import AirflowSources

        with airflow_errors(), AirflowSources(self.aiguard_conn_id) as sources:
            identity = identity_of(context)
            verdict = self.question().ask(sources, identity)
            self.remember_lineage(verdict, sources, identity)
            return deliver(
                verdict,
                context,
                store=sources.store,
                identity=identity,
                on_breach=self.on_breach,
                on_undecided=self.on_undecided,
            )


def _truth(question: Question) -> Table | None:
    names = ("truth", "serving", "reference_rows")
    return next((table for table in (getattr(question, name, None) for name in names) if table is not None), None)


def _reference(question: Question) -> str | None:
    reference = getattr(question, "reference", None)
    return None if reference is None else str(reference)


def _fields(table: Table, sources: AirflowSources) -> list[DatasetField]:
    from airflow_provider_aiguard.core.errors import TableNotFoundError
    from airflow_provider_aiguard.tables.columns import read_columns

    with sources.connect(table.conn_id) as connection:
        try:
            return fields_of(read_columns(connection, table))
        except TableNotFoundError:
            return []


def _guard_lineage(verdict: Verdict, **kwargs: Any) -> Any:
    from airflow_provider_aiguard.lineage.events import guard_lineage

    return guard_lineage(verdict, **kwargs)
