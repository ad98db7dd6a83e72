from __future__ import annotations

import pytest

from airflow_provider_aiguard.core.diversity import DistinctBlocks, DiversityEvidence, Moments
from airflow_provider_aiguard.core.limits.diversity import DiversityLimits
from airflow_provider_aiguard.core.verdict import Outcome
from airflow_provider_aiguard.guards.diversity import evaluate


def judge(limits, **evidence):
    (check,) = evaluate(DiversityEvidence(column="topic", **evidence), DiversityLimits(**limits))
    return check


class TestEntropy:
    def test_an_even_spread_passes_and_a_collapse_breaches(self):
        even = judge({"min_entropy": 0.9}, frequencies={250: 4})
        assert (even.check, even.outcome, even.value) == ("diversity.entropy", Outcome.PASS, 1.0)
        stuck = judge({"min_entropy": 0.1}, frequencies={1_000: 1})
        assert (stuck.outcome, stuck.value) == (Outcome.BREACH, 0.0)

    def test_the_limit_inside_the_interval_is_no_breach(self):
        found = judge({"min_entropy": 0.47}, frequencies={900: 1, 100: 1})
        assert found.outcome is Outcome.PASS
        assert "the limit lies inside the interval" in found.message
        assert judge({"min_entropy": 0.6}, frequencies={900: 1, 100: 1}).outcome is Outcome.BREACH

    def test_declared_classes_are_what_it_is_normalised_by(self):
        two_of_ten = judge({"min_entropy": 0.5, "classes": 10}, frequencies={500: 2})
        assert (two_of_ten.outcome, two_of_ten.value) == (Outcome.BREACH, pytest.approx(0.301, abs=2e-3))
        assert "2 different values of 10" in two_of_ten.message

    def test_too_few_rows_a_value_are_undecided(self):
        assert judge({"min_entropy": 0.9}, frequencies={1: 499}).outcome is Outcome.UNDECIDED
        texts = judge({"min_entropy": 0.9}, frequencies={1: 5_000})
        assert texts.outcome is Outcome.UNDECIDED
        assert texts.message == "topic: 5000 different values in 5000 rows: entropy needs 10 rows a value"


class TestDominantShare:
    def test_the_interval_decides(self):
        assert judge({"max_dominant_share": 0.8}, frequencies={820: 1, 180: 1}).outcome is Outcome.PASS
        found = judge({"max_dominant_share": 0.8}, frequencies={850: 1, 150: 1})
        assert (found.outcome, found.value) == (Outcome.BREACH, 0.85)
        assert found.message.startswith(
            "topic: the most frequent of 2 different values has a share of 0.85, 95% interval"
        )

    def test_one_value_is_all_there_is(self):
        assert judge({"max_dominant_share": 0.9}, frequencies={500: 1}).outcome is Outcome.BREACH

    @pytest.mark.parametrize(("frequencies", "nulls"), [({}, 0), ({}, 700), ({499: 1}, 0)])
    def test_too_few_values_are_undecided(self, frequencies, nulls):
        found = judge({"max_dominant_share": 0.9}, frequencies=frequencies, nulls=nulls)
        assert found.outcome is Outcome.UNDECIDED
        assert "500 needed" in found.message
        assert ("700 more are NULL" in found.message) == bool(nulls)


class TestDistinct:
    def test_the_mean_of_the_blocks_is_judged(self):
        shares = [0.30, 0.32, 0.28, 0.31, 0.29]
        blocks = DistinctBlocks(n=5, total=sum(shares), squares=sum(s * s for s in shares))
        for limit, outcome in ((0.25, Outcome.PASS), (0.31, Outcome.PASS), (0.33, Outcome.BREACH)):
            found = judge({"min_distinct": {2: limit}}, distinct={2: blocks})
            assert (found.check, found.outcome) == ("diversity.distinct_2", outcome)
        assert found.message.startswith("topic: share of distinct 2-grams in 5 blocks of 1000 0.3, 95% interval 0.28")

    @pytest.mark.parametrize("distinct", [{}, {1: DistinctBlocks(n=4, total=0.4, squares=0.04)}])
    def test_too_few_blocks_are_undecided(self, distinct):
        found = judge({"min_distinct": {1: 0.2}}, distinct=distinct)
        assert found.outcome is Outcome.UNDECIDED
        assert "blocks of 1000 1-grams, 5 needed" in found.message


def normal(n, variance, unusable=0):
    return Moments(n=n, mean=0.0, second=n * variance, fourth=3 * n * variance**2, unusable=unusable)


class TestVariance:
    def ratio(self, now, then, limit=0.5):
        return judge({"min_variance_ratio": limit}, moments=now, reference=then)

    def test_a_collapse_breaches(self):
        assert self.ratio(normal(1_000, 1), normal(1_000, 1)).outcome is Outcome.PASS
        assert self.ratio(normal(1_000, 0.47), normal(1_000, 1)).outcome is Outcome.PASS
        found = self.ratio(normal(1_000, 0.4), normal(1_000, 1))
        assert (found.check, found.outcome, found.value) == ("diversity.variance", Outcome.BREACH, pytest.approx(0.4))
        assert "variance of 1000 numbers over that of 1000 of the reference 0.4, 95% interval 0.35" in found.message

    def test_a_constant_has_collapsed(self):
        constant = Moments(n=1_000, mean=5.0, second=0.0, fourth=0.0)
        assert self.ratio(constant, normal(1_000, 1)).outcome is Outcome.BREACH
        against = self.ratio(normal(1_000, 1), constant)
        assert against.outcome is Outcome.UNDECIDED
        assert "the reference has one value" in against.message

    @pytest.mark.parametrize(
        ("now", "then", "part"),
        [
            (normal(499, 0.1), normal(1_000, 1), "499 numbers against 1000 of the reference, 500 needed in each"),
            (normal(1_000, 0.1), normal(10, 1), "1000 numbers against 10"),
            (
                normal(1_000, 0.1, unusable=3),
                normal(1_000, 1),
                "3 values, and 0 of the reference, are no finite numbers",
            ),
            (None, None, "nothing was compared"),
        ],
    )
    def test_what_cannot_be_told_is_undecided(self, now, then, part):
        found = self.ratio(now, then)
        assert found.outcome is Outcome.UNDECIDED
        assert part in found.message
