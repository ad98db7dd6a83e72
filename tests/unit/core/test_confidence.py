from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_aiguard.core.confidence import CELLS, ConfidenceSummary

shares = st.integers(0, 1000).map(lambda n: n / 1000)


def summary_of(numbers: list[float], missing: int = 0) -> ConfidenceSummary:
    """The definition, one number at a time: cell i holds [i/100, (i+1)/100), the last one 1 as well."""
    counts = [0] * CELLS
    for number in numbers:
        counts[min(round(number * 1000) * CELLS // 1000, CELLS - 1)] += 1
    return ConfidenceSummary(total=sum(numbers), counts=tuple(counts), missing=missing)


def test_nothing_has_no_mean_and_no_quantile() -> None:
    nothing = ConfidenceSummary(missing=3)
    assert (nothing.count, nothing.mean, nothing.quantile(0.5)) == (0, None, None)


@given(st.lists(shares, min_size=1, max_size=60))
def test_mean_and_count_are_exact(numbers: list[float]) -> None:
    summary = summary_of(numbers, missing=7)
    assert summary.count == len(numbers)
    assert summary.mean == pytest.approx(np.mean(numbers))


@given(st.lists(shares, min_size=1, max_size=60), st.sampled_from([0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0]))
def test_a_quantile_is_within_one_cell_below_the_exact_one(numbers: list[float], q: float) -> None:
    exact = float(np.quantile(numbers, q, method="inverted_cdf"))
    seen = summary_of(numbers).quantile(q)
    assert seen is not None
    # 1.0 lies in the last cell, which begins at 0.99.
    assert seen - 1e-12 <= exact < seen + 1 / CELLS + (1e-12 if exact < 1 else 1 / CELLS)


@given(st.lists(st.tuples(st.lists(shares, max_size=30), st.integers(0, 5)), max_size=4))
def test_merged_parts_are_the_summary_of_the_whole(parts: list[tuple[list[float], int]]) -> None:
    merged = ConfidenceSummary()
    for numbers, missing in parts:
        merged = merged.merge(summary_of(numbers, missing))
    whole = summary_of([n for numbers, _ in parts for n in numbers], sum(missing for _, missing in parts))
    assert (merged.counts, merged.missing) == (whole.counts, whole.missing)
    assert math.isclose(merged.total, whole.total, abs_tol=1e-9)


@pytest.mark.parametrize("cells", [1, 10, 20, 100])
def test_a_coarse_histogram_loses_nothing(cells: int) -> None:
    summary = summary_of([0.0, 0.05, 0.1, 0.55, 0.999, 1.0])
    coarse = summary.coarse(cells)
    assert len(coarse) == cells
    assert sum(coarse) == summary.count
    assert coarse[-1] == (6 if cells == 1 else 2)


@given(st.lists(shares, max_size=30), st.integers(0, 5))
def test_round_trip(numbers: list[float], missing: int) -> None:
    summary = summary_of(numbers, missing)
    assert ConfidenceSummary.from_dict(json.loads(json.dumps(summary.to_dict()))) == summary


def test_only_cells_that_hold_something_travel() -> None:
    assert summary_of([0.86, 0.86, 1.0]).to_dict()["counts"] == {"86": 2, "99": 1}
