from __future__ import annotations

from datetime import UTC, datetime

import pytest

from airflow_provider_aiguard.core.run import RunState
from airflow_provider_aiguard.core.verdict import Outcome
from airflow_provider_aiguard.report.cost import OTHERS, TASKS, cost_chart
from airflow_provider_aiguard.report.history import history_of

FEB, MARCH = datetime(2013, 2, 1, tzinfo=UTC), datetime(2013, 3, 1, tzinfo=UTC)


def test_cost_by_month_and_the_refused_one(flights):
    chart = cost_chart(history_of(*flights))
    bars, refused = chart.data
    assert bars["name"] == "score"
    assert sum(bars["y"]) == pytest.approx(272_499 * 20 / 1e6)
    assert refused["name"] == "✕ budget breach"
    assert refused["x"] == ["2013-10"]
    assert refused["y"] == [0]
    assert chart.note == "$5.45 by all tries together. ✕ A budget said no on 1 date: 2013-10."
    assert ("2013-07", "score", "$0.5659", "") in chart.rows
    assert any(row[0] == "2013-10" and "raise the limit" in row[3] for row in chart.rows)


def test_every_try_was_paid_for_and_tasks_are_stacked(make_run):
    runs = [
        make_run(FEB, cost=1_000_000, state=RunState.FAILED),
        make_run(FEB, cost=2_000_000, try_number=2),
        make_run(FEB, task="tag", cost=500_000),
        make_run(MARCH, cost=None),
    ]
    chart = cost_chart(history_of(runs, []))
    assert {bars["name"]: (bars["x"], bars["y"]) for bars in chart.data} == {
        "score": (["2013-02"], [3.0]),
        "tag": (["2013-02"], [0.5]),
    }
    assert chart.layout["barmode"] == "stack"
    assert chart.note == "$3.50 by all tries together. Runs without a price, which are not in it: 1."


def test_a_refusal_on_top_of_money_spent_is_marked_at_its_height(make_run, make_verdict):
    refusals = [make_verdict(date, guard="budget", outcome=Outcome.BREACH) for date in (FEB, MARCH)]
    chart = cost_chart(history_of([make_run(FEB, cost=1_000_000)], refusals))
    assert chart.data[-1]["y"] == [1.0, 0]
    assert "2 dates: 2013-02, 2013-03" in chart.note


@pytest.mark.parametrize("outcome", [Outcome.PASS, Outcome.UNDECIDED])
def test_a_budget_that_did_not_say_no_is_not_marked(make_run, make_verdict, outcome):
    chart = cost_chart(history_of([make_run(FEB)], [make_verdict(FEB, guard="budget", outcome=outcome)]))
    assert [trace["type"] for trace in chart.data] == ["bar"]


def test_without_price_or_refusal_there_is_no_chart(make_run):
    assert cost_chart(history_of([make_run(cost=None)], [])) is None


def test_the_cheapest_of_many_tasks_are_one_bar(make_run):
    runs = [make_run(FEB, task=f"t{i:02}", cost=i * 1_000_000) for i in range(1, TASKS + 3)]
    chart = cost_chart(history_of(runs, []))
    bars = {bars["name"]: bars["y"] for bars in chart.data}
    assert len(bars) == TASKS + 1
    assert bars[OTHERS] == [3.0]
