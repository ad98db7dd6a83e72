"""Doors of ground truth, calibration and diversity: their arguments become questions, and bad ones are refused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_provider_aiguard import Table
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.limits.calibration import CalibrationLimits
from airflow_provider_aiguard.core.limits.confidence import ConfidenceLimits
from airflow_provider_aiguard.core.limits.diversity import DiversityLimits
from airflow_provider_aiguard.core.limits.ground_truth import GroundTruthLimits
from airflow_provider_aiguard.guards.questions.calibration import CalibrationQuestion
from airflow_provider_aiguard.guards.questions.diversity import DiversityQuestion
from airflow_provider_aiguard.guards.questions.ground_truth import GroundTruthQuestion
from airflow_provider_aiguard.operators.calibration import CalibrationCheckOperator
from airflow_provider_aiguard.operators.confidence import ConfidenceCheckOperator
from airflow_provider_aiguard.operators.diversity import DiversityCheckOperator
from airflow_provider_aiguard.operators.ground_truth import GroundTruthCheckOperator
from airflow_provider_aiguard.sensors.calibration import CalibrationSensor
from airflow_provider_aiguard.sensors.diversity import DiversitySensor
from airflow_provider_aiguard.sensors.ground_truth import GroundTruthSensor

table = Table("t", "rows", key="id")
places = {"table": table, "column": "late", "truth": "arrivals"}
truth = Table("arrivals", "rows", key="id")


def calibration(door=CalibrationCheckOperator, **kwargs):
    return door(task_id="c", **{**places, "max_ece": 0.1} | kwargs)


def diversity(door=DiversityCheckOperator, **kwargs):
    return door(task_id="d", **{"table": table, "column": "topic", "min_entropy": 0.5} | kwargs)


def ground_truth(door=GroundTruthCheckOperator, **kwargs):
    return door(task_id="g", **places | kwargs)


@pytest.mark.parametrize("door", [CalibrationCheckOperator, CalibrationSensor])
def test_calibration(door):
    made = calibration(
        door, max_brier=0.2, max_rise=0.05, reference="then", name="now", truth_column="was", min_labels=9, alpha=0.1
    )
    limits = CalibrationLimits(max_ece=0.1, max_brier=0.2, max_rise=0.05, min_labels=9, alpha=0.1)
    assert made.question() == CalibrationQuestion(
        table=table, column="late", truth=truth, truth_column="was", limits=limits, name="now", reference="then"
    )


@pytest.mark.parametrize("door", [DiversityCheckOperator, DiversitySensor])
def test_diversity(door):
    made = diversity(
        door,
        classes=7,
        max_dominant_share=0.9,
        min_distinct={2: 0.5},
        min_variance_ratio=0.5,
        reference="good",
        reference_column="was",
        min_rows=9,
        alpha=0.1,
    )
    limits = DiversityLimits(
        min_entropy=0.5,
        classes=7,
        max_dominant_share=0.9,
        min_distinct={2: 0.5},
        min_variance_ratio=0.5,
        min_rows=9,
        alpha=0.1,
    )
    good = Table("good", "rows")
    assert made.question() == DiversityQuestion(
        table=table, column="topic", limits=limits, reference_rows=good, reference_column="was"
    )


@pytest.mark.parametrize("door", [GroundTruthCheckOperator, GroundTruthSensor])
def test_ground_truth(door):
    made = ground_truth(
        door,
        min_accuracy=0.8,
        truth_time_column="came",
        claim_time_column="made",
        max_delay=timedelta(days=2),
        estimate_from="late",
    )
    assert made.question() == GroundTruthQuestion(
        table=table,
        column="late",
        truth=truth,
        truth_column="late",
        limits=GroundTruthLimits(min_accuracy=0.8, max_delay=172_800.0),
        truth_time_column="came",
        claim_time_column="made",
        estimate_from="late",
    )
    scored = ground_truth(door, metric="f1", min_score=0.6, positive="yes").question().limits
    assert scored == GroundTruthLimits(metric="f1", min_score=0.6, positive="yes")
    assert ground_truth(door, metric="mae", max_error=3).question().limits.limit == 3


def test_entropy_alone_is_a_limit():
    made = ConfidenceCheckOperator(task_id="c", table=table, column="late", max_entropy=0.5)
    assert made.question().limits == ConfidenceLimits(max_entropy=0.5)


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (calibration, {"max_ece": None}, "give max_ece=, max_brier= or max_rise="),
        (calibration, {"max_ece": 5}, r"max_ece must be a number in \[0, 1\]; got 5"),
        (calibration, {"max_rise": 0.1}, "max_rise= and reference= belong together"),
        (calibration, {"name": " "}, "name must be the name of a series, such as 'late'; got ' '"),
        (calibration, {"min_labels": 0}, "min_labels must be at least 1; got 0"),
        (calibration, {"alpha": 1}, "alpha must lie between 0 and 1; got 1"),
        (calibration, {"table": Table("t", "rows")}, "Table 'arrivals' needs a key"),
        (calibration, {"truth": Table("arrivals", "elsewhere", key="id")}, "Truth is joined where the rows are"),
        (diversity, {"min_entropy": None}, "give min_entropy=, max_dominant_share=, min_distinct= or"),
        (diversity, {"min_entropy": 3}, r"min_entropy must be a number in \[0, 1\]; got 3"),
        (diversity, {"classes": 1}, "classes must be at least 2: one value has no entropy; got 1"),
        (diversity, {"min_distinct": 0.5}, "min_distinct must be shares by length of n-gram"),
        (diversity, {"min_distinct": {0: 0.5}}, "A length of n-gram in min_distinct must be at least 1; got 0"),
        (diversity, {"min_distinct": {2: 50}}, r"min_distinct of 2-grams must be a number in \[0, 1\]; got 50"),
        (diversity, {"min_distinct": {2: 0.5}, "table": Table("t", "rows")}, "Table 't' needs a key"),
        (diversity, {"min_variance_ratio": 0.5}, "min_variance_ratio= and reference= belong together"),
        (diversity, {"min_variance_ratio": 0, "reference": "r"}, "min_variance_ratio must be a number above 0; got 0"),
        (diversity, {"min_rows": 1.5}, "min_rows must be at least 1; got 1.5"),
        (ground_truth, {}, "The limit of metric 'accuracy' is min_accuracy=, alone; got 'none'"),
        (ground_truth, {"min_score": 0.8}, r"is min_accuracy=, alone; got \{'min_score': 0.8\}"),
        (ground_truth, {"metric": "f1", "min_accuracy": 0.8}, "The limit of metric 'f1' is min_score=, alone"),
        (ground_truth, {"metric": "mae", "min_score": 0.8}, "The limit of metric 'mae' is max_error=, alone"),
        (ground_truth, {"metric": "f1", "min_score": 80}, r"min_score must be a number in \[0, 1\]; got 80"),
        (ground_truth, {"metric": "mae", "max_error": -1}, "max_error must be a number above 0; got -1"),
        (ground_truth, {"metric": "", "min_score": 0.8}, "metric must be the name of a metric"),
        (ground_truth, {"min_accuracy": 0.8, "positive": "x"}, "positive= belongs to f1, precision, recall"),
        (ground_truth, {"min_accuracy": 0.8, "max_delay": timedelta(days=1)}, "counted from truth_time_column="),
        (
            ground_truth,
            {"min_accuracy": 0.8, "truth_time_column": "t", "max_delay": timedelta(0)},
            "max_delay must be a number above 0; got 0.0",
        ),
        (ground_truth, {"min_accuracy": 0.8, "estimate_from": ""}, "estimate_from must be the name of a series"),
        (ground_truth, {"metric": "f1", "min_score": 0.8, "estimate_from": "x"}, "estimates the accuracy, and nothing"),
    ],
)
def test_bad_argument(make, arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        make(**arguments)


@pytest.mark.parametrize("make", [calibration, diversity])
def test_template_fields_are_attributes(make):
    for door in (make(), make({calibration: CalibrationSensor, diversity: DiversitySensor}[make])):
        assert door.template_fields
        for field in door.template_fields:
            assert hasattr(door, field)


def test_a_key_that_is_a_template_is_checked_when_it_is_known():
    made = calibration(table=Table("t", "{{ params.place }}", key="id"), truth=Table("w", "rows", key="id"))
    made.table = {**made.table, "conn_id": "elsewhere"}
    with pytest.raises(ConfigurationError, match="conn_id 'elsewhere' and truth on 'rows'"):
        made.question()
