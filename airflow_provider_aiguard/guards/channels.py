"""What is tested about a pair of column profiles: one channel for each way a column can change."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_aiguard.core.profile import ColumnKind, ColumnProfile
from airflow_provider_aiguard.stats.chi_square import chi_square
from airflow_provider_aiguard.stats.detectable import detectable_ks, detectable_share, detectable_tv, shift_in_sd
from airflow_provider_aiguard.stats.good_turing import unseen_values
from airflow_provider_aiguard.stats.kolmogorov_smirnov import kolmogorov_smirnov
from airflow_provider_aiguard.stats.proportions import two_proportions
from airflow_provider_aiguard.stats.psi import merge_cells, psi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LONGEST_LEVEL = 30
"""Characters of the longest category a message may name."""


@dataclass(frozen=True, kw_only=True)
class Channel:
    """One test of one column.

    :param test: ``ks``, ``categories``, ``nulls``, ``nans`` or ``unseen``.
    :param column: the column.
    :param p_value: of "nothing changed", before any correction.
    :param effect: size of the change without what chance alone adds.
    :param seen: the change in words.
    :param detectable: the smallest change found with power 0.8, by the level of this one test.
    :param unit: that change in words.
    :param optional: whether an undecided outcome is only shown, unless the author named the column.
    :param detail: further numbers for machines.
    """

    test: str
    column: str
    p_value: float
    effect: float
    seen: str
    detectable: Callable[[float], float]
    unit: Callable[[float], str]
    optional: bool = False
    detail: Mapping[str, Any] = field(default_factory=dict)


def channels(reference: ColumnProfile, current: ColumnProfile, *, show_levels: bool = False) -> Iterator[Channel]:
    """Yield the tests of two profiles of a column counted on the same cells.

    :param show_levels: whether short categories may be named.
    """
    yield _missing("nulls", reference, current)
    if reference.nans or current.nans:
        yield _missing("nans", reference, current)
    if reference.kind is ColumnKind.NUMERIC:
        yield _ks(reference, current)
        return
    if len(reference.levels) > 1 or reference.other:
        yield _categories(reference, current, show_levels=show_levels)
    yield _unseen(reference, current, show_levels=show_levels)


def _missing(test: Literal["nulls", "nans"], reference: ColumnProfile, current: ColumnProfile) -> Channel:
    before, after = (reference.nulls, current.nulls) if test == "nulls" else (reference.nans, current.nans)
    what, n, m = "NULLs" if test == "nulls" else "NaNs", reference.rows, current.rows
    return Channel(
        test=test,
        column=reference.name,
        p_value=two_proportions(before, n, after, m),
        effect=abs(after / m - before / n),
        seen=f"{what} {before / n:.1%} -> {after / m:.1%}",
        detectable=partial(detectable_share, min(before / n, 1 - before / n), n, m),
        unit=partial(_points, what),
        detail={"reference": before / n, "current": after / m},
    )


def _ks(reference: ColumnProfile, current: ColumnProfile) -> Channel:
    result = kolmogorov_smirnov(reference.counts, current.counts)
    return Channel(
        test="ks",
        column=reference.name,
        p_value=result.p_value,
        effect=result.effect,
        seen=f"{_mean_shift(reference, current)}KS {result.effect:.3g}",
        detectable=partial(detectable_ks, reference.values, current.values),
        unit=_sd,
        optional=not reference.values,
        detail={
            "ks": result.distance,
            "psi": psi(*merge_cells(reference.counts, current.counts)),
            "reference_mean": reference.mean,
            "current_mean": current.mean,
        },
    )


def _categories(reference: ColumnProfile, current: ColumnProfile, *, show_levels: bool) -> Channel:
    before, after = (*reference.counts, reference.other), (*current.counts, current.other)
    result = chi_square(before, after, cutoff=reference.cutoff)
    seen = f"categories moved {result.total_variation:.1%} of the rows, w {result.effect:.3g}"
    return Channel(
        test="categories",
        column=reference.name,
        p_value=result.p_value,
        effect=result.effect,
        seen=seen + (_mover(reference, current) if show_levels else ""),
        detectable=partial(detectable_tv, reference.values, current.values, result.df),
        unit=_moved,
        optional=reference.tail * 2 > reference.values,
        detail={"total_variation": result.total_variation, "df": result.df, "psi": psi(before, after)},
    )


def _unseen(reference: ColumnProfile, current: ColumnProfile, *, show_levels: bool) -> Channel:
    result = unseen_values(
        tail=reference.tail,
        tail_next=reference.tail_next,
        cutoff=reference.cutoff,
        n=reference.values,
        other=current.other,
        m=current.values,
    )
    expected = f", {result.expected:.1%} expected" if result.expected else ""
    return Channel(
        test="unseen",
        column=reference.name,
        p_value=result.p_value,
        effect=max(0.0, result.share - result.expected),
        seen=f"{_what_is_unseen(reference, current, show_levels=show_levels)}: {result.share:.1%}{expected}",
        detectable=partial(detectable_share, result.expected, reference.values, current.values),
        unit=partial(_points, "unseen values"),
        detail={"expected": result.expected, "share": result.share},
    )


def _what_is_unseen(reference: ColumnProfile, current: ColumnProfile, *, show_levels: bool) -> str:
    if reference.cutoff > 1:
        return "rare and unseen values"
    if len(current.unseen) != 1:
        return "2 or more categories unseen before" if current.unseen else "values unseen before"
    name = current.unseen[0]
    named = show_levels and len(name) <= LONGEST_LEVEL
    return f"category {name!r} unseen before" if named else "1 category unseen before"


def _mean_shift(reference: ColumnProfile, current: ColumnProfile) -> str:
    if reference.mean is None or current.mean is None or not reference.std:
        return ""
    return f"mean {(current.mean - reference.mean) / reference.std:+.2f} sd, "


def _mover(reference: ColumnProfile, current: ColumnProfile) -> str:
    """Name the short category whose share changed most."""
    n, m = max(reference.values, 1), max(current.values, 1)
    rows = zip(reference.levels, reference.counts, current.counts, strict=True)
    moves = [(abs(b / m - a / n), level, a / n, b / m) for level, a, b in rows if len(level) <= LONGEST_LEVEL]
    if not moves:
        return ""
    _, level, before, after = max(moves)
    return f", most {level!r} {before:.1%} -> {after:.1%}"


def _points(what: str, change: float) -> str:
    return f"{change * 100:.2g} percentage points of {what}"


def _sd(distance: float) -> str:
    return f"{shift_in_sd(distance):.2g} sd (KS {distance:.2g})"


def _moved(distance: float) -> str:
    return f"{distance:.1%} of the rows moved between categories"
