from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from airflow_provider_aiguard.stats.good_turing import Unseen, unseen_values


@pytest.mark.parametrize("cutoff", [1, 3, 10])
def test_the_expectation_is_unbiased_and_its_error_is_known(cutoff):
    rng = np.random.default_rng(cutoff)
    p = 1 / np.arange(1, 801)
    p /= p.sum()
    n, errors, variances = 2_000, [], []
    for _ in range(600):
        counts = rng.multinomial(n, p)
        tail = int(counts[counts <= cutoff].sum())
        errors.append(p[counts < cutoff].sum() - tail / n)
        following = int((counts == cutoff + 1).sum())
        variances.append((tail * (1 - tail / n) + cutoff * (cutoff + 1) * following) / n**2)
    assert np.mean(errors) == pytest.approx(0, abs=4 * np.std(errors) / np.sqrt(600))
    assert np.var(errors) == pytest.approx(np.mean(variances), rel=0.2)


def test_without_rows_nothing_is_unseen():
    nothing = Unseen(expected=0.0, share=0.0, p_value=1.0)
    assert unseen_values(tail=0, tail_next=0, cutoff=1, n=0, other=3, m=5) == nothing
    assert unseen_values(tail=0, tail_next=0, cutoff=1, n=5, other=0, m=0) == nothing


@pytest.mark.parametrize(("other", "p_value"), [(0, 1.0), (10, 0.0)])
def test_without_variance_it_is_all_or_nothing(other, p_value):
    found = unseen_values(tail=0, tail_next=0, cutoff=1, n=1_000_000, other=other, m=10)
    assert found.p_value == pytest.approx(p_value, abs=1e-9)


def test_the_error_of_the_estimate_grows_with_the_values_next_to_the_rare_ones():
    """Esty's variance, for values seen fewer than three times."""
    found = unseen_values(tail=200, tail_next=60, cutoff=3, n=10_000, other=300, m=10_000)
    variance = (200 * 0.98 + 3 * 4 * 60) / 10_000**2 + 0.03 * 0.97 / 10_000
    assert found.p_value == pytest.approx(norm.sf(0.01 / variance**0.5))
