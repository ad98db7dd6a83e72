"""Missing values: the shares of NULLs, and of what is no finite number."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from airflow_provider_aiguard.core.profile import ColumnProfile
from airflow_provider_aiguard.guards.channels.base import Channel, Pair, points
from airflow_provider_aiguard.stats.detectable import detectable_share
from airflow_provider_aiguard.stats.proportions import two_proportions


def nulls(pair: Pair) -> Channel:
    """Compare the shares of NULLs."""
    return _missing(pair, "nulls", "NULLs", pair.reference.nulls, pair.current.nulls)


def nans(pair: Pair) -> Channel:
    """Compare the shares of what is no finite number."""
    sides = pair.reference, pair.current
    return _missing(pair, "nans", what_is_no_number(sides), *(side.nans + side.infinite for side in sides))


def what_is_no_number(sides: Iterable[ColumnProfile]) -> str:
    """The words for it: infinite values are named where there are any."""
    return "NaNs and infinite values" if any(side.infinite for side in sides) else "NaNs"


def _missing(pair: Pair, test: str, what: str, before: int, after: int) -> Channel:
    n, m = pair.reference.rows, pair.current.rows
    factors = pair.factors("nulls")
    k, rows, hits, current_rows = (
        round(x / f) for x, f in zip((before, n, after, m), [factors[0]] * 2 + [factors[1]] * 2, strict=True)
    )
    return Channel(
        test=test,
        column=pair.name,
        p_value=two_proportions(k, rows, hits, current_rows),
        effect=abs(after / m - before / n),
        seen=f"{what} {before / n:.1%} -> {after / m:.1%}",
        detectable=partial(detectable_share, min(before / n, 1 - before / n), rows, current_rows),
        unit=partial(points, what),
        idle=not before + after,
        detail={"reference": before / n, "current": after / m},
    )
