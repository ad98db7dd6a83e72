"""Text lengths and hours of the week."""

from __future__ import annotations

from dataclasses import replace

from channel_samples import judge, text, times

from airflow_provider_aiguard.core.profile import BUCKETS, HOURS_OF_WEEK, LENGTH_EDGES
from airflow_provider_aiguard.core.verdict import Outcome, Severity, Verdict


def lengths(*cells):
    counted = [0] * (len(LENGTH_EDGES) + 1)
    for i, n in cells:
        counted[i] = n
    rows = sum(counted)
    return {"lengths": tuple(counted), "length_sum": sum(n * LENGTH_EDGES[i] for i, n in cells), "rows": rows}


def free(**fields):
    """A free text: no value is frequent."""
    rows = fields["rows"]
    share, more = divmod(rows, BUCKETS)
    buckets = tuple(share + (i < more) for i in range(BUCKETS))
    return text((), buckets, levels=(), cutoff=2, tail=rows, grid_values=rows, learnt=True, **fields)


def test_free_text_is_compared_by_its_length():
    before, after = free(**lengths((5, 5_000), (6, 5_000))), free(**lengths((5, 3_000), (6, 7_000)))
    checks = judge(before, replace(after, learnt=False))
    assert checks["length"].outcome is Outcome.BREACH
    assert checks["length"].message.startswith("c: mean length 9.5 -> 10.1 characters, KS 0.2")
    assert checks["categories"].severity is Severity.WARN
    assert judge(before, before)["length"].outcome is Outcome.PASS
    assert "length" not in judge(text(), text())
    assert judge(text(), text(), "length")["length"].message == "c: no text lengths were counted"


def test_times_are_shown_and_decide_only_if_named():
    even = [60] * HOURS_OF_WEEK
    night = [90 if i % 24 < 8 else 45 for i in range(HOURS_OF_WEEK)]
    shown = judge(times(even), times(night))
    assert (shown["hours"].outcome, shown["hours"].severity) == (Outcome.BREACH, Severity.WARN)
    assert shown["nulls"].severity is Severity.ERROR
    assert Verdict(guard="drift", subject="t", checks=tuple(shown.values())).outcome is Outcome.PASS
    assert judge(times(even), times(night), columns=("at",))["hours"].severity is Severity.ERROR
    assert judge(times(even), times(even))["hours"].outcome is Outcome.PASS
