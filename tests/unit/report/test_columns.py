from __future__ import annotations

from datetime import UTC, datetime

import pytest

from airflow_provider_aiguard.core.distribution import Distribution
from airflow_provider_aiguard.core.measurement import Measurement
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome
from airflow_provider_aiguard.report.columns import ACROSS, COLUMNS, TABLES, column_charts
from airflow_provider_aiguard.report.history import history_of
from airflow_provider_aiguard.report.report import build_report

FEB, MAR, APR = (datetime(2013, month, 1, tzinfo=UTC) for month in (2, 3, 4))


def check(column, value, outcome=Outcome.PASS):
    return CheckResult(check="drift.ks", outcome=outcome, message="m", column=column, value=value, limit=0.1)


def number(column="hour"):
    return Distribution(
        column=column, labels=("0 to 1", "1 to 2"), reference=(0.25, 0.75), current=(0.5, 0.5), borders=(0.0, 1.0, 2.0)
    )


@pytest.fixture
def history(make_verdict):
    """A history of drift verdicts with what each saw."""

    def make(*seen, subject="flights"):
        records = [make_verdict(date, guard="drift", subject=subject, checks=checks) for date, checks, _ in seen]
        drawn = [
            Measurement(
                series=f"drift/{subject}", identity=record.identity, measured_at=date,
                values={"reference": "january", "columns": [d.to_dict() for d in found]},
            )
            for record, (date, _, found) in zip(records, seen, strict=True)
        ]  # fmt: skip
        return records, drawn

    return make


def test_the_newest_date_with_a_breach_is_drawn(history):
    seen = [(FEB, [check("hour", 0.2, Outcome.BREACH)]), (MAR, [check("hour", 0.3, Outcome.BREACH)])]
    records, drawn = history(*((d, c, [number()]) for d, c in [*seen, (APR, [check("hour", 0.01)])]))
    (chart,) = column_charts(history_of([], records, drawn))
    assert chart.title == "Distributions of flights, 2013-03"
    assert "reference (january)" in chart.note
    (chart,) = column_charts(history_of([], records[2:], drawn))
    assert chart.title == "Distributions of flights, 2013-04"


def test_reference_over_current_with_all_numbers_in_the_table(history):
    records, drawn = history((FEB, [check("hour", 0.2, Outcome.BREACH)], [number()]))
    (chart,) = column_charts(history_of([], records, drawn))
    bar, line = chart.data
    assert (bar["name"], bar["y"], line["name"], line["y"]) == ("current", [0.5, 0.5], "reference", [0.25, 0.75])
    assert bar["customdata"] == ["0 to 1", "1 to 2"]
    assert chart.layout["xaxis"]["ticktext"] == ["0", "1", "2"]
    assert chart.rows == [("hour", "0 to 1", "25.00%", "50.00%"), ("hour", "1 to 2", "75.00%", "50.00%")]


def test_what_many_categories_hold_together_does_not_dwarf_the_others(history):
    """82 destinations in one bar of 60 % hid that the others had moved."""
    found = Distribution(
        column="dest", labels=("ATL", "ORD", "82 more", "rare or unseen"), reference=(0.25, 0.15, 0.6, 0.0),
        current=(0.2, 0.18, 0.61, 0.01), together=2,
    )  # fmt: skip
    records, drawn = history((FEB, [check("dest", 0.2, Outcome.BREACH)], [found]))
    (chart,) = column_charts(history_of([], records, drawn))
    bar, dash = chart.data
    assert (bar["x"], bar["y"], dash["y"]) == ([0, 1, 2], [0.2, 0.18, 0.01], [0.25, 0.15, 0.0])
    assert chart.layout["xaxis"]["ticktext"] == ["ATL", "ORD", "rare or unseen"]
    assert chart.layout["annotations"][0]["text"] == "✕ dest (82 more: 60% → 61%)"
    assert ("dest", "82 more", "60.00%", "61.00%") in chart.rows


def test_borders_are_numbers_that_people_read(history):
    wide = Distribution(
        column="distance", labels=("a", "b"), reference=(0.5, 0.5), current=(0.5, 0.5), borders=(80.0, 1_033.4, 2e9)
    )
    records, drawn = history((FEB, [check("distance", 0.2)], [wide]))
    (chart,) = column_charts(history_of([], records, drawn))
    assert chart.layout["xaxis"]["ticktext"] == ["80", "1,033", "2e+09"]


def test_columns_that_moved_furthest_come_first_and_the_rest_is_counted(history):
    columns = [f"c{i}" for i in range(COLUMNS + 2)]
    checks = [check(c, i / 1000) for i, c in enumerate(columns)] + [check("c3", 0.2, Outcome.BREACH)]
    records, drawn = history((FEB, checks, [number(c) for c in columns]))
    (chart,) = column_charts(history_of([], records, drawn))
    titles = [a["text"] for a in chart.layout["annotations"]]
    assert titles[:2] == ["✕ c3", f"c{COLUMNS + 1}"]
    assert len(titles) == COLUMNS
    assert "2 columns that moved less are not drawn." in chart.note
    domains = {tuple(axis["domain"]) for name, axis in chart.layout.items() if name.startswith("xaxis")}
    assert len(domains) == ACROSS
    assert all(0 <= low < high <= 1 for low, high in domains)


def test_names_are_written_as_text(history):
    evil = Distribution(column="<b>x", labels=("<a href=x>", "y" * 50), reference=(1.0, 0.0), current=(1.0, 0.0))
    records, drawn = history((FEB, [], [evil]))
    (chart,) = column_charts(history_of([], records, drawn))
    assert chart.layout["annotations"][0]["text"] == "&lt;b&gt;x"
    assert chart.data[0]["customdata"][0] == "&lt;a href=x&gt;"
    assert max(map(len, chart.layout["xaxis"]["ticktext"])) < 30


def test_only_some_tables_are_drawn_those_with_a_breach_first(history):
    records, drawn = [], []
    for i in range(TABLES + 1):
        outcome = Outcome.BREACH if i == TABLES else Outcome.PASS
        some, seen = history((FEB, [check("hour", 0.2, outcome)], [number()]), subject=f"t{i}")
        records += some
        drawn += seen
    titles = [c.title for c in column_charts(history_of([], records, drawn))]
    assert titles == [f"Distributions of t{i}, 2013-02" for i in (TABLES, *range(TABLES - 1))]


def test_the_page_has_the_picture_in_its_dag(history):
    records, drawn = history((FEB, [check("hour", 0.2, Outcome.BREACH)], [number()]))
    page = build_report([], records, drawn, title="t", generated_at=FEB)
    assert "Distributions of flights, 2013-02" in page
    assert "Distributions of" not in build_report([], records, title="t", generated_at=FEB)
