"""Tests of one column against several batches: its mean, its spread, shares of its rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from airflow_provider_aiguard.core.profile import ColumnKind, ColumnProfile
from airflow_provider_aiguard.guards.channels.base import Channel, points, thinned
from airflow_provider_aiguard.guards.channels.categorical import LONGEST_LEVEL, levels_say_little
from airflow_provider_aiguard.stats.detectable import detectable_share
from airflow_provider_aiguard.stats.prediction import Prediction, predict
from airflow_provider_aiguard.stats.proportions import two_proportions
from airflow_provider_aiguard.stats.spread import centres, log_sd

TOP = 5
"""Most frequent categories that are followed one by one."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """A column in batches counted on the same cells.

    :param batches: its profiles, oldest first.
    :param current: the one that is judged.
    :param factors: design effects of the batches, then of the current one.
    :param show_levels: whether short categories may be named.
    """

    batches: Sequence[ColumnProfile]
    current: ColumnProfile
    factors: Sequence[float]
    show_levels: bool = False

    @property
    def name(self) -> str:
        """The column."""
        return self.current.name

    @property
    def all(self) -> Sequence[tuple[ColumnProfile, float]]:
        """All profiles, the current one last, each with its design effect."""
        return [*zip([*self.batches, self.current], self.factors, strict=True)]


def mean(series: Series) -> Iterator[Channel]:
    """Test the mean, in the standard deviation within batches."""
    moments = [(c.finite / factor, c.mean, c.std) for c, factor in series.all]
    known = [(n, y, sd) for n, y, sd in moments if y is not None and sd is not None]
    if len(known) < len(moments):
        yield Channel(test="mean", column=series.name, blind="a batch has no finite values", optional=True)
        return
    scale = math.sqrt(math.fsum(sd**2 for _, _, sd in known[:-1]) / len(series.batches))
    if not scale:
        yield _constant(series)
        return
    center = known[0][1]
    found = _predict([((y - center) / scale, (sd / scale) ** 2 / n) for n, y, sd in known])
    yield _in_sd("mean", series, found, f"mean {found.shift:+.2f} sd", lambda x: f"{x:.2g} sd")


def spread(series: Series) -> Iterator[Channel]:
    """Test the logarithm of the standard deviation."""
    counts = [thinned(c.counts, factor) for c, factor in series.all]
    values = centres(series.current.edges, np.sum(counts[:-1], axis=0).tolist())
    points_ = [log_sd(values, side) for side in counts]
    known = [point for point in points_ if point is not None]
    if len(known) < len(points_):
        blind = "spread not comparable: a batch does not vary"
        yield Channel(test="spread", column=series.name, blind=blind, optional=None in points_[:-1])
        return
    found = _predict(known)
    seen = f"standard deviation {math.expm1(found.shift):+.1%}"
    yield _in_sd("spread", series, found, seen, lambda x: f"{math.expm1(min(x, 100)):.1%} of it")


def nulls(series: Series) -> Iterator[Channel]:
    """Test the share of NULLs."""
    yield _share("nulls", "NULLs", series, [(c.nulls, c.rows) for c, _ in series.all])


def nans(series: Series) -> Iterator[Channel]:
    """Test the share of NaNs."""
    if any(c.nans for c, _ in series.all):
        yield _share("nans", "NaNs", series, [(c.nans, c.rows) for c, _ in series.all])


def unseen(series: Series) -> Iterator[Channel]:
    """Test the share of values that are no level. The batch that made the levels has the share it expects of others."""
    hits = [(c.tail, c.grid_values or c.values) if c.learnt else (c.other, c.values) for c, _ in series.all]
    channel = _share("unseen", "rare and unseen values", series, hits)
    fewer = channel.detail["current"] < channel.detail["reference"] if not channel.blind else False
    yield replace(channel, effect=0.0) if fewer else channel


def levels(series: Series) -> Iterator[Channel]:
    """Test the shares of the most frequent categories."""
    totals = np.sum([c.counts for c in series.batches], axis=0) if series.current.levels else np.zeros(0)
    optional = levels_say_little(series.batches[0])
    for rank, i in enumerate(np.argsort(-totals, kind="stable")[:TOP].tolist(), start=1):
        level = series.current.levels[i]
        named = series.show_levels and len(level) <= LONGEST_LEVEL
        what = f"category {level!r}" if named else f"category no. {rank}"
        hits = [(c.counts[i], c.values) for c, _ in series.all]
        yield replace(_share("levels", what, series, hits), optional=optional)


Builder = Callable[[Series], Iterator[Channel]]

BUILDERS: Mapping[ColumnKind, Mapping[str, Builder]] = {
    ColumnKind.NUMERIC: {"nulls": nulls, "nans": nans, "mean": mean, "spread": spread},
    ColumnKind.CATEGORICAL: {"nulls": nulls, "categories": levels, "unseen": unseen},
    ColumnKind.TEMPORAL: {"nulls": nulls},
}
"""By kind of column, the tests that there are, all of them recommended."""


def _predict(points_: Sequence[tuple[float, float]]) -> Prediction:
    return predict(points_[:-1], points_[-1])


def _in_sd(test: str, series: Series, found: Prediction, seen: str, unit: Callable[[float], str]) -> Channel:
    return Channel(
        test=test,
        column=series.name,
        p_value=found.p_value,
        effect=found.effect,
        seen=_against(series, seen, unit(found.between)),
        detectable=found.detectable,
        unit=unit,
        nothing=math.inf,
        detail={"shift": found.shift, "between": found.between, "batches": len(series.batches)},
    )


def _against(series: Series, seen: str, wobble: str) -> str:
    return f"{seen} against {len(series.batches)} batches, which wobble by {wobble}"


def _share(test: str, what: str, series: Series, hits: Sequence[tuple[int, int]]) -> Channel:
    """Test a share on the arcsine scale, where its sampling variance does not depend on it."""
    if any(not rows for _, rows in hits):
        return Channel(test=test, column=series.name, blind=f"a batch has no rows to have {what}", optional=True)
    points_ = [
        (math.asin(math.sqrt(min(1.0, k / rows))), factor / (4 * rows))
        for (k, rows), factor in zip(hits, series.factors, strict=True)
    ]
    found = _predict(points_)
    usual = points_[-1][0] - found.shift
    before, after = _at(usual), _at(points_[-1][0])
    between = _rise(usual, found.between)
    return Channel(
        test=test,
        column=series.name,
        p_value=found.p_value,
        effect=abs(_at(usual + math.copysign(found.effect, found.shift)) - before),
        seen=_against(series, f"{what} {before:.1%} -> {after:.1%}", f"{100 * between:.2g} points"),
        detectable=lambda alpha: _rise(usual, found.detectable(alpha)),
        unit=partial(points, what),
        idle=not any(k for k, _ in hits),
        detail={"reference": before, "current": after, "between": between, "batches": len(series.batches)},
    )


def _at(angle: float) -> float:
    return math.sin(min(max(angle, 0.0), math.pi / 2)) ** 2


def _rise(usual: float, angle: float) -> float:
    """Change of a share by this angle, away from the nearer end; 1 if that goes beyond the other."""
    start = min(usual, math.pi / 2 - usual)
    return 1.0 if start + angle >= math.pi / 2 else _at(start + angle) - _at(start)


def _constant(series: Series) -> Channel:
    """Test the mean of a column that did not vary: that every row differs now is a question of shares."""
    before, now = series.batches[-1].mean, series.current.mean
    if any(batch.mean != before for batch in series.batches):
        blind = "constant within each batch and different between them: no spread to measure a mean by"
        return Channel(test="mean", column=series.name, blind=blind, optional=True)
    *batches, rows = (round(c.finite / factor) for c, factor in series.all)
    return Channel(
        test="mean",
        column=series.name,
        p_value=two_proportions(0, sum(batches), rows, rows) if now != before else 1.0,
        effect=math.inf if now != before else 0.0,
        seen=f"mean {before:.6g} -> {now:.6g}, of what did not vary in {len(batches)} batches",
        detectable=partial(detectable_share, 0.0, sum(batches), rows),
        unit=lambda share: f"{share:.1%} of the rows at another value",
    )
