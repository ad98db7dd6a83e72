from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow_provider_aiguard.core.verdict import CheckResult, Outcome, Severity
from airflow_provider_aiguard.report.history import history_of
from airflow_provider_aiguard.report.listing import CHECKS_EACH, RUNS, VERDICTS, CheckRow, run_rows, verdict_rows

FEB = datetime(2013, 2, 1, tzinfo=UTC)


def days(n):
    return [FEB + timedelta(days=day) for day in range(n)]


def test_verdicts_newest_first_and_what_was_replaced(make_verdict):
    first = make_verdict(FEB, outcome=Outcome.BREACH, message="low")
    rows = verdict_rows(history_of([], [first, make_verdict(FEB, try_number=2), make_verdict(FEB + timedelta(days=1))]))
    assert [(row.date, row.outcome, row.try_number, row.stands) for row in rows] == [
        ("2013-02-02", "pass", 1, True),
        ("2013-02-01", "pass", 2, True),
        ("2013-02-01", "breach", 1, False),
    ]
    assert rows[0].messages == []
    assert rows[2].messages == ["low"]


def test_the_worst_checks_are_kept(make_verdict):
    checks = [CheckResult(check="c", outcome=Outcome.PASS, message="fine") for _ in range(CHECKS_EACH)]
    warn = CheckResult(check="w", outcome=Outcome.UNDECIDED, message="?", severity=Severity.WARN)
    worst = CheckResult(check="b", outcome=Outcome.BREACH, message="bad", column="x", value=0.123456, limit=0.1)
    (row,) = verdict_rows(history_of([], [make_verdict(checks=[*checks, warn, worst])]))
    assert row.checks[0] == CheckRow("breach", "b", "x", "0.1235", "0.1", "bad")
    assert row.checks[1].outcome == "undecided (warn)"
    assert len(row.checks) == CHECKS_EACH
    assert row.left_out == 2


def test_tables_are_bounded_and_share_shrinks_them(make_run, make_verdict):
    history = history_of([make_run(d) for d in days(RUNS + 5)], [make_verdict(d) for d in days(VERDICTS + 5)])
    assert len(verdict_rows(history)) == VERDICTS
    assert len(run_rows(history)) == RUNS
    assert len(verdict_rows(history, share=0.1)) == VERDICTS // 10
    assert len(run_rows(history, share=0.1)) == RUNS // 10
    assert run_rows(history)[0].date > run_rows(history)[-1].date


def test_a_run_says_what_it_did_and_cost(make_run):
    (row,) = run_rows(history_of([make_run(FEB, rejects=7, cost=1_420_000, try_number=2)], []))
    assert (row.state, row.model, row.rows, row.rejects, row.cost, row.seconds, row.try_number) == (
        "success", "late-gbm@jan-2013", 100, 7, "$1.42", 2.5, 2,
    )  # fmt: skip


def test_a_run_without_price_is_not_free(make_run):
    (row,) = run_rows(history_of([make_run(cost=None)], []))
    assert (row.cost, row.cost_micros) == ("no price", -1)
