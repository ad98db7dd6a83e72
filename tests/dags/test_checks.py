"""Check operators in real DAG runs: every outcome under every policy.

One DAG holds them all; each check has a task behind it, which shows what downstream sees.
"""

from __future__ import annotations

import logging
from datetime import timedelta

import pandas as pd
import pytest
from airflow_home import run_here, write_claims, write_truth

from airflow_provider_aiguard import Budget, Table
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.verdict import Outcome, Verdict
from airflow_provider_aiguard.operators.base import GuardBreachError
from airflow_provider_aiguard.operators.budget import BudgetCheckOperator
from airflow_provider_aiguard.operators.confidence import ConfidenceCheckOperator
from airflow_provider_aiguard.operators.drift import DriftCheckOperator
from airflow_provider_aiguard.operators.ground_truth import GroundTruthCheckOperator
from airflow_provider_aiguard.operators.profile import ProfileOperator

POLICIES = ("fail", "skip", "warn")
GUARDS = ("confidence", "drift", "ground_truth", "budget")
UNDECIDED = ("no_table", "no_rows", "no_baseline", "no_truth", "no_column")
STATE = {"fail": "failed", "skip": "skipped", "warn": "success"}
BEHIND = {"fail": "upstream_failed", "skip": "skipped", "warn": "success"}

scored = Table("scored", "rows", key="id")
truth = Table("truth", "rows", key="id")
numbers = Table("numbers", "rows", where="part = :part", parameters={"part": "current"})


def passing(task_id, guard, **kwargs):
    """A check that passes."""
    return {
        "confidence": lambda: ConfidenceCheckOperator(
            task_id=task_id, table=scored, column="late", min_mean=0.8, **kwargs
        ),
        "drift": lambda: DriftCheckOperator(task_id=task_id, table=numbers, reference="same", **kwargs),
        "ground_truth": lambda: GroundTruthCheckOperator(
            task_id=task_id, table=scored, column="late", truth=truth, min_accuracy=0.5, **kwargs
        ),
        "budget": lambda: BudgetCheckOperator(task_id=task_id, budget=Budget("purse", "1.00"), needed="1.00", **kwargs),
    }[guard]()


def breaching(task_id, guard, **kwargs):
    """A check that breaches."""
    return {
        "confidence": lambda: ConfidenceCheckOperator(
            task_id=task_id, table=scored, column="late", min_mean=0.95, **kwargs
        ),
        "drift": lambda: DriftCheckOperator(task_id=task_id, table=numbers, reference="other", **kwargs),
        "ground_truth": lambda: GroundTruthCheckOperator(
            task_id=task_id, table=scored, column="late", truth=truth, min_accuracy=0.95, **kwargs
        ),
        "budget": lambda: BudgetCheckOperator(task_id=task_id, budget=Budget("purse", "1.00"), needed="1.01", **kwargs),
    }[guard]()


def undecided(task_id, why, **kwargs):
    """A check that cannot decide."""
    return {
        "no_table": lambda: ConfidenceCheckOperator(
            task_id=task_id, table="nowhere", conn_id="rows", column="late", min_mean=0.5, **kwargs
        ),
        "no_rows": lambda: ConfidenceCheckOperator(
            task_id=task_id, table=Table("scored", "rows", where="id < 0"), column="late", min_mean=0.5, **kwargs
        ),
        "no_column": lambda: ConfidenceCheckOperator(
            task_id=task_id, table=scored, column="early", min_mean=0.5, **kwargs
        ),
        "no_baseline": lambda: DriftCheckOperator(task_id=task_id, table=numbers, reference="never", **kwargs),
        "no_truth": lambda: GroundTruthCheckOperator(
            task_id=task_id, table=scored, column="late", truth=Table("later", "rows"), min_accuracy=0.5, **kwargs
        ),
    }[why]()


@pytest.fixture(scope="module")
def failures():
    """Exceptions that the failure callback was given, by task."""
    return {}


@pytest.fixture(scope="module")
def log_lines():
    """What the doors logged."""
    lines: list[tuple[int, str]] = []

    class Keep(logging.Handler):
        def emit(self, record):
            lines.append((record.levelno, record.getMessage()))

    logger, handler = logging.getLogger("airflow_provider_aiguard"), Keep()
    logger.addHandler(handler)
    yield lines
    logger.removeHandler(handler)


@pytest.fixture(scope="module")
def ran(rows, store, failures, log_lines):
    """One run of all checks, with retries that none may use."""
    from airflow.sdk import DAG
    from airflow.sdk.bases.operator import BaseOperator

    write_claims(rows, "scored", [0.9] * 100)
    write_truth(rows, "truth", [True] * 80 + [False] * 20)
    write_truth(rows, "later", [None] * 100)
    values = [n % 50 for n in range(1000)]
    current = pd.DataFrame({"part": "current", "x": values})
    pd.concat([current, pd.DataFrame({"part": "other", "x": [v + 100 for v in values]})]).to_sql("numbers", rows)

    class Behind(BaseOperator):
        def execute(self, context):
            return "ran"

    def remember(context):
        failures[context["ti"].task_id] = context["exception"]

    retry = {"retries": 3, "retry_delay": timedelta(0), "on_failure_callback": remember}
    with DAG("checks", schedule=None, default_args=retry) as dag:
        baselines = [
            ProfileOperator(
                task_id=f"profile_{name}",
                table=Table("numbers", "rows", where="part = :part", parameters={"part": part}),
                name=name,
                columns=["x"],
            )
            for name, part in (("same", "current"), ("other", "other"))
        ]
        checks = [passing(f"pass_{guard}", guard) for guard in GUARDS]
        checks += [breaching(f"breach_{g}_{p}", g, on_breach=p) for g in GUARDS for p in POLICIES]
        checks += [undecided(f"{why}_{p}", why, on_undecided=p) for why in UNDECIDED for p in POLICIES]
        for check in checks:
            baselines >> check >> Behind(task_id=f"{check.task_id}_behind", on_failure_callback=None)
    return run_here(dag)


def verdict_of(ran, task_id):
    return Verdict.from_dict(ran.xcom(task_id, "verdict"))


def stored(store, ran, task_id):
    """The one verdict of a task in the store."""
    (record,) = store.verdicts.list(dag_run_id=ran.run_id, task_id=task_id)
    return record


@pytest.mark.parametrize("guard", GUARDS)
def test_a_pass_lets_downstream_run(ran, store, guard):
    task = f"pass_{guard}"
    assert (ran.states[task], ran.states[f"{task}_behind"]) == ("success", "success")
    verdict = verdict_of(ran, task)
    assert (verdict.guard, verdict.outcome) == (guard, Outcome.PASS)
    assert ran.xcom(task) == ran.xcom(task, "verdict")
    assert stored(store, ran, task).verdict.outcome is Outcome.PASS


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("guard", GUARDS)
def test_a_breach_does_what_its_policy_says(ran, store, guard, policy):
    task = f"breach_{guard}_{policy}"
    assert (ran.states[task], ran.states[f"{task}_behind"]) == (STATE[policy], BEHIND[policy])
    verdict = verdict_of(ran, task)
    assert (verdict.guard, verdict.outcome) == (guard, Outcome.BREACH)
    assert stored(store, ran, task).verdict == verdict
    assert ran.xcom(task) == (verdict.to_dict() if policy == "warn" else None)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("why", UNDECIDED)
def test_not_knowing_is_no_pass(ran, store, why, policy):
    task = f"{why}_{policy}"
    assert (ran.states[task], ran.states[f"{task}_behind"]) == (STATE[policy], BEHIND[policy])
    verdict = verdict_of(ran, task)
    assert verdict.outcome is Outcome.UNDECIDED
    assert stored(store, ran, task).verdict == verdict
    assert ran.xcom(task) == (verdict.to_dict() if policy == "warn" else None)


def test_no_verdict_is_retried(ran):
    tries = {ti.task_id: ti.try_number for ti in ran.tasks if ti.state == "failed"}
    assert len(tries) == len(GUARDS) + len(UNDECIDED)
    assert set(tries.values()) == {1}


@pytest.mark.parametrize("guard", GUARDS)
def test_the_error_says_what_how_much_and_what_to_do(ran, failures, guard):
    error = failures[f"breach_{guard}_fail"]
    assert isinstance(error, GuardBreachError)
    assert error.verdict.outcome is Outcome.BREACH
    text = str(error)
    numbers_in = {
        "confidence": ["'scored'", "late: mean confidence 0.9 over 100 values (limit 0.95)"],
        "drift": ["'numbers'", "x: ", "(limit 0.02)"],
        "ground_truth": ["'scored'", "late: accuracy 0.8, 95% interval 0.7", "over 100 labels (limit 0.95)"],
        "budget": ["'purse'", "$1.00 of $1.00 left, $1.01 needed. Raise the limit"],
    }[guard]
    for part in [f"{guard} of ", "breach", *numbers_in, "XCom under 'verdict'", "move the limit", "on_breach='warn'"]:
        assert part in text


@pytest.mark.parametrize(
    ("why", "parts"),
    [
        ("no_table", ["'nowhere'"]),
        ("no_rows", ["0 inferred values in 0 rows, 1 needed"]),
        ("no_column", ["'scored'", "'early'"]),
        ("no_baseline", ["'never'", "'same'"]),
        ("no_truth", ["no truth has arrived for 100 inferred values"]),
    ],
)
def test_the_error_says_why_nothing_is_known(failures, ran, why, parts):
    text = str(failures[f"{why}_fail"])
    for part in ["undecided", *parts, "on_undecided='warn'"]:
        assert part in text


def test_a_skip_calls_nobody(ran, failures):
    assert set(failures) == {task for task, state in ran.states.items() if state == "failed"}


def test_the_log_has_the_checks_as_a_table(ran, log_lines):
    tables = [(level, text) for level, text in log_lines if "outcome" in text and "what was seen" in text]
    assert len(tables) == len(GUARDS) * 4 + len(UNDECIDED) * 3
    warned = next(text for level, text in tables if level == logging.WARNING and "confidence of scored: BREACH" in text)
    _, header, worst, *_ = warned.strip().splitlines()
    assert header.split()[:5] == ["outcome", "check", "column", "value", "limit"]
    assert worst.split()[:5] == ["breach", "confidence.mean", "late", "0.9", "0.95"]
    assert any(level == logging.INFO and "confidence of scored: PASS" in text for level, text in tables)


def test_the_store_knows_who_asked(ran, store):
    identity = stored(store, ran, "pass_drift").identity
    assert identity == RunIdentity(
        run_id=str(ran.task("pass_drift").id),
        dag_id="checks",
        dag_run_id=ran.run_id,
        task_id="pass_drift",
        map_index=-1,
        try_number=1,
        logical_date=ran.run.logical_date.isoformat(),
    )


def test_a_profile_is_stored_and_summed_up(ran, store):
    assert ran.xcom("profile_same") == {"name": "same", "rows": 1000, "columns": ["x"]}
    assert set(store.profiles.names()) == {"same", "other"}


def test_no_baseline_is_learnt_from_no_rows(ran, store):
    from airflow.sdk import DAG

    with DAG("empty_baseline", schedule=None) as dag:
        ProfileOperator(
            task_id="profile",
            table=Table("numbers", "rows", where="part = :part", parameters={"part": "nobody"}),
            name="nothing",
        )
    assert run_here(dag).states == {"profile": "failed"}
    assert "nothing" not in store.profiles.names()


def test_a_baseline_of_a_sample_knows_its_clusters(ran, store):
    from airflow.sdk import DAG

    with DAG("sampled_baseline", schedule=None) as dag:
        ProfileOperator(
            task_id="profile",
            table=Table("numbers", "rows"),
            name="sampled",
            columns=["x"],
            sample=0.9,
            cluster="part",
            dependence=True,
        )
    assert run_here(dag).states == {"profile": "success"}
    profile, _ = store.profiles.get("sampled")
    assert (profile["sample"], profile["clusters"]) == (0.9, 2)
    assert profile["columns"][0]["design_effects"]["nulls"] == 1.0
