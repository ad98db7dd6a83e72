"""``aiguard budget``: what the person on call types."""

from __future__ import annotations

import getpass
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_aiguard.cli.main import main
from airflow_provider_aiguard.core.amounts import Amounts
from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.run import ModelIdentity, RunIdentity
from airflow_provider_aiguard.store.store import open_store

WHO = RunIdentity(run_id="run-1", dag_id="flights", dag_run_id="july", task_id="label")
TEAM = Budget("team", "10.00", per="month")
CALLS = Budget("calls", 10, per="team", unit="calls")


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/store.db"


@pytest.fixture
def held(url):
    with open_store(url) as store:
        store.runs.start(WHO, ModelIdentity(name="m", version="1", fingerprint="f"), "a", "b")
        now = datetime.now(UTC) - timedelta(minutes=5)
        return store.ledger.hold(
            [TEAM, CALLS], WHO, Amounts(micros=2_000_000, calls=3), ttl=timedelta(hours=1), now=now
        )


@pytest.fixture
def aiguard(url, capsys):
    def run(*arguments):
        code = main(["budget", *arguments, "--store", url])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture
def answer(aiguard):
    def run(*arguments):
        code, out, _ = aiguard(*arguments, "--json")
        return code, json.loads(out)

    return run


class TestShow:
    def test_an_empty_store(self, aiguard):
        assert aiguard("show")[:2] == (0, "No budget was held from yet, and no limit is set in the store.\n")

    @pytest.mark.usefixtures("held")
    def test_where_each_stands_and_whose_limit_applies(self, aiguard):
        month = f"{datetime.now(UTC) - timedelta(minutes=5):%Y-%m}"
        _, out, _ = aiguard("show")
        assert out.splitlines() == [
            "calls  team: calls  0 calls spent, 3 calls held of 10 calls (limit in the code), 7 calls left",
            f"team  month:{month}  $0.00 spent, $2.00 held of $10.00 (limit in the code), $8.00 left",
        ]
        aiguard("set", "team", "25.00", "--per", "month")
        _, out, _ = aiguard("show", "team")
        standing, limit = out.splitlines()
        assert standing.endswith("$2.00 held of $25.00 (limit in the store), $23.00 left")
        assert limit.startswith(f"team  every month: $25.00, set in the store by {getpass.getuser()} on 20")

    def test_a_tripped_one_until_a_limit_is_set(self, aiguard, url, held):
        with open_store(url) as store:
            store.ledger.settle(held, Amounts(micros=2_000_001, calls=3))
        tripped = [line for line in aiguard("show")[1].splitlines() if "TRIPPED" in line]
        assert [line.split()[0] for line in tripped] == [TEAM.name]
        aiguard("set", TEAM.name, TEAM.limit, "--per", TEAM.per)
        assert "TRIPPED" not in aiguard("show")[1]

    @pytest.mark.usefixtures("held")
    def test_as_json(self, answer):
        code, found = answer("show", "calls")
        assert code == 0
        [window] = found["windows"]
        assert (window["limit"], window["spent"], window["held"], window["remaining"]) == (10, 0, 3, 7)
        assert found["limits"] == []

    def test_what_nobody_knows(self, aiguard):
        code, _, err = aiguard("show", "nope")
        assert code == 3
        assert "The store knows no budget 'nope'" in err


class TestSet:
    def test_it_applies_at_once_and_is_written_down(self, aiguard, url, caplog):
        code, out, _ = aiguard("set", "team", "0.50", "--per", "month")
        assert (code, out) == (0, "Budget 'team' per month: the limit is $0.5000 now, whatever the code says.\n")
        assert f"{getpass.getuser()} set the limit of budget 'team' per month to $0.5000." in caplog.text
        with open_store(url) as store:
            status = store.ledger.status(TEAM, WHO, datetime.now(UTC))
        assert (status.limit, status.limit_from) == (500_000, "store")

    def test_tokens(self, answer):
        assert answer("set", "t", "2000000", "--unit", "tokens", "--per", "dag/day")[1]["limit"] == 2_000_000

    def test_the_codes_limit_applies_again(self, aiguard, url):
        aiguard("set", "team", "0.50", "--per", "month")
        code, out, _ = aiguard("set", "team", "--remove", "--per", "month")
        assert (code, out) == (0, "Budget 'team' per month: the limit in the code applies again.\n")
        with open_store(url) as store:
            assert store.budgets.limits() == []
        code, _, err = aiguard("set", "team", "--remove", "--per", "month")
        assert (code, "has no limit of budget 'team' per month in usd" in err) == (3, True)

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["team"], "takes a limit, such as 25.00, or --remove"),
            (["team", "5", "--remove"], "takes a limit, such as 25.00, or --remove"),
            (["team", "much", "--per", "day"], "limit must be dollars as a string such as '5.00'; got 'much'"),
            (["team", "0.5", "--unit", "calls", "--per", "day"], "limit must be a whole number of calls"),
            (["team", "0.5"], "Which budget 'team' is meant? Say --per, and --unit unless it counts USD. The store"),
        ],
    )
    def test_what_is_no_limit(self, aiguard, arguments, said):
        code, _, err = aiguard("set", *arguments)
        assert code == 3
        assert said in err

    def test_no_such_window_is_a_wrong_command_line(self, aiguard):
        with pytest.raises(SystemExit, match="4"):
            aiguard("set", "team", "5", "--per", "week")

    def test_a_user_without_a_name(self, aiguard, url, monkeypatch):
        def nobody():
            raise KeyError("uid not found")

        monkeypatch.setattr(getpass, "getuser", nobody)
        aiguard("set", "team", "5", "--per", "day")
        with open_store(url) as store:
            assert store.budgets.limits()[0].set_by.startswith("uid ")

    @pytest.mark.usefixtures("held")
    def test_what_the_store_knows_need_not_be_said(self, aiguard, url):
        """A limit of another window would change nothing, and say that it did."""
        assert aiguard("set", "team", "1.50")[0] == aiguard("set", "calls", "3")[0] == 0
        with open_store(url) as store:
            assert store.ledger.status(TEAM, WHO, datetime.now(UTC)).remaining == -500_000
            assert [(limit.per, limit.unit) for limit in store.budgets.limits("calls")] == [("team", "calls")]
        aiguard("set", "team", "9", "--per", "day")
        code, _, err = aiguard("set", "team", "2.00")
        assert (code, "knows: --per day --unit usd, --per month --unit usd." in err) == (3, True)
        assert aiguard("set", "team", "--remove", "--per", "day")[0] == 0
        assert aiguard("set", "team", "2.00")[0] == 0


class TestHolds:
    def test_none(self, aiguard):
        assert aiguard("holds")[1] == "Holds: 0\n"

    def test_run_age_and_expiry(self, aiguard, held):
        _, out, _ = aiguard("holds", "team")
        head, line = out.splitlines()
        assert head == "Holds: 1"
        assert line.startswith(f"{held.hold_id}  $2.00 from team (month:")
        assert line.endswith("flights.label, run run-1  held for 5 min, counts as spent in 55 min")

    def test_as_json(self, answer, held):
        found = answer("holds")[1]["holds"]
        assert [(h["budget"], h["amount"], h["hold_id"]) for h in found] == [
            ("calls", 3, held.hold_id),
            ("team", 2_000_000, held.hold_id),
        ]

    def test_an_expired_one_is_no_longer_held(self, aiguard, url):
        with open_store(url) as store:
            past = datetime.now(UTC) - timedelta(days=1)
            store.ledger.hold([TEAM], WHO, Amounts(micros=5), ttl=timedelta(hours=1), now=past)
        assert aiguard("holds")[1] == "Holds: 0\n"
        assert "$0.000005 spent, $0.00 held" in aiguard("show")[1]


class TestRelease:
    def test_only_with_yes(self, aiguard, held, url, caplog):
        code, _, err = aiguard("release", held.hold_id)
        assert code == 3
        assert "gives back 3 calls of calls (team: calls), $2.00 of team (month:" in err
        assert "add --yes" in err
        with open_store(url) as store:
            assert len(store.budgets.open_holds()) == 2
        code, out, _ = aiguard("release", held.hold_id, "--yes")
        assert code == 0
        assert out.startswith(f"Released {held.hold_id}: 3 calls of calls")
        assert f"{getpass.getuser()} released hold {held.hold_id} of run run-1" in caplog.text
        with open_store(url) as store:
            assert store.budgets.open_holds() == []
            status = store.ledger.status(TEAM, replace(WHO, run_id="other"), datetime.now(UTC))
        assert (status.spent, status.held) == (0, 0)

    def test_once(self, aiguard, held):
        aiguard("release", held.hold_id, "--yes")
        code, _, err = aiguard("release", held.hold_id, "--yes")
        assert (code, "settled or released already: nothing was changed" in err) == (3, True)

    def test_what_nobody_holds(self, aiguard):
        code, _, err = aiguard("release", "x", "--yes")
        assert (code, "The ledger knows no hold 'x'" in err) == (3, True)
