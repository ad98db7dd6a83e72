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
from airflow_provider_aiguard.guards.channels.missing import what_is_no_number
from airflow_provider_aiguard.guards.channels.numeric import left_constant, not_in_cells
from airflow_provider_aiguard.stats.prediction import Prediction, predict
from airflow_provider_aiguard.stats.spread import centres, log_sd

MIN_BATCHES = 5
"""Fewer say too little about the wobble between batches."""

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

    def having(self, test: str, what: str, has: Callable[[ColumnProfile, float], bool]) -> Series | Channel:
        """Leave out the batches that have nothing to compare, such as those of a day on which all was NULL.

        :param what: what they need to have, in words.
        :param has: whether a profile with this design effect has it.
        :return: a channel that says nothing if too few are left, or the current batch has nothing; it is only shown if
            no batch ever had: nothing went missing.
        """
        *batches, current = self.all
        kept = [(c, factor) for c, factor in batches if has(c, factor)]
        now = has(*current)
        if now and len(kept) >= MIN_BATCHES:
            return replace(self, batches=[c for c, _ in kept], factors=[*(factor for _, factor in kept), current[1]])
        few = f"{len(kept)} of {len(batches)} batches have {what}, {MIN_BATCHES} are needed"
        blind = f"this batch has no {what}" if kept and not now else few
        return Channel(test=test, column=self.name, blind=blind, optional=not kept)


def mean(series: Series) -> Iterator[Channel]:
    """Test the mean, in the standard deviation within batches."""
    usable = series.having("mean", "finite values", lambda c, _: c.finite > 0)
    if isinstance(usable, Channel):
        yield usable
        return
    known = [(c.finite / factor, c.mean or 0.0, c.std or 0.0) for c, factor in usable.all]
    scale = math.sqrt(math.fsum(sd**2 for _, _, sd in known[:-1]) / len(usable.batches))
    if not scale:
        yield _constant(series.name, known)
        return
    center = known[0][1]
    found = _predict([((y - center) / scale, (sd / scale) ** 2 / n) for n, y, sd in known])
    yield _in_sd("mean", usable, found, f"mean {found.shift:+.2f} sd", lambda x: f"{x:.2g} sd")


def spread(series: Series) -> Iterator[Channel]:
    """Test the logarithm of the standard deviation."""
    counts = [thinned(c.counts, factor) for c, factor in series.all]
    values = centres(series.current.edges, np.sum(counts[:-1], axis=0).tolist())

    def point(column: ColumnProfile, factor: float) -> tuple[float, float] | None:
        return None if not_in_cells(column) else log_sd(values, thinned(column.counts, factor))

    usable = series.having("spread", "values that vary over the cells", lambda c, factor: point(c, factor) is not None)
    if isinstance(usable, Channel):
        yield usable
        return
    found = _predict([known for c, factor in usable.all if (known := point(c, factor))])
    seen = f"standard deviation {math.expm1(found.shift):+.1%}"
    yield _in_sd("spread", usable, found, seen, lambda x: f"{math.expm1(min(x, 100)):.1%} of it")


def nulls(series: Series) -> Iterator[Channel]:
    """Test the share of NULLs."""
    yield _share("nulls", "NULLs", series, [(c.nulls, c.rows) for c, _ in series.all])


def nans(series: Series) -> Iterator[Channel]:
    """Test the share of what is no finite number."""
    hits = [(c.nans + c.infinite, c.rows) for c, _ in series.all]
    if any(k for k, _ in hits):
        yield _share("nans", what_is_no_number(c for c, _ in series.all), series, hits)


def unseen(series: Series) -> Iterator[Channel]:
    """Test the share of values that are no level. The batch that made the levels has the share it expects of others."""
    usable = series.having("unseen", "values", _has_values)
    if isinstance(usable, Channel):
        yield usable
        return
    hits = [(c.tail, c.grid_values or c.values) if c.learnt else (c.other, c.values) for c, _ in usable.all]
    channel = _share("unseen", "rare and unseen values", usable, hits)
    fewer = channel.detail["current"] < channel.detail["reference"]
    yield replace(channel, effect=0.0) if fewer else channel


def levels(series: Series) -> Iterator[Channel]:
    """Test the shares of the most frequent categories."""
    usable = series.having("levels", "values", _has_values)
    if isinstance(usable, Channel):
        yield usable
        return
    totals = np.sum([c.counts for c in usable.batches], axis=0) if series.current.levels else np.zeros(0)
    optional = levels_say_little(series.batches[0])
    for rank, i in enumerate(np.argsort(-totals, kind="stable")[:TOP].tolist(), start=1):
        level = series.current.levels[i]
        named = series.show_levels and len(level) <= LONGEST_LEVEL
        what = f"category {level!r}" if named else f"category no. {rank}"
        hits = [(c.counts[i], c.values) for c, _ in usable.all]
        yield replace(_share("levels", what, usable, hits), optional=optional)


Builder = Callable[[Series], Iterator[Channel]]

BUILDERS: Mapping[ColumnKind, Mapping[str, Builder]] = {
    ColumnKind.NUMERIC: {"nulls": nulls, "nans": nans, "mean": mean, "spread": spread},
    ColumnKind.CATEGORICAL: {"nulls": nulls, "categories": levels, "unseen": unseen},
    ColumnKind.TEMPORAL: {"nulls": nulls},
}
"""By kind of column, the tests that there are, all of them recommended."""


def _has_values(column: ColumnProfile, _: float) -> bool:
    return column.values > 0


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


def _constant(name: str, known: Sequence[tuple[float, float, float]]) -> Channel:
    """Test the mean of a column that did not vary within batches."""
    *batches, current = known
    value = batches[0][1]
    if any(mean != value for _, mean, _ in batches):
        blind = "constant within each batch and different between them: no spread to measure a mean by"
        return Channel(test="mean", column=name, blind=blind, optional=True)
    rows = math.fsum(n for n, _, _ in batches)
    return left_constant(name, rows, value, current, f" in {len(batches)} batches")
