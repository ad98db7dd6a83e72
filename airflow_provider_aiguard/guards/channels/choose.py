"""Which tests a pair of profiles gets: the author's choice, or the recommended combination."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from airflow_provider_aiguard.core.profile import ColumnKind, ColumnProfile, TableProfile
from airflow_provider_aiguard.guards.channels import categorical, indices, missing, numeric, shapes
from airflow_provider_aiguard.guards.channels.base import Channel, Pair
from airflow_provider_aiguard.guards.channels.dependence import dependence
from airflow_provider_aiguard.stats.design_effect import widened

if TYPE_CHECKING:
    from airflow_provider_aiguard.core.limits.drift import DriftLimits

Builder = Callable[[Pair], Channel]

BUILDERS: Mapping[ColumnKind, Mapping[str, Builder]] = {
    ColumnKind.NUMERIC: {
        "nulls": missing.nulls,
        "nans": missing.nans,
        "ks": numeric.ks,
        "psi": indices.psi,
        "jensen_shannon": indices.jensen_shannon,
        "wasserstein": numeric.wasserstein,
        "mean": numeric.mean,
        "spread": numeric.spread,
    },
    ColumnKind.CATEGORICAL: {
        "nulls": missing.nulls,
        "categories": categorical.categories,
        "psi": indices.psi,
        "jensen_shannon": indices.jensen_shannon,
        "unseen": categorical.unseen,
        "length": shapes.length,
    },
    ColumnKind.TEMPORAL: {"nulls": missing.nulls, "hours": shapes.hours},
}
"""By kind of column, the tests that there are."""

DEPENDENCE = "dependence"


def tests_of(reference: TableProfile, current: TableProfile, column: str, limits: DriftLimits) -> Iterator[Channel]:
    """Yield the tests of a column that both profiles counted on the same cells."""
    pair = Pair(
        reference=reference.columns[column],
        current=current.columns[column],
        design_effects={part: factors(reference, current, column, part, limits) for part in ("values", "nulls")},
        show_levels=limits.show_levels,
    )
    builders, chosen = BUILDERS[pair.reference.kind], limits.chosen(column)
    names = [*_recommended(pair)] if chosen is None else [name for name in chosen if name in builders]
    yield from (builders[name](pair) for name in names)
    # Methods meant for every column fit some; one meant for this column has to.
    for name in limits.methods.get(column, ()):
        if name not in builders and name != DEPENDENCE:
            yield Channel(test=name, column=column, blind=f"{name} does not compare {pair.reference.kind} columns")
    if names or DEPENDENCE in (chosen or ()) or column in limits.methods:
        return
    blind = f"none of the methods for every column compares {pair.reference.kind} ones"
    yield Channel(test="column", column=column, blind=blind, optional=True)


def pairs_of(
    reference: TableProfile, current: TableProfile, columns: frozenset[str], limits: DriftLimits
) -> Iterator[Channel]:
    """Yield the tests of two columns together, of those that may be compared."""
    tested: set[str] = set()
    for names, counts in reference.pairs.items():
        asked = [limits.chosen(name) for name in names]
        if not columns.issuperset(names) or any(a is not None and DEPENDENCE not in a for a in asked):
            continue
        if names not in current.pairs or any(reference.splits.get(n) != current.splits.get(n) for n in names):
            continue
        values = [factors(reference, current, name, "values", limits) for name in names]
        widest = max(before for before, _ in values), max(after for _, after in values)
        channel = dependence(names, counts, current.pairs[names], widest)
        tested.update(names)
        if channel:
            yield channel
    for name, chosen in limits.methods.items():
        if DEPENDENCE in chosen and name in columns and name not in tested:
            blind = "dependence was not counted on both sides: profile both tables with dependence=True"
            yield Channel(test=DEPENDENCE, column=name, blind=blind)


def factors(
    reference: TableProfile, current: TableProfile, column: str, part: str, limits: DriftLimits
) -> tuple[float, float]:
    """Design effects of a column in reference and current: the larger of estimated and declared.

    A side that did not estimate it is taken to be like the other one.
    """
    sides = (reference, current)
    known = [side.columns[column].design_effects.get(part) for side in sides]
    other = max((effect for effect in known if effect is not None), default=1.0)
    before, after = (
        max(limits.design_effect, widened(other if effect is None else effect, side.clusters))
        for effect, side in zip(known, sides, strict=True)
    )
    return before, after


def _recommended(pair: Pair) -> Iterator[str]:
    reference: ColumnProfile = pair.reference
    yield "nulls"
    if reference.kind is ColumnKind.NUMERIC:
        if any(side.nans or side.infinite for side in (reference, pair.current)):
            yield "nans"
        yield "ks"
    elif reference.kind is ColumnKind.TEMPORAL:
        yield "hours"
    else:
        if len(reference.levels) > 1 or reference.other:
            yield "categories"
        yield "unseen"
        if categorical.levels_say_little(reference) and any(reference.lengths):
            yield "length"
