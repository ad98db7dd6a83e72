from __future__ import annotations

import asyncio
import json
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from airflow_home import write_claims

from airflow_provider_aiguard import Table
from airflow_provider_aiguard.core.limits.confidence import ConfidenceLimits
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.verdict import Outcome, Verdict
from airflow_provider_aiguard.guards.questions.confidence import ConfidenceQuestion
from airflow_provider_aiguard.triggers.guard import GuardTrigger


def trigger(table, seconds=30.0, **kwargs):
    question = ConfidenceQuestion(
        table=Table(table, "rows", key=("id", "part"), where="id >= :first", parameters={"first": 0}),
        column="late",
        limits=ConfidenceLimits(min_mean=0.8, max_share_below=(0.6, 0.1)),
    )
    arguments = {
        "question": question.to_dict(),
        "identity": RunIdentity(run_id="r", dag_id="d", dag_run_id="dr", task_id="t").to_dict(),
        "aiguard_conn_id": "aiguard_default",
        "poke_interval": 0.02,
        "deadline": (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(),
        "fail_fast": False,
    }
    return GuardTrigger(**arguments | kwargs)


def events(trigger):
    """All events of a trigger, as the triggerer's loop would get them."""

    async def collect():
        return [event.payload async for event in trigger.run()]

    return asyncio.run(collect())


def outcome(trigger):
    (event,) = events(trigger)
    assert set(event) == {"verdict"}
    assert json.loads(json.dumps(event)) == event
    return Verdict.from_dict(event["verdict"]).outcome


def test_its_arguments_are_plain_values_that_make_the_same_trigger():
    path, arguments = trigger("t").serialize()
    assert path == "airflow_provider_aiguard.triggers.guard.GuardTrigger"
    again = json.loads(json.dumps(arguments))
    assert again == arguments
    assert GuardTrigger(**again).serialize() == (path, arguments)


def test_the_path_is_that_of_a_subclass():
    class Own(GuardTrigger):
        pass

    _, arguments = trigger("t").serialize()
    assert Own(**arguments).serialize()[0].endswith("test_the_path_is_that_of_a_subclass.<locals>.Own")


def test_airflow_can_store_it():
    from airflow.sdk.serde import deserialize, serialize

    _, arguments = trigger("t").serialize()
    assert deserialize(serialize(arguments)) == arguments


def test_it_passes_at_once(rows, store):
    write_claims(rows, "sure", [0.9] * 10)
    assert outcome(trigger("sure")) is Outcome.PASS


def test_it_waits_for_rows_that_another_thread_writes(rows, store):
    waiting = trigger("late")
    asked = threading.Event()
    ask = waiting._ask
    waiting._ask = lambda: (ask(), asked.set())[0]

    def arrive():
        asked.wait(20)
        write_claims(rows, "late", [0.9] * 10)

    thread = threading.Thread(target=arrive)
    thread.start()
    assert outcome(waiting) is Outcome.PASS
    thread.join()


def test_at_the_deadline_it_says_what_it_saw_last(rows, store):
    write_claims(rows, "unsure", [0.5] * 10)
    assert outcome(trigger("unsure", seconds=0.1)) is Outcome.BREACH
    assert outcome(trigger("nowhere", seconds=0.1)) is Outcome.UNDECIDED


def test_a_deadline_that_has_passed_still_asks_once(rows, store):
    write_claims(rows, "sure_late", [0.9] * 10)
    assert outcome(trigger("sure_late", seconds=-60)) is Outcome.PASS


def test_fail_fast_ends_with_a_breach_but_not_without_a_table(rows, store):
    write_claims(rows, "unsure_fast", [0.5] * 10)
    assert outcome(trigger("unsure_fast", fail_fast=True)) is Outcome.BREACH
    waiting = trigger("nowhere", seconds=0.2, fail_fast=True)
    asked = []
    ask = waiting._ask
    waiting._ask = lambda: asked.append(1) or ask()
    assert outcome(waiting) is Outcome.UNDECIDED
    assert len(asked) > 1


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"aiguard_conn_id": "nobody"}, "nobody"),
        ({"question": {"guard": "budget", "budget": {}, "limits": {}}}, "TypeError"),
    ],
)
def test_what_goes_wrong_is_an_event(rows, store, change, error):
    (event,) = events(
        trigger("t", **{"question": {**_drift(), "reference": "r"}, **change} if "question" not in change else change)
    )
    assert set(event) == {"error"}
    assert error in event["error"]


def _drift():
    from airflow_provider_aiguard.core.limits.drift import DriftLimits
    from airflow_provider_aiguard.guards.questions.drift import DriftQuestion

    return DriftQuestion(table=Table("t", "rows"), reference="r", limits=DriftLimits()).to_dict()


def test_other_triggers_run_while_it_asks(rows, store):
    """Databases are asked outside the event loop."""
    slow = trigger("nowhere", seconds=0.3)
    ask, beats = slow._ask, []

    def slowly():
        time.sleep(0.2)
        return ask()

    slow._ask = slowly

    async def both():
        async def beat():
            while True:
                beats.append(1)
                await asyncio.sleep(0.01)

        task = asyncio.create_task(beat())
        found = [event async for event in slow.run()]
        task.cancel()
        return found

    assert len(asyncio.run(both())) == 1
    assert len(beats) > 5
