"""The latency guard, and what it is asked of the store."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.latency import LatencySummary
from airflow_provider_aiguard.core.limits.latency import LatencyLimits
from airflow_provider_aiguard.core.run import InferenceSummary, ModelIdentity, RunIdentity
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome
from airflow_provider_aiguard.guards.latency import evaluate
from airflow_provider_aiguard.guards.questions.latency import LatencyQuestion
from airflow_provider_aiguard.store.store import open_store

if TYPE_CHECKING:
    from pathlib import Path


def took(fast: int, slow: int, *, fast_ms: float = 10, slow_ms: float = 500, rows: int = 1) -> LatencySummary:
    return LatencySummary.of([(fast_ms / 1000, rows)] * fast + [(slow_ms / 1000, rows)] * slow)


def check(summary: LatencySummary, **limits: Any) -> CheckResult:
    (found,) = evaluate(summary, LatencyLimits(**limits))
    return found


def test_a_breach_needs_the_whole_interval() -> None:
    # 5 % may be slower; of 200 calls 17 are surely more, 16 may be chance.
    assert check(took(183, 17), max_p95_ms=100).outcome is Outcome.BREACH
    close = check(took(184, 16), max_p95_ms=100)
    assert close.outcome is Outcome.PASS
    assert close.value == 500
    assert close.message.endswith("; the limit lies inside the interval")
    assert close.detail is not None
    assert close.detail["low"] <= 0.05 < close.detail["high"]
    assert "95% interval" in close.message
    # Two limits share the alpha, and the message says which interval it is.
    both = evaluate(took(183, 17), LatencyLimits(max_p50_ms=400, max_p95_ms=100))
    assert ["97.5% interval" in one.message for one in both] == [True, True]


def test_a_fast_model_passes_without_a_doubt() -> None:
    found = check(took(1_000, 5), max_p95_ms=100)
    assert (found.outcome, found.value, found.limit) == (Outcome.PASS, 10.0, 100)
    assert "5% may" in found.message
    assert "inside" not in found.message


def test_too_few_calls_are_undecided_whatever_they_took() -> None:
    for calls in (0, 99):
        found = check(took(0, calls), latency_class="bounded")
        assert (found.outcome, found.message) == (Outcome.UNDECIDED, f"{calls} calls were timed, 100 needed")
    assert check(took(0, 99), latency_class="bounded", min_calls=99).outcome is Outcome.BREACH
    assert check(took(0, 0), latency_class="bounded", min_calls=1).outcome is Outcome.UNDECIDED


@pytest.mark.parametrize(
    ("kind", "milliseconds", "outcome"),
    [
        ("bounded", 20, Outcome.PASS),
        ("bounded", 21, Outcome.BREACH),
        ("sophisticated", 100, Outcome.PASS),
        ("sophisticated", 101, Outcome.BREACH),
        ("interactive", 100, Outcome.PASS),
        ("interactive", 101, Outcome.BREACH),
    ],
)
def test_the_classes(kind: Any, milliseconds: float, outcome: Outcome) -> None:
    found = check(took(300, 0, fast_ms=milliseconds), latency_class=kind)
    assert (found.check, found.outcome) == ("latency.p95", outcome)


def test_a_model_far_below_its_class_is_told_of() -> None:
    assert "a stricter one may do" in check(took(300, 0), latency_class="sophisticated").message
    assert "stricter" not in check(took(300, 0, fast_ms=60), latency_class="sophisticated").message
    assert "stricter" not in check(took(300, 0, fast_ms=1), latency_class="interactive").message


def test_a_row_has_its_share_of_a_call() -> None:
    summary = took(300, 0, fast_ms=500, rows=100)
    assert check(summary, latency_class="bounded").outcome is Outcome.BREACH
    by_row = check(summary, latency_class="bounded", per="row")
    assert (by_row.outcome, by_row.value) == (Outcome.PASS, 5.0)
    assert "5 ms a row" in by_row.message


def test_all_limits_share_alpha() -> None:
    summary = took(183, 17)
    assert check(summary, max_p95_ms=100).outcome is Outcome.BREACH
    checks = evaluate(summary, LatencyLimits(max_p50_ms=50, max_p95_ms=100, max_p99_ms=1_000))
    assert [(c.check, c.outcome) for c in checks] == [
        ("latency.p50", Outcome.PASS),
        ("latency.p95", Outcome.PASS),
        ("latency.p99", Outcome.PASS),
    ]


def test_of_a_limit_within_a_cell_only_what_was_surely_slower_counts() -> None:
    assert check(took(0, 300, slow_ms=104), max_p95_ms=103).outcome is Outcome.PASS
    assert check(took(0, 300, slow_ms=111), max_p95_ms=103).outcome is Outcome.BREACH


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({}, "A latency check needs a limit"),
        ({"latency_class": "quick"}, r"latency_class must be one of \('bounded', .*\); got 'quick'"),
        ({"latency_class": "bounded", "max_p95_ms": 5}, "are two limits for one thing"),
        ({"max_p99_ms": 0}, "max_p99_ms must be a number above 0; got 0"),
        ({"max_p50_ms": 5, "per": "chunk"}, r"per must be one of \('call', 'row'\); got 'chunk'"),
        ({"max_p50_ms": 5, "min_calls": 0}, "min_calls must be at least 1"),
        ({"max_p50_ms": 5, "alpha": 1}, "alpha must lie between 0 and 1"),
    ],
)
def test_limits_are_checked(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        LatencyLimits(**wrong)


def test_limits_round_trip() -> None:
    limits = LatencyLimits(latency_class="bounded", max_p99_ms=80, per="row", min_calls=7, alpha=0.01)
    assert LatencyLimits.from_dict(limits.to_dict()) == limits


MODEL = ModelIdentity(name="m", version="1", fingerprint="f")


class Sources:
    def __init__(self, store: Any) -> None:
        self.store = store

    def connect(self, _: str | None) -> Any:
        raise AssertionError("nothing is to be asked of the table")


def test_the_question_adds_the_runs_that_wrote_the_table_in_this_dag_run(tmp_path: Path) -> None:
    who = RunIdentity(run_id="check", dag_id="d", dag_run_id="r", task_id="check")
    question = LatencyQuestion(table=Table("scored", "w"), limits=LatencyLimits(max_p50_ms=50, min_calls=150))
    with open_store(f"sqlite:///{tmp_path}/store.db") as store:
        nothing = question.ask(Sources(store), who)
        assert nothing.outcome is Outcome.UNDECIDED
        assert "No AI step of this DAG run has written 'scored'" in nothing.checks[0].message

        def run(run_id: str, target: str, dag_run_id: str, latency: LatencySummary, map_index: int = -1) -> None:
            by = replace(who, run_id=run_id, dag_run_id=dag_run_id, task_id="score", map_index=map_index)
            store.runs.start(by, MODEL, source="s", target=target)
            store.runs.progress(
                InferenceSummary(run_id=run_id, model=MODEL, source="s", target=target, latency=latency)
            )

        run("a", "scored", "r", took(100, 0), 0)
        run("b", "scored", "r", took(0, 60), 1)
        run("c", "elsewhere", "r", took(0, 500))
        run("d", "scored", "earlier", took(0, 500))
        (found,) = question.ask(Sources(store), who).checks
    assert found.outcome is Outcome.PASS
    assert found.detail is not None
    assert (found.detail["calls"], found.detail["slower"]) == (160, 60)
    assert question.to_dict()["guard"] == "latency"
