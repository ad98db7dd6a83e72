"""The importance guard: rankings that hold, rankings that turn, and what cannot be compared."""

from __future__ import annotations

import numpy as np
import pytest

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.importance import ImportanceEvidence
from airflow_provider_aiguard.core.limits.importance import ImportanceLimits
from airflow_provider_aiguard.core.verdict import Outcome
from airflow_provider_aiguard.guards.importance import evaluate

LIMITS = ImportanceLimits()


def importances(
    means: dict[str, float], *, spread: float = 0.01, seed: int = 0, parts: int = 20, **kwargs: object
) -> ImportanceEvidence:
    rng = np.random.default_rng(seed)
    losses = {name: tuple(rng.normal(mean, spread, parts).tolist()) for name, mean in means.items()}
    given = {"model": "m@1", "rows": 5_000, "score": 0.9, "metric": "accuracy"} | kwargs
    return ImportanceEvidence(importances=losses, **given)  # type: ignore[arg-type]


USUAL = {"hour": 0.2, "distance": 0.15, "carrier": 0.1, "origin": 0.05, "weekday": 0.0, "minute": 0.0}
FIRST = importances(USUAL)


def test_the_same_ranking_passes() -> None:
    (check,) = evaluate(importances(USUAL, seed=1), FIRST, LIMITS)
    assert check.outcome is Outcome.PASS
    assert check.value == 1
    assert "over 14 pairs of features (limit 0.8); 0 surely turned" in check.message
    assert check.message.endswith("most important: hour, distance, carrier, in the reference hour, distance, carrier")
    assert check.detail is not None
    assert check.detail["importance"]["hour"] == pytest.approx(0.2, abs=0.01)
    assert check.detail["accuracy"] == 0.9


def test_a_turned_ranking_breaches() -> None:
    turned = dict(zip(USUAL, [0.05, 0.0, 0.1, 0.2, 0.15, 0.0], strict=True))
    (check,) = evaluate(importances(turned, seed=1), FIRST, LIMITS)
    assert check.outcome is Outcome.BREACH
    assert check.detail is not None
    assert check.detail["high"] < 0.8
    assert check.detail["reversed"] >= 5


def test_noise_alone_is_no_breach() -> None:
    (check,) = evaluate(importances(USUAL, spread=0.6, seed=1), FIRST, LIMITS)
    assert check.outcome is Outcome.PASS
    assert check.detail is not None
    assert check.detail["high"] == 1


@pytest.mark.parametrize(
    ("now", "before", "message"),
    [
        (FIRST, None, "the first run is what later ones are compared with"),
        (importances(USUAL, rows=199), FIRST, "199 rows with truth, 200 needed"),
        (importances({"hour": 0.2}), FIRST, "the reference is of other features: begin a new series"),
        (importances(USUAL, metric="mae"), FIRST, "the reference was measured by accuracy: begin a new series"),
        (FIRST, importances(USUAL, spread=2), "the reference is sure of the order of 0 pairs of features, 3 needed"),
        (
            importances(dict.fromkeys(USUAL, 0.1), parts=0),
            FIRST,
            "this run has too few rows for its repeats",
        ),
        (FIRST, importances(USUAL, parts=0), "the reference has too few rows for its repeats"),
        (importances({}, rows=0), None, "0 rows with truth, 200 needed; most important: none"),
    ],
)
def test_what_cannot_be_compared_is_undecided(
    now: ImportanceEvidence, before: ImportanceEvidence | None, message: str
) -> None:
    (check,) = evaluate(now, before, LIMITS)
    assert check.outcome is Outcome.UNDECIDED
    assert check.message.startswith(message)


def test_limits_survive_and_refuse() -> None:
    limits = ImportanceLimits(min_rank_correlation=0.5, reference="previous", min_pairs=7)
    assert ImportanceLimits.from_dict(limits.to_dict()) == limits
    with pytest.raises(ConfigurationError, match=r"min_rank_correlation must be a number in \[-1, 1\]; got 80"):
        ImportanceLimits(min_rank_correlation=80)
    with pytest.raises(ConfigurationError, match=r"reference must be one of \('first', 'previous'\); got 'last'"):
        ImportanceLimits(reference="last")  # type: ignore[arg-type]
