from __future__ import annotations

from airflow_provider_aiguard.stats.holm import holm


def test_order_is_kept_and_adjusted_p_values_never_fall():
    assert holm([0.04, 0.001, 0.9, 0.02]) == [0.08, 0.004, 0.9, 0.06]


def test_it_is_never_above_one():
    assert holm([0.6, 0.7]) == [1.0, 1.0]
