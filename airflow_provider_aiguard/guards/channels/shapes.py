"""What else is counted of texts and times: lengths, hours of the week."""

from __future__ import annotations

from functools import partial

from airflow_provider_aiguard.guards.channels.base import Channel, Pair, moved, thinned
from airflow_provider_aiguard.stats.chi_square import chi_square
from airflow_provider_aiguard.stats.detectable import detectable_ks, detectable_tv
from airflow_provider_aiguard.stats.kolmogorov_smirnov import kolmogorov_smirnov


def length(pair: Pair) -> Channel:
    """Compare the distributions of text lengths."""
    reference, current = pair.reference, pair.current
    if not sum(reference.lengths) or not sum(current.lengths):
        return Channel(test="length", column=pair.name, blind="no text lengths were counted")
    (before, after), sizes = pair.factors("values"), (sum(reference.lengths), sum(current.lengths))
    result = kolmogorov_smirnov(thinned(reference.lengths, before), thinned(current.lengths, after))
    means = reference.length_sum / sizes[0], current.length_sum / sizes[1]
    return Channel(
        test="length",
        column=pair.name,
        p_value=result.p_value,
        effect=result.effect,
        seen=f"mean length {means[0]:.1f} -> {means[1]:.1f} characters, KS {result.effect:.3g}",
        detectable=partial(detectable_ks, *pair.sizes),
        unit=lambda distance: f"KS {distance:.2g} of the lengths",
        detail={"ks": result.distance, "reference_mean": means[0], "current_mean": means[1]},
    )


def hours(pair: Pair) -> Channel:
    """Compare the shares of the hours of the week. Times come in bursts, so it decides only if the author asks."""
    before, after = pair.counts()
    result = chi_square([*before, 0.0], [*after, 0.0])
    return Channel(
        test="hours",
        column=pair.name,
        p_value=result.p_value,
        effect=result.effect,
        seen=f"hours of the week moved {result.total_variation:.1%} of the rows, w {result.effect:.3g}",
        detectable=partial(detectable_tv, *pair.sizes, result.df),
        unit=moved,
        optional=True,
        detail={"total_variation": result.total_variation, "df": result.df},
    )
