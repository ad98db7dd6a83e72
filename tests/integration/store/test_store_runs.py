"""Runs, rejects, verdicts and profiles, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_provider_aiguard.core.amounts import Amounts
from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.confidence import ConfidenceSummary
from airflow_provider_aiguard.core.errors import ConfigurationError, NotRecordedError
from airflow_provider_aiguard.core.run import (
    ColumnSummary,
    InferenceSummary,
    ModelIdentity,
    Reject,
    RunIdentity,
    RunState,
)
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome, Severity, Verdict
from airflow_provider_aiguard.store.store import Store

MODEL = ModelIdentity(name="delays", version="3", fingerprint="f" * 64)
HOSTILE = ["drop\"; 'select'", 'we"ird', "naïve ☂", "a b", "per%cent", "co:lon", "%(x)s", "{x}"]


def identity(run_id: str = "r1", **changes: Any) -> RunIdentity:
    whole = RunIdentity(run_id=run_id, dag_id="dag", dag_run_id="manual__1", task_id="score", logical_date="2013-02-01")
    return replace(whole, **changes)


def summary(run_id: str = "r1", **changes: Any) -> InferenceSummary:
    return replace(InferenceSummary(run_id=run_id, model=MODEL, source="s.a", target="s.b"), **changes)


def start(store: Store, who: RunIdentity) -> None:
    store.runs.start(who, MODEL, "s.a", "s.b")


class TestRuns:
    def test_a_run_is_remembered_whole(self, store: Store) -> None:
        who = identity(map_index=4, try_number=2, openlineage_run_id="0199-ol")
        before = datetime.now(UTC)
        start(store, who)
        begun = store.runs.get("r1")
        assert (begun.identity, begun.state, begun.finished_at, begun.summary) == (
            who,
            RunState.RUNNING,
            None,
            summary(),
        )
        counts = (0,) * 86 + (3,) + (0,) * 13
        column = ColumnSummary(
            provenance={"ai_inferred": 3, "observed": 1},
            confidence=ConfidenceSummary(total=2.58, counts=counts, missing=1),
            confidence_source="probability",
        )
        done = summary(rows=5, inferred=3, rejects=1, chunks=2, cost_micros=7, seconds=1.5, columns={"läte": column})
        store.runs.progress(done)
        assert store.runs.get("r1").summary == done
        store.runs.finish(RunState.SUCCESS, replace(done, seconds=2.5))
        record = store.runs.get("r1")
        assert (record.state, record.summary.seconds, record.started_at) == (RunState.SUCCESS, 2.5, begun.started_at)
        assert record.finished_at is not None
        assert before <= record.started_at <= record.finished_at <= datetime.now(UTC)
        assert record.started_at.utcoffset() == timedelta(0)

    def test_an_unknown_run_is_refused(self, store: Store) -> None:
        with pytest.raises(NotRecordedError, match="knows no run 'r1'"):
            store.runs.progress(summary())
        with pytest.raises(NotRecordedError, match="knows no run 'r1'"):
            store.runs.finish(RunState.FAILED, summary())
        with pytest.raises(NotRecordedError, match="knows no run 'r1'"):
            store.runs.get("r1")
        with pytest.raises(NotRecordedError, match="knows no run 'r1'"):
            store.runs.add_rejects("r1", [Reject(key={"id": "1"}, reason="no_value")])

    def test_a_run_ends_and_lets_go_in_one_transaction(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        start(store, identity())

        def dies(*_: object) -> None:
            raise SystemExit("killed")

        monkeypatch.setattr("airflow_provider_aiguard.store.runs._let_go", dies)
        with pytest.raises(SystemExit, match="killed"):
            store.runs.finish(RunState.FAILED, store.runs.get("r1").summary)
        # Still running: the next try looks for what it holds.
        assert store.runs.get("r1").state is RunState.RUNNING

    def test_a_run_does_not_finish_as_running(self, store: Store) -> None:
        with pytest.raises(ConfigurationError, match="finishes as success, failed or abandoned; got 'running'"):
            store.runs.finish(RunState.RUNNING, summary())

    def test_the_next_try_abandons_only_the_tries_before_it(self, store: Store) -> None:
        same_task = identity("mine", try_number=2)
        others = {
            "dag": identity("dag", dag_id="other"),
            "dag_run": identity("dag_run", dag_run_id="other"),
            "task": identity("task", task_id="other"),
            "map": identity("map", map_index=1),
            "later": identity("later", try_number=3),
        }
        start(store, identity("done"))
        store.runs.finish(RunState.FAILED, summary("done"))
        start(store, identity("dead"))
        for other in others.values():
            start(store, other)
        # "later" abandoned "dead" and nothing else; begin again without it.
        start(store, identity("dead"))
        start(store, same_task)
        states = {record.identity.run_id: record.state for record in store.runs.list()}
        assert states.pop("dead") is RunState.ABANDONED
        assert states.pop("done") is RunState.FAILED
        assert set(states.values()) == {RunState.RUNNING}
        assert store.runs.get("dead").finished_at is not None

    def test_runs_outside_airflow_leave_each_other_alone(self, store: Store) -> None:
        for name in ("one", "two"):
            start(store, RunIdentity(run_id=name))
        assert store.runs.get("one").state is RunState.RUNNING

    def test_starting_again_resets_the_run_and_counts_its_holds_as_spent(self, store: Store) -> None:
        start(store, identity())
        begun = store.runs.get("r1").started_at
        store.ledger.hold([Budget("b", "1.00")], identity(), Amounts(micros=300), ttl=timedelta(hours=1))
        store.runs.finish(RunState.FAILED, summary(rows=9))
        start(store, identity())
        record = store.runs.get("r1")
        assert (record.state, record.finished_at, record.summary.rows) == (RunState.RUNNING, None, 0)
        assert record.started_at == begun
        status = store.ledger.status(Budget("b", "1.00"), identity(), datetime.now(UTC))
        assert (status.spent, status.held) == (300, 0)

    def test_list_filters_and_orders_by_start(self, store: Store) -> None:
        who = [identity("c"), identity("a", task_id="t2"), identity("b", dag_id="d2"), identity("d", dag_run_id="x")]
        for one in who:
            start(store, one)

        def listed(**filters: Any) -> list[str]:
            return [record.identity.run_id for record in store.runs.list(**filters)]

        assert listed() == ["c", "a", "b", "d"]
        assert listed(dag_id="d2") == ["b"]
        assert listed(task_id="t2", dag_id="dag") == ["a"]
        assert listed(dag_run_id="x") == ["d"]
        second = store.runs.get("a").started_at
        assert listed(since=second) == ["a", "b", "d"]
        assert listed(until=second) == ["c"]
        tokyo = timezone(timedelta(hours=9))
        assert listed(since=second.astimezone(tokyo), until=second.astimezone(tokyo) + timedelta(microseconds=1)) == [
            "a"
        ]

    def test_the_last_run_into_a_table_is_the_last_good_one_of_the_dag(self, store: Store) -> None:
        assert store.runs.last_into("s.b", dag_id="dag") is None
        for run_id, state, changes in (
            ("old", RunState.SUCCESS, {}),
            ("good", RunState.SUCCESS, {}),
            ("bad", RunState.FAILED, {}),
            ("elsewhere", RunState.SUCCESS, {"dag_id": "d2"}),
        ):
            start(store, identity(run_id, **changes))
            store.runs.finish(state, summary(run_id, rows=7))
        start(store, identity("going"))
        assert store.runs.last_into("s.b", dag_id="dag") == summary("good", rows=7)
        assert store.runs.last_into("s.a", dag_id="dag") is None

    def test_the_try_that_got_furthest_is_of_the_same_task_and_model(self, store: Store) -> None:
        for number, (rows, changes, model) in enumerate(
            [
                (30, {}, MODEL),
                (20, {}, MODEL),
                (90, {"map_index": 1}, MODEL),
                (90, {"dag_run_id": "manual__2"}, MODEL),
                (90, {"try_number": 4}, MODEL),
                (90, {}, replace(MODEL, version="other")),
                (90, {}, replace(MODEL, fingerprint="other")),
            ]
        ):
            who = identity(f"r{number}", **changes)
            store.runs.start(who, model, "s.a", "s.b")
            store.runs.finish(RunState.FAILED, summary(who.run_id, model=model, rows=rows))
        mine = identity("mine", try_number=3)
        start(store, mine)
        assert store.runs.furthest_try(mine, MODEL) == summary("r0", rows=30)
        assert store.runs.furthest_try(replace(mine, task_id="another"), MODEL) is None
        nobody = RunIdentity(run_id="outside")
        for run_id in ("outside", "before"):
            start(store, replace(nobody, run_id=run_id))
        assert store.runs.furthest_try(nobody, MODEL) is None

    def test_times_without_zone_are_refused(self, store: Store) -> None:
        with pytest.raises(ConfigurationError, match="since must have a zone"):
            store.runs.list(since=datetime(2026, 1, 1))  # noqa: DTZ001

    @pytest.mark.parametrize("name", HOSTILE)
    def test_hostile_names_are_only_names(self, store: Store, name: str) -> None:
        who = identity(name, dag_id=name, dag_run_id=name, task_id=name)
        store.runs.start(who, replace(MODEL, name=name), name, name)
        store.runs.add_rejects(name, [Reject(key={name: name}, reason=name, detail=name)])
        assert store.runs.rejects(name) == [Reject(key={name: name}, reason=name, detail=name)]
        assert [record.identity for record in store.runs.list(dag_id=name, task_id=name)] == [who]

    def test_the_store_works_from_threads(self, store: Store) -> None:
        def one(number: int) -> None:
            who = identity(f"r{number}", map_index=number)
            start(store, who)
            store.runs.finish(RunState.SUCCESS, summary(f"r{number}"))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(one, range(24)))
        assert {record.state for record in store.runs.list()} == {RunState.SUCCESS}
        assert len(store.runs.list()) == 24


class TestRejects:
    def test_a_key_is_kept_once_a_run(self, store: Store) -> None:
        for name in ("r1", "r2"):
            start(store, identity(name, map_index=int(name[1])))
        first = [Reject(key={"a": "1", "b": "x"}, reason="timeout", detail="after 3 tries")]
        store.runs.add_rejects("r1", first)
        again = Reject(key={"b": "x", "a": "1"}, reason="no_value")
        other = Reject(key={"a": "1", "b": "y"}, reason="no_value")
        store.runs.add_rejects("r1", [again, other, other])
        store.runs.add_rejects("r2", [again])
        store.runs.add_rejects("r2", [])
        assert store.runs.rejects("r1") == [*first, other]
        assert store.runs.rejects("r2") == [again]

    def test_the_first_ones_are_given_in_order(self, store: Store) -> None:
        start(store, identity())
        rejects = [Reject(key={"id": str(n)}, reason="no_value") for n in range(1200)]
        store.runs.add_rejects("r1", rejects)
        assert store.runs.rejects("r1") == rejects[:1000]
        assert store.runs.rejects("r1", limit=3) == rejects[:3]

    def test_text_no_database_can_store_does_not_lose_the_reject(self, store: Store) -> None:
        start(store, identity())
        store.runs.add_rejects("r1", [Reject(key={"k": "a\x00b\ud800"}, reason="x", detail="a\x00b\ud800")])
        [kept] = store.runs.rejects("r1")
        assert (dict(kept.key), kept.detail) == ({"k": "a\x00b\ud800"}, "a\ufffdb?")


class TestVerdicts:
    def verdict(self, *outcomes: Outcome, subject: str = "flights") -> Verdict:
        checks = [CheckResult(check=f"drift.{i}", outcome=o, message=f"m{i}") for i, o in enumerate(outcomes)]
        return Verdict(guard="drift", subject=subject, checks=tuple(checks))

    def test_a_verdict_is_remembered_whole(self, store: Store) -> None:
        check = CheckResult(
            check="drift.ks",
            outcome=Outcome.BREACH,
            message="KS 0.31 > 0.1 ☂",
            column="distance",
            value=0.31,
            limit=0.1,
            severity=Severity.WARN,
            detail={"p_value": 1e-12, "edges": [0.5, None, 2], "n": 3, "nested": {"a": True}},
        )
        plain = CheckResult(check="rows", outcome=Outcome.PASS, message="5 rows")
        verdict = Verdict(guard="drift", subject="s.flights", checks=(check, plain))
        who = identity(try_number=3, map_index=2, openlineage_run_id="ol")
        before = datetime.now(UTC)
        store.verdicts.record(who, verdict)
        [record] = store.verdicts.list()
        assert (record.identity, record.verdict) == (who, verdict)
        assert before <= record.recorded_at <= datetime.now(UTC)

    def test_numbers_that_json_has_not_become_none(self, store: Store) -> None:
        check = CheckResult(
            check="c",
            outcome=Outcome.UNDECIDED,
            message="m",
            value=float("nan"),
            limit=float("inf"),
            detail={"x": float("nan"), "y": (float("-inf"), 1.0)},
        )
        store.verdicts.record(identity(), Verdict(guard="g", subject="s", checks=(check,)))
        [record] = store.verdicts.list()
        [kept] = record.verdict.checks
        assert (kept.value, kept.limit, kept.detail) == (None, float("inf"), {"x": None, "y": [None, 1.0]})

    def test_repeated_pokes_of_one_try_replace_the_verdict(self, store: Store) -> None:
        store.verdicts.record(identity(), self.verdict(Outcome.BREACH, Outcome.PASS))
        first = store.verdicts.list()[0].recorded_at
        store.verdicts.record(identity(), self.verdict(Outcome.PASS))
        [record] = store.verdicts.list()
        assert record.verdict == self.verdict(Outcome.PASS)
        assert record.recorded_at > first

    def test_other_subjects_and_tries_are_kept(self, store: Store) -> None:
        store.verdicts.record(identity(), self.verdict(Outcome.PASS))
        store.verdicts.record(identity(), self.verdict(Outcome.BREACH, subject="planes"))
        store.verdicts.record(identity("r2", try_number=2), self.verdict(Outcome.UNDECIDED))
        kept = [(r.identity.run_id, r.verdict.subject, str(r.verdict.outcome)) for r in store.verdicts.list()]
        assert kept == [
            ("r1", "flights", "pass"),
            ("r1", "planes", "breach"),
            ("r2", "flights", "undecided"),
        ]

    def test_a_verdict_without_checks_stays_one(self, store: Store) -> None:
        store.verdicts.record(identity(), self.verdict(Outcome.PASS))
        store.verdicts.record(identity(), self.verdict())
        [record] = store.verdicts.list()
        assert record.verdict.checks == ()

    def test_list_filters_and_orders(self, store: Store) -> None:
        for name, dag in (("b", "d1"), ("a", "d2")):
            store.verdicts.record(identity(name, dag_id=dag), self.verdict(Outcome.PASS, Outcome.PASS))
        assert [r.identity.run_id for r in store.verdicts.list()] == ["b", "a"]
        assert [r.identity.run_id for r in store.verdicts.list(dag_id="d2")] == ["a"]
        moment = store.verdicts.list()[1].recorded_at
        assert [r.identity.run_id for r in store.verdicts.list(since=moment)] == ["a"]
        assert [r.identity.run_id for r in store.verdicts.list(until=moment)] == ["b"]
        assert store.verdicts.list(task_id="nobody") == []


class TestProfiles:
    def test_the_newest_version_is_given(self, store: Store) -> None:
        before = datetime.now(UTC)
        for rows in (1, 2):
            store.profiles.save("january", {"rows": rows, "mean": 0.1 + 0.2}, table="s.flights", identity=identity())
        profile, saved_at = store.profiles.get("january")
        assert profile == {"rows": 2, "mean": 0.1 + 0.2}
        assert before <= saved_at <= datetime.now(UTC)

    def test_names_are_sorted_and_given_once(self, store: Store) -> None:
        assert store.profiles.names() == []
        for name in ("b", "ä", "a", "b"):
            store.profiles.save(name, {}, table="t", identity=identity())
        assert store.profiles.names() == ["a", "b", "ä"]

    def test_an_unknown_name_is_answered_with_those_there_are(self, store: Store) -> None:
        with pytest.raises(NotRecordedError, match=r"no profile named 'x'; it holds none yet\. Save one"):
            store.profiles.get("x")
        for number in range(22):
            store.profiles.save(f"p{number:02}", {}, table="t", identity=identity())
        with pytest.raises(NotRecordedError, match=r"it holds 'p00', 'p01'.* 'p19' and 2 more\."):
            store.profiles.get("x")

    @pytest.mark.parametrize("value", [float("nan"), {1, 2}])
    def test_what_does_not_survive_json_is_refused(self, store: Store, value: object) -> None:
        with pytest.raises(ConfigurationError, match="Profile 'p' does not survive JSON"):
            store.profiles.save("p", {"x": value}, table="t", identity=identity())
        assert store.profiles.names() == []

    def test_a_profile_needs_a_name(self, store: Store) -> None:
        with pytest.raises(ConfigurationError, match="needs a name to be found by; got ' '"):
            store.profiles.save(" ", {}, table="t", identity=identity())
