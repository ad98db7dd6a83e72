"""Questions about being right, calibrated and varied: asked of real tables and a real store, run after run."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, timedelta

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.limits.calibration import CalibrationLimits
from airflow_provider_aiguard.core.limits.diversity import DiversityLimits
from airflow_provider_aiguard.core.limits.ground_truth import GroundTruthLimits
from airflow_provider_aiguard.core.run import InferenceSummary, ModelIdentity, RunIdentity, RunState
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.verdict import Outcome
from airflow_provider_aiguard.guards.questions.calibration import CalibrationQuestion
from airflow_provider_aiguard.guards.questions.diversity import DiversityQuestion
from airflow_provider_aiguard.guards.questions.ground_truth import GroundTruthQuestion
from airflow_provider_aiguard.guards.questions.registry import question_from_dict
from airflow_provider_aiguard.store.store import open_store
from airflow_provider_aiguard.tables.connection import connect

ALL = {"conn_id": "wh", "key": "id"}


class Sources:
    def __init__(self, folder):
        self.store = open_store(f"sqlite:///{folder}/store.db")
        self.engine = sa.create_engine(f"sqlite:///{folder}/rows.db", poolclass=NullPool)

    @contextmanager
    def connect(self, conn_id):
        assert conn_id == "wh"
        with connect(self.engine) as connection:
            yield connection

    def write(self, name, **columns):
        pd.DataFrame(columns).to_sql(name, self.engine, index=False, if_exists="replace")


@pytest.fixture
def sources(tmp_path):
    made = Sources(tmp_path)
    yield made
    made.store.close()


def month(n, attempt=1):
    """The task of one month."""
    return RunIdentity(
        run_id=f"r{n}.{attempt}",
        dag_id="d",
        dag_run_id=f"m{n}",
        task_id="t",
        try_number=attempt,
        logical_date=f"2026-{n:02}-01T00:00:00+00:00",
    )


def flights(sources, n, accuracy, *, confidence=0.9, seed=0):
    """Claims and truth of so many flights."""
    rng = np.random.default_rng(seed)
    right = rng.random(n) < accuracy
    labels = {"y__provenance": "ai_inferred", "y__confidence": confidence, "y__run": "run-1"}
    sources.write("claims", id=range(n), y=[1] * n, **labels)
    sources.write("truth", id=range(n), y=right.astype(int), came=pd.Timestamp("2026-01-03"))


def truth_question(**kwargs):
    limits = kwargs.pop("limits", GroundTruthLimits(min_accuracy=0.8))
    places = {"table": Table("claims", **ALL), "column": "y", "truth": Table("truth", **ALL), "truth_column": "y"}
    return GroundTruthQuestion(**places, limits=limits, **kwargs)


def calibration_question(**kwargs):
    limits = CalibrationLimits(**kwargs.pop("limits", {"max_ece": 0.05}))
    places = {"table": Table("claims", **ALL), "column": "y", "truth": Table("truth", **ALL), "truth_column": "y"}
    return CalibrationQuestion(**places, limits=limits, **kwargs)


def diversity_question(**kwargs):
    limits = DiversityLimits(**kwargs.pop("limits"))
    return DiversityQuestion(table=Table("claims", **ALL), column="y", limits=limits, **kwargs)


@pytest.mark.parametrize(
    "question",
    [
        truth_question(limits=GroundTruthLimits(metric="bias", max_error=2)),
        truth_question(truth_time_column="came", claim_time_column="made", estimate_from="late"),
        calibration_question(limits={"max_rise": 0.1}, reference="then", name="now"),
        diversity_question(limits={"min_distinct": {1: 0.3, 2: 0.5}, "classes": 9}),
        diversity_question(
            limits={"min_variance_ratio": 0.5}, reference_rows=Table("truth", "wh"), reference_column="z"
        ),
    ],
    ids=lambda q: q.guard,
)
def test_a_question_survives_json_and_missing_tables_are_undecided(question, sources):
    assert question_from_dict(json.loads(json.dumps(question.to_dict()))) == question
    verdict = question.ask(sources, month(1))
    assert verdict.outcome is Outcome.UNDECIDED
    assert "'claims'" in verdict.checks[0].message


class TestGroundTruth:
    def test_every_metric_of_its_own(self, sources):
        flights(sources, 1_000, 0.9)
        for limits in (
            GroundTruthLimits(metric="recall", min_score=0.99),
            GroundTruthLimits(metric="f1", min_score=0.9),
            GroundTruthLimits(metric="precision", min_score=0.85),
            GroundTruthLimits(metric="mae", max_error=0.2),
            GroundTruthLimits(metric="rmse", max_error=0.5),
            GroundTruthLimits(metric="bias", max_error=0.2),
        ):
            verdict = truth_question(limits=limits).ask(sources, month(1))
            assert verdict.outcome is Outcome.PASS, verdict.summary
            assert verdict.checks[0].check == f"ground_truth.{limits.metric}"
        low = GroundTruthLimits(metric="mae", max_error=0.05)
        assert truth_question(limits=low).ask(sources, month(1)).outcome is Outcome.BREACH

    def test_a_scorer_of_scikit_learn(self, sources):
        flights(sources, 1_000, 0.9)
        for limit, outcome in ((0.4, Outcome.PASS), (0.6, Outcome.BREACH)):
            limits = GroundTruthLimits(metric="f1_macro", min_score=limit)
            verdict = truth_question(limits=limits).ask(sources, month(1))
            assert verdict.outcome is outcome
            assert 0.45 < verdict.checks[0].value < 0.5

    def test_the_delay_is_counted_from_the_end_of_the_run(self, sources):
        flights(sources, 100, 0.9)
        question = truth_question(limits=GroundTruthLimits(min_accuracy=0.5, max_delay=1.0), truth_time_column="came")
        unknown = question.ask(sources, month(1))
        assert unknown.checks[2].outcome is Outcome.UNDECIDED
        model = ModelIdentity(name="m", version="1", fingerprint="f")
        identity = RunIdentity(run_id="run-1")
        sources.store.runs.start(identity, model, "flights", "claims")
        assert question.ask(sources, month(1)).checks[2].outcome is Outcome.UNDECIDED  # it has not ended
        summary = InferenceSummary(run_id="run-1", model=model, source="flights", target="claims")
        sources.store.runs.finish(RunState.SUCCESS, summary)
        ended = sources.store.runs.get("run-1").finished_at
        came = (ended + timedelta(days=3)).astimezone(UTC).replace(tzinfo=None)
        sources.write("truth", id=range(100), y=[1] * 100, came=pd.to_datetime([came] * 100))
        late = question.ask(sources, month(1)).checks[2]
        assert late.outcome is Outcome.BREACH
        assert late.value == pytest.approx(3 * 86_400)

    @pytest.mark.parametrize(
        ("limits", "kwargs", "message"),
        [
            (GroundTruthLimits(min_accuracy=0.8, max_delay=1), {}, "counted from truth_time_column="),
            (GroundTruthLimits(min_accuracy=0.8), {"claim_time_column": "x"}, "counted from truth_time_column="),
            (GroundTruthLimits(metric="mae", max_error=1), {"estimate_from": "x"}, "estimates the accuracy"),
        ],
    )
    def test_what_has_no_evidence_cannot_be_asked(self, limits, kwargs, message):
        with pytest.raises(ConfigurationError, match=message):
            truth_question(limits=limits, **kwargs)


class TestEstimate:
    def ask(self, sources, identity):
        *_, estimate = truth_question(estimate_from="late").ask(sources, identity).checks
        assert estimate.check == "ground_truth.estimate"
        return estimate

    def test_it_comes_from_what_calibration_checks_kept_before(self, sources):
        assert sources.store.measurements.list("calibration/late") == []
        flights(sources, 1_000, 0.9)
        assert self.ask(sources, month(1)).outcome is Outcome.UNDECIDED
        calibration_question(name="late").ask(sources, month(1))
        # Its own run is no past of its own, and a later run is none of an earlier one.
        assert self.ask(sources, month(1)).outcome is Outcome.UNDECIDED
        flights(sources, 1_000, 0.7, seed=1)
        sources.write("truth", id=[], y=[], came=[])
        verdict = truth_question(estimate_from="late").ask(sources, month(2))
        assert verdict.outcome is Outcome.UNDECIDED
        estimate = verdict.checks[-1]
        assert (estimate.outcome, estimate.detail["runs"]) == (Outcome.PASS, 1)
        assert estimate.value == pytest.approx(0.9, abs=0.02)

    def test_an_estimate_under_the_limit_does_not_decide(self, sources):
        flights(sources, 1_000, 0.5)
        calibration_question(name="late").ask(sources, month(1))
        flights(sources, 1_000, 0.9)
        verdict = truth_question(estimate_from="late").ask(sources, month(2))
        assert verdict.checks[-1].outcome is Outcome.BREACH
        assert verdict.outcome is Outcome.PASS


class TestCalibration:
    def test_the_interval_decides(self, sources):
        flights(sources, 2_000, 0.9)
        assert calibration_question().ask(sources, month(1)).outcome is Outcome.PASS
        flights(sources, 2_000, 0.7)
        assert calibration_question().ask(sources, month(1)).outcome is Outcome.BREACH
        assert sources.store.measurements.list("calibration/late") == []

    def test_the_error_is_compared_with_the_latest_before(self, sources):
        question = calibration_question(limits={"max_rise": 0.05}, name="late", reference="late")
        flights(sources, 5_000, 0.9)
        assert question.ask(sources, month(1)).outcome is Outcome.UNDECIDED
        assert question.ask(sources, month(2)).outcome is Outcome.PASS
        flights(sources, 5_000, 0.75)
        found = question.ask(sources, month(3))
        assert found.outcome is Outcome.BREACH
        assert found.checks[0].value == pytest.approx(0.15, abs=0.02)
        assert question.ask(sources, month(4)).outcome is Outcome.PASS  # it is as bad as in month 3

    def test_a_retry_replaces_what_the_first_try_kept(self, sources):
        question = calibration_question(name="late")
        for attempt, n in ((1, 600), (2, 800)):
            flights(sources, n, 0.9)
            question.ask(sources, month(1, attempt))
        (kept,) = sources.store.measurements.list("calibration/late")
        assert kept.identity.try_number == 2
        assert sum(n for n, *_ in kept.values["bins"]) == 800

    def test_nothing_is_kept_of_nothing(self, sources):
        flights(sources, 100, 0.9, confidence=None)
        assert calibration_question(name="late").ask(sources, month(1)).outcome is Outcome.UNDECIDED
        assert sources.store.measurements.list("calibration/late") == []

    def test_early_labels_are_not_kept(self, sources):
        flights(sources, 1_000, 0.9)
        sources.write("truth", id=range(499), y=[1] * 499)
        assert calibration_question(name="late").ask(sources, month(1)).outcome is Outcome.UNDECIDED
        assert sources.store.measurements.list("calibration/late") == []

    @pytest.mark.parametrize("arguments", [{"limits": {"max_rise": 0.1}}, {"reference": "x"}])
    def test_a_rise_needs_a_reference(self, arguments):
        with pytest.raises(ConfigurationError, match="max_rise= and reference= belong together"):
            calibration_question(**arguments)


class TestDiversity:
    def claims(self, sources, values):
        sources.write("claims", id=range(len(values)), y=values, y__provenance="ai_inferred")

    def test_classes(self, sources):
        question = diversity_question(limits={"min_entropy": 0.8, "max_dominant_share": 0.6, "classes": 4})
        self.claims(sources, list("abcd") * 250)
        assert question.ask(sources, month(1)).outcome is Outcome.PASS
        self.claims(sources, list("aaab") * 250)
        verdict = question.ask(sources, month(1))
        assert [c.outcome for c in verdict.checks] == [Outcome.BREACH, Outcome.BREACH]

    def test_numbers_against_a_reference(self, sources):
        rng = np.random.default_rng(1)
        sources.write("good", z=rng.normal(50, 10, 2_000))
        question = diversity_question(
            limits={"min_variance_ratio": 0.5}, reference_rows=Table("good", "wh"), reference_column="z"
        )
        self.claims(sources, rng.normal(50, 9, 2_000))
        assert question.ask(sources, month(1)).outcome is Outcome.PASS
        self.claims(sources, rng.normal(50, 3, 2_000))
        assert question.ask(sources, month(1)).outcome is Outcome.BREACH

    def test_texts(self, sources):
        rng = np.random.default_rng(1)
        question = diversity_question(limits={"min_distinct": {1: 0.3, 2: 0.5}})
        self.claims(sources, [" ".join(rng.choice(list("abcdefghij"), 20)) for _ in range(600)])
        assert [c.outcome for c in question.ask(sources, month(1)).checks] == [Outcome.BREACH, Outcome.BREACH]
        words = [f"w{i}" for i in range(2_000)]
        self.claims(sources, [" ".join(rng.choice(words, 20)) for _ in range(600)])
        assert question.ask(sources, month(1)).outcome is Outcome.PASS

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"limits": {"min_variance_ratio": 0.5}}, "min_variance_ratio= and reference= belong together"),
            ({"limits": {"min_entropy": 0.5}, "reference_rows": Table("t")}, "belong together"),
            ({"limits": {"min_entropy": 0.5}, "reference_column": "z"}, "belong together"),
        ],
    )
    def test_a_variance_needs_a_reference(self, arguments, message):
        with pytest.raises(ConfigurationError, match=message):
            diversity_question(**arguments)

    def test_texts_need_a_key(self):
        with pytest.raises(ConfigurationError, match="needs a key"):
            DiversityQuestion(table=Table("t"), column="y", limits=DiversityLimits(min_distinct={1: 0.5}))
