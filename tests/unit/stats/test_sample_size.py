"""The effective size of two samples."""

from __future__ import annotations

from airflow_provider_aiguard.stats.sample_size import effective_size


def test_a_huge_reference_leaves_the_size_of_the_current_rows() -> None:
    assert abs(effective_size(1e12, 500) - 500) < 1e-3


def test_it_is_symmetric_and_nothing_says_nothing() -> None:
    assert effective_size(300, 700) == effective_size(700, 300) == 210
    assert effective_size(0, 700) == effective_size(300, 0) == 0
