from __future__ import annotations

import json

import pytest

from airflow_provider_aiguard.core.concept import ConceptEvidence, ConceptRun, TruthSignature
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.limits.concept import ConceptLimits

SIGNATURE = TruthSignature(edges=(0.5, 0.7), counts={"true": (5, 4, 3, 0, 0, 1, 0, 0, 0, 2), "": (1,) * 10})
RUN = ConceptRun(when="2013-02-01", inferred=40, labels=25, errors=8, model="m@1", signature=SIGNATURE)


@pytest.mark.parametrize(
    "value",
    [
        SIGNATURE,
        TruthSignature(),
        RUN,
        ConceptRun(when="", inferred=0, labels=0, errors=0),
        ConceptEvidence(column="late", runs=(RUN, RUN), since="2013-01-01"),
        ConceptLimits(),
        ConceptLimits(run_length=370, min_runs=5, min_labels=100, min_truth_share=0, min_change=0),
    ],
    ids=lambda value: type(value).__name__,
)
def test_it_survives_json(value):
    assert type(value).from_dict(json.loads(json.dumps(value.to_dict()))) == value


def test_a_signature_knows_labels_and_errors():
    assert (SIGNATURE.labels, SIGNATURE.errors) == (25, 8)
    assert (TruthSignature().labels, TruthSignature().errors) == (0, 0)


def test_the_share_of_the_truth():
    assert RUN.truth_share == 25 / 40
    assert ConceptRun(when="", inferred=0, labels=0, errors=0).truth_share == 0


@pytest.mark.parametrize(
    ("forged", "message"),
    [
        ({"labels": -1, "errors": -1}, "got -1, -1 and 40 for '2013-02-01'"),
        ({"errors": 26}, "counts 0 <= errors <= labels <= inferred; got 26, 25 and 40"),
        ({"labels": 41}, "got 8, 41 and 40"),
        ({"errors": "8"}, "cannot be read: .* another version"),
        ({"signature": {"edges": []}}, "cannot be read: 'counts'"),
        ({"signature": {"edges": [], "counts": {"true": [1, 2]}}}, "needs 10 counts of at least 0 a class"),
        ({"signature": {"edges": [], "counts": {"true": [-1] * 10}}}, "needs 10 counts of at least 0 a class"),
        ({"share": 0.5}, "cannot be read: .*'share'"),
    ],
)
def test_a_stored_run_that_cannot_be_is_refused(forged, message):
    with pytest.raises(ConfigurationError, match=message):
        ConceptRun.from_dict(RUN.to_dict() | forged)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"run_length": 9}, "run_length must be a number of at least 10; got 9"),
        ({"run_length": float("inf")}, "run_length must be a number of at least 10; got inf"),
        ({"run_length": float("nan")}, "run_length must be a number of at least 10; got nan"),
        ({"run_length": "1000"}, "run_length must be a number of at least 10; got '1000'"),
        ({"min_runs": 2}, "min_runs must be a number of at least 3; got 2"),
        ({"min_runs": True}, "min_runs must be a number of at least 3; got True"),
        ({"min_labels": 0}, "min_labels must be a number of at least 1; got 0"),
        ({"min_change": 5}, r"min_change must be a number in \[0, 1\]; got 5"),
        ({"min_truth_share": 50}, r"min_truth_share must be a number in \[0, 1\]; got 50"),
    ],
)
def test_limits_that_mean_nothing_are_refused(arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        ConceptLimits(**arguments)
