from __future__ import annotations

from datetime import UTC, datetime

import pytest

from airflow_provider_aiguard.core.confidence import ConfidenceSummary
from airflow_provider_aiguard.report.distributions import COLUMNS, HISTOGRAMS, confidence_charts, provenance_chart
from airflow_provider_aiguard.report.history import history_of

FEB, MARCH = datetime(2013, 2, 1, tzinfo=UTC), datetime(2013, 3, 1, tzinfo=UTC)
MIX = {"observed": 50, "human_annotated": 10, "ai_inferred": 30, "unlabelled": 10}


def test_provenance_of_each_column_is_stacked_to_one(make_run):
    runs = [make_run(FEB, provenance=MIX), make_run(FEB, task="tag", column="tag", provenance={"ai_inferred": 7})]
    chart = provenance_chart(history_of(runs, []))
    assert chart.layout["yaxis"]["ticktext"] == ["tag", "late"]
    assert {bars["name"]: bars["x"] for bars in chart.data} == {
        "observed": [0.0, 0.5],
        "human annotated": [0.0, 0.1],
        "ai inferred": [1.0, 0.3],
        "unlabelled": [0.0, 0.1],
    }
    assert chart.note == "37 of 107 cells written were inferred by a model (35%). 10 are not labelled."
    assert chart.rows == [("late", "50", "10", "30", "10"), ("tag", "0", "0", "7", "0")]


def test_bars_are_told_apart_by_pattern_too(make_run):
    chart = provenance_chart(history_of([make_run(provenance=MIX)], []))
    assert len({bars["marker"]["pattern"]["shape"] for bars in chart.data}) == 4


def test_a_column_of_two_tables_is_named_with_its_table(make_run):
    runs = [make_run(FEB, target="a"), make_run(FEB, task="two", target="b", rows=5)]
    assert [row[0] for row in provenance_chart(history_of(runs, [])).rows] == ["a.late", "b.late"]


def test_an_unknown_provenance_is_not_labelled(make_run):
    chart = provenance_chart(history_of([make_run(provenance={"guessed": 3})], []))
    assert [bars["name"] for bars in chart.data] == ["unlabelled"]


def test_many_columns_show_the_largest(make_run):
    runs = [make_run(task=f"t{i}", column=f"c{i}", rows=10 + i) for i in range(COLUMNS + 1)]
    chart = provenance_chart(history_of(runs, []))
    assert len(chart.rows) == COLUMNS
    assert f"The {COLUMNS} largest columns of {COLUMNS + 1} are shown." in chart.note


def test_nothing_written_is_no_chart(make_run):
    history = history_of([make_run(rows=0)], [])
    assert provenance_chart(history) is None
    assert confidence_charts(history) == []


def test_confidences_by_date_and_bin(make_run):
    low, high = _at({60: 1, 97: 3}), _at({97: 10})
    (chart,) = confidence_charts(history_of([make_run(FEB, confidence=low), make_run(MARCH, confidence=high)], []))
    (heat,) = chart.data
    bins = chart.layout["yaxis"]["ticktext"]
    assert (bins[0], bins[-1], len(bins)) == ("0.60 to 0.65", "0.95 to 1.00", 8)
    assert [row[0] for row in heat["z"]] == [0.25, 0, 0, 0, 0, 0, 0, 0.75]
    assert [row[1] for row in heat["z"]] == [0, 0, 0, 0, 0, 0, 0, 1.0]
    assert chart.rows[0] == ("2013-02", "4", "0", "0.8775", "0.6", "0.97", *"1000000", "3")


def test_missing_confidences_are_counted(make_run):
    summary = ConfidenceSummary(total=0.9, counts=_at({90: 1}).counts, missing=1234)
    (chart,) = confidence_charts(history_of([make_run(FEB, confidence=summary)], []))
    assert "1,234 inferred values came without a confidence." in chart.note


def test_a_date_without_confidences_is_a_hole(make_run):
    runs = [make_run(FEB), make_run(MARCH, rows=0)]
    (chart,) = confidence_charts(history_of(runs, []))
    assert {row[1] for row in chart.data[0]["z"]} == {None}
    assert len(chart.rows) == 1


@pytest.mark.parametrize("columns", [1, HISTOGRAMS + 2])
def test_the_columns_with_most_inferred_cells_have_a_map(make_run, columns):
    runs = [make_run(FEB, task=f"t{i}", column=f"c{i}", rows=100 * (i + 1)) for i in range(columns)]
    titles = [chart.title for chart in confidence_charts(history_of(runs, []))]
    assert titles == [f"Confidence of c{i}" for i in range(columns - 1, -1, -1)][:HISTOGRAMS]


def _at(cells):
    counts = [cells.get(i, 0) for i in range(100)]
    return ConfidenceSummary(total=sum(i * n / 100 for i, n in cells.items()), counts=tuple(counts))
