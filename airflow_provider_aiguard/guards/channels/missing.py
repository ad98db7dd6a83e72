"""Missing values: the shares of NULLs and NaNs."""

from __future__ import annotations

from functools import partial
from typing import Literal

from airflow_provider_aiguard.guards.channels.base import Channel, Pair, points
from airflow_provider_aiguard.stats.detectable import detectable_share
from airflow_provider_aiguard.stats.proportions import two_proportions


def nulls(pair: Pair) -> Channel:
    """Compare the shares of NULLs."""
    return _missing(pair, "nulls", "NULLs")


def nans(pair: Pair) -> Channel:
    """Compare the shares of NaNs."""
    return _missing(pair, "nans", "NaNs")


def _missing(pair: Pair, test: Literal["nulls", "nans"], what: str) -> Channel:
    (before, n), (after, m) = ((getattr(side, test), side.rows) for side in (pair.reference, pair.current))
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
