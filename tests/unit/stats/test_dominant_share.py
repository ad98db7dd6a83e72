from __future__ import annotations

from airflow_provider_aiguard.stats.clopper_pearson import clopper_pearson
from airflow_provider_aiguard.stats.dominant_share import dominant_share


def test_the_lower_end_pays_for_the_choice_and_the_upper_does_not():
    low, high = clopper_pearson(600, 1_000)
    assert (dominant_share(600, 1_000, 1).low, dominant_share(600, 1_000, 1).high) == (low, high)
    many = dominant_share(600, 1_000, 100)
    assert many.low < low
    assert many.high == high


def test_one_value_is_all_and_may_be_a_little_less():
    found = dominant_share(500, 500, 1)
    assert (found.value, found.high) == (1.0, 1.0)
    assert 0.99 < found.low < 1


def test_without_rows_everything_is_possible():
    assert (dominant_share(0, 0, 0).value, dominant_share(0, 0, 0).high) == (None, 1.0)
