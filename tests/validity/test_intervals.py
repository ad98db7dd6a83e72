"""What intervals promise: they cover the truth as often as they say. Computed exactly where that is possible."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from airflow_provider_aiguard.core.calibration import BINS, CalibrationBin
from airflow_provider_aiguard.core.diversity import Moments
from airflow_provider_aiguard.core.evidence import ErrorSums, TruthEvidence
from airflow_provider_aiguard.core.interval import Interval
from airflow_provider_aiguard.core.limits.ground_truth import GroundTruthLimits
from airflow_provider_aiguard.core.verdict import Outcome
from airflow_provider_aiguard.guards.ground_truth import evaluate
from airflow_provider_aiguard.stats import classification, regression
from airflow_provider_aiguard.stats.bootstrap import bootstrap
from airflow_provider_aiguard.stats.bounded_mean import bounded_mean
from airflow_provider_aiguard.stats.calibration import expected_calibration_error
from airflow_provider_aiguard.stats.clopper_pearson import clopper_pearson
from airflow_provider_aiguard.stats.dominant_share import dominant_share
from airflow_provider_aiguard.stats.entropy import entropy
from airflow_provider_aiguard.stats.performance_estimate import estimated_accuracy
from airflow_provider_aiguard.stats.variance_ratio import variance_ratio


@pytest.mark.parametrize("n", [30, 300])
@pytest.mark.parametrize("p", [0.01, 0.3, 0.77, 0.86, 0.999])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_the_interval_covers_at_least_as_often_as_it_says(n, p, alpha):
    hits = np.arange(n + 1)
    bounds = np.array([clopper_pearson(int(k), n, alpha) for k in hits])
    covers = (bounds[:, 0] <= p) & (p <= bounds[:, 1])
    assert binom.pmf(hits, n, p)[covers].sum() >= 1 - alpha


def test_a_model_at_the_limit_is_blamed_in_at_most_half_of_alpha():
    rng = np.random.default_rng(1)
    limits = GroundTruthLimits(min_accuracy=0.8)
    blamed = 0
    for correct in rng.binomial(500, 0.8, size=1_000).tolist():
        evidence = TruthEvidence(column="y", truth_column="y", inferred=500, labels=500, correct=correct)
        blamed += evaluate(evidence, limits)[0].outcome is Outcome.BREACH
    assert blamed <= binom.ppf(0.999, 1_000, 0.025)


def test_the_rot_of_july_is_seen():
    """Accuracy 0.77 against a limit of 0.8 in 28,000 labels, as in the flights."""
    evidence = TruthEvidence(column="late", truth_column="late", inferred=28_000, labels=28_000, correct=21_560)
    assert evaluate(evidence, GroundTruthLimits(min_accuracy=0.8))[0].outcome is Outcome.BREACH


# Everything below is drawn. An interval must cover at least as often as it says, less one point.

NOMINAL = 0.95
MARK = NOMINAL - 0.01


def enough(hits: int, draws: int) -> bool:
    """Whether so many hits are what a coverage of the mark gives in 999 of 1,000 simulations."""
    return hits >= binom.ppf(0.001, draws, MARK)


def coverage(intervals: list[Interval], true: float | list[float], *, name: str) -> tuple[float, float, float]:
    """Share of intervals that cover, and shares that lie wholly above and below; printed and held to the mark."""
    ends = np.array([(i.low, i.high) for i in intervals])
    aim = np.broadcast_to(true, len(ends))
    above, below = (ends[:, 0] > aim + 1e-12), (ends[:, 1] < aim - 1e-12)
    covered = 1 - (above | below).mean()
    print(f"{name:42} covers {covered:.3f}, above {above.mean():.3f}, below {below.mean():.3f}")
    assert enough(round(covered * len(ends)), len(ends)), name
    return covered, float(above.mean()), float(below.mean())


def binned(confidence: np.ndarray, right: np.ndarray) -> list[CalibrationBin]:
    where = np.minimum((confidence * BINS).astype(int), BINS - 1)
    counts, sums, hits = (np.bincount(where, weights=w, minlength=BINS) for w in (None, confidence, right))
    return [CalibrationBin(n=int(n), confidence=s, correct=int(h)) for n, s, h in zip(counts, sums, hits, strict=True)]


def true_error(confidence: np.ndarray, chance: np.ndarray) -> float:
    """The calibration error on the bins, if the chances of being right are known."""
    where = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return float(np.abs(np.bincount(where, weights=chance - confidence, minlength=BINS)).sum() / len(confidence))


CONFIDENCES = {
    "uniform": lambda rng, n: rng.random(n),
    "sure": lambda rng, n: 0.5 + 0.5 * rng.beta(5, 1, n),
    "clumped": lambda rng, n: rng.choice([0.6, 0.9, 0.99], n, p=[0.1, 0.6, 0.3]),
}
CHANCES = {
    "calibrated": lambda c: c,
    "too sure": lambda c: 0.5 + 0.6 * (c - 0.5),
    "too modest": lambda c: c**0.5,
    "a little off": lambda c: np.clip(c - 0.01, 0, 1),
}


@pytest.mark.parametrize("n", [500, 2_000, 20_000])
def test_calibration_error(n):
    """A percentile bootstrap covers a calibrated model's error, which is 0, in no sample at all."""
    rng = np.random.default_rng(n)
    for shape, draw in CONFIDENCES.items():
        for kind, chance_of in CHANCES.items():
            found, aim = [], []
            for _ in range(250):
                c = draw(rng, n)
                chance = chance_of(c)
                found.append(expected_calibration_error(binned(c, rng.random(n) < chance)))
                aim.append(true_error(c, chance))
            _, above, _ = coverage(found, aim, name=f"ECE, {n}, {shape}, {kind}")
            # What lies above is blame: at most alpha, since the upper end is hardly ever too low.
            assert above <= binom.ppf(0.999, 250, 0.05) / 250
            if n == 2_000 and shape == "uniform" and kind == "calibrated":
                assert all(i.low == 0 for i in found[:1])
                print(f"{'':42} width {np.mean([i.high - i.low for i in found]):.3f}")


@pytest.mark.parametrize("n", [30, 100, 1_000])
def test_brier_score(n):
    rng = np.random.default_rng(n)
    for shape, draw in (*CONFIDENCES.items(), ("always 0.99", lambda rng, n: np.full(n, 0.99))):
        many = draw(rng, 1_000_000)
        aim = float((many * (1 - many)).mean())
        found = []
        for _ in range(1_000):
            c = draw(rng, n)
            square = (c - (rng.random(n) < c)) ** 2
            found.append(bounded_mean(n, square.sum(), (square**2).sum()))
        _, above, _ = coverage(found, aim, name=f"Brier, {n}, {shape}")
        assert above <= 0.035


@pytest.mark.parametrize("n", [30, 200, 2_000])
def test_scores_of_classes(n):
    rng = np.random.default_rng(n)
    for name, (tp, fp, fn, tn) in {
        "rare": (0.03, 0.02, 0.03, 0.92),
        "even": (0.4, 0.1, 0.1, 0.4),
        "good": (0.48, 0.01, 0.01, 0.5),
    }.items():
        counts = rng.multinomial(n, [tp, fp, fn, tn], size=1_000).tolist()
        pairs = (("y", "y"), ("y", "n"), ("n", "y"), ("n", "n"))
        drawn = [{pair: k for pair, k in zip(pairs, row, strict=True) if k} for row in counts]
        aims = {
            "f1": (lambda c: classification.f1(c, "y"), 2 * tp / (2 * tp + fp + fn)),
            "precision": (lambda c: classification.precision(c, "y"), tp / (tp + fp)),
            "recall": (lambda c: classification.recall(c, "y"), tp / (tp + fn)),
        }
        for score, (measure, aim) in aims.items():
            coverage([measure(c) for c in drawn], aim, name=f"{score}, {n}, {name}")
        if min(tp + fn, fp + tn) * n < 60:
            continue  # the guard asks for 30 labels of every class
        both = [c for c in drawn if {truth for _, truth in c} == {"y", "n"}]
        aim = (tp / (tp + fn) + tn / (tn + fp)) / 2
        coverage([classification.balanced_accuracy(c) for c in both], aim, name=f"balanced accuracy, {n}, {name}")


ERRORS = {
    "normal": (lambda rng, size: rng.normal(size=size), (2 / np.pi) ** 0.5, 1.0),
    "biased normal": (lambda rng, size: rng.normal(0.5, 1, size), 0.8955931, 1.25**0.5),
    "uniform": (lambda rng, size: rng.uniform(-1, 1, size), 0.5, (1 / 3) ** 0.5),
    "Laplace": (lambda rng, size: rng.laplace(size=size), 1.0, 2**0.5),
}


@pytest.mark.parametrize("n", [30, 100, 1_000])
def test_errors_of_numbers(n):
    """Heavier tails than the normal's need more rows for the RMSE: printed, not promised below 1,000."""
    rng = np.random.default_rng(n)
    for name, (draw, mae, rmse) in ERRORS.items():
        e = draw(rng, (2_000, n))
        size = abs(e)
        columns = (e, e**3, size, size**2, size**3, size**4, size**6)
        sums = [ErrorSums(n, *row) for row in np.column_stack([c.sum(axis=1) for c in columns]).tolist()]
        bias = 0.5 if name == "biased normal" else 0.0
        coverage([regression.bias(s) for s in sums], bias, name=f"bias, {n}, {name}")
        _, above, _ = coverage([regression.mean_absolute_error(s) for s in sums], mae, name=f"MAE, {n}, {name}")
        assert above <= 0.04
        found = [regression.root_mean_squared_error(s) for s in sums]
        if name != "Laplace" or n >= 1_000:
            coverage(found, rmse, name=f"RMSE, {n}, {name}")
        else:
            print(f"RMSE, {n}, {name}: covers {np.mean([i.holds(rmse) for i in found]):.3f}, not promised")
            assert np.mean([i.low > rmse for i in found]) <= 0.04


SHAPES = {
    "normal": lambda rng, size: rng.normal(size=size),
    "uniform": lambda rng, size: rng.random(size),
    "bimodal": lambda rng, size: rng.beta(0.5, 0.5, size),
    "exponential": lambda rng, size: rng.exponential(size=size),
    "Laplace": lambda rng, size: rng.laplace(size=size),
}


@pytest.mark.parametrize("n", [500, 5_000])
def test_variance_ratio(n):
    """From 500 numbers on, which is what the guard asks for."""
    rng = np.random.default_rng(n)
    for name, draw in SHAPES.items():
        now, then = (moments_of(draw(rng, (2_000 if n < 5_000 else 500, n))) for _ in range(2))
        coverage(
            [variance_ratio(a, b) for a, b in zip(now, then, strict=True)], 1.0, name=f"variance ratio, {n}, {name}"
        )


def moments_of(x: np.ndarray) -> list[Moments]:
    away = x - x.mean(axis=1, keepdims=True)
    parts = zip(x.mean(axis=1), (away**2).sum(axis=1), (away**4).sum(axis=1), strict=True)
    return [Moments(n=x.shape[1], mean=mean, second=second, fourth=fourth) for mean, second, fourth in parts]


def shares(levels: int) -> dict[str, np.ndarray]:
    rest = levels - 1
    return {
        "even": np.full(levels, 1 / levels),
        "nearly even": np.r_[1.1, np.ones(rest)] / (rest + 1.1),
        "1/k": (1 / np.arange(1, levels + 1)) / (1 / np.arange(1, levels + 1)).sum(),
        "1/k**2": (1 / np.arange(1, levels + 1) ** 2) / (1 / np.arange(1, levels + 1) ** 2).sum(),
        "collapsed": np.r_[0.99, np.full(rest, 0.01 / rest)],
    }


@pytest.mark.parametrize(
    ("n", "levels"), [(500, 2), (500, 3), (500, 10), (500, 50), (2_000, 200), (10_000, 200), (20_000, 3)]
)
def test_entropy_and_dominant_share(n, levels):
    """With ten rows a value, which is what the guard asks for. Classes are declared where some would not be seen."""
    rng = np.random.default_rng(levels)
    for name, p in shares(levels).items():
        bits = float(-(p * np.log2(p)).sum())
        drawn = [{int(k): int(m) for k, m in zip(*np.unique(row[row > 0], return_counts=True), strict=True)}
                 for row in rng.multinomial(n, p, size=1_000)]  # fmt: skip
        _, _, below = coverage([entropy(f, levels) for f in drawn], bits, name=f"entropy, {n} of {levels}, {name}")
        assert below <= 0.07
        most = [dominant_share(max(f), n, sum(f.values())) for f in drawn]
        _, above, _ = coverage(most, float(p.max()), name=f"dominant share, {n} of {levels}, {name}")
        assert above <= 0.035


@pytest.mark.parametrize("n", [200, 400])
def test_bootstrap(n):
    rng = np.random.default_rng(n)
    found = []
    for _ in range(300):
        truth = rng.normal(size=n)
        claim = truth + rng.normal(scale=0.5, size=n)
        found.append(
            bootstrap(lambda i, c=claim, t=truth: 1 - ((c[i] - t[i]) ** 2).mean() / t[i].var(), n, resamples=499)
        )
    coverage(found, 0.75, name=f"bootstrap of R2, {n}")


@pytest.mark.parametrize(("past", "now"), [(500, 500), (2_000, 20_000), (20_000, 500)])
def test_the_estimate_covers_what_turns_out_while_confidence_means_what_it_meant(past, now):
    rng = np.random.default_rng(past)
    for kind, chance_of in CHANCES.items():
        found, turned_out = [], []
        for _ in range(400):
            then, c = CONFIDENCES["uniform"](rng, past), CONFIDENCES["sure"](rng, now)
            right = rng.random(now) < chance_of(c)
            found.append(estimated_accuracy(binned(c, right), binned(then, rng.random(past) < chance_of(then))))
            turned_out.append(float(right.mean()))
        coverage(found, turned_out, name=f"estimate, {past} past, {now} claims, {kind}")


def test_the_estimate_is_blind_when_confidence_stops_meaning_what_it_meant():
    """As in the flights: confidences stay, accuracy falls from .86 to .77."""
    rng = np.random.default_rng(7)
    then, c = CONFIDENCES["sure"](rng, 20_000), CONFIDENCES["sure"](rng, 20_000)
    right = rng.random(20_000) < c - 0.09
    found = estimated_accuracy(binned(c, right), binned(then, rng.random(20_000) < then))
    print(f"estimate {found.value:.3f} ({found.low:.3f} to {found.high:.3f}), truth {right.mean():.3f}")
    assert found.low > right.mean() + 0.07
