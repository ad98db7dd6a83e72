from __future__ import annotations

import math

import pytest

from airflow_provider_aiguard.stats.entropy import entropy


def test_it_is_shannons_less_the_bias():
    found = entropy({900: 1, 100: 1})
    plain = -(0.9 * math.log2(0.9) + 0.1 * math.log2(0.1))
    assert found.value == pytest.approx(plain + 1 / 2_000 / math.log(2))
    assert found.low < plain < found.high


def test_it_lies_between_none_and_all():
    for frequencies in ({1_000: 1}, {500: 2}, {100: 10}, {1: 1_000}, {999: 1, 1: 1}):
        found = entropy(frequencies)
        levels = sum(frequencies.values())
        assert 0 <= found.low <= found.high
        assert found.low <= found.value
        assert found.value <= math.log2(max(2, levels * 1_000))


def test_one_value_does_not_prove_that_there_is_no_other():
    assert entropy({100: 1}).high > 0.1
    assert entropy({100_000: 1}).high < 0.001


def test_values_that_were_not_seen_are_reckoned_with():
    seen = {50: 4, 1: 10}
    assert entropy(seen).high > entropy({50: 4, 2: 5}).high
    assert entropy(seen, classes=1_000).high > entropy(seen).high


def test_declared_classes_bound_it():
    assert entropy({500: 2}, classes=2).high == pytest.approx(1.0)
    assert entropy({}, classes=4).high == 2.0


def test_without_rows_there_is_none():
    assert (entropy({}).value, entropy({}).low, entropy({}).high) == (None, 0.0, math.inf)
