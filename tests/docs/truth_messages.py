"""What checks of ground truth, calibration, diversity and confidence say: the pages quote it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_aiguard.core.calibration import EMPTY, CalibrationBin, CalibrationEvidence
from airflow_provider_aiguard.core.confidence import CELLS, ConfidenceSummary
from airflow_provider_aiguard.core.diversity import DistinctBlocks, DiversityEvidence, Moments
from airflow_provider_aiguard.core.evidence import ConfidenceEvidence, DelayEvidence, ErrorSums, TruthEvidence
from airflow_provider_aiguard.core.limits.calibration import CalibrationLimits
from airflow_provider_aiguard.core.limits.confidence import ConfidenceLimits
from airflow_provider_aiguard.core.limits.diversity import DiversityLimits
from airflow_provider_aiguard.core.limits.ground_truth import GroundTruthLimits
from airflow_provider_aiguard.guards import calibration, confidence, diversity, ground_truth

if TYPE_CHECKING:
    from collections.abc import Iterator


def truth_messages() -> Iterator[str]:
    """Messages of the checks that the pages about being right quote."""
    for checks in (*_ground_truth(), *_calibration(), *_diversity(), *_confidence()):
        yield from (check.message for check in checks)


def _truth(labels, **kwargs):
    return TruthEvidence(
        column="late", truth_column="late", inferred=24951, labels=labels, correct=kwargs.pop("correct", 0), **kwargs
    )


def _calibrated(labels, correct):
    filled = (CalibrationBin(n=labels, confidence=0.9 * labels, correct=correct), *EMPTY[1:])
    return CalibrationEvidence(
        column="late",
        truth_column="late",
        inferred=24951,
        labels=labels,
        bins=filled,
        claimed=filled,
        squares=0.2 * labels,
        fourths=0.05 * labels,
    )


def _ground_truth():
    errors = ErrorSums.of([20.0 + (-1) ** i for i in range(24951)])
    yield ground_truth.evaluate(_truth(24951, errors=errors), GroundTruthLimits(metric="mae", max_error=15))
    classes = GroundTruthLimits(metric="f1", min_score=0.6)
    yield ground_truth.evaluate(_truth(24951, confusion={("a", "a"): 20000, ("b", "c"): 4951}), classes)
    confusion = {("true", "true"): 2000, ("true", "false"): 2000, ("false", "true"): 2000, ("false", "false"): 18951}
    yield ground_truth.evaluate(_truth(24951, confusion=confusion), classes)
    delay = DelayEvidence(n=24951, unknown=0, median=172_800.0, late=432_000.0)
    limits = GroundTruthLimits(min_accuracy=0.8, max_delay=259_200.0)
    yield ground_truth.evaluate(_truth(24951, correct=21000, delay=delay), limits)
    past = _calibrated(20000, 17000).bins
    yield [ground_truth.estimate(_calibrated(24951, 0), past, 3, GroundTruthLimits(min_accuracy=0.8))]
    yield [ground_truth.estimate(_calibrated(24951, 0), EMPTY, 0, GroundTruthLimits(min_accuracy=0.8))]


def _calibration():
    every = CalibrationLimits(max_ece=0.05, max_brier=0.15, max_rise=0.02)
    for labels, correct in ((24951, 20000), (9000, 8000), (12, 9), (0, 0)):
        yield calibration.evaluate(_calibrated(labels, correct), every, _calibrated(20000, 18000).bins)
    yield calibration.evaluate(_calibrated(24951, 20000), every, None)


def _diversity():
    def of(limits, **kwargs):
        return diversity.evaluate(DiversityEvidence(column="topic", **kwargs), DiversityLimits(**limits))

    yield of({"max_dominant_share": 0.8}, frequencies={950: 1, 20: 2, 10: 1})
    yield of({"min_entropy": 0.5, "classes": 10}, frequencies={950: 1, 20: 2, 10: 1})
    yield of({"min_entropy": 0.5}, frequencies={1: 900})
    yield of({"min_entropy": 0.5}, frequencies={40: 1})
    shares = [0.1, 0.12] * 15
    blocks = DistinctBlocks(n=30, total=sum(shares), squares=sum(s * s for s in shares))
    yield of({"min_distinct": {2: 0.5}}, distinct={2: blocks})
    yield of({"min_distinct": {2: 0.5}}, distinct={2: DistinctBlocks(n=2, total=1.0, squares=0.5)})
    now, then = (Moments(n=900, mean=0.0, second=900 * v, fourth=2700 * v * v) for v in (0.2, 1.0))
    yield of({"min_variance_ratio": 0.5}, moments=now, reference=then)


def _confidence():
    counts = tuple(24951 if i == 70 else 0 for i in range(CELLS))
    evidence = ConfidenceEvidence(
        column="late",
        rows=24951,
        provenance={"ai_inferred": 24951},
        confidence=ConfidenceSummary(total=0.71 * 24951, counts=counts),
        entropy=0.868,
    )
    yield confidence.evaluate(evidence, ConfidenceLimits(max_entropy=0.5))
