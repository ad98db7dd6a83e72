from __future__ import annotations

from datetime import UTC, datetime

import pytest

from airflow_provider_aiguard.core.verdict import CheckResult, Outcome, Severity
from airflow_provider_aiguard.report.drift_map import COLUMNS, NUMBERS_UP_TO, WHOLE_TABLE, drift_chart, limits_away
from airflow_provider_aiguard.report.history import history_of

FEB = datetime(2013, 2, 1, tzinfo=UTC)


def check(outcome=Outcome.PASS, value=0.05, limit=0.1, *, column="hour", test="ks", severity=Severity.ERROR):
    return CheckResult(
        check=f"drift.{test}", outcome=outcome, message="", column=column, value=value, limit=limit, severity=severity
    )


@pytest.fixture
def map_of(make_verdict):
    def make(*checks, dates=(FEB,)):
        records = [make_verdict(date, guard="drift", subject="flights", checks=list(checks)) for date in dates]
        return drift_chart(history_of([], records))

    return make


def cells(chart):
    (heat,) = chart.data
    return dict(zip(chart.layout["yaxis"]["ticktext"], zip(heat["z"], heat["text"], strict=True), strict=True))


def test_columns_against_months_with_breaches_marked(flights):
    chart = drift_chart(history_of(*flights))
    (heat,) = chart.data
    assert heat["x"] == [f"2013-{month:02}" for month in range(2, 13)]
    assert chart.layout["yaxis"]["ticktext"] == ["wind_speed", "origin", "dep_hour", "carrier", "distance", "month"]
    scores, texts = cells(chart)["distance"]
    assert scores == [0.2] * 4 + [1.8] * 3 + [0.2] * 4
    assert texts == ["0.2x"] * 4 + ["✕ 1.8x"] * 3 + ["0.2x"] * 4
    assert chart.note.startswith("4 of 6 drifted beyond the limit: month, distance, carrier, dep_hour. ")


def test_table_has_value_limit_and_outcome(flights):
    rows = drift_chart(history_of(*flights)).rows
    assert rows[1][0] == "distance"
    assert rows[1][6] == "breach: drift.psi 0.18, limit 0.1"
    assert rows[1][1] == "pass: drift.psi 0.02, limit 0.1"


def test_the_worst_check_of_a_column_stands_for_it(map_of):
    chart = map_of(check(value=0.09), check(Outcome.BREACH, 0.3, 0.2, test="nulls"), check(value=0.5, test="unseen"))
    assert cells(chart)["hour"] == ([1.5], ["✕ 1.5x"])


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (check(Outcome.UNDECIDED, None, None), "?"),
        (check(Outcome.UNDECIDED, 0.05), "? 0.5x"),
        (check(Outcome.BREACH, 0.2, severity=Severity.WARN), "! 2x"),
        (check(Outcome.PASS, 0.2), "2x"),
        (check(Outcome.BREACH, 3, 0), "✕"),
    ],
)
def test_marks_tell_outcomes_apart(map_of, one, text):
    assert cells(map_of(one))["hour"][1] == [text]


def test_a_check_that_only_warns_does_not_hide_a_deciding_one(map_of):
    chart = map_of(check(value=0.05), check(Outcome.UNDECIDED, None, test="nulls", severity=Severity.WARN))
    assert cells(chart)["hour"][1] == ["0.5x"]
    assert "(warn)" in map_of(check(Outcome.BREACH, severity=Severity.WARN)).rows[0][1]


def test_no_drift_and_undecided_are_said_apart(map_of):
    assert map_of(check()).note.startswith("No column drifted of 1.")
    unsure = map_of(check(), check(Outcome.UNDECIDED, None, column="carrier"))
    assert unsure.note.startswith("No column is known to have drifted; 1 undecided of 2.")


def test_many_columns_show_those_that_drifted_most(map_of):
    chart = map_of(*(check(Outcome.BREACH, 1 + i, 1, column=f"c{i}") for i in range(COLUMNS + 5)))
    names = chart.layout["yaxis"]["ticktext"]
    assert len(names) == len(chart.rows) == COLUMNS
    assert names[-1] == chart.rows[0][0] == f"c{COLUMNS + 4}"
    assert f"The {COLUMNS} columns that drifted most of {COLUMNS + 5} are shown." in chart.note
    assert f"and {COLUMNS + 5 - 4} more" in chart.note


def test_many_dates_leave_room_for_marks_only(map_of):
    days = [datetime(2013, 2, day, tzinfo=UTC) for day in range(1, NUMBERS_UP_TO + 2)]
    assert cells(map_of(check(Outcome.BREACH, 0.2), dates=days))["hour"][1] == ["✕"] * len(days)


def test_a_column_unknown_on_a_date_is_a_hole(make_verdict):
    later = datetime(2013, 3, 1, tzinfo=UTC)
    records = [make_verdict(d, guard="drift", checks=[check(column=c)]) for d, c in ((FEB, "a"), (later, "b"))]
    chart = drift_chart(history_of([], records))
    assert cells(chart) == {"b": ([None, 0.5], ["", "0.5x"]), "a": ([0.5, None], ["0.5x", ""])}
    assert chart.rows[0][2] == ""


def test_whole_table_checks_have_a_row(map_of):
    assert list(cells(map_of(check(column=None)))) == [WHOLE_TABLE]


def test_other_guards_are_not_drift(make_verdict):
    assert drift_chart(history_of([], [make_verdict()])) is None


@pytest.mark.parametrize(
    ("value", "limit", "away"), [(0.2, 0.1, 2.0), (None, 0.1, None), (1.0, 0.0, None), (float("nan"), 1.0, None)]
)
def test_limits_away(value, limit, away):
    assert limits_away(check(value=value, limit=limit)) == away
