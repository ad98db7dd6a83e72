"""Cheaper first: who answers which row, what it costs at each level, and what happens when a level cannot be asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from steps import Database, identity

from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.calibration_map import CalibrationMap
from airflow_provider_aiguard.core.certificate import Certificate
from airflow_provider_aiguard.core.claims import Failure
from airflow_provider_aiguard.core.errors import (
    BudgetExceededError,
    ConfigurationError,
    ModelUnavailableError,
    PriceUnknownError,
    RejectShareError,
)
from airflow_provider_aiguard.core.outputs import parse_outputs
from airflow_provider_aiguard.core.run import RunState
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.inference.cascade import Cascade, Level
from airflow_provider_aiguard.inference.engine import run_inference
from airflow_provider_aiguard.inference.plan import InferencePlan
from airflow_provider_aiguard.models.function import FunctionModel

if TYPE_CHECKING:
    import sqlalchemy as sa

    from airflow_provider_aiguard.core.run import InferenceSummary
    from airflow_provider_aiguard.store.store import Store

BUDGET = Budget("cascade", "10.00")


class Cheap(FunctionModel):
    """Answers ``cheap``, sure of odd ids (0.9) and unsure of even ones (0.6); remembers what it was asked."""

    def __init__(self, name: str = "cheap", **options: Any) -> None:
        super().__init__(self.answer, outputs=["label"], name=name, version="1", **options)
        self.seen: list[int] = []
        self.closed = 0

    def answer(self, chunk: Any) -> Any:
        self.seen += chunk["id"].tolist()
        return {"label": [self.identity.name] * len(chunk)}, {"label": [0.9 if i % 2 else 0.6 for i in chunk["id"]]}

    def close(self) -> None:
        self.closed += 1


class Strong(Cheap):
    """Answers ``strong`` with 0.99, and fails on every id that 10 divides."""

    def __init__(self, name: str = "strong", **options: Any) -> None:
        super().__init__(name, **options)

    def answer(self, chunk: Any) -> Any:
        self.seen += chunk["id"].tolist()
        values = [Failure("no_idea") if i % 10 == 0 else self.identity.name for i in chunk["id"]]
        return {"label": values}, {"label": [0.99] * len(chunk)}


class Away(Strong):
    """A provider that is away from some call on."""

    def __init__(self, name: str = "strong", after: int = 0) -> None:
        super().__init__(name)
        self.calls_left = after
        self.tried = 0

    def answer(self, chunk: Any) -> Any:
        self.tried += 1
        self.calls_left -= 1
        if self.calls_left < 0:
            raise ModelUnavailableError("The provider of strong is away: 503.")
        return super().answer(chunk)


@dataclass
class Steps:
    engine: sa.Engine
    store: Store
    cheap: Cheap = field(default_factory=Cheap)
    strong: Strong = field(default_factory=Strong)

    def levels(self, strong: Strong | None = None) -> list[Level]:
        return [Level(self.cheap, price_per_row="0.01"), Level(strong or self.strong, price_per_row="0.10")]

    def run(self, cascade: Cascade | None = None, *, run_id: str = "r1", try_number: int = 1, **plan: Any) -> Any:
        model = cascade or Cascade(self.levels(), accept=0.8)
        step = {"rows": Table("flights", key="id"), "into": Table("scored"), "inputs": ("id",), "max_reject_share": 1.0}
        return run_inference(
            InferencePlan(outputs=parse_outputs({"label": str}), **{**step, **plan}),
            model,
            source=self.engine,
            target=self.engine,
            store=self.store,
            identity=identity(run_id, try_number),
        )

    def spent(self) -> tuple[int, int]:
        status = self.store.ledger.status(BUDGET, identity("any"), datetime.now(UTC))
        return status.spent, status.held


@pytest.fixture
def steps(engine: sa.Engine, store: Store) -> Steps:
    return Steps(engine, store)


def written(database: Database) -> dict[int, tuple[str, float, str]]:
    rows = database.rows("SELECT id, label, label__confidence, label__run FROM scored ORDER BY id")
    return {i: (label, confidence, run) for i, label, confidence, run in rows}


def counts(summary: InferenceSummary) -> list[tuple[int, int, int | None]]:
    return [(m.asked, m.answered, m.cost_micros) for m in summary.models]


class TestEscalation:
    def test_only_what_the_cheap_model_is_unsure_of_goes_on(self, database: Database, steps: Steps) -> None:
        database.flights(20)
        summary = steps.run(chunk_size=7, budgets=(BUDGET,))
        assert steps.cheap.seen == list(range(1, 21))
        assert steps.strong.seen == list(range(2, 21, 2))
        rows = written(database)
        assert {i: row for i, row in rows.items() if i % 2} == dict.fromkeys(range(1, 21, 2), ("cheap", 0.9, "r1#1"))
        # What the strong model fails on is a reject, though the cheap one said something.
        assert {i: row for i, row in rows.items() if not i % 2} == {
            i: ("strong", 0.99, "r1#2") for i in range(2, 21, 2) if i % 10
        }
        assert (summary.rows, summary.inferred, summary.rejects) == (20, 18, 2)
        assert [(r.key, r.reason) for r in steps.store.runs.rejects("r1")] == [
            ({"id": "10"}, "no_idea"), ({"id": "20"}, "no_idea"),
        ]  # fmt: skip
        assert counts(summary) == [(20, 10, 200_000), (10, 8, 1_000_000)]
        assert summary.cost_micros == 1_200_000
        assert steps.spent() == (1_200_000, 0)
        assert (steps.cheap.closed, steps.strong.closed) == (1, 1)

    def test_provenance_leads_to_the_model_of_each_row(self, database: Database, steps: Steps) -> None:
        database.flights(4)
        steps.run()
        models = {i: str(steps.store.runs.get(run).summary.model) for i, (_, _, run) in written(database).items()}
        assert models == {1: "cheap@1", 2: "strong@1", 3: "cheap@1", 4: "strong@1"}
        whole = steps.store.runs.get("r1")
        assert whole.summary.model.name == "cheap > strong"
        assert [str(m.model) for m in whole.summary.models] == ["cheap@1", "strong@1"]

    def test_a_row_the_cheap_model_fails_on_goes_on(self, database: Database, steps: Steps) -> None:
        database.flights(4)

        class Failing(Cheap):
            def answer(self, chunk: Any) -> Any:
                return {"label": [Failure("no_idea")] * len(chunk)}

        summary = steps.run(Cascade([Failing(), steps.strong], accept=0.0))
        assert [row[0] for row in written(database).values()] == ["strong"] * 4
        assert (summary.rejects, summary.cost_micros) == (0, None)

    def test_a_missing_confidence_never_passes(self, database: Database, steps: Steps) -> None:
        database.flights(4)

        class Silent(Cheap):
            def answer(self, chunk: Any) -> Any:
                return {"label": ["cheap"] * len(chunk)}

        steps.run(Cascade([Silent(), steps.strong], accept=0.0))
        assert {row[0] for row in written(database).values()} == {"strong"}

    def test_below_the_last_model_is_a_reject_with_its_own_reason(self, database: Database, steps: Steps) -> None:
        database.flights(6)
        summary = steps.run(Cascade([steps.cheap], reject_below=0.8))
        assert list(written(database)) == [1, 3, 5]
        assert [(r.key["id"], r.reason) for r in steps.store.runs.rejects("r1")] == [
            ("2", "not_confident"), ("4", "not_confident"), ("6", "not_confident"),
        ]  # fmt: skip
        assert (summary.inferred, summary.rejects) == (3, 3)
        with pytest.raises(RejectShareError, match="3 of 6 rows"):
            steps.run(Cascade([Strong("a"), Level(Cheap("b"))], accept=1.0, reject_below=0.8), max_reject_share=0.1)

    def test_three_levels_each_with_a_threshold(self, database: Database, steps: Steps) -> None:
        database.flights(8)
        middle = Cheap("middle")
        steps.run(Cascade([steps.cheap, middle, steps.strong], accept=[0.95, 0.8]))
        assert middle.seen == list(range(1, 9))
        assert [row[0] for row in written(database).values()] == ["middle", "strong"] * 4

    def test_in_place_only_cells_that_are_missing_are_asked_about(self, database: Database, steps: Steps) -> None:
        database.flights(6)
        database.run("ALTER TABLE flights ADD COLUMN label TEXT", "UPDATE flights SET label = 'seen' WHERE id <= 2")
        summary = steps.run(into=Table("flights"), fill="missing", chunk_size=2)
        found = database.rows("SELECT id, label, label__provenance, label__run FROM flights ORDER BY id")
        assert found == [
            (1, "seen", "observed", None), (2, "seen", "observed", None),
            (3, "cheap", "ai_inferred", "r1#1"), (4, "strong", "ai_inferred", "r1#2"),
            (5, "cheap", "ai_inferred", "r1#1"), (6, "strong", "ai_inferred", "r1#2"),
        ]  # fmt: skip
        assert counts(summary) == [(4, 2, 40_000), (2, 2, 200_000)]

    def test_confidences_are_calibrated_model_by_model(self, database: Database, steps: Steps) -> None:
        database.flights(4)
        # Halves the log-odds: 0.9 becomes 0.75, which does not pass any more.
        modest = CalibrationMap(slope=0.5, intercept=0.0)
        summary = steps.run(Cascade([Level(steps.cheap, calibration=modest), steps.strong], accept=0.8))
        assert {row[0] for row in written(database).values()} == {"strong"}
        assert [m.confidence_source for m in summary.models] == ["calibrated", "probability"]
        assert summary.columns["label"].confidence_source == "probability"
        summary = steps.run(Cascade([Level(steps.cheap, calibration=modest), steps.strong], accept=0.7))
        assert written(database)[1][:2] == ("cheap", pytest.approx(0.75))
        assert summary.columns["label"].confidence_source == "mixed"


class TestPaidOnce:
    def test_equal_rows_and_retries_are_paid_once_at_each_level(self, database: Database, steps: Steps) -> None:
        database.flights(20)
        first = steps.run(budgets=(BUDGET,))
        again = steps.run(run_id="r2", try_number=2, budgets=(BUDGET,))
        # The two rows without an answer are asked about again, of the one that had none.
        assert counts(again) == [(0, 10, 0), (2, 8, 200_000)]
        assert steps.spent()[0] == (first.cost_micros or 0) + 200_000
        assert {row[2] for row in written(database).values()} == {"r2#1", "r2#2"}

    def test_a_refusal_of_the_dear_model_keeps_what_the_cheap_one_was_paid_for(
        self, database: Database, steps: Steps
    ) -> None:
        database.flights(20)
        small = Budget("cascade", "0.90")
        with pytest.raises(BudgetExceededError, match=r"refuses \$1\.00"):
            steps.run(budgets=(small,))
        assert steps.spent() == (200_000, 0)
        assert steps.store.runs.get("r1").state is RunState.FAILED
        summary = steps.run(run_id="r2", try_number=2, budgets=(BUDGET,))
        assert counts(summary) == [(0, 10, 0), (10, 8, 1_000_000)]
        assert steps.spent() == (1_200_000, 0)

    def test_every_level_needs_a_price_for_a_budget_in_usd(self, database: Database, steps: Steps) -> None:
        with pytest.raises(PriceUnknownError, match="Declare price_per_row"):
            steps.run(Cascade([Level(steps.cheap, price_per_row="0.01"), steps.strong], accept=0.8), budgets=(BUDGET,))
        with pytest.raises(ConfigurationError, match="prices of their own"):
            steps.run(price_per_row=Decimal("0.01"))


class TestOutage:
    def test_without_a_fallback_an_outage_fails_the_task(self, database: Database, steps: Steps) -> None:
        database.flights(4)
        with pytest.raises(ModelUnavailableError, match="503"):
            steps.run(Cascade(steps.levels(Away()), accept=0.8))

    def test_what_the_cheap_model_said_stands_and_the_strong_one_is_left_alone(
        self, database: Database, steps: Steps
    ) -> None:
        database.flights(12)
        away = Away(after=1)
        cascade = Cascade(steps.levels(away), accept=0.8, fallback=steps.cheap)
        summary = steps.run(cascade, chunk_size=4, budgets=(BUDGET,))
        assert [row[0] for row in written(database).values()] == ["cheap", "strong"] * 2 + ["cheap"] * 8
        assert (summary.degraded, summary.rejects, away.tried) == ({"outage": 4}, 0, 2)
        # The call that failed went out: what was held for it counts as spent.
        assert counts(summary) == [(12, 10, 120_000), (4, 2, 400_000)]
        assert steps.spent() == (520_000, 0)

    def test_a_model_of_its_own_as_fallback(self, database: Database, steps: Steps) -> None:
        database.flights(4)
        spare = Cheap("spare")
        cascade = Cascade([Away()], fallback=Level(spare, calibration=CalibrationMap(slope=0.5, intercept=0.0)))
        assert cascade.identity.name == "strong or spare"
        summary = steps.run(cascade, chunk_size=2)
        assert written(database)[1] == ("spare", pytest.approx(0.75), "r1#2")
        assert (summary.degraded, counts(summary)) == ({"outage": 4}, [(2, 0, None), (4, 4, None)])
        assert spare.closed == 1

    def test_a_cheap_model_that_is_away_is_skipped(self, database: Database, steps: Steps) -> None:
        database.flights(4)
        strong = Strong()
        summary = steps.run(Cascade([Away("cheap"), strong], accept=0.8, fallback=strong))
        assert ({row[0] for row in written(database).values()}, summary.degraded) == ({"strong"}, {})

    def test_with_all_of_them_away_the_task_fails(self, database: Database, steps: Steps) -> None:
        database.flights(4)
        spare = Away("spare")
        with pytest.raises(ModelUnavailableError, match="503"):
            steps.run(Cascade([Away("cheap"), spare], accept=0.8, fallback=spare))


class TestCertificates:
    def test_a_threshold_that_was_learnt(self, database: Database, steps: Steps) -> None:
        database.flights(4)
        learnt = certificate(0.8)
        steps.run(Cascade(steps.levels(), accept=learnt))
        assert [row[0] for row in written(database).values()] == ["cheap", "strong"] * 2

    def test_one_that_was_learnt_for_another_model_is_refused(self, database: Database, steps: Steps) -> None:
        database.flights(4)
        with pytest.raises(ConfigurationError, match="learnt for 'cheap@0', the cascade begins with 'cheap@1'"):
            steps.run(Cascade(steps.levels(), accept=certificate(0.8, model="cheap@0")))
        assert steps.cheap.closed == 1

    def test_without_a_threshold_one_says_what_to_do(self, database: Database, steps: Steps) -> None:
        database.flights(4)
        steps.run(Cascade(steps.levels(), accept=certificate(None), on_uncertified="escalate"))
        assert ({row[0] for row in written(database).values()}, steps.cheap.seen) == ({"strong"}, [])
        cascade = Cascade(steps.levels(), accept=certificate(None), on_uncertified="accept")
        summary = steps.run(cascade, run_id="r2")
        assert {row[0] for row in written(database).values()} == {"cheap"}
        assert summary.degraded == {"uncertified": 4}


def certificate(threshold: float | None, **changes: Any) -> Certificate:
    values = {"promise": "error", "alpha": 0.05, "delta": 0.05, "model": "cheap@1", "learnt_on": "t", "labels": 100}
    return Certificate(threshold=threshold, **{**values, **changes})
