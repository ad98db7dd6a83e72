"""Results by work key on each database: who does what, once."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.store import Store, open_store

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_aiguard.store.results import Taken


def who(run_id: str, *, dag_run: str = "monday", task: str = "score") -> RunIdentity:
    return RunIdentity(run_id=run_id, dag_id="d", dag_run_id=dag_run, task_id=task)


def take(store: Store, keys: Iterable[str], identity: RunIdentity, now: datetime = NOW, **more: Any) -> Taken[Any]:
    return store.results.take(keys, identity, **{"read": lambda value: value, "until": now + HOUR, "now": now, **more})


def save(store: Store, results: dict[str, Any], identity: RunIdentity, now: datetime = NOW) -> None:
    store._database.write(lambda conn: store.results.save(conn, results, identity, now))


def test_work_is_taken_done_and_known_to_a_retry(store: Store) -> None:
    first, retry = who("try1"), who("try2")
    assert take(store, ["a", "b"], first).mine == {"a", "b"}
    save(store, {"a": {"v": ["é", 1.5, None]}}, first)
    taken = take(store, ["a", "b", "c"], retry)
    assert taken.known == {"a": {"v": ["é", 1.5, None]}}
    assert (taken.mine, taken.elsewhere) == ({"c"}, {"b"})


def test_what_a_dead_worker_took_is_free_when_its_time_is_up(store: Store) -> None:
    take(store, ["a"], who("dead"))
    assert take(store, ["a"], who("other"), now=NOW + HOUR - timedelta(seconds=1)).elsewhere == {"a"}
    assert take(store, ["a"], who("other"), now=NOW + HOUR).mine == {"a"}
    save(store, {"a": 1}, who("dead"))
    assert take(store, ["a"], who("third")).elsewhere == {"a"}
    save(store, {"a": 2}, who("other"))
    assert take(store, ["a"], who("third")).known == {"a": 2}


def test_what_is_given_back_is_free_and_what_is_done_stays(store: Store) -> None:
    take(store, ["a", "b", "c"], who("one"))
    save(store, {"a": 1}, who("one"))
    store.results.give_back(["b", "c"], who("other"))
    store.results.give_back(["a", "b"], who("one"))
    taken = take(store, ["a", "b", "c"], who("other"))
    assert (taken.known, taken.mine, taken.elsewhere) == ({"a": 1}, {"b"}, {"c"})


def test_a_run_may_take_its_own_work_again(store: Store) -> None:
    take(store, ["a"], who("one"))
    assert take(store, ["a"], who("one")).mine == {"a"}


@pytest.mark.parametrize("other", [who("x", dag_run="tuesday"), who("x", task="other")])
def test_another_dag_run_or_task_knows_it_only_if_it_may_reuse(store: Store, other: RunIdentity) -> None:
    take(store, ["a", "b"], who("one"))
    save(store, {"a": 1}, who("one"))
    assert take(store, ["a"], other, since=NOW - HOUR).known == {"a": 1}
    assert take(store, ["a"], other, since=NOW + HOUR).mine == {"a"}
    save(store, {"a": 2}, other)
    assert take(store, ["a"], who("y", dag_run="wednesday")).mine == {"a"}
    assert take(store, ["b"], other).elsewhere == {"b"}


def test_outside_airflow_runs_know_nothing_of_each_other(store: Store) -> None:
    take(store, ["a"], RunIdentity(run_id="one"))
    save(store, {"a": 1}, RunIdentity(run_id="one"))
    assert take(store, ["a"], RunIdentity(run_id="one")).known == {"a": 1}
    assert take(store, ["a"], RunIdentity(run_id="two")).mine == {"a"}


def test_a_result_that_cannot_be_used_is_done_anew(store: Store) -> None:
    take(store, ["a", "b"], who("one"))
    save(store, {"a": "poison", "b": 1}, who("one"))
    taken = take(store, ["a", "b"], who("two"), read=lambda value: value if isinstance(value, int) else None)
    assert (taken.mine, taken.known) == ({"a"}, {"b": 1})
    save(store, {"a": 5}, who("two"))
    assert take(store, ["a"], who("three")).known == {"a": 5}


def test_a_result_may_be_encrypted_and_is_done_anew_under_another_key(store_url: str) -> None:
    private = "a very private diagnosis"
    with open_store(store_url, cipher=Fernet(Fernet.generate_key())) as store:
        take(store, ["a"], who("one"))
        save(store, {"a": private}, who("one"))
        assert take(store, ["a"], who("two")).known == {"a": private}
        text = store._database.read(lambda conn: conn.scalar(sa.select(schema.result.c.result)))
        assert private not in text
    with open_store(store_url, cipher=Fernet(Fernet.generate_key())) as store:
        assert take(store, ["a"], who("three")).mine == {"a"}


def test_prune_forgets_what_is_old(store: Store) -> None:
    take(store, ["done", "young", "lost", "open"], who("one"))
    save(store, {"done": 1}, who("one"), now=NOW - 30 * HOUR)
    save(store, {"young": 1}, who("one"), now=NOW)
    assert store.results.prune(NOW) == 1
    assert take(store, ["done", "young", "open"], who("two")).known == {"young": 1}
    assert store.results.prune(NOW + 2 * HOUR) == 4


def test_many_keys_go_in_batches(store: Store) -> None:
    keys = [f"{number:064}" for number in range(20_001)]
    assert take(store, keys, who("one")).mine == set(keys)
    save(store, dict.fromkeys(keys, 1), who("one"))
    assert len(take(store, keys, who("two")).known) == 20_001
    assert take(store, [], who("two")).mine == frozenset()


def test_of_many_workers_with_the_same_work_one_does_each(store_url: str) -> None:
    keys = [f"k{number}" for number in range(200)]
    start = threading.Barrier(8)
    mine: list[frozenset[str]] = []

    def work(number: int) -> None:
        with open_store(store_url) as store:
            start.wait()
            mine.append(take(store, keys if number % 2 else keys[::-1], who(f"w{number}")).mine)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times = Counter(key for taken in mine for key in taken)
    assert times == dict.fromkeys(keys, 1)


def test_times_need_a_zone(store: Store) -> None:
    with pytest.raises(ConfigurationError, match="until must have a zone"):
        take(store, ["a"], who("one"), until=datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(ConfigurationError, match="before must have a zone"):
        store.results.prune(datetime(2026, 1, 1))  # noqa: DTZ001
