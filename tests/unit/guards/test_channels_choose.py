"""Which tests a column gets, and how many rows its rows count for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from channel_samples import MOVED, judge, number, table, text, times

from airflow_provider_aiguard.core.limits.drift import DriftLimits
from airflow_provider_aiguard.core.profile import HOURS_OF_WEEK
from airflow_provider_aiguard.core.verdict import Outcome, Severity
from airflow_provider_aiguard.guards.drift import evaluate, sampling_error


def test_methods_for_every_column_fit_some_and_methods_of_a_column_have_to():
    sides = table(number(), text(), times([60] * HOURS_OF_WEEK))
    checks = evaluate(sides, sides, DriftLimits(methods={"*": ["mean"], "c": ["categories", "ks"]}))
    found = {(c.check, c.column): (c.outcome, c.severity) for c in checks}
    assert found == {
        ("drift.mean", "x"): (Outcome.PASS, Severity.ERROR),
        ("drift.categories", "c"): (Outcome.PASS, Severity.ERROR),
        ("drift.ks", "c"): (Outcome.UNDECIDED, Severity.ERROR),
        ("drift.column", "at"): (Outcome.UNDECIDED, Severity.WARN),
    }
    assert "c: ks does not compare categorical columns" in {c.message for c in checks}


def clustered(column, effect):
    return replace(column, design_effects={"values": effect, "nulls": effect})


@pytest.mark.parametrize("sides", [(50.0, 50.0), (50.0, None), (None, 50.0)])
def test_the_design_effect_thins_the_rows_of_both_sides(sides):
    before, after = number(nulls=0), number(MOVED, mean=0.2)
    assert judge(before, after)["ks"].outcome is Outcome.BREACH
    thin = [c if e is None else clustered(c, e) for c, e in zip((before, after), sides, strict=True)]
    checks = evaluate(table(thin[0], clusters=400), table(thin[1], clusters=400))
    assert Outcome.BREACH not in {c.outcome for c in checks}
    assert checks[-1].message.endswith(" [400 clusters, 400 clusters of the reference]")


def test_the_larger_of_declared_and_estimated_counts():
    before, after = clustered(number(), 2.0), clustered(number(MOVED, mean=0.2), 2.0)
    sides = table(before, clusters=5_000), table(after, clusters=5_000)
    by_cluster = {c.check: c for c in evaluate(*sides)}["drift.ks"]
    declared = {c.check: c for c in evaluate(*sides, DriftLimits(design_effect=30.0))}["drift.ks"]
    assert by_cluster.outcome is Outcome.BREACH
    assert declared.outcome is not Outcome.BREACH
    assert "design effect of at least 30 declared" in declared.message
    lower = {c.check: c for c in evaluate(*sides, DriftLimits(design_effect=1.5))}["drift.ks"]
    assert lower.detail["p_value"] == by_cluster.detail["p_value"]


@pytest.mark.parametrize("side", ["reference", "current table"])
def test_few_clusters_decide_nothing(side):
    few, many = (table(clustered(number(), 3.0), clusters=n) for n in (19, 20))
    (check,) = evaluate(few, many) if side == "reference" else evaluate(many, few)
    assert check.outcome is Outcome.UNDECIDED
    assert check.message.startswith(f"the rows of the {side} 'flights' come in 19 clusters; 20 are needed")


def test_a_sample_says_that_it_is_one_and_how_far_it_may_be_off():
    sampled = evaluate(table(number(), sample=0.5), table(number(), sample=0.1))
    within = "shares to within 0.98 points"
    assert sampled[0].message.endswith(f" [10% sample: {within}, 50% sample of the reference: {within}]")
    assert not evaluate(table(number()), table(number()))[0].message.endswith("]")


def test_the_sampling_error_is_that_of_shares_of_samples():
    rows = 10_000
    sample = table(number(), sample=0.1)
    assert sample.rows == rows
    errors = np.random.default_rng(7).binomial(rows, 0.5, size=20_000) / rows - 0.5
    covered = np.mean(np.abs(errors) <= sampling_error(sample))
    assert 0.945 <= covered <= 0.965
    doubled = pytest.approx(2 * sampling_error(sample), rel=0.02)
    assert sampling_error(sample, design_effect=4.0) == doubled
    assert sampling_error(table(clustered(number(), 4.0), clusters=100, sample=0.1)) == doubled
