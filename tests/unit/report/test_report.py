from __future__ import annotations

import base64
import gzip
import re
from datetime import UTC, datetime, timedelta, timezone

import plotly.graph_objects as go
import pytest
from report_page import chart, figures, parse

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.run import RunState
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome
from airflow_provider_aiguard.report import report
from airflow_provider_aiguard.report.embed import script_hash
from airflow_provider_aiguard.report.report import SIZE, build_report

NOW = datetime(2026, 1, 2, 4, 5, tzinfo=timezone(timedelta(hours=1)))
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)><a href='https://evil.example'>x</a>"


def build(runs, verdicts, title="Flight delays 2013"):
    return build_report(runs, verdicts, title=title, generated_at=NOW)


@pytest.fixture
def html(flights):
    return build(*flights)


@pytest.fixture
def page(html):
    return parse(html)


def test_header_says_title_period_time_and_counts(page):
    assert page.one("h1").words == page.one("title").words == "Flight delays 2013"
    assert page.one("header").one("p").words == (
        "2013-02 to 2013-12 · 11 runs · 32 verdicts · generated 2026-01-02 03:05 UTC · all times in UTC"
    )


def test_headline_counts_what_was_recorded(page):
    tiles = [tile.words for tile in page.one("section", id="headline").children if not isinstance(tile, str)]
    assert tiles == [
        "✕ 15 breaches of 32 standing verdicts; 0 undecided",
        "11 runs ✕ 1 failed or killed",
        "272,499 rows 0 rejected by the model",
        "$5.45 spent all tries together",
    ]


def test_problems_come_newest_first_with_the_message(page):
    problems = [li.words for li in page.one("section", id="problems").all("li")]
    assert len(problems) == 15
    assert problems[0].startswith(
        "✕ breach ground truth of flights_scored 2013-12 · flights / truth late: accuracy 0.80"
    )
    assert problems[1].startswith("✕ breach drift of flights 2013-12 · flights / drift month: PSI 0.260 exceeds 0.1")
    assert sum("raise the limit or score fewer rows" in problem for problem in problems) == 1
    dates = [re.search(r"2013-\d\d", problem)[0] for problem in problems]
    assert dates == sorted(dates, reverse=True)


def test_one_dag_has_its_charts_in_order_and_no_section_heading(page):
    assert [h.words for h in page.all("h3")] == [
        "Confidence against accuracy",
        "Drift by column",
        "Cost",
        "Cost of 1,000 rows by model",
        "Provenance by column",
        "Confidence of late",
    ]
    assert page.one("section", class_="dag").all("h2") == []
    assert page.all("section", id="dags") == []


def test_every_figure_is_valid_plotly(page):
    found = figures(page)
    assert len(found) == 6
    for figure in found:
        go.Figure(figure)  # refuses any attribute or value plotly does not know


def test_page_requests_nothing(html, page):
    ours = html.replace(page.one("script", id="plotly").text, "")
    assert "http://" not in ours
    assert "https://" not in ours
    assert "url(" not in ours
    assert "@import" not in ours
    assert "fetch(" not in ours
    assert "XMLHttpRequest" not in ours
    for node in page.all():
        assert "src" not in node.attrs
        assert "srcset" not in node.attrs
        assert node.tag not in ("link", "img", "iframe", "object", "embed", "base")
        assert node.attrs.get("href", "#").startswith("#")


def test_browser_is_told_to_load_nothing_and_run_only_our_two_scripts(page):
    policy = page.one("meta", **{"http-equiv": "Content-Security-Policy"}).attrs["content"]
    scripts = [script for script in page.all("script") if "type" not in script.attrs]
    packed = base64.b64decode(page.one("script", id="plotly").text)
    plotly = gzip.decompress(packed).decode()
    assert len(scripts) == 1
    assert policy == (
        f"default-src 'none'; script-src {script_hash(scripts[0].text)} {script_hash(plotly)}; "
        "style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    assert "plotly.js v" in plotly[:200]


def test_page_is_small_and_the_same_for_the_same_input(flights, html):
    runs, verdicts = flights
    assert len(html.encode()) < 2_300_000
    assert build(list(reversed(runs)), list(reversed(verdicts))) == html


def test_without_javascript_the_numbers_are_open_to_view(page):
    tables = page.all("details", class_="numbers")
    assert len(tables) == 6
    assert all("open" in details.attrs for details in tables)
    assert all(details.table for details in tables)
    assert "Without JavaScript" in page.one("noscript").words


def test_outcome_is_never_colour_alone(page):
    badges = {badge.words for badge in page.all("span") if "badge" in badge.attrs.get("class", "")}
    assert badges == {"✕ breach", "✓ pass", "✓ success", "✕ failed"}


def test_verdict_table_has_every_verdict_and_its_checks(page):
    section = page.one("section", id="verdicts")
    rows = section.table
    assert len(rows) == 32
    assert rows[0][:5] == ["✕ breach", "2013-12", "flights / truth", "ground truth", "flights_scored"]
    assert rows[1][:5] == ["✓ pass", "2013-12", "flights / sure", "confidence", "flights_scored"]
    filters = [radio.attrs["value"] for radio in section.all("input")]
    assert filters == ["all", "breach", "undecided", "pass"]
    assert {row.attrs["data-outcome"] for row in section.all("tr") if "data-outcome" in row.attrs} == {"pass", "breach"}
    july = next(row for row in section.all("tr", **{"data-outcome": "breach"}) if "0.77" in row.words)
    assert july.table == [
        ["✕ breach", "ground_truth.accuracy", "late", "0.77", "0.82", "late: accuracy 0.77 is below the limit 0.82"]
    ]


def test_run_table_has_every_run(page):
    rows = page.one("section", id="runs").table
    assert len(rows) == 11
    assert rows[0][:5] == ["✓ success", "2013-12", "flights / score", "late-gbm@jan-2013", "flights_scored"]
    assert rows[0][5:] == ["27,110", "0", "$0.5422", "2.5"]
    assert rows[2][0] == "✕ failed"
    assert rows[2][5:8] == ["0", "0", "$0.00"]


@pytest.mark.parametrize("name", [EVIL, "a&b <b>", 'we"ird', "naïve ☂", "{{ 7 * 7 }}", "\u2028]]>"])
def test_names_and_messages_stay_text(make_run, make_verdict, name):
    at = {"dag": name, "task": name}
    runs = [make_run(**at, column=name, target=name), make_run(**at, state=RunState.FAILED, rows=0, map_index=2)]
    verdicts = [
        make_verdict(**at, subject=name, column=name, message=name, outcome=Outcome.BREACH),
        make_verdict(**at, guard=name, check=f"drift.{name}", subject=name, column=name, message=name),
        make_verdict(**at, guard="budget", subject=name, message=name, outcome=Outcome.BREACH),
    ]
    page = parse(build([*runs, make_run(dag="other")], verdicts, title=name))
    assert page.one("h1").text == name
    assert len(page.all("script")) == 3
    assert page.all("img") == []
    assert page.all("b", onerror="alert(1)") == []
    assert {a.attrs["href"] for a in page.all("a")} == {"#dag-1", "#dag-2"}
    assert " ".join(name.split()) in page.one("section", id="problems").words
    assert {name, "other"} <= {heading.text for heading in page.all("h2")}
    text = [value for figure in figures(page) for value in _strings(figure["data"])]
    assert not any(re.search("<[^b/e]|<br[^>]", value) for value in text), "plotly would read this as markup"


def _strings(value):
    if isinstance(value, str):
        return [value] if "%{" not in value else []
    if isinstance(value, dict):
        return [s for v in value.values() for s in _strings(v)]
    return [s for v in value for s in _strings(v)] if isinstance(value, list) else []


def test_a_name_that_cannot_be_written_does_not_break_the_page(make_run):
    assert "bad?name" in build([make_run(dag="bad\ud800name", task="t")], [])


def test_numbers_that_json_does_not_know_are_left_out(make_run, make_verdict):
    verdicts = [
        make_verdict(value=float("nan"), limit=float("inf")),
        make_verdict(guard="drift", check="drift.ks", value=float("inf"), limit=0.0, outcome=Outcome.BREACH),
    ]
    page = parse(build([make_run()], verdicts))
    _, figure = chart(page, "Drift by column")
    assert figure["data"][0]["text"] == [["✕"]]
    assert "NaN" not in page.one("script", id="figures").text


def test_several_dags_have_a_section_each(make_run, make_verdict):
    runs = [make_run(dag="b", cost=3_000_000), make_run(dag="a", cost=None), make_run(dag="", task="", dag_run_id="")]
    page = parse(build(runs, [make_verdict(dag="b", outcome=Outcome.BREACH)]))
    assert page.one("section", id="dags").table == [
        ["outside Airflow", "0", "1", "$0.002000"],
        ["a", "0", "1", "$0.00"],
        ["b", "1", "1", "$3.00"],
    ]
    assert [s.one("h2").words for s in page.all("section", class_="dag")] == ["outside Airflow", "a", "b"]
    assert len({div.attrs["data-figure"] for div in page.all("div", class_="chart")}) == len(figures(page))
    assert "without a price: 1 runs" in page.one("section", id="headline").words


def test_empty_store_says_so_and_what_to_do(monkeypatch):
    html = build([], [])
    page = parse(html)
    text = page.one("section", id="empty").words
    assert "Nothing is recorded in this period" in text
    for remedy in ("@task.inference", "aiguard report --from", "aiguard_default"):
        assert remedy in text
    assert page.all("table") == []
    assert len(html) < 20_000, "nothing to draw, so no plotly"


def test_no_problem_says_so(make_run, make_verdict):
    page = parse(build([make_run()], [make_verdict()]))
    section = page.one("section", id="problems")
    assert section.words.startswith("What is wrong ✓ pass Nothing is known to be wrong")
    assert section.all("li") == []


def test_only_verdicts_without_numbers_need_no_plotly(make_verdict):
    html = build([], [make_verdict(guard="confidence", check="confidence.mean", outcome=Outcome.UNDECIDED)])
    page = parse(html)
    assert figures(page) == []
    assert len(html) < 20_000
    assert "? undecided 1 undecided" in page.one("section", id="problems").words
    assert len(page.one("section", id="verdicts").table) == 1


def test_time_without_zone_is_refused(flights):
    with pytest.raises(ConfigurationError, match=r"generated_at must have a time zone; got datetime.datetime\(2026"):
        build_report(*flights, title="t", generated_at=datetime(2026, 1, 2))  # noqa: DTZ001


def test_a_large_store_still_makes_a_small_page_that_says_what_is_missing(make_run, make_verdict):
    runs, verdicts = _large_store(make_run, make_verdict, dags=41, dates=31, columns=30)
    html = build(runs, verdicts)
    assert len(html.encode()) < SIZE
    page = parse(html)
    shown = len(page.one("section", id="verdicts").table)
    assert 100 < shown < len(verdicts)
    assert f"The newest {shown} of {len(verdicts)}" in page.one("section", id="verdicts").words
    assert "Charts show the newest" in page.one("section", id="dag-1").words
    assert "further DAGs with fewer breaches have no charts" in page.one("section", id="dags").words
    assert "more: choose a shorter period" in page.one("section", id="problems").words


def _large_store(make_run, make_verdict, *, dags, dates, columns):
    runs, verdicts = [], []
    checks = [
        CheckResult(
            check="drift.ks", outcome=Outcome.BREACH, message="m" * 900, column=f"{'c' * 300}{i}", value=i, limit=3
        )
        for i in range(columns)
    ]
    for dag in range(dags):
        for day in range(dates):
            date = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=day)
            runs.append(make_run(date, dag=f"dag {dag}"))
            verdicts.append(make_verdict(date, dag=f"dag {dag}", message="m" * 5000, outcome=Outcome.BREACH))
            verdicts.append(make_verdict(date, dag=f"dag {dag}", guard="drift", checks=checks))
    return runs, verdicts


def test_page_shrinks_in_steps_until_it_fits(flights, monkeypatch):
    full = len(build(*flights).encode())
    monkeypatch.setattr(report, "SIZE", full)
    assert len(build(*flights).encode()) < full
    monkeypatch.setattr(report, "SIZE", 0)
    page = parse(build(*flights))
    assert len(page.one("section", id="verdicts").table) == 32, "50 of 1,000 is the smallest table"
    assert "Charts show the newest 10 of 11 dates." in page.one("section", id="dag-1").words
