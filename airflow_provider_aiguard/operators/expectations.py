"""Does a table keep what a Great Expectations suite expects?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.operators.base import table_spec
from airflow_provider_aiguard.operators.guard import GuardOperator

if TYPE_CHECKING:
    from airflow_provider_aiguard.expectations.question import ExpectationsQuestion


class ExpectationsCheckOperator(GuardOperator):
    """Runs a Great Expectations suite, or a checkpoint, on a table and fails when it is not kept.

    Great Expectations asks where the rows are, through the Airflow connection, on SQLite, DuckDB, PostgreSQL and
    whatever else it knows. No data source is configured and no project is needed.

    :param table: the rows. Templated.
    :param suite: what is expected: ``ExpectationSuite.to_json_dict()``, the path of a JSON file with it, or a function
        that returns an ``ExpectationSuite``. Templated, but for a function.
    :param checkpoint: instead of a suite, a function that takes the batch definition of the table and returns a
        ``Checkpoint``; its actions run.
    :param expectation_parameters: values of the suite's ``$PARAMETER``s. Templated.
    :param on_breach: what an expectation that is not met does: ``"fail"`` (default) without a retry, ``"skip"`` or
        ``"warn"``. Those of severity ``warning`` or ``info`` never decide.
    :param on_undecided: the same when an expectation could not be evaluated or had nothing to judge, or there is no
        table, or no expectation. Default ``"fail"``.
    :param conn_id: connection of a table that names none.
    :param aiguard_conn_id: connection of the store.
    """

    template_fields: Sequence[str] = ("table", "suite", "expectation_parameters")
    template_fields_renderers: ClassVar[dict[str, str]] = {"table": "json", "suite": "json"}

    def __init__(
        self,
        *,
        table: Table | str,
        suite: Mapping[str, Any] | str | Callable[[], Any] | None = None,
        checkpoint: Callable[[Any], Any] | None = None,
        expectation_parameters: Mapping[str, Any] | None = None,
        conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(conn_id=conn_id, **kwargs)
        self.table = table_spec(table, conn_id=conn_id)
        # Airflow would call a function that is a template field, with arguments of its own.
        self.suite = None if callable(suite) else suite
        self.make_suite = suite if callable(suite) else None
        self.checkpoint = checkpoint
        self.expectation_parameters = expectation_parameters
        if (suite is None) == (checkpoint is None):
            raise ConfigurationError("ExpectationsCheckOperator takes either suite= or checkpoint=: give one of them.")

    def lineage_inputs(self) -> list[Table]:
        """The judged table, without loading Great Expectations."""
        return [Table.from_dict(self.table)]

    def question(self) -> ExpectationsQuestion:
        """The question, from the rendered arguments."""
        from airflow_provider_aiguard.expectations.question import ExpectationsQuestion

        return ExpectationsQuestion(
            table=Table.from_dict(self.table),
            suite=self.make_suite or self.suite,
            checkpoint=self.checkpoint,
            parameters=self.expectation_parameters or {},
        )
