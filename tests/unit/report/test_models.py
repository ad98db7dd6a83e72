from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from airflow_provider_aiguard.core.claims import Usage
from airflow_provider_aiguard.core.latency import LatencySummary
from airflow_provider_aiguard.report.history import history_of
from airflow_provider_aiguard.report.models import MODELS, latency_chart, unit_cost_chart

FEB, MARCH = datetime(2013, 2, 1, tzinfo=UTC), datetime(2013, 3, 1, tzinfo=UTC)


def with_summary(run, **changes):
    return replace(run, summary=replace(run.summary, **changes))


def test_what_a_row_costs_by_model_and_date(make_run):
    used = Usage(requests=50, input_tokens=900, output_tokens=100)
    chart = unit_cost_chart(
        history_of([with_summary(make_run(FEB, cost=2_000), saved=50, usage=used), make_run(MARCH, cost=3_000)], [])
    )
    (line,) = chart.data
    assert (line["x"], line["y"]) == (["2013-02", "2013-03"], pytest.approx([0.02, 0.03]))
    assert chart.note.endswith("25% of them were answered without asking, because equal ones were paid for.")
    assert chart.rows[0] == (
        "2013-02", "late-gbm@jan-2013", "$0.002000", "50", "50", "$4e-05", "$2e-05", "$2e-05", "1,000",
    )  # fmt: skip
    assert chart.rows[1][-1] == "-"


def test_of_many_models_the_picture_shows_those_with_the_most_rows(make_run):
    runs = []
    for i in range(MODELS + 2):
        run = make_run(FEB, task=f"t{i}", rows=100 + i)
        runs.append(with_summary(run, model=replace(run.summary.model, name=f"m{i}")))
    chart = unit_cost_chart(history_of(runs, []))
    assert [line["name"].partition("@")[0] for line in chart.data] == [f"m{i}" for i in range(MODELS + 1, 1, -1)]
    assert len(chart.rows) == MODELS + 2


def test_latencies_of_a_date_are_merged(make_run):
    fast, slow = LatencySummary.of([(0.01, 1)] * 98), LatencySummary.of([(0.5, 1)] * 2)
    runs = [with_summary(make_run(FEB, map_index=i), latency=took) for i, took in enumerate((fast, slow))]
    chart = latency_chart(history_of(runs, []))
    assert chart.rows == [("2013-02", "late-gbm@jan-2013", "100", "10 ms", "10 ms", "500 ms")]
    assert [line["y"] for line in chart.data] == [[10.0], [10.0], [500.0]]


def test_without_numbers_there_is_no_picture(make_run):
    history = history_of([make_run(cost=None)], [])
    assert unit_cost_chart(history) is latency_chart(history) is None
