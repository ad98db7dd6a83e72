"""Categories: the long tail, and values that are no level."""

from __future__ import annotations

from dataclasses import replace

import pytest
from channel_samples import N, judge, text

from airflow_provider_aiguard.core.profile import BUCKETS
from airflow_provider_aiguard.core.verdict import Outcome, Severity
from airflow_provider_aiguard.guards.channels.categorical import bucket_of


def test_the_long_tail_counts_by_its_buckets():
    """Levels unchanged, and what is no level wanders from one bucket to another."""
    before = text(buckets=(400, 0, 0, 400, *[0] * 12), learnt=True)
    after = replace(text(buckets=(400, 400, 0, 0, *[0] * 12)), levels=before.levels)
    check = judge(before, after)["categories"]
    assert check.outcome is Outcome.BREACH
    assert check.detail["df"] == 5


def test_a_level_that_is_one_by_luck_goes_back_to_its_bucket():
    """Ten values seen twice became levels at a cutoff of two; the next sample sees them half as often."""
    names = tuple(f"v{i}" for i in range(10))
    empty = [0] * BUCKETS
    tail = empty.copy()
    for name in names:
        tail[bucket_of(name)] += 2_000
    before = text((N,) + (2,) * 10, tail, levels=("UA", *names), cutoff=2, tail=20, tail_next=0, learnt=True)
    after = replace(text((N,) + (1,) * 10, [n + 1 for n in tail]), levels=before.levels, cutoff=2)
    assert judge(before, after)["categories"].outcome is Outcome.PASS
    with_one_bucket = replace(after, buckets=(sum(after.buckets),))
    assert judge(before, with_one_bucket)["categories"].outcome is Outcome.PASS


def test_a_reference_that_did_not_make_the_levels_is_a_sample_like_the_current_one():
    before = text(buckets=(300, *[0] * 15), cutoff=1, tail=0)
    check = judge(before, text(buckets=(310, *[0] * 15)))["unseen"]
    assert (check.outcome, check.detail["expected"]) == (Outcome.PASS, pytest.approx(300 / 10_300))
    assert judge(before, text(buckets=(600, *[0] * 15)))["unseen"].outcome is Outcome.BREACH
    learnt = judge(replace(before, learnt=True), text(buckets=(310, *[0] * 15)))["unseen"]
    assert (learnt.outcome, learnt.detail["expected"]) == (Outcome.BREACH, 0.0)
    nothing = text((0, 0, 0), nulls=N, rows=N)
    check = judge(nothing, nothing)["unseen"]
    assert (check.outcome, check.severity) == (Outcome.UNDECIDED, Severity.WARN)


def test_without_values_nothing_is_known_of_unseen_ones():
    gone = text((0, 0, 0), nulls=N, rows=N)
    for learnt in (True, False):
        check = judge(text(learnt=learnt), gone, "unseen")["unseen"]
        assert (check.outcome, check.severity) == (Outcome.UNDECIDED, Severity.ERROR)
        assert check.message == "c: no values to look for unseen ones in"


@pytest.mark.parametrize("method", ["categories", "psi", "jensen_shannon"])
def test_a_category_too_rare_to_be_tested_would_be_seen_if_it_grew(method):
    """Two of 10,000 rows are in no cell of their own; 300 are."""
    rare = text((9_998, 2), levels=("no", "yes"))
    check = judge(rare, rare, method)[method]
    assert (check.outcome, check.detail["df"]) == (Outcome.PASS, 0)
    assert judge(rare, text((9_700, 300), levels=("no", "yes")), method)[method].outcome is Outcome.BREACH


def test_values_that_came_with_one_cluster_are_as_rare_as_values_that_came_once():
    """Ten values in five rows each: a sample of as many clusters brings others like them."""
    names = tuple(f"v{i}" for i in range(10))
    before = text((N,) + (5,) * 10, levels=("UA", *names), cutoff=1, tail=0, learnt=True)
    after = replace(text((N,) + (0,) * 10, (50, *[0] * 15)), levels=before.levels)
    limits = {"min_effect": {"unseen": 0.0}}
    independent, clustered = (judge(before, after, "unseen", design_effect=e, **limits)["unseen"] for e in (1.0, 5.0))
    assert (independent.outcome, independent.detail["expected"]) == (Outcome.BREACH, 0.0)
    assert clustered.outcome is Outcome.PASS
    assert clustered.detail["expected"] == pytest.approx(50 / 10_050, rel=0.01)


def test_a_reference_that_left_its_levels_does_not_decide_by_them():
    """Most of its values are in buckets, where one may have taken another's place."""
    beyond = text((10, 10, 10), buckets=(N, *(0,) * 15))
    check = judge(beyond, beyond)["categories"]
    assert (check.outcome, check.severity) == (Outcome.PASS, Severity.WARN)
