from __future__ import annotations

from datetime import UTC, datetime

import pytest

from airflow_provider_aiguard.core.confidence import ConfidenceSummary
from airflow_provider_aiguard.core.evidence import TruthEvidence
from airflow_provider_aiguard.core.limits.ground_truth import GroundTruthLimits
from airflow_provider_aiguard.core.run import RunState
from airflow_provider_aiguard.core.verdict import Outcome
from airflow_provider_aiguard.guards import ground_truth
from airflow_provider_aiguard.report.accuracy import SERIES, confidence_against_accuracy, mean_confidences
from airflow_provider_aiguard.report.history import history_of

FEB, MARCH = datetime(2013, 2, 1, tzinfo=UTC), datetime(2013, 3, 1, tzinfo=UTC)


def chart_of(runs, verdicts):
    return confidence_against_accuracy(history_of(runs, verdicts))


def line(chart, start):
    (trace,) = [trace for trace in chart.data if trace["name"].startswith(start)]
    return trace


def test_confidence_stays_while_accuracy_falls(flights):
    chart = chart_of(*flights)
    claimed, true = line(chart, "mean confidence"), line(chart, "accuracy (ground truth)")
    assert claimed["x"] == [f"2013-{month:02}" for month in range(2, 13)]
    known = [y for y in claimed["y"] if y is not None]
    assert max(known) - min(known) < 0.01
    assert true["y"] == [0.86, 0.84, 0.82, 0.84, 0.78, 0.77, 0.82, 0.88, None, 0.89, 0.80]
    assert "2013-07: for late, the model claims 0.86 and is right 0.77 of the time" in chart.note


def test_interval_limit_and_breaches_are_drawn(flights):
    chart = chart_of(*flights)
    arms = line(chart, "accuracy (ground truth)")["error_y"]
    assert arms["array"] == pytest.approx([0.006] * 8 + [None] + [0.006] * 2)
    assert arms["arrayminus"] == pytest.approx([0.008] * 8 + [None] + [0.008] * 2)
    limit = line(chart, "accuracy limit")
    assert limit["line"]["dash"] == "dash"
    assert {y for y in limit["y"] if y is not None} == {0.82}
    breaches = line(chart, "✕ accuracy breach")
    assert breaches["x"] == ["2013-06", "2013-07", "2013-12"]
    assert breaches["y"] == [0.78, 0.77, 0.80]
    low, high = chart.layout["yaxis"]["range"]
    assert low < 0.762
    assert high > 0.896


def test_numbers_are_told_at_the_widest_gap_and_at_the_end(flights):
    told = {(a["x"], a["text"]) for a in chart_of(*flights).layout["annotations"]}
    assert told == {
        ("2013-07", "0.86"),
        ("2013-07", "0.77"),
        ("2013-12", "0.86"),
        ("2013-12", "0.80"),
        ("2013-10", "✕ budget<br>breach"),
    }


def test_table_has_the_same_numbers(flights):
    rows = chart_of(*flights).rows
    assert len(rows) == 10
    assert rows[5] == ("2013-07", "late", "0.86", "0.77", "0.762", "0.776", "0.82", "breach")


def test_what_the_guard_says_is_what_is_drawn(make_run, make_verdict):
    evidence = TruthEvidence(column="late", truth_column="truth", inferred=100, labels=100, correct=50)
    checks = ground_truth.evaluate(evidence, GroundTruthLimits(min_accuracy=0.8))
    chart = chart_of([make_run(FEB)], [make_verdict(FEB, checks=checks)])
    true = line(chart, "accuracy (ground truth)")
    assert true["y"] == [0.5]
    assert true["error_y"]["array"][0] > 0.05
    assert line(chart, "✕ accuracy breach")["x"] == ["2013-02"]


def test_an_undecided_accuracy_is_hollow_and_said(make_run, make_verdict):
    verdicts = [make_verdict(FEB), make_verdict(MARCH, outcome=Outcome.UNDECIDED)]
    chart = chart_of([make_run(FEB), make_run(MARCH)], verdicts)
    assert line(chart, "accuracy (ground truth)")["marker"]["symbol"] == ["diamond", "diamond-open"]
    assert "Hollow marks are undecided." in chart.note
    assert [row[-1] for row in chart.rows] == ["pass", "undecided"]


def test_without_ground_truth_it_says_confidence_is_only_a_claim(make_run):
    chart = chart_of([make_run(FEB)], [])
    assert chart.note == "No ground truth yet: accuracy is unknown, and confidence alone is only a claim."
    assert [trace["name"] for trace in chart.data] == ["mean confidence (claimed)"]
    assert chart.rows == [("2013-02", "late", "0.86", "-", "-", "-", "-", "no ground truth")]


def test_truth_without_confidence_is_drawn_alone(make_verdict):
    chart = chart_of([], [make_verdict(FEB, limit=None, column=None)])
    assert chart.note == "No date has both a confidence and a ground truth."
    assert [trace["name"] for trace in chart.data] == ["accuracy (ground truth)"]
    assert chart.rows[0][2:4] == ("-", "0.86")


def test_nothing_known_is_no_chart(make_run, make_verdict):
    assert chart_of([make_run(rows=0)], [make_verdict(value=None)]) is None


def test_parts_of_a_mapped_task_are_merged_by_weight(make_run):
    certain, doubtful = _all_at(0.9, 30), _all_at(0.5, 10)
    runs = [make_run(FEB, map_index=0, confidence=certain), make_run(FEB, map_index=1, confidence=doubtful)]
    assert mean_confidences(history_of(runs, [])) == {("flights_scored", "late"): {"2013-02": pytest.approx(0.8)}}


def test_a_retry_does_not_count_twice(make_run):
    runs = [
        make_run(FEB, confidence=_all_at(0.5, 10), state=RunState.ABANDONED),
        make_run(FEB, confidence=_all_at(0.9, 10), try_number=2),
    ]
    assert mean_confidences(history_of(runs, []))["flights_scored", "late"]["2013-02"] == pytest.approx(0.9)


def test_values_without_any_confidence_have_no_mean(make_run):
    assert mean_confidences(history_of([make_run(confidence=ConfidenceSummary(missing=5))], [])) == {}


def test_columns_are_named_and_only_the_widest_gaps_drawn(make_run, make_verdict):
    runs = [make_run(FEB, column=f"c{i}", task=f"t{i}") for i in range(SERIES + 2)]
    verdicts = [make_verdict(FEB, column=f"c{i}", task=f"v{i}", value=0.8 - i / 100) for i in range(SERIES + 2)]
    chart = chart_of(runs, verdicts)
    names = [trace["name"] for trace in chart.data if trace["name"].startswith("mean confidence")]
    assert names == [f"mean confidence (claimed) of c{i}" for i in range(SERIES + 1, 1, -1)]
    assert f"The {SERIES} columns with the widest gap of {SERIES + 2} are shown." in chart.note
    assert chart.layout["annotations"] == []
    assert len([trace for trace in chart.data if "limit" in trace["name"]]) == 1, "one limit line, as all are equal"


def _all_at(value, n):
    counts = [0] * 100
    counts[int(value * 100)] = n
    return ConfidenceSummary(total=value * n, counts=tuple(counts))
