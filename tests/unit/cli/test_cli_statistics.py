from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.cli.main import main
from airflow_provider_aiguard.core.profile import TableProfile
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.verdict import Outcome
from airflow_provider_aiguard.store.store import open_store


def frame(seed, *, shift=0.0, rows=5_000):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "id": np.arange(rows) + seed * rows,
            "x": rng.normal(shift, 1, rows),
            "carrier": rng.choice(["AA", "UA", "DL"], rows),
            "late": rng.random(rows) < 0.3,
        }
    )


@pytest.fixture
def file(tmp_path):
    def write(name, content):
        content.to_csv(tmp_path / name, index=False)
        return str(tmp_path / name)

    return write


@pytest.fixture
def run(capsys):
    """Run a command with --json; give exit code and answer."""

    def ask(*arguments):
        code = main([*map(str, arguments), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return ask


@pytest.fixture
def files(file):
    return file("a.csv", frame(1)), file("b.csv", frame(2)), file("moved.csv", frame(3, shift=0.5))


def outcomes(answer):
    return {(c["column"], c["check"]): c["outcome"] for c in answer["checks"]}


def test_unchanged_files_pass_and_changed_ones_breach(files, run):
    reference, same, moved = files
    code, answer = run("drift", "--reference", reference, "--current", same, "--key", "id")
    assert (code, answer["outcome"]) == (0, "pass")
    assert {"column", "check", "outcome", "value", "limit", "message"} <= set(answer["checks"][0])
    assert {c["column"] for c in answer["checks"]} == {"x", "carrier", "late"}
    code, answer = run("drift", "--reference", reference, "--current", moved, "--key", "id")
    assert (code, answer["outcome"], answer["subject"]) == (1, "breach", "moved.csv")
    assert outcomes(answer)["x", "drift.ks"] == "breach"
    assert outcomes(answer)["carrier", "drift.categories"] == "pass"


def test_limits_and_columns_are_the_guards(files, run):
    reference, _, moved = files
    ask = ("drift", "--reference", reference, "--current", moved)
    assert run(*ask, "--columns", "carrier, late")[0] == 0
    assert run(*ask, "--columns", "x", "--min-effect", "ks=0.9")[0] == 0
    code, answer = run(*ask, "--columns", "carrier", "--must-see", "categories=0.0001")
    assert (code, answer["outcome"]) == (2, "undecided")
    code, answer = run(*ask, "--min-effect", "nonsense=1")
    assert code == 3
    assert "'nonsense'" in answer["error"]


def test_methods_are_chosen_by_column(files, run):
    reference, _, moved = files
    ask = ("drift", "--reference", reference, "--current", moved, "--key", "id")
    code, answer = run(*ask, "--methods", "*=nulls", "--methods", "x=mean,psi")
    assert code == 1
    assert {(c["column"], c["check"]) for c in answer["checks"]} == {
        ("x", "drift.mean"), ("x", "drift.psi"), ("carrier", "drift.nulls"), ("late", "drift.nulls")
    }  # fmt: skip
    code, answer = run(*ask, "--methods", "x=guess")
    assert code == 3
    assert "methods has no 'guess'" in answer["error"]


def test_rows_that_depend_on_each_other_say_less(files, run):
    reference, _, moved = files
    ask = ("drift", "--reference", reference, "--current", moved, "--columns", "x")
    assert run(*ask)[0] == 1
    code, answer = run(*ask, "--design-effect", "1000")
    assert (code, answer["outcome"]) == (2, "undecided")
    assert "design effect of at least 1000 declared" in answer["checks"][0]["message"]


def test_dependence_is_seen_where_each_column_is_unchanged(file, run):
    def pair(seed, together):
        rng = np.random.default_rng(seed)
        x, noise = rng.normal(size=(2, 5_000))
        return file(f"{seed}.csv", pd.DataFrame({"x": x, "y": together * x + np.sqrt(1 - together**2) * noise}))

    ask = ("drift", "--reference", pair(1, 0.0), "--current", pair(2, 0.6))
    assert run(*ask)[0] == 0
    code, answer = run(*ask, "--dependence")
    assert code == 1
    assert {c["check"] for c in answer["checks"] if c["outcome"] == "breach"} == {"drift.dependence"}


def test_the_answer_for_people_is_a_table(files, capsys):
    reference, _, moved = files
    assert main(["drift", "--reference", reference, "--current", moved, "--key", "id"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "drift of moved.csv: BREACH"
    assert lines[2].startswith("breach")
    assert "mean +0.5" in lines[2]


def test_the_report_draws_both_sides(files, run, tmp_path):
    reference, _, moved = files
    out = tmp_path / "new folder" / "out.html"
    assert run("drift", "--reference", reference, "--current", moved, "--key", "id", "--report", out)[0] == 1
    page = out.read_text()
    assert "Distributions of moved.csv" in page
    assert "Drift of moved.csv" in page
    assert "<td>AA</td>" in page


def test_a_profile_stands_for_its_rows(files, run, tmp_path):
    reference, _, moved = files
    out = tmp_path / "p.json"
    code, answer = run("profile", reference, "--key", "id", "--out", out)
    assert code == 0
    assert TableProfile.from_dict(json.loads(out.read_text())) == TableProfile.from_dict(answer["profile"])
    whole = run("drift", "--reference", reference, "--current", moved, "--key", "id")[1]
    stored = run("drift", "--reference", out, "--current", moved)[1]
    assert stored["checks"] == whole["checks"]


def test_a_profile_is_shown_as_a_table(files, capsys):
    assert main(["profile", files[0], "--columns", "x,carrier"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "a.csv: 5,000 rows"
    assert lines[1].split() == ["column", "kind", "NULL", "distinct", "mean", "sd", "lowest", "highest"]
    assert lines[2].endswith("KS to within 0.001"), "the error bound of the cells"
    assert lines[3].split() == ["carrier", "categorical", "0.0%", "3", "-", "-", "-", "-"]


def test_a_time_is_shown_as_a_time(file, capsys):
    path = file("times.csv", pd.DataFrame({"at": ["2013-01-31 06:30:00", "2013-07-01 23:59:59"]}))
    assert main(["profile", str(path)]) == 0
    assert "2013-01-31 06:30  2013-07-01 23:59" in capsys.readouterr().out


def test_a_baseline_of_the_store_is_a_reference(files, run, tmp_path):
    reference, same, moved = files
    store = ("--store", f"sqlite:///{tmp_path}/store.db")
    assert run("profile", reference, "--key", "id", "--save", "monday", *store)[0] == 0
    assert run("drift", "--reference", "baseline:monday", "--current", same, *store)[0] == 0
    assert run("drift", "--reference", "baseline:monday", "--current", moved, *store)[0] == 1
    code, answer = run("drift", "--reference", "baseline:tuesday", "--current", same, *store)
    assert (code, answer["type"]) == (3, "NotRecordedError")


def test_a_sample_is_said(files, run):
    answer = run("profile", files[0], "--sample", "0.5")[1]
    assert answer["text"].startswith("a.csv: ")
    assert "rows, a sample of 0.5: shares to within " in answer["text"].splitlines()[0]
    assert 1_500 < answer["profile"]["rows"] < 3_500


def test_claims_are_compared_with_the_truth(file, run):
    claims = frame(1)
    truth = claims[["id", "late"]].copy()
    truth.loc[:499, "late"] = ~truth.loc[:499, "late"]
    ask = (
        "truth",
        "--claims",
        file("c.csv", claims),
        "--truth",
        file("t.csv", truth),
        "--key",
        "id",
        "--column",
        "late",
    )
    code, answer = run(*ask, "--min-accuracy", "0.85")
    assert (code, answer["outcome"]) == (0, "pass")
    (accuracy,) = [c for c in answer["checks"] if c["check"] == "ground_truth.accuracy"]
    assert accuracy["value"] == 0.9
    assert run(*ask, "--min-accuracy", "0.95")[0] == 1
    assert run(*ask, "--min-accuracy", "0.85", "--min-labels", "6000")[0] == 2


def test_any_metric_of_the_guard_can_be_asked_for(file, run):
    claims = frame(1)
    truth = claims[["id", "late", "x", "carrier"]].assign(x=claims["x"] + 0.5)
    truth.loc[:499, "late"] = ~truth.loc[:499, "late"]
    ask = ("truth", "--claims", file("c.csv", claims), "--truth", file("t.csv", truth), "--key", "id", "--column")
    code, answer = run(*ask, "x", "--metric", "mae", "--max-error", "0.6")
    assert (code, answer["checks"][0]["check"]) == (0, "ground_truth.mae")
    assert answer["checks"][0]["value"] == pytest.approx(0.5)
    assert run(*ask, "x", "--metric", "mae", "--max-error", "0.4")[0] == 1
    assert run(*ask, "late", "--metric", "f1", "--min-score", "0.8")[0] == 0
    assert run(*ask, "carrier", "--metric", "recall", "--min-score", "0.9", "--positive", "AA")[0] == 0
    code, answer = run(*ask, "late")
    assert code == 3
    assert "The limit of metric 'accuracy' is min_accuracy=, alone; got 'none'" in answer["error"]


def test_only_inferred_rows_count_where_the_file_says_so(file, run):
    claims = frame(1).assign(late__provenance="observed")
    claims.loc[:99, "late__provenance"] = "ai_inferred"
    truth = claims.rename(columns={"late": "was_late"})[["id", "was_late"]]
    code, answer = run(
        "truth", "--claims", file("c.csv", claims), "--truth", file("t.csv", truth), "--key", "id", "--column", "late",
        "--truth-column", "was_late", "--min-accuracy", "0.9",
    )  # fmt: skip
    assert code == 0
    assert "over 100 labels" in answer["checks"][0]["message"]


def test_tables_behind_an_airflow_connection(run, tmp_path, monkeypatch):
    engine = sa.create_engine(f"sqlite:///{tmp_path}/rows.db")
    for name, seed in (("before", 1), ("after", 2)):
        frame(seed).to_sql(name, engine, index=False)
    engine.dispose()
    monkeypatch.setenv("AIRFLOW_CONN_HERE", json.dumps({"conn_type": "sqlite", "host": f"{tmp_path}/rows.db"}))
    code, answer = run("drift", "--reference", "here:before", "--current", "here:main.after", "--key", "id")
    assert (code, answer["subject"]) == (0, "main.after")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("drift", "--reference", "nowhere.csv", "--current", "b.csv"), r"File 'nowhere.csv' cannot be read"),
        (
            ("drift", "--reference", "nothing", "--current", "b.csv"),
            "'nothing' names no rows: give a Parquet or CSV file",
        ),
        (("drift", "--reference", "./a:b", "--current", "b.csv"), "'./a:b' names no rows"),
        (("drift", "--reference", "gone.json", "--current", "b.csv"), "Profile 'gone.json' cannot be read"),
        (("profile", "conn:"), "'conn:' names no rows"),
        (
            ("truth", "--claims", "a.csv", "--truth", "c:t", "--key", "id", "--column", "x", "--min-accuracy", "1"),
            "cannot be joined",
        ),
        (
            ("truth", "--claims", "d:t", "--truth", "c:t", "--key", "id", "--column", "x", "--min-accuracy", "1"),
            "name one connection",
        ),
    ],
)
def test_a_word_that_names_nothing_is_an_error(arguments, said, run):
    code, answer = run(*arguments)
    assert code == 3
    assert said in answer["error"]


def test_a_file_that_is_no_profile_is_an_error(run, tmp_path, files):
    (tmp_path / "list.json").write_text("[]")
    code, answer = run("drift", "--reference", tmp_path / "list.json", "--current", files[0])
    assert code == 3
    assert "holds no profile" in answer["error"]


@pytest.mark.parametrize(
    "wrong",
    [
        ["--min-effect", "ks"],
        ["--min-effect", "ks=high"],
        ["--columns", ","],
        ["--methods", "ks"],
        ["--methods", "=ks"],
    ],
)
def test_a_wrong_option_is_a_wrong_command_line(wrong, capsys):
    with pytest.raises(SystemExit, match="4"):
        main(["drift", "--reference", "a.csv", "--current", "b.csv", *wrong])
    assert wrong[1] in capsys.readouterr().err


def test_a_batch_is_left_out_of_a_moving_reference_and_taken_in_again(run, tmp_path):
    url = f"sqlite:///{tmp_path}/store.db"
    with open_store(url) as store:
        identity = RunIdentity(run_id="r", dag_id="d", dag_run_id="monday", task_id="t")
        store.profiles.save("daily", {}, table="t", identity=identity, outcome=Outcome.BREACH)
        assert run("exclude", "daily", "monday", "--store", url)[0] == 0
        assert [b.excluded for b in store.profiles.batches("daily")] == [True]
        assert run("exclude", "daily", "monday", "--undo", "--store", url)[1]["excluded"] is False
        assert [b.excluded for b in store.profiles.batches("daily")] == [False]
    code, answer = run("exclude", "daily", "tuesday", "--store", url)
    assert code == 3
    assert "no batch of DAG run 'tuesday'; the newest are ['monday']" in answer["error"]
