"""The peer's half of ``benchmarks/concept.py``: runs in an environment of its own that has river, and nothing of ours.

It makes the streams of errors with river's generators and lets ADWIN watch them. A model learns 2,500 rows and is
frozen; then come 2,500 rows of the same concept, and the change.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from river import naive_bayes, tree
from river.datasets import synth
from river.drift import ADWIN

LEARNT, BASELINE, ROWS = 2_500, 2_500, 7_500
STREAMS, UNCHANGED = 25, 2_000
BACK = 3_000
"""Rows after the baseline at which the new concept of a recurring stream comes up again."""

DELTAS = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2)

FAMILIES = {
    "SEA": (lambda v, seed: synth.SEA(variant=v, noise=0.1, seed=seed), (0, 3), naive_bayes.GaussianNB),
    "STAGGER": (
        lambda v, seed: synth.STAGGER(classification_function=v, seed=seed),
        (0, 2),
        tree.HoeffdingTreeClassifier,
    ),
    "Sine": (lambda v, seed: synth.Sine(classification_function=v, seed=seed), (0, 2), naive_bayes.GaussianNB),
}


def main(folder: Path) -> None:
    pairs = {name: [concepts(name, seed) for seed in range(STREAMS)] for name in FAMILIES}
    streams: dict[str, Any] = {}
    for shape in (abrupt, recurring, gradual):
        for name, made in pairs.items():
            streams[f"{name} {shape.__name__}"] = np.array([shape(*pair, seed) for seed, pair in enumerate(made)])
    streams["hyperplane incremental"] = np.array([incremental(seed) for seed in range(STREAMS)])
    streams["unchanged"] = unchanged(streams)
    np.savez(folder / "streams.npz", **streams)
    started = time.perf_counter()
    alarms = {name: watch(rows, BASELINE + BACK * ("recurring" in name)) for name, rows in streams.items()}
    rows = len(DELTAS) * sum(bits.size for bits in streams.values())
    seconds = (time.perf_counter() - started) / rows
    np.savez(folder / "adwin.npz", deltas=np.array(DELTAS), seconds=seconds, **alarms)


def concepts(name: str, seed: int) -> tuple[Any, Any]:
    """Errors of one frozen model on the concept it learnt, and on another."""
    stream, (first, second), model = FAMILIES[name]
    learner = model()
    for x, y in stream(first, seed).take(LEARNT):
        learner.learn_one(x, y)
    return errors(learner, stream(first, seed + 1_000)), errors(learner, stream(second, seed + 2_000))


def errors(model: Any, stream: Any) -> Any:
    return np.array([model.predict_one(x) != y for x, y in stream.take(ROWS)], dtype=float)


def abrupt(old: Any, new: Any, _seed: int) -> Any:
    return np.where(np.arange(ROWS) >= BASELINE, new, old)


def recurring(old: Any, new: Any, _seed: int) -> Any:
    """The new concept for 1,500 rows, the old one for as many, and the new one again."""
    at = np.arange(ROWS) - BASELINE
    return np.where(((at >= 0) & (at < BACK / 2)) | (at >= BACK), new, old)


def gradual(old: Any, new: Any, seed: int) -> Any:
    """Rows of the new concept come up more and more often, over about 1,000 rows."""
    at = np.arange(ROWS) - BASELINE
    share = np.where(at >= 0, 1 / (1 + np.exp(-(at - 500) / 250)), 0)
    return np.where(np.random.default_rng(seed).random(ROWS) < share, new, old)


def incremental(seed: int) -> Any:
    """A hyperplane whose weights move a little with each row; 5 % of the labels are noise."""
    rng = np.random.default_rng(seed)
    x, weights, direction = rng.random((LEARNT + ROWS, 10)), rng.random(10), rng.choice([-1, 1], 10)
    moved = np.maximum(0, np.arange(LEARNT + ROWS) - LEARNT - BASELINE)[:, None] * 0.0005
    weights = weights + moved * direction * (np.arange(10) < 5)
    y = ((x * weights).sum(axis=1) >= weights.sum(axis=1) / 2) ^ (rng.random(len(x)) < 0.05)
    rows = [(dict(enumerate(row)), int(label)) for row, label in zip(x.tolist(), y, strict=True)]
    model = naive_bayes.GaussianNB()
    for row, label in rows[:LEARNT]:
        model.learn_one(row, label)
    return np.array([model.predict_one(row) != label for row, label in rows[LEARNT:]], dtype=float)


def unchanged(streams: dict[str, Any]) -> Any:
    """Streams without a change. The rows of one concept are independent, and so are the errors of a frozen model."""
    rng = np.random.default_rng(0)
    rates = [rows[:, :BASELINE].mean() for name, rows in streams.items() if "abrupt" in name or "incremental" in name]
    return (rng.random((UNCHANGED, ROWS)) < rng.choice(rates, UNCHANGED)[:, None]).astype(float)


def watch(rows: Any, change: int) -> Any:
    """First alarm after the change by delta and stream, in rows; those before it are forgiven."""
    return np.array([[first_alarm(bits.tolist(), delta, change) for bits in rows] for delta in DELTAS])


def first_alarm(bits: list[float], delta: float, change: int) -> float:
    detector = ADWIN(delta=delta)
    for at, bit in enumerate(bits):
        detector.update(bit)
        if detector.drift_detected and at >= change:
            return at - change
    return float("inf")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
