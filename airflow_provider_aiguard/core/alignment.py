"""Predictions beside a business metric, run by run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Aggregate(StrEnum):
    """What is made of the predictions of one run."""

    MEAN = "mean"
    SUM = "sum"
    COUNT = "count"
    """Rows where the column is not NULL."""
    SHARE_TRUE = "share_true"
    """Share of the rows where a boolean is true, of those where it is not NULL."""


@dataclass(frozen=True, kw_only=True)
class AlignmentEvidence:
    """Two series over the same runs, in time order, the present run last.

    :param column: the predicted column.
    :param aggregate: what was made of it.
    :param predictions: one number a run.
    :param kpis: the KPI of the same runs.
    :param current: whether the present run has both numbers.
    """

    column: str
    aggregate: Aggregate
    predictions: tuple[float, ...]
    kpis: tuple[float, ...]
    current: bool = True
