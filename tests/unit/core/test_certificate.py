from __future__ import annotations

import json
from typing import Any

from airflow_provider_aiguard.core.certificate import THRESHOLDS, Certificate


def certificate(**changes: Any) -> Certificate:
    values: dict[str, Any] = {
        "promise": "error", "alpha": 0.05, "delta": 0.05, "threshold": 0.9, "model": "small@1", "learnt_on": "labelled",
        "labels": 1_000, "accepted": 700, "bad": 21,
    }  # fmt: skip
    return Certificate(**{**values, **changes})


def test_it_survives_json() -> None:
    assert Certificate.from_dict(json.loads(json.dumps(certificate().to_dict()))) == certificate()


def test_what_it_says() -> None:
    assert str(certificate()) == (
        "small@1, 1,000 labels of labelled: accepted from a confidence of 0.9 on, that is 70.0% of the rows. At most "
        "5 % of the accepted claims are wrong, with a probability of 0.95. Seen: 21 of 700."
    )
    loss = certificate(promise="loss", alpha=0.01, stronger="large@1", bad=3)
    assert "Accuracy at most 1 points below that of large@1 alone" in str(loss)
    assert str(loss).endswith("Seen: 3 of 1,000.")


def test_what_it_says_without_a_threshold() -> None:
    few = certificate(threshold=None, accepted=0, missing=1_200)
    assert str(few).endswith("can be certified: about 1,200 more labels are needed, if they are like those seen.")
    bad = certificate(threshold=None, accepted=0, hopeless=True)
    assert "more labels would not help" in str(bad)
    assert "too few to be sure: more labels may help" in str(certificate(threshold=None, accepted=0))
    assert (few.coverage, certificate(labels=0, accepted=0).coverage) == (0.0, 0.0)


def test_the_grid_falls() -> None:
    assert list(THRESHOLDS) == sorted(set(THRESHOLDS), reverse=True)
    assert len(THRESHOLDS) == 20
