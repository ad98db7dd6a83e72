"""Numbers: distribution, distance, mean, spread."""

from __future__ import annotations

import math
from functools import partial

from airflow_provider_aiguard.core.profile import ColumnProfile
from airflow_provider_aiguard.guards.channels.base import Channel, Pair, in_sd
from airflow_provider_aiguard.stats.detectable import detectable_ks, detectable_share, detectable_shift
from airflow_provider_aiguard.stats.kolmogorov_smirnov import kolmogorov_smirnov
from airflow_provider_aiguard.stats.mean_shift import mean_shift
from airflow_provider_aiguard.stats.psi import merge_cells, psi
from airflow_provider_aiguard.stats.sample_size import effective_size
from airflow_provider_aiguard.stats.spread import spread as compare_spreads
from airflow_provider_aiguard.stats.wasserstein import Wasserstein
from airflow_provider_aiguard.stats.wasserstein import wasserstein as area_between

NEAR = 1e100
"""Numbers beyond this many standard deviations are taken to lie there: their squares still are numbers."""

ENOUGH = 20
"""Rows that count from which the large-sample test of distance holds; below, it says nothing."""

COARSE = 0.05
"""Share of the reference in one cell of several values that hides too much."""

ENOUGH_TO_SPREAD = 500
"""The same for that of spread: of fewer, a long tail's kurtosis has no estimate."""


def ks(pair: Pair) -> Channel:
    """Compare the distribution functions."""
    blind = not_in_cells(pair.reference)
    if blind:
        return Channel(test="ks", column=pair.name, blind=blind)
    before, after = pair.counts()
    result = kolmogorov_smirnov(before, after)
    return Channel(
        test="ks",
        column=pair.name,
        p_value=result.p_value,
        effect=result.effect,
        seen=f"{_shift(pair)}KS {result.effect:.3g}",
        detectable=lambda alpha: min(1.0, detectable_ks(*pair.sizes, alpha) + _hidden(pair.reference)),
        unit=in_sd,
        optional=not pair.reference.values,
        detail={
            "ks": result.distance,
            "psi": psi(*merge_cells(before, after)).effect,
            "reference_mean": pair.reference.mean,
            "current_mean": pair.current.mean,
        },
    )


def wasserstein(pair: Pair) -> Channel:
    """Compare by the area between the distribution functions, in standard deviations of the reference."""
    before, after = pair.reference, pair.current
    blind = _not_in_area(pair)
    if blind:
        return Channel(test="wasserstein", column=pair.name, blind=blind, optional=not before.values)
    scale = before.std or _pooled_sd(before, after)
    if not scale:
        return _rows_only("wasserstein", pair, "Wasserstein 0 sd")
    lows = [side.minimum for side in (before, after) if side.minimum is not None]
    highs = [side.maximum for side in (before, after) if side.maximum is not None]

    def scaled(x: float) -> float:
        return min(max((x - before.center) / scale, -NEAR), NEAR)

    result = area_between(
        [scaled(x) for x in before.edges], *pair.counts(), low=scaled(min(lows)), high=scaled(max(highs))
    )
    if not result.chance[2]:
        return _rows_only("wasserstein", pair, "Wasserstein 0 sd")
    return Channel(
        test="wasserstein",
        column=pair.name,
        p_value=result.p_value,
        effect=result.effect,
        seen=f"{_shift(pair)}Wasserstein {result.effect:.2g} sd",
        detectable=partial(_detectable_area, result, effective_size(*pair.sizes)),
        unit=_sd,
        nothing=math.inf,
        detail={"wasserstein": result.distance},
    )


def not_in_cells(reference: ColumnProfile) -> str:
    """Why counts by cell say nothing of a column; empty if they do.

    A reference that moves is counted on the cells of its first batch, and may have left them.
    """
    if reference.values and not reference.edges:
        return "the reference has no finite value, so there are no cells to count in"
    hidden = _hidden(reference)
    if hidden > COARSE:
        return (
            f"{hidden:.0%} of the reference lie in one cell, where no change is seen: begin again with another name "
            "for the reference"
        )
    return ""


def _hidden(reference: ColumnProfile) -> float:
    """Share of the rows that the cells may hide; those that were made from these very rows hide next to nothing."""
    return 0.0 if reference.learnt else reference.resolution


def _not_in_area(pair: Pair) -> str:
    """Why there is no area between the distribution functions; empty if there is one."""
    before, after = pair.reference, pair.current
    if not all(pair.sizes) or not_in_cells(before):
        return not_in_cells(before) or "no values"
    if min(pair.sizes) < ENOUGH:
        return f"Wasserstein not comparable below {ENOUGH} rows"
    infinite = not (before.std or _pooled_sd(before, after)) and before.infinite + after.infinite
    return "the finite values do not vary, and how far infinite ones lie from them is no number" if infinite else ""


def mean(pair: Pair) -> Channel:
    """Compare the means of the finite values."""
    factors = pair.factors("values")
    before, after = (
        (side.finite / factor, side.mean, side.std)
        for side, factor in zip((pair.reference, pair.current), factors, strict=True)
    )
    if before[1] is None or before[2] is None or after[1] is None or after[2] is None:
        return Channel(
            test="mean", column=pair.name, blind="no finite values to compare", optional=not pair.reference.values
        )
    result = mean_shift((before[0], before[1], before[2]), (after[0], after[1], after[2]))
    infinite = pair.reference.infinite + pair.current.infinite
    if not before[2]:
        return left_constant(pair.name, before[0], before[1], (after[0], after[1], after[2]))
    return Channel(
        test="mean",
        column=pair.name,
        p_value=result.p_value,
        effect=result.effect,
        seen=f"mean {result.shift:+.2f} sd" + (f", {infinite:,} infinite values left out" if infinite else ""),
        detectable=partial(detectable_shift, _inverse(effective_size(before[0], after[0]))),
        unit=_sd,
        nothing=math.inf,
        detail={"reference_mean": before[1], "current_mean": after[1]},
    )


def left_constant(column: str, n: float, value: float, current: tuple[float, float, float], where: str = "") -> Channel:
    """Test the mean of a column that did not vary.

    :param n: rows that count of the reference.
    :param value: what all of them had.
    :param current: rows that count, mean and standard deviation.
    :param where: in what it did not vary, in words.
    """
    result = mean_shift((n, value, 0.0), current)
    return Channel(
        test="mean",
        column=column,
        p_value=result.p_value,
        effect=result.effect,
        seen=f"mean {value:.6g} -> {current[1]:.6g}, of what did not vary{where}",
        detectable=lambda alpha: _moved_mean(detectable_share(0.0, n, current[0], alpha)),
        unit=lambda shift: f"{100 - 100 / (1 + shift**2):.2g}% of the rows at another value",
        nothing=math.inf,
        detail={"reference_mean": value, "current_mean": current[1]},
    )


def _moved_mean(share: float) -> float:
    """Shift of the mean, in standard deviations, if this share of a constant's rows takes another value."""
    return math.sqrt(share / (1 - share)) if share < 1 else math.inf


def spread(pair: Pair) -> Channel:
    """Compare the standard deviations."""
    before, after = pair.counts()
    blind = not_in_cells(pair.reference)
    if blind:
        return Channel(test="spread", column=pair.name, blind=blind)
    if 0 < min(pair.sizes) < ENOUGH_TO_SPREAD:
        return Channel(test="spread", column=pair.name, blind=f"spread not comparable below {ENOUGH_TO_SPREAD} rows")
    result = compare_spreads(pair.reference.edges, before, after)
    if not math.isfinite(result.variance):
        alike = compare_spreads(pair.reference.edges, before, before)
        constant = not math.isfinite(alike.variance)
        which = "the reference does not vary" if constant else "the current values do not vary"
        return Channel(test="spread", column=pair.name, blind=f"spread not comparable: {which}", optional=constant)
    return Channel(
        test="spread",
        column=pair.name,
        p_value=result.p_value,
        effect=result.effect,
        seen=f"standard deviation {math.expm1(result.shift):+.1%}",
        detectable=partial(detectable_shift, result.variance),
        unit=_of_it,
        nothing=math.inf,
        detail={"log_ratio": result.shift},
    )


def _rows_only(test: str, pair: Pair, seen: str) -> Channel:
    """Make the channel of a column without a spread: what is visible depends on the rows alone."""
    return Channel(
        test=test,
        column=pair.name,
        seen=seen,
        detectable=partial(detectable_ks, *pair.sizes),
        unit=lambda share: f"{share:.1%} of the rows at another value",
        optional=not pair.reference.values,
    )


def _shift(pair: Pair) -> str:
    before, after, sd = pair.reference.mean, pair.current.mean, pair.reference.std
    return "" if before is None or after is None or not sd else f"mean {(after - before) / sd:+.2f} sd, "


def _pooled_sd(before: ColumnProfile, after: ColumnProfile) -> float:
    """Standard deviation of both together; 0 if nothing varies."""
    if before.mean is None or after.mean is None:
        return after.std or 0.0
    share = before.finite / (before.finite + after.finite)
    within = share * (before.std or 0.0) ** 2 + (1 - share) * (after.std or 0.0) ** 2
    return math.sqrt(within + share * (1 - share) * (after.mean - before.mean) ** 2)


def _detectable_area(result: Wasserstein, size: float, alpha: float) -> float:
    """Shift of the whole column: its area is at least that of the means, which scatter by a known amount."""
    return result.critical(alpha) + 0.8416 * math.sqrt(_inverse(size))


def _inverse(size: float) -> float:
    return 1 / size if size else math.inf


def _sd(shift: float) -> str:
    return f"{shift:.2g} sd"


def _of_it(shift: float) -> str:
    return f"{math.expm1(min(shift, 100)):.1%} of it"
