"""What one of something cost: a prediction, a row, a cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_aiguard.core.run import InferenceSummary


@dataclass(frozen=True, kw_only=True)
class UnitCosts:
    """What one of something cost, in micro-dollars. ``None`` where there was none of it.

    :param prediction: a row that the model was asked about.
    :param row: a row that has its claims, whether the model was asked or not: what saving saves.
    :param cell: a cell that was filled.
    :param columns: by column, its cells' part of the whole.
    """

    prediction: float | None
    row: float | None
    cell: float | None
    columns: Mapping[str, float]


def unit_costs(summaries: Sequence[InferenceSummary]) -> UnitCosts | None:
    """Spread the cost of some runs, such as all of one model, over what they did; ``None`` if none has a price.

    :param summaries: runs. Those without a price are left out.
    """
    priced = [s for s in summaries if s.cost_micros is not None]
    if not priced:
        return None
    cost = sum(s.cost_micros or 0 for s in priced)
    cells: dict[str, int] = {}
    for summary in priced:
        for name, column in summary.columns.items():
            cells[name] = cells.get(name, 0) + column.inferred
    cell = _each(cost, sum(cells.values()))
    return UnitCosts(
        prediction=_each(cost, sum(s.asked for s in priced)),
        row=_each(cost, sum(s.inferred for s in priced)),
        cell=cell,
        columns={name: n * (cell or 0.0) for name, n in cells.items()},
    )


def _each(cost: int, count: int) -> float | None:
    return cost / count if count else None
