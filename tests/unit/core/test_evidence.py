from __future__ import annotations

import json

from airflow_provider_aiguard.core.calibration import EMPTY, CalibrationBin, pooled
from airflow_provider_aiguard.core.confidence import CELLS, ConfidenceSummary
from airflow_provider_aiguard.core.evidence import (
    BudgetStatus,
    ConfidenceEvidence,
    DelayEvidence,
    ErrorSums,
    TruthEvidence,
)
from airflow_provider_aiguard.core.interval import Interval
from airflow_provider_aiguard.core.provenance import Provenance


def through_json(value):
    return type(value).from_dict(json.loads(json.dumps(value.to_dict(), allow_nan=False)))


def test_a_budget_status_knows_what_is_left():
    status = BudgetStatus(name="b", window="day:2026-11-23", limit=10, spent=4, held=3)
    assert status.remaining == 3
    assert through_json(status) == status


def test_confidence_evidence_survives_json():
    counts = tuple(3 if cell == 90 else 0 for cell in range(CELLS))
    evidence = ConfidenceEvidence(
        column="late",
        rows=6,
        provenance={Provenance.AI_INFERRED: 4, "unlabelled": 2},
        confidence=ConfidenceSummary(total=2.7, counts=counts, missing=1),
        minimum=0.9,
        below={0.6: 0, 0.95: 3},
    )
    assert through_json(evidence) == evidence
    assert (evidence.inferred, evidence.unlabelled) == (4, 2)


def test_nothing_inferred_is_nothing():
    evidence = ConfidenceEvidence(column="late", rows=0, provenance={}, confidence=ConfidenceSummary())
    assert (evidence.inferred, evidence.unlabelled) == (0, 0)


def test_truth_evidence_survives_json():
    evidence = TruthEvidence(
        column="late", truth_column="was", inferred=10, labels=8, correct=6, confusion={("true", "false"): 2}
    )
    assert through_json(evidence) == evidence
    assert (evidence.accuracy, evidence.truth_share) == (0.75, 0.8)


def test_what_was_measured_beside_survives_json_too():
    evidence = TruthEvidence(
        column="price",
        truth_column="was",
        inferred=10,
        labels=8,
        correct=6,
        errors=ErrorSums.of([1.0, -2.0]),
        delay=DelayEvidence(n=7, unknown=1, median=60.0, late=90.0),
        score=Interval(0.5, 0.4, 0.6),
    )
    assert through_json(evidence) == evidence


def test_an_interval_holds_its_ends():
    assert [Interval(0.5, 0.4, 0.6).holds(x) for x in (0.39, 0.4, 0.5, 0.6, 0.61)] == [False, True, True, True, False]


def test_bins_of_several_runs_add_up():
    filled = (CalibrationBin(n=2, confidence=1.8, correct=1), *EMPTY[1:])
    assert pooled([filled, filled])[0] == CalibrationBin(n=4, confidence=3.6, correct=2)
    assert pooled([]) == EMPTY
    assert (filled[0].mean_confidence, EMPTY[0].mean_confidence) == (0.9, None)


def test_without_labels_there_is_no_accuracy():
    evidence = TruthEvidence(column="late", truth_column="was", inferred=0, labels=0, correct=0)
    assert (evidence.accuracy, evidence.truth_share) == (None, None)
