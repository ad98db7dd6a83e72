"""What may enter an event: text that PostgreSQL's ``jsonb`` takes, and numbers that JSON has."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import attr

CUT = "…[cut]"
"""Ends a text that was longer than its limit."""

_REPLACEMENT = "\ufffd"
# NUL and lone surrogates make PostgreSQL refuse the whole event; other control characters garble a page.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
# A Python literal in a sentence; an apostrophe inside a word does not open one.
_QUOTED = re.compile(r"""(?<!\w)(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")(?!\w)""")


def clean_text(value: str, limit: int | None = None) -> str:
    r"""Return the text without NUL, control characters and lone surrogates, and not longer than ``limit``.

    :param value: any text.
    :param limit: most characters to keep, the marker :data:`CUT` included; ``None`` keeps all.

    >>> clean_text("a\x00b"), clean_text("abcdefghij", 8)
    ('a�b', 'ab…[cut]')
    """
    text = _UNPRINTABLE.sub(_REPLACEMENT, str(value))
    if limit is None or len(text) <= limit:
        return text
    return text[: limit - len(CUT)] + CUT


def moment_of(text: Any) -> datetime | None:
    """Read the time of an event, as UTC; one without zone is UTC.

    :returns: ``None`` for what is no time.

    >>> moment_of("2026-01-01T00:00:00Z")
    datetime.datetime(2026, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
    """
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def finite(value: Any) -> float | int | None:
    """Return the number as JSON can say it: ``None`` for NaN, infinity and whatever is no number.

    >>> finite(0.5), finite(float("nan")), finite("5")
    (0.5, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, Real | Decimal):
        return None
    if isinstance(value, Integral):
        return int(value)
    try:
        number = float(value)
    except (OverflowError, ValueError):  # a signalling NaN, a fraction beyond floats
        return None
    return number if math.isfinite(number) else None


def rounded(value: Any, digits: int = 4) -> float | int | None:
    """:func:`finite`, rounded: more digits than a person compares only make events larger."""
    number = finite(value)
    return number if number is None else round(number, digits)


def without_values(sentence: str, names: Collection[str]) -> str:
    """Hide every quoted literal of a sentence that is not one of ``names``.

    Messages quote what they talk about. A column's name may travel; a value out of a row may not.

    >>> without_values("'carrier' has new levels 'XX', 'YY'; it isn't stable", {"carrier"})
    "'carrier' has new levels '…', '…'; it isn't stable"
    """
    return _QUOTED.sub(lambda found: found[0] if found[0][1:-1] in names else "'…'", sentence)


def scrub(item: Any, producer: str) -> Any:
    """Make a facet, a dataset or a tree of them safe to send; facet objects are changed in place.

    :param item: attrs objects, mappings, sequences and scalars in any nesting.
    :param producer: URI of the code that made it, set on every facet.
    """
    if isinstance(item, str):
        return clean_text(item)
    if item is None or isinstance(item, bool):
        return item
    if isinstance(item, Mapping):
        return {clean_text(key): scrub(value, producer) for key, value in item.items()}
    if isinstance(item, list | tuple):
        return [scrub(value, producer) for value in item]
    if attr.has(type(item)):
        return _scrub_object(item, producer)
    return finite(item)


def _scrub_object(item: Any, producer: str) -> Any:
    for name in (a.name for a in attr.fields(type(item))):
        if name == "_producer":
            item._producer = producer
        elif name != "_schemaURL":
            setattr(item, name, scrub(getattr(item, name), producer))
    return item
