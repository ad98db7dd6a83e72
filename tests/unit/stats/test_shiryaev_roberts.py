from __future__ import annotations

import json

import numpy as np
import pytest

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.stats.shiryaev_roberts import ODDS_RATIOS, StreamDetector


def stream(rate, rows, seed=1):
    return (np.random.default_rng(seed).random(rows) < rate).astype(int)


def plain(bits, baseline_rows):
    """The recursion as it is defined, row by row: evidence after each row."""
    rate = (bits[:baseline_rows].sum() + 0.5) / (baseline_rows + 1)
    rate += np.sqrt(rate * (1 - rate) / baseline_rows)
    odds = rate / (1 - rate) * np.array(ODDS_RATIOS)
    risen, evidence, after = odds / (1 + odds), np.zeros(len(odds)), []
    for bit in bits[baseline_rows:]:
        evidence = (1 + evidence) * np.where(bit, risen / rate, (1 - risen) / (1 - rate))
        after.append(evidence.mean())
    return np.array(after)


def test_it_is_the_recursion_and_batches_do_not_matter():
    bits = np.concatenate([stream(0.1, 1_500), stream(0.25, 400, seed=2)])
    expected = plain(bits, 1_000)
    first = int((expected >= 1e5).argmax())
    assert expected[first] >= 1e5
    whole, parts, single = (StreamDetector(baseline_rows=1_000) for _ in range(3))
    assert whole.update(bits) == 1_000 + first
    found = [parts.update(part) for part in np.array_split(bits, 17)]
    assert sum(at is not None for at in found) == 1
    for bit in bits.tolist():
        single.update(bit)
    assert whole.alarm == parts.alarm == single.alarm == 1_000 + first
    assert whole.evidence == pytest.approx(expected[first])
    assert parts.evidence == pytest.approx(expected[first])
    assert single.evidence == pytest.approx(expected[first])


@pytest.mark.parametrize("rate", [0.0, 0.001, 0.5, 0.99, 1.0])
def test_no_rate_overflows(rate):
    detector = StreamDetector(baseline_rows=500)
    with np.errstate(all="raise"):
        detector.update(stream(rate, 500))
        assert detector.update(stream(rate, 20_000, seed=2)) is None
        assert np.isfinite(detector.evidence)
        assert detector.update(np.ones(20_000)) is not None or rate >= 0.99


def test_the_baseline_is_told_once_it_is_learnt():
    detector = StreamDetector(baseline_rows=100)
    detector.update([1, 0] * 49)
    assert (detector.baseline_rate, detector.rows, detector.evidence) == (None, 98, 0)
    detector.update([True, False])
    assert detector.baseline_rate == 0.5
    assert detector.update([]) is None


def test_one_alarm_stands_until_a_restart():
    detector = StreamDetector(baseline_rows=100)
    detector.update([1, 0, 0, 0] * 25)
    assert detector.update([1] * 50) is not None
    alarm = detector.alarm
    assert detector.update([1] * 50) is None
    assert detector.update(1) is None
    assert detector.alarm == alarm
    detector.restart(keep_baseline=True)
    assert (detector.baseline_rate, detector.alarm, detector.evidence) == (0.25, None, 0)
    assert detector.update([1] * 50) is not None
    detector.restart()
    assert detector.to_dict() == StreamDetector(baseline_rows=100).to_dict()


def test_state_survives_json_in_the_middle():
    bits = np.concatenate([stream(0.1, 1_200), stream(0.3, 200, seed=2)])
    whole = StreamDetector(baseline_rows=1_000, run_length=5_000)
    whole.update(bits)
    detector = StreamDetector(baseline_rows=1_000, run_length=5_000)
    for part in (bits[:700], bits[700:1_230], bits[1_230:]):
        detector = StreamDetector.from_dict(json.loads(json.dumps(detector.to_dict())))
        detector.update(part)
    assert detector.evidence == pytest.approx(whole.evidence)
    assert {**detector.to_dict(), "evidence": []} == {**whole.to_dict(), "evidence": []}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"run_length": 1}, "run_length must be at least 10 rows; got 1"),
        ({"run_length": float("nan")}, "run_length must be at least 10 rows; got nan"),
        ({"baseline_rows": 99}, "baseline_rows must be a whole number of at least 100; got 99"),
        ({"baseline_rows": 1e3}, "baseline_rows must be a whole number of at least 100; got 1000.0"),
        ({"baseline_rows": True}, "baseline_rows must be a whole number of at least 100; got True"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        StreamDetector(**arguments)


@pytest.mark.parametrize("errors", [[0, 2], [0.5], [float("nan")], 0.3, float("nan")])
def test_what_is_no_error_bit_is_refused_and_not_counted(errors):
    detector = StreamDetector()
    with pytest.raises(ConfigurationError, match="errors must be 0 or 1, one a row"):
        detector.update(errors)
    assert detector.rows == 0
