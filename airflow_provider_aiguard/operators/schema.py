"""Learn what the features of a table must be like, and hold tables to it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.limits.schema import SchemaLimits
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.operators.base import airflow_errors, table_spec
from airflow_provider_aiguard.operators.guard import GuardOperator
from airflow_provider_aiguard.operators.lineage import LineageMixin, extra_links

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_aiguard.guards.questions.schema import SchemaQuestion


class SchemaOperator(LineageMixin, BaseOperator):
    """Learns a feature schema from a training table: types, NULL shares, ranges, categories, lengths and relations.

    What was seen is not all there is, so it leaves slack: ranges are widened, and each rule may be broken by as many
    rows as the training rows leave possible. Edit the file where you know better.

    :param table: the training rows. Templated.
    :param path: absolute path of the YAML file to write, which a person edits and reviews. Templated. Give this or
        ``name``.
    :param name: name to store the schema under, where nobody edits it; the newest of a name counts. Templated.
    :param columns: columns to learn. Default: all but the key and companion columns. Leave out what is not there at
        serving, such as the truth.
    :param slack: share of its width by which a range is widened on each side, 0 or more. Default 0.1.
    :param overwrite: whether a file that has another content may be replaced. Default ``False``: it may have been
        edited, so the task fails.
    :param conn_id: connection of a table that names none.
    :param aiguard_conn_id: connection of the store.
    """

    template_fields: Sequence[str] = ("table", "path", "name")
    template_fields_renderers: ClassVar[dict[str, str]] = {"table": "json"}
    operator_extra_links = extra_links()
    ui_color = "#dfe7f5"

    def __init__(
        self,
        *,
        table: Table | str,
        path: str | None = None,
        name: str | None = None,
        columns: Sequence[str] | None = None,
        slack: float = 0.1,
        overwrite: bool = False,
        conn_id: str | None = None,
        aiguard_conn_id: str = "aiguard_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.table = table_spec(table, conn_id=conn_id)
        self.path = path if path is None else str(path)
        self.name = name
        self.columns = columns
        self.slack = slack
        self.overwrite = overwrite
        self.conn_id = conn_id
        self.aiguard_conn_id = aiguard_conn_id
        if (path is None) == (name is None):
            raise ConfigurationError(f"Give either path= or name= to a SchemaOperator; got {path!r} and {name!r}.")
        if isinstance(slack, bool) or not isinstance(slack, int | float) or not 0 <= slack < float("inf"):
            raise ConfigurationError(f"slack must be a number of at least 0; got {slack!r}.")
        if isinstance(columns, str):
            raise ConfigurationError(f"columns must be a sequence of column names; got {columns!r}.")

    def execute(self, context: Context) -> dict[str, Any]:
        """Learn the schema and keep it; return where it is, the rows, the columns and the number of rules."""
        from airflow_provider_aiguard.hooks.identity import identity_of
        from airflow_provider_aiguard.hooks.sources import AirflowSources
        from airflow_provider_aiguard.tables.schema_file import write_schema
        from airflow_provider_aiguard.tables.schema_learning import learn_schema

        table = Table.from_dict(self.table)
        identity = identity_of(context)
        with airflow_errors(), AirflowSources(self.aiguard_conn_id) as sources:
            with sources.connect(table.conn_id) as connection:
                schema = learn_schema(connection, table, self.columns, slack=self.slack)
            if self.path is not None:
                write_schema(self.path, schema, overwrite=self.overwrite)
            else:
                sources.store.measurements.save(f"schema/{self.name}", schema.to_dict(), identity=identity)
            self.gather_lineage(partial(_schema_lineage, schema.rows), table, sources, identity)
        rules, place = len(schema.rules()), self.path or self.name
        self.log.info("Learnt schema %r from %d rows: %d rules", place, schema.rows, rules)
        return {"schema": place, "rows": schema.rows, "columns": list(schema.columns), "rules": rules}

    def lineage_inputs(self) -> list[Table]:
        """The training table."""
        return [Table.from_dict(self.table)]


class SchemaArguments(BaseOperator):
    """Arguments of the schema guard, shared by its operator and its sensor."""

    template_fields: Sequence[str] = ("table", "schema")
    template_fields_renderers: ClassVar[dict[str, str]] = {"table": "json"}

    def __init__(
        self,
        *,
        table: Table | str,
        schema: str,
        min_rows: int = 1,
        alpha: float = 0.05,
        conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(conn_id=conn_id, **kwargs)
        self.table = table_spec(table, conn_id=conn_id)
        self.schema = str(schema)
        self.min_rows = min_rows
        self.alpha = alpha
        self._limits()

    def question(self) -> SchemaQuestion:
        """The question, from the rendered arguments."""
        from airflow_provider_aiguard.guards.questions.schema import SchemaQuestion

        return SchemaQuestion(table=Table.from_dict(self.table), schema=self.schema, limits=self._limits())

    def _limits(self) -> SchemaLimits:
        return SchemaLimits(min_rows=self.min_rows, alpha=self.alpha)


class SchemaCheckOperator(SchemaArguments, GuardOperator):
    """Counts what breaks a feature schema and fails when it is more than the schema allows.

    The same check stands before training and before serving, so that both see the features they were promised. All
    rules are counted in one SQL statement where the rows are.

    :param table: the rows. Templated.
    :param schema: the schema: an absolute path that ends in ``.yaml`` or ``.yml``, or the name of a stored one.
        Templated.
    :param min_rows: rows needed for a verdict; fewer are undecided. Default 1.
    :param alpha: probability of a false alarm, over all rules, where the true shares are what is just allowed, in
        (0, 1). Default 0.05. A rule that allows nothing is breached by one row.
    :param on_breach: what a broken rule does: ``"fail"`` (default) without a retry, ``"skip"`` or ``"warn"``.
    :param on_undecided: the same when there is no verdict: no table, no schema, too few rows. Default ``"fail"``.
    :param conn_id: connection of a table that names none.
    :param aiguard_conn_id: connection of the store.
    """


def _schema_lineage(rows: int, **told: Any) -> Any:
    from airflow_provider_aiguard.lineage.events import profile_lineage

    return profile_lineage(row_count=rows, columns={}, profile="", **told)
