from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_provider_aiguard.core.confidence import CELLS, ConfidenceSummary
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.evidence import ConfidenceEvidence
from airflow_provider_aiguard.core.limits.confidence import ConfidenceLimits
from airflow_provider_aiguard.core.verdict import Outcome
from airflow_provider_aiguard.guards.confidence import evaluate


def evidence(sure=0, unsure=0, missing=0, *, unlabelled=0, out_of_range=0):
    """Inferred values with confidence 0.9 and 0.5."""
    counts = [0] * CELLS
    counts[90], counts[50] = sure, unsure
    inferred = sure + unsure + missing + out_of_range
    return ConfidenceEvidence(
        column="late",
        rows=inferred + unlabelled,
        provenance={"ai_inferred": inferred, "unlabelled": unlabelled},
        confidence=ConfidenceSummary(total=0.9 * sure + 0.5 * unsure, counts=tuple(counts), missing=missing),
        minimum=0.5 if unsure else 0.9,
        below={0.6: unsure},
        out_of_range=out_of_range,
    )


def outcomes(evidence, **limits):
    return {c.check.removeprefix("confidence."): c.outcome for c in evaluate(evidence, ConfidenceLimits(**limits))}


def test_sure_enough_passes():
    found = outcomes(evidence(90, 10), min_mean=0.86, max_share_below=(0.6, 0.10))
    assert found == {"missing": Outcome.PASS, "mean": Outcome.PASS, "share_below": Outcome.PASS}


def test_each_limit_breaches_by_itself():
    found = outcomes(evidence(90, 11), min_mean=0.85, max_share_below=(0.6, 0.10))
    assert found == {"missing": Outcome.PASS, "mean": Outcome.PASS, "share_below": Outcome.BREACH}
    assert outcomes(evidence(90, 11), min_mean=0.857) == {"missing": Outcome.PASS, "mean": Outcome.BREACH}


def test_entropy_has_a_limit_of_its_own():
    def of(entropy, **kwargs):
        return replace(evidence(90, **kwargs), entropy=entropy)

    assert outcomes(of(0.5), max_entropy=0.5) == {"missing": Outcome.PASS, "entropy": Outcome.PASS}
    assert outcomes(of(0.51), max_entropy=0.5)["entropy"] is Outcome.BREACH
    assert outcomes(of(None), max_entropy=0.5)["entropy"] is Outcome.UNDECIDED
    assert outcomes(of(0.1), max_entropy=0.5, min_rows=91)["entropy"] is Outcome.UNDECIDED


@pytest.mark.parametrize("kind", ["missing", "out_of_range"])
def test_a_missing_confidence_never_passes(kind):
    some = evidence(99, **{kind: 1})
    assert outcomes(some, min_mean=0.5)["missing"] is Outcome.BREACH
    assert outcomes(some, min_mean=0.5, max_missing_share=0.01)["missing"] is Outcome.PASS
    assert outcomes(some, max_share_below=(0.6, 0.0), max_missing_share=1)["share_below"] is Outcome.BREACH


def test_without_any_confidence_the_mean_is_undecided():
    found = outcomes(evidence(missing=5), min_mean=0.5, max_missing_share=1)
    assert found == {"missing": Outcome.PASS, "mean": Outcome.UNDECIDED}


@pytest.mark.parametrize("unlabelled", [0, 7])
def test_no_inferred_rows_are_undecided(unlabelled):
    checks = evaluate(evidence(unlabelled=unlabelled), ConfidenceLimits(min_mean=0.5, max_share_below=(0.6, 0.1)))
    assert {c.outcome for c in checks} == {Outcome.UNDECIDED}
    assert ("7 rows have no provenance" in checks[0].message) is bool(unlabelled)


def test_min_rows_is_a_minimum():
    assert Outcome.UNDECIDED in outcomes(evidence(9), min_mean=0.5, min_rows=10).values()
    assert Outcome.UNDECIDED not in outcomes(evidence(10), min_mean=0.5, min_rows=10).values()


def test_evidence_of_another_threshold_is_refused():
    with pytest.raises(ConfigurationError, match=r"counted below \[0.6\], not below 0.7. Pass below=\(0.7,\)"):
        outcomes(evidence(5), max_share_below=(0.7, 0.1))


def test_messages_have_the_numbers():
    missing, mean, below = evaluate(
        evidence(6, 2, 1, out_of_range=1), ConfidenceLimits(min_mean=0.9, max_share_below=(0.6, 0.1))
    )
    assert missing.message == (
        "late: 2 of 10 inferred values without a confidence, 1 of them no number in [0, 1] (20.0%, limit 0.0%)"
    )
    assert mean.message == "late: mean confidence 0.8 over 8 values (limit 0.9)"
    assert (mean.value, mean.limit, mean.column) == (pytest.approx(0.8), 0.9, "late")
    assert below.message == "late: 40.0% of the inferred values have a confidence under 0.6 (limit 10.0%)"
