"""How long after the claims their truth arrived."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import ColumnTypeError
from airflow_provider_aiguard.core.evidence import DelayEvidence
from airflow_provider_aiguard.core.outputs import OutputType
from airflow_provider_aiguard.core.provenance import Companions
from airflow_provider_aiguard.tables.connection import transaction
from airflow_provider_aiguard.tables.dialects.base import dialect_of
from airflow_provider_aiguard.tables.kinds import ColumnInfo
from airflow_provider_aiguard.tables.truth import join_truth

if TYPE_CHECKING:
    import pandas as pd

    from airflow_provider_aiguard.core.table import Table

RunTimes = Callable[[Sequence[str]], Mapping[str, datetime]]
"""When runs ended, with zone, by run id; those it does not know are left out."""

_MOMENTS = frozenset({OutputType.TIMESTAMP, OutputType.DATE})


def truth_delay(
    connection: sa.Connection,
    table: Table,
    column: str,
    truth: Table,
    truth_column: str,
    *,
    truth_time_column: str,
    claim_time_column: str | None,
    run_times: RunTimes,
) -> DelayEvidence:
    """Measure the delay of every label whose two times are known.

    The database counts the pairs of times, so what is read is as long as there are different pairs. Timestamps without
    a zone are taken for UTC.

    :param connection: where both tables are; the caller owns it.
    :param table: the rows with claims; needs a key.
    :param column: the AI-touched column.
    :param truth: the rows with the truth, at most one a key.
    :param truth_column: the column that holds the truth.
    :param truth_time_column: column of ``truth``: when it arrived.
    :param claim_time_column: column of ``table``: when the claim was made. ``None``: when the run ended that made it.
    :param run_times: when runs ended; asked only then.
    :raises TableNotFoundError: if a table or a column does not exist.
    :raises ColumnTypeError: if a column of times holds something else.
    """
    claimed = claim_time_column or Companions(column).run
    with transaction(connection):
        joined = join_truth(
            connection, table, column, truth, truth_column, also=[claimed], truth_also=[truth_time_column]
        )
        left, right = joined.infos
        infos = [left[claimed], right[truth_time_column]]
        _refuse_timeless(infos if claim_time_column else infos[1:])
        # Untyped: the dialect's own reader turns raw values into times.
        times = joined.claims.c[claimed], joined.rows.c[truth_time_column]
        columns = [sa.type_coerce(c, sa.types.NullType()).label(f"c{i}") for i, c in enumerate(times)]
        selected: list[sa.ColumnElement[Any]] = [*columns, sa.func.count().label("c2")]
        query = sa.select(*selected).select_from(joined.pairs)
        query = query.where(joined.truth.is_not(None)).group_by(columns[0], columns[1])
        counted = ColumnInfo("n", sa.BigInteger(), nullable=False)
        wanted = [ColumnInfo("claimed", infos[0].type), ColumnInfo("arrived", infos[1].type), counted]
        frame = dialect_of(connection).fetch(connection, query, wanted).frame
    return _delay(frame, None if claim_time_column else run_times)


def _refuse_timeless(infos: Sequence[ColumnInfo]) -> None:
    for info in infos:
        if info.kind not in _MOMENTS:
            raise ColumnTypeError(
                f"Column {info.name!r} is {info.type}, not a time. A delay is counted from timestamps or dates: name a "
                "column that holds them."
            )


def _delay(frame: pd.DataFrame, run_times: RunTimes | None) -> DelayEvidence:
    import numpy as np
    import pandas as pd

    claimed = frame["claimed"]
    if run_times is not None:
        times = run_times(sorted({str(run) for run in claimed.dropna()}))
        claimed = pd.Series([times.get(str(run)) for run in claimed], dtype=object)
    seconds = (_moments(frame["arrived"]) - _moments(claimed)).dt.total_seconds().to_numpy(dtype=float)
    n = frame["n"].to_numpy(dtype=np.int64)
    known = ~np.isnan(seconds)
    order = np.argsort(seconds[known], kind="stable")
    ascending, upto = seconds[known][order], np.cumsum(n[known][order])

    def quantile(share: float) -> float | None:
        """Smallest delay that this share of the labels does not exceed."""
        return float(ascending[np.searchsorted(upto, share * upto[-1])]) if len(upto) else None

    seen = int(upto[-1]) if len(upto) else 0
    return DelayEvidence(n=seen, unknown=int(n.sum()) - seen, median=quantile(0.5), late=quantile(0.95))


def _moments(values: Any) -> pd.Series[Any]:
    import pandas as pd

    return pd.Series(pd.to_datetime(values.astype(object), utc=True, format="ISO8601"))
