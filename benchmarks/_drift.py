"""Tables that changed, and tables that did not, drawn as counts: a million rows cost as much as ten.

Shared by tests/validity/test_drift.py, which holds the drift guard to its promises, and benchmarks/validity.py, which
prints what it measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from airflow_provider_aiguard.core.limits.drift import DriftLimits
from airflow_provider_aiguard.core.profile import BUCKETS, ColumnKind, ColumnProfile, TableProfile
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome, Verdict
from airflow_provider_aiguard.guards import trailing
from airflow_provider_aiguard.guards.channels.categorical import bucket_of
from airflow_provider_aiguard.guards.drift import evaluate

Rng = np.random.Generator
Numbers = npt.NDArray[np.float64]

CELLS = 1_024
MAX_LEVELS = 200
POINTS = 200_000
"""Values that stand for a population of numbers: what is drawn is which cell a row falls into."""

SHAPES: dict[str, Callable[[Rng, int], Numbers]] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "uniform": lambda rng, n: rng.random(n),
    "exponential": lambda rng, n: rng.exponential(size=n),
    "lognormal": lambda rng, n: rng.lognormal(size=n),
    "t with 3 df": lambda rng, n: rng.standard_t(3, n),
    "two humps": lambda rng, n: np.where(rng.random(n) < 0.5, rng.normal(-3, 1, n), rng.normal(3, 1, n)),
    "95 % zeros": lambda rng, n: np.where(rng.random(n) < 0.95, 0.0, rng.gamma(2.0, 1.0, n)),
    "counts": lambda rng, n: rng.poisson(3.0, n).astype(float),
    "six prices": lambda rng, n: rng.choice([1.0, 2.0, 5.0, 9.99, 20.0, 99.0], n, p=[0.4, 0.3, 0.1, 0.1, 0.07, 0.03]),
    "rounded lognormal": lambda rng, n: np.round(rng.lognormal(3, 1, n)),
}
"""Ten shapes of numbers."""


def zipf(values: int) -> Numbers:
    weights = 1 / np.arange(1, values + 1)
    return weights / weights.sum()


CATEGORIES = (*(zipf(k) for k in (2, 5, 20, 50, 100, 150, 300, 1_000, 3_000)), np.full(5_000, 1 / 5_000))
"""Few values, many, more than are kept one by one, and an identifier."""

FIVE, MOVED = np.array([0.40, 0.25, 0.15, 0.12, 0.08]), np.array([0.38, 0.25, 0.15, 0.12, 0.10])
"""Two percentage points between categories."""


@dataclass(frozen=True)
class Law:
    """What a column of numbers is drawn from: by cell its share, and mean and mean square within it."""

    edges: tuple[float, ...]
    shares: Numbers
    means: Numbers
    squares: Numbers
    low: float
    high: float


@cache
def population(shape: str) -> Numbers:
    points = np.sort(SHAPES[shape](np.random.default_rng(2013), POINTS))
    return (points - points.mean()) / points.std()


@cache
def grid(shape: str) -> tuple[float, ...]:
    """Cells of equal mass, values heavier than a cell in cells of their own, tails outside."""
    tiles = np.array_split(population(shape), CELLS)
    lows, highs = [float(t[0]) for t in tiles], [float(t[-1]) for t in tiles]
    atoms = {low for low, high in zip(lows, highs, strict=True) if low == high}
    atoms |= {x for x in highs if highs.count(x) > 1}
    return tuple(sorted({*highs, *(float(np.nextafter(x, -np.inf)) for x in {*atoms, min(lows)})}))


@cache
def law(shape: str, shift: float = 0.0, contaminated: float = 0.0) -> Law:
    """The shape, moved by standard deviations, or with a share of values four of them away."""
    points = population(shape) + shift
    weights = np.full(POINTS, (1 - contaminated) / POINTS)
    if contaminated:
        far = np.random.default_rng(1).normal(4, 1, 20_000)
        points = np.concatenate([points, far])
        weights = np.concatenate([weights, np.full(len(far), contaminated / len(far))])
    edges = grid(shape)
    cell = np.searchsorted(edges, points)
    sums = [np.bincount(cell, weights * powers, len(edges) + 1) for powers in (1, points, points**2)]
    shares = np.maximum(sums[0], 1e-300)
    return Law(edges, sums[0], sums[1] / shares, sums[2] / shares, float(points.min()), float(points.max()))


def numeric(rng: Rng, n: int, name: str, of: Law, *, nulls: float = 0.0) -> ColumnProfile:
    """A column of numbers, counted."""
    missing = int(rng.binomial(n, nulls))
    counts = rng.multinomial(n - missing, of.shares / of.shares.sum())
    within = np.maximum(of.squares - of.means**2, 0.0)
    total = float(counts @ of.means + rng.normal() * np.sqrt(counts @ within))
    return ColumnProfile(
        name=name,
        kind=ColumnKind.NUMERIC,
        type="DOUBLE",
        edges=of.edges,
        learnt=True,
        rows=n,
        nulls=missing,
        counts=tuple(counts.tolist()),
        finite=n - missing,
        total=total,
        squares=float(counts @ of.squares),
        minimum=of.low,
        maximum=of.high,
    )


@cache
def buckets(values: int) -> npt.NDArray[np.int64]:
    return np.array([bucket_of(f"{i:06d}") for i in range(values)])


def learn(rng: Rng, n: int, name: str, shares: Numbers) -> ColumnProfile:
    """A column of categories, counted by the rows that its levels were made from."""
    counts = rng.multinomial(n, shares)
    cutoff = 1
    while np.count_nonzero(counts >= cutoff) > MAX_LEVELS:
        cutoff += 1
    column = ColumnProfile(
        name=name,
        kind=ColumnKind.CATEGORICAL,
        type="TEXT",
        levels=tuple(f"{i:06d}" for i in np.flatnonzero(counts >= cutoff).tolist()),
        cutoff=cutoff,
        tail=int(counts[counts <= cutoff].sum()),
        tail_next=int(np.count_nonzero(counts == cutoff + 1)),
        grid_values=n,
    )
    return replace(fill(column, counts), learnt=True)


def fill(column: ColumnProfile, counts: npt.NDArray[np.int64]) -> ColumnProfile:
    """Count other rows on the levels of a column."""
    known = np.zeros(len(counts), dtype=bool)
    known[[int(level) for level in column.levels]] = True
    rest = np.bincount(buckets(len(counts))[~known], counts[~known], BUCKETS).astype(int)
    return replace(
        column, learnt=False, rows=int(counts.sum()), counts=tuple(counts[known].tolist()), buckets=tuple(rest.tolist())
    )


def table(columns: Iterable[ColumnProfile], **fields: object) -> TableProfile:
    known = {column.name: column for column in columns}
    return TableProfile(table="t", rows=max(c.rows for c in known.values()), columns=known, **fields)  # type: ignore[arg-type]


def unchanged(rng: Rng, n: int, m: int) -> tuple[list[ColumnProfile], list[ColumnProfile]]:
    """Thirty columns that did not change: twenty of numbers in ten shapes, ten of categories."""
    shapes = [(f"x{i}", law(shape), 0.02 * (i % 3)) for i, shape in enumerate([*SHAPES, *SHAPES])]
    before = [numeric(rng, n, name, of, nulls=share) for name, of, share in shapes]
    after = [numeric(rng, m, name, of, nulls=share) for name, of, share in shapes]
    before += [learn(rng, n, f"c{i}", shares) for i, shares in enumerate(CATEGORIES)]
    after += [fill(column, rng.multinomial(m, p)) for column, p in zip(before[20:], CATEGORIES, strict=True)]
    return before, after


def drifted(rng: Rng, n: int, m: int) -> tuple[list[ColumnProfile], list[ColumnProfile]]:
    """Four columns that changed."""
    normal = law("normal")
    before = [
        numeric(rng, n, "mean", normal),
        numeric(rng, n, "contaminated", normal),
        numeric(rng, n, "missing", normal, nulls=0.02),
        learn(rng, n, "moved", FIVE),
    ]
    after = [
        numeric(rng, m, "mean", law("normal", shift=0.1)),
        numeric(rng, m, "contaminated", law("normal", contaminated=0.05)),
        numeric(rng, m, "missing", normal, nulls=0.04),
        fill(before[3], rng.multinomial(m, MOVED)),
    ]
    return before, after


CHANGES = {
    "mean +0.1 sd": ("drift.ks", "mean"),
    "5 % at +4 sd": ("drift.ks", "contaminated"),
    "NULLs 2 -> 4 %": ("drift.nulls", "missing"),
    "2 pp moved": ("drift.categories", "moved"),
}


def breaches(checks: Sequence[CheckResult]) -> set[tuple[str, str | None]]:
    return {(c.check, c.column) for c in checks if c.outcome is Outcome.BREACH}


def outcome(checks: Sequence[CheckResult]) -> Outcome:
    return Verdict(guard="drift", subject="t", checks=tuple(checks)).outcome


@dataclass(frozen=True)
class Rates:
    """How often verdicts came out, of how many."""

    repetitions: int
    breach: int
    undecided: int

    def __str__(self) -> str:
        shares = self.breach / self.repetitions, (self.breach + self.undecided) / self.repetitions
        return f"breach {shares[0]:.3f}   breach or undecided {shares[1]:.3f}   of {self.repetitions}"


def rates(verdicts: Iterable[Outcome]) -> Rates:
    found = [*verdicts]
    return Rates(len(found), found.count(Outcome.BREACH), found.count(Outcome.UNDECIDED))


def false_alarms(n: int, m: int, repetitions: int, *, seed: int = 7, limits: DriftLimits | None = None) -> Rates:
    """Verdicts over a table that did not change."""
    rng = np.random.default_rng([seed, n, m])
    drawn = (unchanged(rng, n, m) for _ in range(repetitions))
    return rates(outcome(evaluate(table(before), table(after), limits)) for before, after in drawn)


def power(n: int, m: int, repetitions: int, *, seed: int = 8, alpha: float = 0.05) -> dict[str, float]:
    """How often each change is found among thirty columns that did not change."""
    rng, hits = np.random.default_rng([seed, n, m]), dict.fromkeys(CHANGES, 0)
    rest = unchanged(rng, n, m)
    for _ in range(repetitions):
        before, after = drifted(rng, n, m)
        checks = evaluate(table([*before, *rest[0]]), table([*after, *rest[1]]), DriftLimits(alpha=alpha))
        for name, change in CHANGES.items():
            hits[name] += change in breaches(checks)
    return {name: count / repetitions for name, count in hits.items()}


def trifles(n: int, repetitions: int, *, shift: float = 0.01, seed: int = 9) -> tuple[float, float]:
    """A shift too small to matter: how often it alarms, and how often its p-value alone would."""
    rng = np.random.default_rng([seed, n])
    alarms = significant = 0
    for _ in range(repetitions):
        before, after = numeric(rng, n, "y", law("normal")), numeric(rng, n, "y", law("normal", shift=shift))
        checks = evaluate(table([before]), table([after]))
        alarms += outcome(checks) is Outcome.BREACH
        significant += any((c.detail or {})["adjusted_p_value"] <= 0.05 for c in checks)
    return alarms / repetitions, significant / repetitions


WOBBLES: dict[str, Callable[[Rng, tuple[int, int]], Numbers]] = {
    "Gaussian": lambda rng, size: rng.normal(size=size),
    "t with 3 df": lambda rng, size: rng.standard_t(3, size) / np.sqrt(3),
}
EDGES = tuple(norm.ppf(np.arange(1, 128) / 128).tolist())


def wobbling(rng: Rng, n: int, shifts: Sequence[float], shares: Sequence[float]) -> TableProfile:
    """A batch: normal columns at these means, and a category at these shares of one hundred others."""
    below = norm.cdf(np.subtract.outer(np.asarray(EDGES), np.asarray(shifts))).T
    cells = np.diff(below, prepend=0, append=1)
    columns = []
    for i, (shift, chances) in enumerate(zip(shifts, cells, strict=True)):
        total = n * (shift + rng.normal() / np.sqrt(n))
        counts = tuple(rng.multinomial(n, chances).tolist())
        columns.append(
            ColumnProfile(
                name=f"x{i}",
                kind=ColumnKind.NUMERIC,
                type="DOUBLE",
                edges=EDGES,
                rows=n,
                counts=counts,
                finite=n,
                total=total,
                squares=n * (1 + shift**2),
                minimum=-6.0,
                maximum=6.0,
            )
        )
    for i, share in enumerate(shares):
        rest = np.array([0.4, 0.3, 0.2, 0.1]) * (1 - share)
        counts = tuple(rng.multinomial(n, [share, *rest]).tolist())
        levels = tuple("abcde")
        columns.append(
            ColumnProfile(name=f"c{i}", kind=ColumnKind.CATEGORICAL, type="TEXT", levels=levels, rows=n, counts=counts)
        )
    return table(columns)


def trailing_rates(
    wobble: str,
    repetitions: int,
    *,
    shift: float = 0.0,
    n: int = 1_000_000,
    k: int = 8,
    sd: float = 0.05,
    seed: int = 10,
) -> Rates:
    """Verdicts over a batch like those before it, or with one column shifted by so many wobbles."""
    rng = np.random.default_rng([seed, n, k, len(wobble)])
    verdicts = []
    for _ in range(repetitions):
        shifts = sd * WOBBLES[wobble](rng, (k + 1, 20))
        shares = np.sin(np.arcsin(np.sqrt(0.3)) + 0.02 * WOBBLES[wobble](rng, (k + 1, 10))) ** 2
        shifts[-1, 0] += shift * sd
        *batches, current = (wobbling(rng, n, a, b) for a, b in zip(shifts.tolist(), shares.tolist(), strict=True))
        checks = trailing.evaluate(batches, current)
        found = outcome(checks)
        if shift and ("drift.mean", "x0") not in breaches(checks):
            found = Outcome.UNDECIDED if found is Outcome.UNDECIDED else Outcome.PASS
        verdicts.append(found)
    return rates(verdicts)


def pooled_rates(repetitions: int, *, n: int = 1_000_000, sd: float = 0.05, seed: int = 10) -> Rates:
    """The same wobble against one batch: what the trailing reference is for."""
    rng, verdicts = np.random.default_rng([seed, n]), []
    for _ in range(repetitions):
        shifts = sd * rng.normal(size=(2, 20))
        before, after = (wobbling(rng, n, a, [0.3] * 10) for a in shifts.tolist())
        verdicts.append(outcome(evaluate(before, after)))
    return rates(verdicts)


def clustered_rates(n: int, effect: int, repetitions: int, *, known: bool, seed: int = 11) -> Rates:
    """Verdicts over an unchanged table in which rows come in clusters of equal ones.

    :param effect: rows in a cluster, which is the design effect.
    :param known: whether ``cluster=`` was given: the profiles carry an estimate of it, with the error it has.
    """
    rng, verdicts, clusters = np.random.default_rng([seed, n, effect]), [], n // effect
    for _ in range(repetitions):
        sides = unchanged(rng, clusters, clusters)
        tables = []
        for columns in sides:
            estimates = effect * rng.chisquare(clusters - 1, (len(columns), 2)) / (clusters - 1)
            grown = [
                times(column, effect, {"values": a, "nulls": b} if known else {})
                for column, (a, b) in zip(columns, estimates.tolist(), strict=True)
            ]
            tables.append(table(grown, clusters=clusters if known else None))
        verdicts.append(outcome(evaluate(*tables)))
    return rates(verdicts)


def times(column: ColumnProfile, k: int, design_effects: dict[str, float]) -> ColumnProfile:
    """The column with each row k times."""
    numbers = ("rows", "nulls", "finite", "total", "squares", "grid_values")
    at_cutoff = column.cutoff * column.counts.count(column.cutoff) if column.kind is ColumnKind.CATEGORICAL else 0
    return replace(
        column,
        # A value at the former cutoff now lies above it.
        tail=k * (column.tail - at_cutoff),
        tail_next=0,
        counts=tuple(k * n for n in column.counts),
        buckets=tuple(k * n for n in column.buckets),
        **{name: k * getattr(column, name) for name in numbers},
        cutoff=(column.cutoff - 1) * k + 1,
        design_effects=design_effects,
    )
