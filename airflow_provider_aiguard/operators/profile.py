"""Store what a table looks like, to compare later ones with."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator

from airflow_provider_aiguard.core.errors import EmptyTableError
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.operators.base import airflow_errors, table_spec
from airflow_provider_aiguard.operators.lineage import LineageMixin, extra_links

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_aiguard.core.profile import TableProfile


class ProfileOperator(LineageMixin, BaseOperator):
    """Profiles a table where its rows are and stores the profile as a baseline.

    A profile is a few KB of counts a column, never rows. Storing under a name that exists adds a version; guards
    compare with the newest.

    :param table: the reference rows. Templated.
    :param name: name of the baseline, for ``reference=`` of the drift guard. Templated.
    :param columns: columns to profile. Default: all that can be compared.
    :param sample: share of the rows to look at, in (0, 1], each drawn by itself. Default: all.
    :param cluster: column that says which rows belong together, such as a customer. The guard then knows by how much
        that inflates the variance of each column.
    :param dependence: whether to count pairs of numeric columns too, of at most 20 of them, for the drift guard's
        channel of that name.
    :param conn_id: connection of a table that names none.
    :param aiguard_conn_id: connection of the store.
    """

    template_fields: Sequence[str] = ("table", "name")
    template_fields_renderers: ClassVar[dict[str, str]] = {"table": "json"}
    operator_extra_links = extra_links()
    ui_color = "#dfe7f5"

    def __init__(
        self,
        *,
        table: Table | str,
        name: str,
        columns: Sequence[str] | None = None,
        sample: float | None = None,
        cluster: str | None = None,
        dependence: bool = False,
        conn_id: str | None = None,
        aiguard_conn_id: str = "aiguard_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.table = table_spec(table, conn_id=conn_id)
        self.name = name
        self.columns = columns
        self.sample = sample
        self.cluster = cluster
        self.dependence = dependence
        self.conn_id = conn_id
        self.aiguard_conn_id = aiguard_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Profile the table and store it; return the name, the rows and the columns."""
        from airflow_provider_aiguard.hooks.identity import identity_of
        from airflow_provider_aiguard.hooks.sources import AirflowSources
        from airflow_provider_aiguard.tables.profile import profile_table

        table = Table.from_dict(self.table)
        columns = None if self.columns is None else tuple(self.columns)
        with airflow_errors(), AirflowSources(self.aiguard_conn_id) as sources:
            with sources.connect(table.conn_id) as connection:
                profile = profile_table(
                    connection,
                    table,
                    columns,
                    sample=self.sample,
                    cluster=self.cluster,
                    dependence=self.dependence,
                )
            if not profile.rows:
                # As a baseline it would leave every later check undecided.
                raise no_rows(table, self.name)
            identity = identity_of(context)
            sources.store.profiles.save(self.name, profile.to_dict(), table=table.full_name, identity=identity)
            build = partial(_profile_lineage, profile, profile=self.name)
            self.gather_lineage(build, table, sources, identity)
        self.log.info("Stored baseline %r: %d rows, %d columns", self.name, profile.rows, len(profile.columns))
        return {"name": self.name, "rows": profile.rows, "columns": list(profile.columns)}

    def lineage_inputs(self) -> list[Table]:
        """The profiled table."""
        return [Table.from_dict(self.table)]


def no_rows(table: Table, name: str) -> EmptyTableError:
    """The error of a table that no baseline can be learnt from."""
    return EmptyTableError(
        f"Table {table.full_name!r} has no rows to learn baseline {name!r} from, so the newest stored one stays. Check "
        "its where= and parameters=, or run this task after the rows are there."
    )


def _profile_lineage(profiled: TableProfile, **told: Any) -> Any:
    from airflow_provider_aiguard.lineage.events import ColumnNumbers, profile_lineage

    columns = {
        column: ColumnNumbers(null_count=p.nulls, count=p.rows - p.nulls, min=p.minimum, max=p.maximum)
        for column, p in profiled.columns.items()
    }
    return profile_lineage(row_count=profiled.rows, columns=columns, **told)
