from __future__ import annotations

from datetime import UTC, datetime

from airflow_provider_aiguard.core.evidence import BudgetStatus
from airflow_provider_aiguard.report.report import build_report

FEB = datetime(2013, 2, 1, tzinfo=UTC)


def test_budgets_stand_on_the_page_with_where_they_are_going(make_run):
    budgets = [
        BudgetStatus(name="<b>team</b>", window="month:2013-02", limit=2_000_000, spent=1_500_000, held=100_000),
        BudgetStatus(name="all", window="team:", limit=10, spent=1, held=0, unit="calls"),
    ]
    now = datetime(2013, 2, 15, tzinfo=UTC)
    page = build_report([make_run(FEB)], [], budgets=budgets, title="t", generated_at=now)
    assert "Budgets now" in page
    assert "&lt;b&gt;team&lt;/b&gt;" in page
    assert "✕ $3.00 by 2013-03-01 00:00 UTC" in page
    assert "80.0 %" in page
    assert "1 call" in page
    assert "Budgets now" not in build_report([make_run(FEB)], [], title="t", generated_at=now)
