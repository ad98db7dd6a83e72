"""Categories: shares of the known ones, and values that are none of them."""

from __future__ import annotations

import hashlib
from functools import partial

from airflow_provider_aiguard.core.profile import BUCKETS, ColumnProfile
from airflow_provider_aiguard.guards.channels.base import Channel, Pair, moved, points, thinned
from airflow_provider_aiguard.stats.chi_square import chi_square
from airflow_provider_aiguard.stats.detectable import detectable_share, detectable_tv
from airflow_provider_aiguard.stats.good_turing import Unseen, unseen_values
from airflow_provider_aiguard.stats.proportions import more_in_second

LONGEST_LEVEL = 30
"""Characters of the longest category a message may name."""


def categories(pair: Pair) -> Channel:
    """Compare the shares of the categories, the long tail by its buckets."""
    before, after, homes, cutoff = cells(pair)
    result = chi_square(before, after, cutoff=cutoff, homes=homes)
    seen = f"categories moved {result.total_variation:.1%} of the rows, w {result.effect:.3g}"
    return Channel(
        test="categories",
        column=pair.name,
        p_value=result.p_value,
        effect=result.effect,
        seen=seen + (_mover(pair.reference, pair.current) if pair.show_levels else ""),
        # A category too rare to be tested by itself is, once it has grown.
        detectable=partial(detectable_tv, *pair.sizes, max(result.df, min(1, len(before) - 1))),
        unit=moved,
        optional=levels_say_little(pair.reference),
        detail={"total_variation": result.total_variation, "df": result.df},
    )


def unseen(pair: Pair) -> Channel:
    """Ask whether more rows than expected have a value that is no level."""
    if not all(pair.sizes):
        blind = "no values to look for unseen ones in"
        return Channel(test="unseen", column=pair.name, blind=blind, optional=not pair.reference.values)
    result = _unseen(pair)
    expected = f", {result.expected:.1%} expected" if result.expected else ""
    return Channel(
        test="unseen",
        column=pair.name,
        p_value=result.p_value,
        effect=max(0.0, result.share - result.expected),
        seen=f"{_what_is_unseen(pair)}: {result.share:.1%}{expected}",
        detectable=partial(detectable_share, result.expected, *pair.sizes),
        unit=partial(points, "unseen values"),
        idle=not result.expected + result.share,
        detail={"expected": result.expected, "share": result.share},
    )


def cells(pair: Pair) -> tuple[list[float], list[float], list[int], float]:
    """Counts of reference and current by level and bucket, the bucket of each level, and the cutoff to be wary of.

    A level that owes its place to luck goes back to its bucket: there it is with all others like it, whatever their
    luck.
    """
    before, after = pair.factors("values")
    profiles = pair.reference, pair.current
    whole = all(len(side.buckets) in {0, BUCKETS} for side in profiles)
    ref, cur = (
        [*thinned(side.counts, factor), *thinned(_buckets(side) if whole else (side.other,), factor)]
        for side, factor in zip(profiles, (before, after), strict=True)
    )
    homes = [bucket_of(level) if whole else 0 for level in pair.reference.levels]
    return ref, cur, homes, pair.reference.cutoff / before if pair.reference.learnt else 0.0


def bucket_of(value: str) -> int:
    """Bucket of a value: the first hexadecimal digit of its MD5, as the databases count it.

    >>> bucket_of("HA")
    2
    """
    return int(hashlib.md5(value.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()[0], 16)


def levels_say_little(column: ColumnProfile) -> bool:
    """Whether most rows of the reference, or of the sample that made the levels, had a value that is none of them."""
    return column.tail * 2 > (column.grid_values or column.values) or column.other * 2 > column.values


def _buckets(column: ColumnProfile) -> tuple[int, ...]:
    return column.buckets or (0,) * BUCKETS


def _unseen(pair: Pair) -> Unseen:
    """By Good and Turing if the reference made the levels; it cannot have a value that is none, and still misses some.

    Otherwise reference and current are two samples like any other.
    """
    (before, after), reference = pair.factors("values"), pair.reference
    n, m, other = round(reference.values / before), round(pair.current.values / after), pair.current.other / after
    if reference.learnt:
        tail, tail_next, cutoff = _tail(reference, before)
        return unseen_values(
            tail=min(tail, n),
            tail_next=tail_next,
            cutoff=cutoff,
            n=n,
            other=min(round(other), m),
            m=m,
        )
    if not n or not m:
        return Unseen(expected=0.0, share=0.0, p_value=1.0)
    known = min(round(reference.other / before), n)
    return Unseen(expected=known / n, share=other / m, p_value=more_in_second(known, n, min(round(other), m), m))


def _tail(reference: ColumnProfile, factor: float) -> tuple[int, int, int]:
    """Rows with rare values, the values next to them, and the cutoff between, in rows that count.

    A value that came once, with a cluster of rows, says as little as one that came in a single row.
    """
    if factor == 1:
        return reference.tail, reference.tail_next, reference.cutoff
    # Half a cluster more, because the factor is an estimate and clusters are no two alike.
    once = reference.cutoff - 1 + 1.5 * factor
    rows = reference.tail + sum(n for n in reference.counts if reference.cutoff < n <= once)
    after = sum(1 for n in reference.counts if once < n <= once + factor)
    return round(rows / factor), after, max(1, round((reference.cutoff - 1) / factor) + 1)


def _what_is_unseen(pair: Pair) -> str:
    current = pair.current
    if pair.reference.cutoff > 1:
        return "rare and unseen values"
    if len(current.unseen) != 1:
        return "2 or more categories unseen before" if current.unseen else "values unseen before"
    name = current.unseen[0]
    named = pair.show_levels and len(name) <= LONGEST_LEVEL
    return f"category {name!r} unseen before" if named else "1 category unseen before"


def _mover(reference: ColumnProfile, current: ColumnProfile) -> str:
    """Name the short category whose share changed most."""
    n, m = max(reference.values, 1), max(current.values, 1)
    rows = zip(reference.levels, reference.counts, current.counts, strict=True)
    moves = [(abs(b / m - a / n), level, a / n, b / m) for level, a, b in rows if len(level) <= LONGEST_LEVEL]
    if not moves:
        return ""
    _, level, before, after = max(moves)
    return f", most {level!r} {before:.1%} -> {after:.1%}"
