"""What a step does when its budget runs short: fail, stop, ask about a sample, or let a cheaper model answer."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from steps import Database, Runner, identity
from test_escalation import Away, Cheap, Steps, Strong, counts, written

from airflow_provider_aiguard.core.amounts import Amounts
from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.claims import Failure
from airflow_provider_aiguard.core.errors import BudgetExceededError, ConfigurationError
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.inference import engine as engine_module
from airflow_provider_aiguard.inference.asker import HOLD_TTL
from airflow_provider_aiguard.inference.cascade import Cascade, Level

if TYPE_CHECKING:
    import sqlalchemy as sa

    from airflow_provider_aiguard.store.store import Store

STEP: dict[str, Any] = {
    "rows": Table("flights", key="id"), "into": Table("scored"), "inputs": ("id",), "chunk_size": 10,
    "outputs": {"late": bool}, "price_per_row": Decimal("0.01"),
}  # fmt: skip


def late(chunk: Any) -> Any:
    return {"late": [True] * len(chunk)}


def ids(database: Database) -> list[int]:
    return [i for (i,) in database.rows("SELECT id FROM scored ORDER BY id")]


@pytest.fixture
def steps(engine: sa.Engine, store: Store) -> Steps:
    return Steps(engine, store)


class TestStop:
    def test_the_rest_is_not_processed_and_listed(self, database: Database, run: Runner, store: Store) -> None:
        database.flights(50)
        summary = run(late, budgets=(Budget("b", "0.25"),), on_budget="stop", **STEP)
        assert ids(database) == list(range(1, 21))
        assert (summary.rows, summary.inferred, summary.rejects, summary.not_processed) == (50, 20, 0, 30)
        assert (summary.cost_micros, summary.sample_share, summary.reject_share) == (200_000, 0.0, 0.0)
        left_out = store.runs.rejects("run-1")
        assert [int(r.key["id"]) for r in left_out] == list(range(21, 51))
        assert {r.reason for r in left_out} == {"not_processed"}

    def test_all_are_counted_and_the_first_are_listed(
        self, database: Database, run: Runner, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(engine_module, "MOST_LEFT_OUT", 15)
        database.flights(50)
        summary = run(late, budgets=(Budget("b", "0.05"),), on_budget="stop", **STEP)
        assert (summary.not_processed, database.has("scored")) == (50, True)
        assert [int(r.key["id"]) for r in store.runs.rejects("run-1")] == list(range(1, 16))

    def test_a_later_run_takes_up_what_was_left_out(self, database: Database, run: Runner) -> None:
        database.flights(30)
        plan = {**STEP, "into": Table("flights"), "fill": "missing"}
        run(late, budgets=(Budget("b", "0.25"),), on_budget="stop", **plan)
        unlabelled = "SELECT count(*) FROM flights WHERE late IS NULL AND late__provenance IS NULL"
        assert database.rows(unlabelled) == [(10,)]
        summary = run(late, run_id="run-2", try_number=2, budgets=(Budget("b", "0.35"),), on_budget="stop", **plan)
        assert (summary.inferred, summary.not_processed, database.rows(unlabelled)) == (10, 0, [(0,)])

    def test_what_passed_at_the_cheap_model_stands(self, database: Database, steps: Steps) -> None:
        database.flights(20)
        summary = steps.run(chunk_size=10, budgets=(Budget("b", "0.70"),), on_budget="stop")
        # 0.10 and 0.50 for the first chunk, 0.10 for the second: there the dear model is refused.
        assert sorted(written(database)) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 15, 17, 19]
        assert (summary.not_processed, counts(summary)) == (5, [(20, 10, 200_000), (5, 4, 500_000)])

    def test_failing_is_the_default(self, database: Database, run: Runner) -> None:
        database.flights(30)
        with pytest.raises(BudgetExceededError, match="refuses"):
            run(late, budgets=(Budget("b", "0.25"),), **STEP)
        with pytest.raises(ConfigurationError, match=r"on_budget must be one of .*; got 'hope'"):
            run(late, on_budget="hope", **STEP)


def free_then_dear(steps: Steps) -> Cascade:
    return Cascade([Level(steps.cheap, price_per_row="0"), Level(steps.strong, price_per_row="0.10")], accept=0.8)


class TestSample:
    def test_it_is_spread_over_the_table_and_the_same_for_every_try(
        self, database: Database, run: Runner, store: Store
    ) -> None:
        database.flights(400)
        plan = {**STEP, "chunk_size": 50, "on_budget": "sample"}
        summary = run(late, budgets=(Budget("b", "1.00", per="task"),), **plan)
        first = ids(database)
        # A quarter can be paid. The binomial spread of a sample of 400 rows is 9.
        assert summary.sample_share <= 0.25
        assert 60 <= len(first) == summary.inferred <= 100
        assert summary.not_processed == 400 - len(first)
        quarters = [sum(low < i <= low + 100 for i in first) for low in range(0, 400, 100)]
        assert min(quarters) >= 5
        for retry in (2, 3):
            database.run("DROP TABLE scored")
            again = run(
                late, run_id=f"run-{retry}", try_number=retry, budgets=(Budget("b", "1.00", per="task"),), **plan
            )
            assert ids(database) == first
            assert (again.cost_micros, again.saved, again.sample_share) == (0, len(first), summary.sample_share)

    def test_a_retry_of_what_was_all_paid_for_leaves_nothing_out(self, database: Database, run: Runner) -> None:
        database.flights(100)
        plan = {**STEP, "budgets": (Budget("b", "1.00"),), "on_budget": "sample"}
        run(late, **plan)
        again = run(late, run_id="run-2", try_number=2, **plan)
        assert (again.inferred, again.not_processed, again.sample_share, again.cost_micros) == (100, 0, 1.0, 0)

    @pytest.mark.parametrize("policy", ["sample", "stop"])
    def test_a_retry_of_one_that_failed_half_way_keeps_what_was_paid_for(
        self, database: Database, run: Runner, policy: str
    ) -> None:
        database.flights(400)
        plan = {**STEP, "chunk_size": 20, "budgets": (Budget("b", "1.00"),), "on_budget": policy}

        most = [300 if policy == "sample" else 60]

        def breaks(chunk: Any) -> Any:
            if chunk["id"].max() > most[0]:
                raise ValueError("no")
            # Row 10 never has an answer: each try asks about it again.
            return {"late": [Failure("no_idea") if i == 10 else True for i in chunk["id"]]}

        with pytest.raises(ValueError, match="no"):
            run(breaks, max_reject_share=1.0, **plan)
        first = ids(database)
        assert 9 in first
        assert 10 not in first
        most[0] = 400
        found = []
        for retry in (2, 3, 4):
            database.run("DROP TABLE scored")
            summary = run(breaks, run_id=f"run-{retry}", try_number=retry, max_reject_share=1.0, **plan)
            found.append(ids(database))
        # The call that failed is paid for, too.
        assert set(first) < set(found[0]) if policy == "sample" else first == found[0]
        assert found[0] == found[1] == found[2]
        assert (summary.cost_micros or 0) <= 10_000

    def test_with_more_money_a_retry_asks_about_more(self, database: Database, run: Runner) -> None:
        database.flights(400)
        plan = {**STEP, "chunk_size": 50, "on_budget": "sample"}
        run(late, budgets=(Budget("b", "1.00"),), **plan)
        again = run(late, run_id="run-2", try_number=2, budgets=(Budget("b", "3.00"),), **plan)
        assert again.sample_share >= 0.5
        whole = run(late, run_id="run-3", try_number=3, budgets=(Budget("b", "9.00"),), **plan)
        assert (whole.inferred, whole.not_processed) == (400, 0)

    def test_another_model_is_no_retry(self, database: Database, run: Runner, store: Store) -> None:
        database.flights(100)
        plan = {**STEP, "on_budget": "sample"}
        run(late, budgets=(Budget("b", "1.00"),), **plan)
        other = run(
            lambda chunk: {"late": [False] * len(chunk)},
            run_id="run-2", try_number=2, budgets=(Budget("b", "1.50"),), **plan,
        )  # fmt: skip
        # It is spread over the table as in a first try, not spent on its first half.
        assert 35 <= other.inferred <= 50

    def test_a_smaller_sample_is_a_part_of_a_larger_one(self, database: Database, run: Runner) -> None:
        database.flights(400)
        found = []
        for name, limit in (("large", "2.00"), ("small", "0.50")):
            run(late, run_id=name, budgets=(Budget(name, limit),), store_results=False, on_budget="sample", **STEP)
            found.append(set(ids(database)))
            database.run("DROP TABLE scored")
        assert found[1] < found[0]

    def test_with_enough_money_it_is_everything(self, database: Database, run: Runner) -> None:
        database.flights(30)
        summary = run(late, budgets=(Budget("b", "0.30"),), on_budget="sample", **STEP)
        assert (len(ids(database)), summary.sample_share, summary.not_processed) == (30, 1.0, 0)

    def test_what_others_spend_meanwhile_shrinks_it(self, database: Database, run: Runner, store: Store) -> None:
        database.flights(100)
        shared = Budget("shared", "0.50")
        other = identity("other", try_number=9)
        spent: list[Any] = []

        def spend_and_answer(chunk: Any) -> Any:
            if not spent:
                left = store.ledger.status(shared, other, datetime.now(UTC)).remaining
                hold = store.ledger.hold((shared,), other, Amounts(micros=left - 1), ttl=HOLD_TTL)
                spent.append(hold)
            return late(chunk)

        summary = run(spend_and_answer, budgets=(shared,), on_budget="sample", **{**STEP, "store_results": False})
        assert (summary.sample_share, summary.inferred) == (0.0, len(ids(database)))
        assert summary.not_processed == 100 - summary.inferred > 60

    def test_a_dear_level_that_is_refused_is_asked_about_fewer(self, database: Database, steps: Steps) -> None:
        database.flights(200)
        summary = steps.run(
            free_then_dear(steps),
            chunk_size=100, budgets=(Budget("b", "4.00"),), on_budget="sample",
        )  # fmt: skip
        strong = summary.models[1]
        assert 0 < strong.asked <= 40
        assert 0 < summary.sample_share < 1
        assert summary.not_processed > 0
        assert summary.inferred + summary.rejects + summary.not_processed == 200

    def test_what_the_cheap_model_was_sure_of_is_thinned_out_as_well(self, database: Database, steps: Steps) -> None:
        database.flights(400)
        summary = steps.run(
            free_then_dear(steps),
            chunk_size=400, budgets=(Budget("b", "4.00"),), on_budget="sample",
        )  # fmt: skip
        kept = list(written(database))
        even = sum(i % 2 == 0 for i in kept) + summary.rejects
        # Odd rows cost nothing, but are no likelier to be in the sample.
        assert len(kept) + summary.rejects == pytest.approx(400 * summary.sample_share, abs=25)
        assert even == pytest.approx(len(kept) / 2, abs=15)


class TestCheaper:
    def test_every_row_is_answered_and_the_dear_model_gets_what_is_left(self, database: Database, steps: Steps) -> None:
        database.flights(40)
        # All of the cheap model costs 0.40; of the remaining 1.20 the dear one can have two chunks at 0.50.
        summary = steps.run(chunk_size=10, budgets=(Budget("b", "1.60"),), on_budget="cheaper")
        assert counts(summary)[0] == (40, 30, 400_000)
        assert counts(summary)[1] == (10, 8, 1_000_000)
        assert (summary.degraded, summary.rejects, summary.not_processed) == ({"budget": 10}, 2, 0)
        assert [row[0] for row in written(database).values()][-20:] == ["cheap"] * 20

    def test_a_retry_leaves_the_dear_answers_it_paid_for(self, database: Database, steps: Steps) -> None:
        database.flights(40)
        plan: dict[str, Any] = {"chunk_size": 10, "budgets": (Budget("b", "2.40"),), "on_budget": "cheaper"}
        first = steps.run(**plan)
        before = written(database)
        assert counts(first) == [(40, 20, 400_000), (20, 16, 2_000_000)]
        database.run("DROP TABLE scored")
        again = steps.run(run_id="r2", try_number=2, **plan)
        # The four rows that the strong model had no answer to are asked about again: that is not paid for.
        assert counts(again) == [(0, 24, 0), (0, 16, 0)]
        assert again.degraded == {"budget": 4}
        after = {i: row[0] for i, row in written(database).items()}
        assert after == {i: row[0] for i, row in before.items()} | dict.fromkeys((10, 20, 30, 40), "cheap")

    def test_a_retry_asks_the_dear_model_after_a_cheap_one_that_is_refused(
        self, database: Database, steps: Steps
    ) -> None:
        database.flights(10)
        silent = Strong("cheap")  # has no answer to row 10, and is sure of the others
        cascade = Cascade([Level(silent, price_per_row="0.01"), Level(Cheap("strong"), price_per_row="0.10")], accept=1)
        plan: dict[str, Any] = {"budgets": (Budget("b", "1.10"),), "on_budget": "cheaper"}
        assert counts(steps.run(cascade, **plan)) == [(10, 0, 100_000), (10, 10, 1_000_000)]
        with pytest.raises(BudgetExceededError, match="refuses"):
            steps.run(cascade, run_id="r2", try_number=2, **plan)
        again = steps.run(
            Cascade(cascade.levels, accept=1, fallback=Level(Cheap("free"), price_per_row="0")),
            run_id="r3", try_number=3, **plan,
        )  # fmt: skip
        assert [row[0] for row in written(database).values()] == ["strong"] * 9 + ["free"]
        assert (counts(again), again.degraded) == ([(0, 0, 0), (0, 9, 0), (1, 1, 0)], {"budget": 1})

    def test_rows_that_a_retry_pays_nothing_for_make_the_others_no_cheaper(
        self, database: Database, steps: Steps
    ) -> None:
        database.flights(20)
        cascade = Cascade(steps.levels(Cheap("strong")), accept=0.8)
        plan: dict[str, Any] = {"chunk_size": 10, "budgets": (Budget("b", "1.85"),), "on_budget": "cheaper"}
        assert counts(steps.run(cascade, **plan)) == [(20, 10, 200_000), (10, 10, 1_000_000)]
        database.insert("flights", [{"id": i, "carrier": "AA", "distance": 1.0} for i in range(21, 41)])
        again = steps.run(cascade, run_id="r2", try_number=2, **plan)
        # Of 0.55 the dear model would take 0.50, and the last chunk costs 0.10 at the cheap one.
        assert (counts(again), again.degraded) == ([(20, 30, 200_000), (0, 10, 0)], {"budget": 10})

    @pytest.mark.parametrize("limit", ["1.60", "1.09"])
    def test_a_fallback_that_was_refused_is_not_asked_as_fallback(
        self, database: Database, steps: Steps, limit: str
    ) -> None:
        database.flights(40)
        cascade = Cascade(steps.levels(), accept=0.8, fallback=steps.strong)
        summary = steps.run(cascade, chunk_size=10, budgets=(Budget("b", limit),), on_budget="cheaper")
        dear = 2 if limit == "1.60" else 1
        assert [len(steps.cheap.seen), len(steps.strong.seen)] == [40, 5 * dear]
        assert summary.degraded == {"budget": 20 - 5 * dear}

    def test_if_even_the_cheapest_is_refused_the_task_fails(self, database: Database, steps: Steps) -> None:
        database.flights(40)
        with pytest.raises(BudgetExceededError, match="refuses"):
            steps.run(chunk_size=10, budgets=(Budget("b", "0.25"),), on_budget="cheaper")
        assert {row[0] for row in written(database).values()} == {"cheap"}

    def test_a_fallback_answers_what_the_only_model_is_too_dear_for(self, database: Database, steps: Steps) -> None:
        database.flights(20)
        cascade = Cascade(
            [Level(steps.strong, price_per_row="0.10")], fallback=Level(steps.cheap, price_per_row="0.01")
        )
        summary = steps.run(cascade, chunk_size=10, budgets=(Budget("b", "1.50"),), on_budget="cheaper")
        assert [row[0] for row in written(database).values()] == ["strong"] * 9 + ["cheap"] * 10
        assert summary.degraded == {"budget": 10}

    def test_it_needs_a_cheaper_model(self, database: Database, run: Runner, steps: Steps) -> None:
        with pytest.raises(ConfigurationError, match="needs a cheaper model"):
            run(late, on_budget="cheaper", **STEP)
        with pytest.raises(ConfigurationError, match="needs a cheaper model"):
            steps.run(Cascade([Strong()]), on_budget="cheaper")

    def test_others_who_spend_the_reserve_leave_a_refusal(self, database: Database, steps: Steps) -> None:
        database.flights(10)

        class Greedy(Cheap):
            def answer(self, chunk: Any) -> Any:
                steps.store.ledger.hold((budget,), identity("other"), Amounts(micros=890_000), ttl=HOLD_TTL)
                return super().answer(chunk)

        budget = Budget("b", "1.00")
        cascade = Cascade(
            [Level(Greedy(), price_per_row="0.01"), Level(steps.strong, price_per_row="0.10")], accept=0.8
        )
        summary = steps.run(cascade, budgets=(budget,), on_budget="cheaper")
        assert (summary.degraded, steps.strong.seen) == ({"budget": 5}, [])


class TestFallbackRefused:
    """The strong model is away, and the fallback is too dear."""

    def plan(self, steps: Steps, policy: str) -> dict[str, Any]:
        spare = Level(Cheap("spare"), price_per_row="1.00")
        cascade = Cascade(steps.levels(Away()), accept=0.8, fallback=spare)
        return {"cascade": cascade, "chunk_size": 10, "budgets": (Budget("b", "2.50"),), "on_budget": policy}

    def test_cheaper_keeps_what_the_cheap_one_said(self, database: Database, steps: Steps) -> None:
        database.flights(20)
        summary = steps.run(**self.plan(steps, "cheaper"))
        assert [row[0] for row in written(database).values()] == ["cheap"] * 20
        assert (summary.degraded, summary.rejects) == ({"budget": 10}, 0)

    def test_cheaper_fails_where_nobody_said_anything(self, database: Database, steps: Steps) -> None:
        database.flights(4)
        cascade = Cascade([Level(Away(), price_per_row="0")], fallback=Level(steps.strong, price_per_row="0.10"))
        with pytest.raises(BudgetExceededError, match="refuses"):
            steps.run(cascade, budgets=(Budget("b", "0.30"),), on_budget="cheaper")

    def test_stop_leaves_the_rest_out(self, database: Database, steps: Steps) -> None:
        database.flights(20)
        summary = steps.run(**self.plan(steps, "stop"))
        assert list(written(database)) == [1, 3, 5, 7, 9]
        assert (summary.degraded, summary.not_processed, summary.sample_share) == ({}, 15, 0.0)

    def test_sample_asks_it_about_fewer(self, database: Database, steps: Steps) -> None:
        database.flights(200)
        summary = steps.run(**{**self.plan(steps, "sample"), "budgets": (Budget("b", "60.00"),)})
        spare = summary.models[2]
        assert 0 < spare.asked == summary.degraded["outage"] < 60
        assert summary.inferred + summary.not_processed == 200

    def test_fail_fails(self, database: Database, steps: Steps) -> None:
        database.flights(20)
        with pytest.raises(BudgetExceededError, match="refuses"):
            steps.run(**self.plan(steps, "fail"))
