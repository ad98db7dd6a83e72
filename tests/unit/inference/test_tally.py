from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_aiguard.core.claims import Claims, Usage
from airflow_provider_aiguard.core.confidence import CELLS
from airflow_provider_aiguard.core.latency import LatencySummary
from airflow_provider_aiguard.core.run import ModelIdentity
from airflow_provider_aiguard.inference.tally import ColumnTally, ModelTally, Tally, summarise

MODEL = ModelIdentity(name="m", version="1", fingerprint="f")


def tally(*priced: bool) -> Tally:
    models = [ModelTally(model=MODEL, priced=one) for one in priced]
    return Tally(run_id="r", model=MODEL, source="a", target="b", columns={"y": ColumnTally()}, models=models)


@pytest.mark.parametrize("hundredth", range(101))
def test_two_decimals_lie_in_the_cell_a_person_expects(hundredth: int) -> None:
    counts = summarise(np.array([hundredth / 100])).counts
    assert counts.index(1) == min(hundredth, CELLS - 1)


@given(st.lists(st.floats(0, 1) | st.just(math.nan), max_size=50))
def test_a_summary_against_numpy(numbers: list[float]) -> None:
    array = np.array(numbers, dtype=float)
    present = array[~np.isnan(array)]
    summary = summarise(array)
    assert summary.missing == len(array) - len(present)
    assert summary.count == len(present)
    assert summary.mean == (pytest.approx(present.mean()) if len(present) else None)
    expected, _ = np.histogram(present, bins=CELLS, range=(0, 1))
    # A number within a nanoth of an edge may count in the cell above it.
    assert np.abs(np.cumsum(expected) - np.cumsum(summary.counts)).max() <= np.sum(
        np.abs(present * CELLS - np.round(present * CELLS)) < 1e-8
    )


def test_counts_add_up() -> None:
    column = ColumnTally()
    column.add_provenance("ai_inferred", 2)
    column.add_provenance("ai_inferred", 3)
    column.add_provenance("observed", 0)
    column.add_confidences(np.array([0.5, math.nan]))
    column.add_confidences(np.array([1.0]))
    assert column.provenance == {"ai_inferred": 5}
    assert (column.confidence.count, column.confidence.missing, column.confidence.mean) == (2, 1, 0.75)


def test_a_snapshot_does_not_change_with_the_tally() -> None:
    running = tally(True)
    running.columns["y"].add_provenance("ai_inferred", 1)
    running.models[0].cost_micros = 7
    before = running.summary()
    running.rows = 9
    running.columns["y"].add_provenance("ai_inferred", 1)
    assert (before.rows, before.cost_micros, before.columns["y"].inferred) == (0, 7, 1)
    assert running.summary().columns["y"].inferred == 2


def test_steps_of_the_sample_are_where_it_changes() -> None:
    running = tally(True)
    for rows, share in ((0, 1.0), (10, 1.0), (20, 0.5), (30, 0.5), (40, 0.0)):
        running.rows = rows
        running.add_share(share)
    assert (running.summary().sample_share, running.summary().sample_steps) == (0.0, ((20, 0.5), (40, 0.0)))


def test_without_a_price_there_is_no_cost() -> None:
    assert tally(False).summary().cost_micros is None
    assert tally(True).summary().cost_micros == 0


def test_the_cost_of_several_models_is_known_if_that_of_all_that_were_asked_is() -> None:
    running = tally(True, False)
    first, second = running.models
    first.asked, first.cost_micros = 5, 7
    assert running.summary().cost_micros == 7
    second.asked = 1
    assert running.summary().cost_micros is None
    assert [model.cost_micros for model in running.summary().models] == [7, None]


def test_seconds_are_counted_from_the_start() -> None:
    running = tally(False)
    running.started -= 2.5
    running.models[0].seconds = 1.23456
    assert running.summary().seconds >= 2.5
    assert running.summary().model_seconds == 1.235


def test_a_model_that_counts_its_requests_is_believed_and_another_is_one_call() -> None:
    running = tally(False)
    requests = LatencySummary.of([(0.1, 1), (0.3, 1)])
    used = Usage(requests=2, input_tokens=30, output_tokens=4)
    running.models[0].add_call(Claims(values={}, usage=used, latency=requests), seconds=9.0, rows=2)
    running.models[0].add_call(Claims(values={}), seconds=0.5, rows=10)
    summary = running.summary()
    assert summary.usage == used
    assert summary.latency.calls == {100_000: 1, 300_000: 1, 500_000: 1}
    assert summary.latency.per_row == {100_000: 1, 300_000: 1, 50_000: 1}
