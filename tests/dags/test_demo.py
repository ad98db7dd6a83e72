"""The demo as a user runs it, two months of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from lineage_server import LineageServer

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("demo")
    home = folder / "the-users-own"
    environment = {**os.environ, "AIRFLOW_HOME": str(home)}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "airflow_provider_aiguard.demo",
            "--folder",
            str(folder / "demo"),
            "--months",
            "2",
            "7",
            "12",
        ],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
    assert not home.exists()
    return folder / "demo", done.stdout


def line_of(month: str, screen: str) -> list[str]:
    return [cell.strip() for cell in next(line for line in screen.splitlines() if month in line).split("│")[1:-1]]


def test_confidence_stays_while_accuracy_falls_and_the_guard_turns_red(demo: tuple[Path, str]) -> None:
    _, screen = demo
    february, july = line_of("2013-02", screen), line_of("2013-07", screen)
    assert abs(float(february[2]) - float(july[2])) < 0.02
    assert float(february[3]) - float(july[3]) > 0.07
    assert february[7] == "none"
    assert "right" in july[7]
    assert "accuracy 0.7" in july[8]


def test_equal_flights_are_paid_for_once(demo: tuple[Path, str]) -> None:
    _, screen = demo
    february = line_of("2013-02", screen)
    assert (february[1], february[5], february[6]) == ("24,951", "$0.1998", "60%")


def test_a_month_that_is_too_dear_is_refused_before_the_money_is_spent(demo: tuple[Path, str]) -> None:
    _, screen = demo
    december = line_of("2013-12", screen)
    assert december[1] == "0"
    assert december[5:7] == ["$0.00", "-"]
    assert "score" in december[7]
    assert "refused" in december[8]


def test_the_report_opens_offline_and_tells_the_same(demo: tuple[Path, str]) -> None:
    folder, screen = demo
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert len(page) < 5_000_000
    assert "flights-gbm" in page
    assert "refuses $1.53" in page
    assert "Drift by column" in page
    assert re.search(r"Distributions of (main\.)?flights, 2013-\d\d", page), "reference over current, with a breach"
    assert "vermillion the current rows" in page
    assert str(folder / "report.html") in screen.replace("\n", "")


def test_the_last_lines_show_the_run_in_marquez(demo: tuple[Path, str]) -> None:
    folder, screen = demo
    up, command, page = (line.strip() for line in screen.rstrip().splitlines()[-3:])
    assert up.startswith("docker compose up")
    aiguard, *arguments = command.split()
    with LineageServer() as backend:
        given = [backend.url if word == "http://localhost:5000" else word for word in arguments]
        subprocess.run([Path(aiguard).absolute(), *given], cwd=ROOT, check=True, capture_output=True)
        arrived = backend.events
    kept = [json.loads(line) for line in (folder / "openlineage.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {event["run"]["runId"] for event in arrived} == {event["run"]["runId"] for event in kept}
    assert len(arrived) == len(kept)
    (written,) = {event["outputs"][0]["name"] for event in kept if event["outputs"] and "score" in event["job"]["name"]}
    assert written == "main.flights_scored"
    assert page.startswith("http://localhost:3000/lineage/dataset/duckdb%3A%2F%2F")
    assert written in page


def test_the_events_are_a_file_of_lineage(demo: tuple[Path, str]) -> None:
    folder, _ = demo
    events = [json.loads(line) for line in (folder / "openlineage.jsonl").read_text(encoding="utf-8").splitlines()]
    scored = [e for e in events if e["job"]["name"] == "example_flight_delays.score"]
    assert [e["eventType"] for e in scored] == ["START", "COMPLETE", "START", "COMPLETE", "START", "FAIL"]
    assert all(not e["outputs"] for e in scored if e["eventType"] != "COMPLETE")
    written = scored[1]["outputs"][0]
    assert written["name"] == "main.flights_scored"
    assert {"schema", "columnLineage", "aiguard_provenance", "documentation"} <= set(written["facets"])
    assert scored[1]["run"]["facets"]["aiguard_run"]["rows"] == 24951
    right = [e for e in events if e["job"]["name"] == "example_flight_delays.right" and e["eventType"] == "FAIL"]
    assertions = right[0]["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert any(not a["success"] and "0.7" in a["assertion"] for a in assertions)
