"""Two hundred tasks while the lineage backend is killed, hangs, answers garbage and refuses: nothing is lost.

A task is a process, and each of its events comes from a fork of it, through a fresh client, as under Airflow.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import statistics
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from lineage_server import TERMINAL, LineageServer
from lineage_tasks import client, run_event, run_id, settings

from airflow_provider_aiguard.lineage.replay import replay
from airflow_provider_aiguard.lineage.settings import DurableConfig
from airflow_provider_aiguard.store import deliveries, schema
from airflow_provider_aiguard.store.store import Store, open_store

TASKS = 200
AT_ONCE = 4
NO_STORE = "postgresql+psycopg://127.0.0.1:1/none"
WEATHER = ["well", "killed", "hangs", "well", "garbage", 500, "no store", "deaf", 503, "well", 422, "drips", "well"]

fork = multiprocessing.get_context("fork")


def emit(folder: Path, url: str, kind: str, run: str, job: str, store: str | None) -> None:
    """What Airflow's listener does: fork, emit in the child, and wait for it."""
    more = {"store": store} if store else {}
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        return
    try:
        sender, event = client(folder, url, **more), run_event(kind, run, job=job)
        started = time.monotonic()
        sender.emit(event)
        with (folder / "seconds").open("a") as seconds:
            seconds.write(json.dumps([run, time.monotonic() - started]) + "\n")
    finally:
        os._exit(0)


def task(folder: str, url: str, number: int, run: str, store: str | None) -> None:
    job = f"dag_{number % 7}.task"
    emit(Path(folder), url, "START", run, job, store)
    if number % 11 == 0:
        emit(Path(folder), url, "START", run, job, store)
    emit(Path(folder), url, "FAIL" if number % 13 == 0 else "COMPLETE", run, job, store)
    os._exit(0)


def set_weather(server: LineageServer, weather: str | int) -> None:
    if weather == "killed":
        server.kill()
        return
    if server.mood == "killed":
        server.start()
    server.mood = "well" if weather == "no store" else weather


@pytest.fixture
def server():
    with LineageServer() as started:
        yield started


@pytest.fixture
def short_sleep(monkeypatch):
    """Let the backend be asked again while the test lasts."""
    monkeypatch.setattr(deliveries, "FIRST_SLEEP", timedelta(seconds=0.5))
    monkeypatch.setattr(deliveries, "LONGEST_SLEEP", timedelta(seconds=1))


def kept(store: Store) -> dict[str, list[str]]:
    """Types of the events of each run in the outbox, in the order of their time."""
    query = sa.select(schema.outbox.c.run_id, schema.outbox.c.event_type).order_by(schema.outbox.c.happened_at)
    runs: dict[str, list[str]] = {}
    for run, kind in store._database.read(lambda conn: conn.execute(query).all()):
        runs.setdefault(run, []).append(kind)
    return runs


def replay_all(store: Store, config: DurableConfig, **more: bool) -> None:
    """As cron does: until nothing is left. What a sender holds is free a little after he is gone."""
    for _ in range(60):
        done = replay(store, config, **more)
        if not done.left:
            return
        time.sleep(0.5)
    raise AssertionError(str(done))


@pytest.mark.usefixtures("short_sleep")
def test_two_hundred_tasks_in_bad_weather(tmp_path: Path, server: LineageServer) -> None:
    runs = [run_id() for _ in range(TASKS)]
    poison = {runs[3], runs[100], runs[150]}
    server.refuses = lambda event: 422 * (event["run"]["runId"] in poison)
    config = DurableConfig.from_dict(settings(tmp_path, server.url))
    with open_store(config.store) as store:
        per_weather = -(-TASKS // len(WEATHER))
        for turn, weather in enumerate(WEATHER):
            set_weather(server, weather)
            numbers = range(turn * per_weather, min((turn + 1) * per_weather, TASKS))
            _run(tmp_path, server, numbers, runs, NO_STORE if weather == "no store" else None)
            # The mark that the store is away holds for half a minute.
            (tmp_path / "spool" / "store-away").unlink(missing_ok=True)
        set_weather(server, "well")
        replay_all(store, config, set_aside=True)
        spooled = kept(store)
        aside = {one.run_id for one in store.outbox.set_aside(1000)}
    assert set(spooled) == set(runs)
    ends = {run: "FAIL" if number % 13 == 0 else "COMPLETE" for number, run in enumerate(runs)}
    # Each started once and ended once, whatever was repeated.
    assert spooled == {run: ["START", end] for run, end in ends.items()}
    assert aside == poison
    assert server.state() == {run: end for run, end in ends.items() if run not in poison}
    deaf = {run for number, run in enumerate(runs) if WEATHER[number // per_weather] == "deaf"}
    for run, seen in server.runs.items():
        terminals = [kind for kind in seen if kind in TERMINAL]
        # A deaf backend takes an event and does not say so: it has it twice, but no other end.
        assert terminals == [ends[run]] * (len(terminals) if run in deaf else 1)
        assert "START" not in seen[seen.index(ends[run]) :]
        assert seen[0] == "START"
    tasks = waited_by_task(tmp_path)
    assert set(tasks) == set(runs)
    # The machine of a test is busy and may take its time for one of many; most wait no longer than this.
    assert statistics.median(tasks.values()) <= 1


def waited_by_task(folder: Path) -> dict[str, float]:
    """Seconds that the events of each task took, in all; printed for who wants to see the worst."""
    tasks: dict[str, float] = {}
    for line in (folder / "seconds").read_text().splitlines():
        run, seconds = json.loads(line)
        tasks[run] = tasks.get(run, 0.0) + seconds
    ordered = sorted(tasks.values())
    median, high, worst = (ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.99, 1))
    print(f"added per task: median {median:.2f} s, 99 % below {high:.2f} s, worst {worst:.2f} s")
    return tasks


def _run(folder: Path, server: LineageServer, numbers: range, runs: list[str], store: str | None) -> None:
    waiting = list(numbers)
    under_way: list[multiprocessing.process.BaseProcess] = []
    while waiting or under_way:
        while waiting and len(under_way) < AT_ONCE:
            number = waiting.pop(0)
            under_way.append(fork.Process(target=task, args=(str(folder), server.url, number, runs[number], store)))
            under_way[-1].start()
        under_way[0].join()
        assert under_way.pop(0).exitcode == 0


def test_a_sender_that_is_killed_on_the_way_loses_nothing(tmp_path: Path, server: LineageServer) -> None:
    config = DurableConfig.from_dict(settings(tmp_path, server.url))
    server.mood = "hangs"
    run = run_id()
    with open_store(config.store) as store:
        pid = os.fork()
        if not pid:
            try:
                client(tmp_path, server.url, budget=5).emit(run_event("START", run))
            finally:
                os._exit(0)
        while not server.requests:
            time.sleep(0.01)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        server.mood = "well"
        # He holds it for a little longer than he would have waited.
        assert replay(store, config).left == 1
        free = sa.update(schema.delivery).values(free_at=datetime(2020, 1, 1, tzinfo=UTC))
        store._database.write(lambda conn: conn.execute(free))
        assert replay(store, config).left == 0
    assert server.runs == {run: ["START"]}


def test_a_task_with_many_events_asks_a_backend_that_hangs_only_twice(
    tmp_path: Path, server: LineageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0.4 s an event and 0.8 s a task: two attempts, even where the backend is asked again at once."""
    monkeypatch.setattr(deliveries, "FIRST_SLEEP", timedelta(0))
    server.mood = "hangs"
    run, query = run_id(), {"run": {"runId": "q"}}
    parent = {"parent": {"run": {"runId": run}, "job": {"namespace": "tests", "name": "dag.task"}}}
    for number in range(6):
        client(tmp_path, server.url).emit(run_event("RUNNING", run, job=f"dag.{number}"))
    assert server.requests == 2
    from airflow_provider_aiguard.lineage.transport import DurableTransport

    # What a task's queries say is paid by the task.
    transport = DurableTransport(DurableConfig.from_dict(settings(tmp_path, server.url)))
    for number in range(3):
        job = {"namespace": "tests", "name": f"q{number}", "facets": {"jobType": {"jobType": "QUERY"}}}
        transport.emit({**json.loads(json.dumps(query)), "eventType": "RUNNING", "job": job}
                       | {"run": {"runId": f"q{number}", "facets": parent}})  # fmt: skip
    assert server.requests == 2
    transport.emit({"eventType": "RUNNING", "job": {"namespace": "tests", "name": "z"}, "run": {"runId": run_id()}})
    assert server.requests == 3
