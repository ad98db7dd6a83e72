from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import t

from airflow_provider_aiguard.stats.mean_interval import mean_interval


def of(x, *, third=True):
    x = np.asarray(x, dtype=float)
    return mean_interval(len(x), x.mean(), (x**2).mean(), (x**3).mean() if third else None)


def test_of_symmetric_numbers_it_is_students():
    x = np.r_[np.linspace(-3, 3, 41)]
    low, high = t.interval(0.95, 40, loc=0, scale=x.std(ddof=1) / math.sqrt(41))
    for third in (True, False):
        assert (of(x, third=third).low, of(x, third=third).high) == (pytest.approx(low), pytest.approx(high))


def test_a_long_tail_to_the_right_moves_the_upper_end():
    found, student = of(np.arange(50) ** 3), of(np.arange(50) ** 3, third=False)
    assert found.low == student.low
    assert found.high > student.high
    mirrored = of(-(np.arange(50.0) ** 3))
    assert (mirrored.low, mirrored.high) == (pytest.approx(-found.high), pytest.approx(-found.low))


def test_a_constant_has_no_width_and_one_number_no_ends():
    assert of([0.1] * 30).low == of([0.1] * 30).high == pytest.approx(0.1)
    assert (of([7]).value, of([7]).low, of([7]).high) == (7.0, -math.inf, math.inf)
    assert mean_interval(0, 0.0, 0.0, 0.0).value is None
