from __future__ import annotations

from airflow_provider_aiguard.report.charts import charts_of
from airflow_provider_aiguard.report.history import history_of


def test_the_most_telling_chart_comes_first_and_empty_ones_are_left_out(flights, make_run):
    titles = [chart.title for chart in charts_of(history_of(*flights))]
    assert titles == [
        "Confidence against accuracy",
        "Drift by column",
        "Cost",
        "Cost of 1,000 rows by model",
        "Provenance by column",
        "Confidence of late",
    ]
    assert charts_of(history_of([make_run(rows=0, cost=None)], [])) == []


def test_every_chart_has_its_numbers_as_a_table(flights):
    for chart in charts_of(history_of(*flights)):
        assert chart.rows
        assert {len(row) for row in chart.rows} == {len(chart.head)}
