"""Two columns together: whether their dependence changed, each alone perhaps unchanged."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_aiguard.guards.channels.base import Channel, thinned
from airflow_provider_aiguard.stats.detectable import detectable_shift
from airflow_provider_aiguard.stats.odds_ratio import OddsRatio, odds_ratio, yule

Counts = Sequence[int]


def dependence(
    names: tuple[str, str], reference: Counts, current: Counts, factors: tuple[float, float]
) -> Channel | None:
    """Compare the dependence of two columns; ``None`` if one of them does not vary around its median.

    :param names: the columns.
    :param reference: rows with both low, first high only, second high only, both high.
    :param current: the same.
    :param factors: design effects of reference and current.
    """
    if not _varies(reference):
        return None
    column = " ~ ".join(names)
    if not _varies(current):
        return Channel(test="dependence", column=column, blind="one of them no longer varies around its median")
    before, after = (
        thinned(tuple(counts), factor) for counts, factor in zip((reference, current), factors, strict=True)
    )
    result = odds_ratio(before, after)
    return Channel(
        test="dependence",
        column=column,
        p_value=result.p_value,
        effect=result.effect,
        seen=f"dependence {result.before:+.2f} -> {result.after:+.2f} (Yule's Y)",
        detectable=lambda alpha: _detectable(result, alpha),
        unit=lambda change: f"{change:.2g} (Yule's Y)",
        detail={"columns": list(names), "reference": result.before, "current": result.after},
    )


def _varies(counts: Counts) -> bool:
    neither, first, second, both = counts
    return min(neither + first, second + both, neither + second, first + both) > 0


def _detectable(result: OddsRatio, alpha: float) -> float:
    """Smallest change of Y, towards the side where it is harder to see."""
    shift = detectable_shift(result.variance, alpha)
    return max(abs(yule(result.logarithm + sign * shift) - result.before) for sign in (-1, 1))
