"""The latency guard blames a model at its limit as rarely as it says, and sees one that is too slow."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy.stats import binom

from airflow_provider_aiguard.core.latency import LatencySummary
from airflow_provider_aiguard.core.limits.latency import LatencyLimits
from airflow_provider_aiguard.core.verdict import Outcome
from airflow_provider_aiguard.guards.latency import evaluate
from tests.docs.pages import DOCS

RUNS, CALLS = 1_000, 400
SIGMA = 0.6


def blamed(limits: LatencyLimits, *, at_p95_ms: float, seed: int) -> int:
    """Of so many runs of calls whose latencies are lognormal, those with a breach."""
    rng = np.random.default_rng(seed)
    median = at_p95_ms / np.exp(1.6448536269514722 * SIGMA)
    count = 0
    for _ in range(RUNS):
        seconds = rng.lognormal(np.log(median / 1000), SIGMA, CALLS).tolist()
        checks = evaluate(LatencySummary.of([(s, 1) for s in seconds]), limits)
        count += any(check.outcome is Outcome.BREACH for check in checks)
    return count


def test_a_model_at_the_limit_is_blamed_in_at_most_half_of_alpha() -> None:
    found = blamed(LatencyLimits(latency_class="interactive"), at_p95_ms=100, seed=1)
    print(f"latency: p95 at the limit, {found} of {RUNS} runs of {CALLS} calls blamed")
    assert found <= binom.ppf(0.999, RUNS, 0.025)
    shown = re.search(
        r"in\s+(\d+) of 1,000 simulated runs of 400 calls", (DOCS / "guards/latency.md").read_text("utf-8")
    )
    assert shown
    assert int(shown[1]) == found


def test_three_limits_together_keep_alpha() -> None:
    at = 100 / np.exp(1.6448536269514722 * SIGMA)
    limits = LatencyLimits(
        max_p50_ms=round(at, 4), max_p95_ms=100, max_p99_ms=round(at * np.exp(2.3263478740408408 * SIGMA), 4)
    )
    assert blamed(limits, at_p95_ms=100, seed=2) <= binom.ppf(0.999, RUNS, 0.05)


@pytest.mark.parametrize(("p95", "share"), [(150, 0.85), (200, 0.999)])
def test_a_slow_model_is_seen(p95: float, share: float) -> None:
    found = blamed(LatencyLimits(latency_class="interactive"), at_p95_ms=p95, seed=3)
    print(f"latency: p95 of {p95} ms against 100 ms, {found} of {RUNS} runs of {CALLS} calls blamed")
    assert found >= share * RUNS
