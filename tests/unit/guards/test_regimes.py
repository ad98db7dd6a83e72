"""Eras and regimes of a history."""

from __future__ import annotations

from airflow_provider_aiguard.core.concept import ConceptRun
from airflow_provider_aiguard.guards.regimes import eras, known_before

LEVELS = {"low": (18, 21, 20, 19, 22), "high": (41, 38, 42, 39, 40)}


def runs(*stretches):
    return [
        ConceptRun(when="", inferred=200, labels=200, errors=LEVELS[level][i % 5], model=model)
        for count, level, model in stretches
        for i in range(count)
    ]


def test_one_level_is_one_era_of_one_regime():
    (era,) = eras(runs((30, "low", "")), 1_000)
    assert (len(era.runs), era.alarm, era.starts) == (30, None, (0,))
    assert era.evidence < 1_000


def test_each_change_begins_a_regime():
    (era,) = eras(runs((20, "low", ""), (20, "high", ""), (20, "low", "")), 1_000)
    assert era.starts == (0, 20, 40)
    assert 20 <= era.alarm <= 23
    assert era.evidence > 1_000
    assert [len(regime) for regime in era.regimes] == [20, 20, 20]


def test_another_model_after_an_alarm_begins_an_era():
    found = eras(runs((20, "low", "a"), (10, "high", "a"), (15, "low", "b")), 1_000)
    assert [len(era.runs) for era in found] == [30, 15]
    assert [era.alarm is None for era in found] == [False, True]
    assert [number for _, number in known_before(found)] == [0]


def test_since_begins_an_era():
    dated = [
        ConceptRun(when=f"2026-01-{i + 1:02d}", inferred=200, labels=200, errors=20 + 20 * (i >= 12)) for i in range(24)
    ]
    assert [len(era.runs) for era in eras(dated, 1_000, "2026-01-13")] == [12, 12]
    assert [len(era.runs) for era in eras(dated, 1_000, "2026-01-13T00:00:00+01:00")] == [12, 12]
    assert [len(era.runs) for era in eras(dated, 1_000, "2027-01-01")] == [24]
    assert eras([], 1_000) == []
