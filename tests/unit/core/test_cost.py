from __future__ import annotations

import pytest

from airflow_provider_aiguard.core.confidence import ConfidenceSummary
from airflow_provider_aiguard.core.cost import unit_costs
from airflow_provider_aiguard.core.run import ColumnSummary, InferenceSummary, ModelIdentity

MODEL = ModelIdentity(name="m", version="1", fingerprint="f")


def run(cost: int | None, inferred: int = 0, rejects: int = 0, saved: int = 0, **cells: int) -> InferenceSummary:
    columns = {
        name: ColumnSummary(provenance={"ai_inferred": n, "observed": 9}, confidence=ConfidenceSummary())
        for name, n in cells.items()
    }
    return InferenceSummary(
        run_id="r",
        model=MODEL,
        source="a",
        target="b",
        inferred=inferred,
        rejects=rejects,
        saved=saved,
        cost_micros=cost,
        columns=columns,
    )


def test_a_run_is_spread_over_what_it_did() -> None:
    costs = unit_costs([run(1_200, inferred=100, rejects=20, saved=40, late=100, why=50)])
    assert costs is not None
    assert (costs.prediction, costs.row, costs.cell) == (15.0, 12.0, 8.0)
    assert costs.columns == {"late": 800.0, "why": 400.0}
    assert sum(costs.columns.values()) == 1_200


def test_runs_are_added_up_and_those_without_a_price_left_out() -> None:
    costs = unit_costs([run(100, inferred=10, late=10), run(None, inferred=500, late=500), run(300, inferred=10, y=10)])
    assert costs is not None
    assert (costs.prediction, costs.row, costs.cell) == (20.0, 20.0, 20.0)
    assert costs.columns == {"late": 200.0, "y": 200.0}


@pytest.mark.parametrize("runs", [[], [run(None, inferred=5)]])
def test_without_a_price_there_is_nothing_to_spread(runs: list[InferenceSummary]) -> None:
    assert unit_costs(runs) is None


def test_of_nothing_one_costs_nothing_known() -> None:
    costs = unit_costs([run(7, late=0)])
    assert costs is not None
    assert (costs.prediction, costs.row, costs.cell, costs.columns) == (None, None, None, {"late": 0.0})
