from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from airflow_home import environment

from airflow_provider_aiguard.cli.main import main
from airflow_provider_aiguard.core.lineage import dataset_node, job_node
from airflow_provider_aiguard.core.notes import Note
from airflow_provider_aiguard.core.run import InferenceSummary, ModelIdentity, Reject, RunIdentity
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome, Verdict
from airflow_provider_aiguard.store.notes import add_notes
from airflow_provider_aiguard.store.revision import HEAD
from airflow_provider_aiguard.store.store import open_store


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/store.db"


@pytest.fixture
def record(url):
    """Put verdicts and a run into the store."""

    def put(outcome, when="2026-03-10T12:00:00+00:00", dag_id="d"):
        identity = RunIdentity(
            run_id=f"{dag_id}-{when}-{outcome}", dag_id=dag_id, dag_run_id=when, task_id=str(outcome), logical_date=when
        )
        check = CheckResult(check="confidence.mean", outcome=outcome, message="m", column="late", value=0.5, limit=0.8)
        with open_store(url) as store:
            store.runs.start(identity, ModelIdentity(name="m", version="1", fingerprint="f"), source="a", target="b")
            store.verdicts.record(identity, Verdict(guard="confidence", subject="b", checks=(check,)))

    return put


@pytest.fixture
def report(url, tmp_path, capsys):
    """Run the report command; give exit code and answer."""

    def run(*arguments):
        code = main(["report", "--json", "--store", url, "--out", str(tmp_path / "r.html"), *arguments])
        return code, json.loads(capsys.readouterr().out)

    return run


def test_upgrade_makes_the_store_and_says_so(url, tmp_path, capsys):
    assert main(["store", "upgrade", "--store", url]) == 0
    assert capsys.readouterr().out == f"The store is at revision {HEAD}.\n"
    assert (tmp_path / "store.db").exists()
    assert main(["store", "upgrade", "--store", url, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["revision"] == HEAD


@pytest.mark.parametrize(
    ("outcomes", "code", "said"),
    [
        ([Outcome.PASS], 0, "pass"),
        ([Outcome.PASS, Outcome.BREACH, Outcome.UNDECIDED], 1, "breach"),
        ([Outcome.PASS, Outcome.UNDECIDED], 2, "undecided"),
        ([], 2, "undecided"),
    ],
)
def test_the_report_exits_with_the_worst_outcome(record, report, tmp_path, outcomes, code, said):
    for outcome in outcomes:
        record(outcome)
    found, answer = report()
    assert (found, answer["outcome"]) == (code, said)
    assert (answer["verdicts"], answer["runs"]) == (len(outcomes), len(outcomes))
    assert (answer["breaches"], answer["undecided"]) == (outcomes.count("breach"), outcomes.count("undecided"))
    assert answer["out"] == str(tmp_path / "r.html")
    assert "<html" in (tmp_path / "r.html").read_text()


def test_the_answer_for_people_is_one_line(record, url, tmp_path, capsys):
    record(Outcome.BREACH)
    out = tmp_path / "new" / "r.html"
    assert main(["report", "--store", url, "--out", str(out)]) == 1
    assert capsys.readouterr().out == f"Runs: 1. Verdicts: 1, breaches: 1, undecided: 0. {out}\n"
    assert out.exists()


@pytest.mark.parametrize(
    ("arguments", "verdicts"),
    [
        ([], 3),
        (["--from", "2026-03-10"], 2),
        (["--to", "2026-03-10"], 2),
        (["--from", "2026-03-10", "--to", "2026-03-10"], 1),
        (["--from", "2026-03-11", "--to", "2026-03-31"], 1),
        (["--from", "2026-03-12"], 0),
        (["--dag-id", "other"], 0),
        (["--dag-id", "d"], 3),
    ],
)
def test_days_are_logical_and_both_are_included(record, report, arguments, verdicts):
    """What was recorded today about March belongs to March."""
    for when in ("2026-03-09T23:59:59+00:00", "2026-03-10T23:59:59+00:00", "2026-03-11T00:00:00+00:00"):
        record(Outcome.PASS, when)
    _, answer = report(*arguments)
    assert (answer["verdicts"], answer["runs"]) == (verdicts, verdicts)


def test_what_was_recorded_outside_airflow_has_the_day_it_was_recorded(record, report):
    record(Outcome.PASS, when="")
    today = datetime.now(UTC).date().isoformat()
    assert report("--from", today)[1]["verdicts"] == 1
    assert report("--to", "2020-01-01")[1]["verdicts"] == 0


@pytest.mark.parametrize("option", ["--from", "--to"])
def test_a_date_that_is_none_is_an_error(report, option):
    code, answer = report(option, "yesterday")
    assert code == 3
    assert answer == {
        "error": f"{option} must be a date such as 2026-01-31; got 'yesterday'.",
        "type": "ConfigurationError",
    }


def test_an_error_goes_to_stderr(capsys):
    assert main(["store", "upgrade", "--store", "oracle://me:hunter2@db/x"]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert "oracle" in err
    assert "hunter2" not in err


def test_a_connection_that_is_missing_is_no_breach(capsys, airflow_home):
    assert main(["store", "upgrade", "--conn-id", "no_such_store", "--json"]) >= 3
    assert "no_such_store" in json.loads(capsys.readouterr().out)["error"]


def test_a_file_that_cannot_be_written_is_no_breach(record, url, tmp_path, capsys):
    record(Outcome.PASS)
    (tmp_path / "folder").mkdir()
    assert main(["report", "--store", url, "--out", str(tmp_path / "folder"), "--json"]) == 5
    assert "folder" in json.loads(capsys.readouterr().out)["error"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required"),
        (["forecast"], "invalid choice: 'forecast'"),
        (["store"], "the following arguments are required"),
        (["report", "--colour", "red"], "unrecognized arguments: --colour red"),
        (["report", "--store", "sqlite://", "--conn-id", "x"], "not allowed with"),
    ],
)
def test_a_wrong_command_line_is_not_undecided(capsys, arguments, message):
    with pytest.raises(SystemExit, match=r"^4$"):
        main(arguments)
    assert message in capsys.readouterr().err


def test_the_installed_command_uses_the_airflow_connection(airflow_home, tmp_path):
    command = Path(sys.executable).with_name("aiguard")
    connection = json.dumps({"conn_type": "aiguard", "extra": {"url": f"sqlite:///{tmp_path}/own.db"}})
    done = subprocess.run(
        [command, "report", "--json", "--out", "r.html"],
        env={**environment(), "PATH": "", "AIRFLOW_CONN_AIGUARD_DEFAULT": connection},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert json.loads(done.stdout)["outcome"] == "undecided"
    assert (tmp_path / "own.db").exists()
    assert (tmp_path / "r.html").exists()


def test_the_rejects_of_a_run_are_listed(url, capsys):
    model = ModelIdentity(name="m", version="1", fingerprint="f")
    with open_store(url) as store:
        store.runs.start(RunIdentity(run_id="r1"), model, source="a", target="b")
        store.runs.add_rejects("r1", [Reject(key={"id": "7"}, reason="timeout", detail="after 30 s")])
        store.runs.progress(InferenceSummary(run_id="r1", model=model, source="a", target="b", rejects=1))
    assert main(["rejects", "r1", "--store", url]) == 0
    assert capsys.readouterr().out == "Rejects of run r1: 1\nid=7  timeout  after 30 s\n"
    assert main(["rejects", "r1", "--store", url, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rejects"] == [
        {"key": {"id": "7"}, "reason": "timeout", "detail": "after 30 s"}
    ]
    assert main(["rejects", "nobody", "--store", url]) == 3
    assert "nobody" in capsys.readouterr().err


def test_prune_forgets_checks_that_are_repeated_no_longer(url, capsys):
    table, now = dataset_node("ns", "main.t"), datetime.now(UTC)
    notes = [Note(table, job_node("jobs", str(age)), now - timedelta(days=age), {"checks": []}) for age in (29, 31)]
    with open_store(url) as store:
        store._database.write(lambda conn: add_notes(conn, notes))
        assert main(["store", "prune", "--store", url]) == 0
        assert capsys.readouterr().out.splitlines()[-1] == "Checks that are repeated no longer, forgotten: 1."
        assert [one.by.name for one in store.notes.of([table])] == ["29"]


def test_prune_forgets_old_results(url, capsys):
    identity = RunIdentity(run_id="r")
    with open_store(url) as store:
        for key, age in (("old", 40), ("young", 20)):
            made = datetime.now(UTC) - timedelta(days=age)
            store.results.take([key], identity, read=lambda value: value, until=made, now=made)
            store.results.keep({key: 1}, identity, made)
    assert main(["store", "prune", "--store", url, "--older-than", "30d", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["results"] == 1
    assert main(["store", "prune", "--store", url, "--older-than", "soon"]) == 3
    assert "--older-than must be a duration" in capsys.readouterr().err
