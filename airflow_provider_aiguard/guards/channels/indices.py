"""Indices of any distribution, customary elsewhere: population stability and Jensen-Shannon."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from airflow_provider_aiguard.core.profile import ColumnKind
from airflow_provider_aiguard.guards.channels.base import Channel, Pair
from airflow_provider_aiguard.guards.channels.categorical import cells, levels_say_little
from airflow_provider_aiguard.guards.channels.numeric import not_in_cells
from airflow_provider_aiguard.stats.chi_square import merge_rare
from airflow_provider_aiguard.stats.detectable import noncentrality
from airflow_provider_aiguard.stats.jensen_shannon import jensen_shannon as divergence_of
from airflow_provider_aiguard.stats.psi import merge_cells
from airflow_provider_aiguard.stats.psi import psi as index_of
from airflow_provider_aiguard.stats.sample_size import effective_size


def psi(pair: Pair) -> Channel:
    """Compare by the population stability index: numbers on ten cells, categories on theirs."""
    blind = _blind(pair)
    if blind:
        return Channel(test="psi", column=pair.name, blind=blind)
    result = index_of(*_cells(pair))
    return Channel(
        test="psi",
        column=pair.name,
        p_value=result.p_value,
        effect=result.effect,
        seen=f"PSI {result.effect:.3g}",
        detectable=partial(_detectable, pair, result.df, 1.0),
        unit=lambda index: f"PSI {index:.2g}",
        nothing=math.inf,
        optional=_optional(pair),
        detail={"psi": result.index, "df": result.df},
    )


def jensen_shannon(pair: Pair) -> Channel:
    """Compare by the Jensen-Shannon divergence: numbers on ten cells, categories on theirs."""
    blind = _blind(pair)
    if blind:
        return Channel(test="jensen_shannon", column=pair.name, blind=blind)
    result = divergence_of(*_cells(pair))
    return Channel(
        test="jensen_shannon",
        column=pair.name,
        p_value=result.p_value,
        effect=result.effect,
        seen=f"Jensen-Shannon {result.effect:.3g} nats",
        # An eighth of the index, for small changes.
        detectable=partial(_detectable, pair, result.df, 0.125),
        unit=lambda nats: f"{nats:.2g} nats",
        nothing=math.log(2),
        optional=_optional(pair),
        detail={"jensen_shannon": result.divergence, "df": result.df},
    )


def _blind(pair: Pair) -> str:
    return not_in_cells(pair.reference) if pair.reference.kind is ColumnKind.NUMERIC else ""


def _cells(pair: Pair) -> tuple[list[float], list[float]]:
    if pair.reference.kind is ColumnKind.NUMERIC:
        before, after = merge_cells(*pair.counts())
        before, after = (side.tolist() for side in merge_rare([*before, 0.0], [*after, 0.0]))
        return before, after
    ref, cur, homes, cutoff = cells(pair)
    before, after = (side.tolist() for side in merge_rare(ref, cur, cutoff=cutoff, homes=homes))
    return before, after


def _all_cells(pair: Pair) -> Sequence[float]:
    return pair.reference.counts if pair.reference.kind is ColumnKind.NUMERIC else cells(pair)[0]


def _optional(pair: Pair) -> bool:
    return not pair.reference.values or levels_say_little(pair.reference)


def _detectable(pair: Pair, df: int, unit: float, alpha: float) -> float:
    """Index at which the chi-square statistic that it amounts to is found; infinite if there is nothing to compare."""
    size, several = effective_size(*pair.sizes), len(_all_cells(pair)) > 1
    # Where all is in one cell of several, what moves fills another.
    return unit * noncentrality(max(1, df), alpha) / size if size and several else math.inf
