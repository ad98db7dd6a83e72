"""Which cells of a column are NULL, NaN not among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import numpy.typing as npt


def null_mask(column: pd.Series[Any]) -> npt.NDArray[np.bool_]:
    """Tell the NULL cells of a column read by :func:`~airflow_provider_aiguard.tables.reader.read_chunks`.

    :param column: one column of a chunk. A plain float column has no NULLs: a column that has them is nullable.
    """
    if column.dtype == object:
        return np.fromiter((v is None or v is pd.NA or v is pd.NaT for v in column), dtype=bool, count=len(column))
    if isinstance(column.dtype, np.dtype) and column.dtype.kind == "f":
        return np.zeros(len(column), dtype=bool)
    return np.asarray(column.isna(), dtype=bool)
