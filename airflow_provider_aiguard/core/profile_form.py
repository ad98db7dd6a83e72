"""The stored form of a profile: how numbers are packed, and what a column or a table cannot hold.

A stored profile is data from outside: somebody may have edited it, another program may have written it. What it holds
is checked before it is counted with, so that no nonsense is judged, and the error names column and value.
"""

from __future__ import annotations

import base64
import json
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from airflow_provider_aiguard.core.errors import ConfigurationError

MOST = 2**63 - 1
"""No database has more rows."""

Holds = Callable[[Any], bool]


def forged(subject: str, what: str) -> ConfigurationError:
    """Make the error of a profile that cannot be one.

    :param subject: such as ``column 'x'``.
    :param what: what is wrong with which value.
    """
    return ConfigurationError(
        f"The stored profile of {subject} cannot be one: {what}. Make the baseline again with ProfileOperator."
    )


def require_column(data: Mapping[str, Any]) -> None:
    """Return if each field of a column is of its kind; whether they fit together is another question.

    :param data: the stored form, with what is packed unpacked.
    :raises ConfigurationError: naming the field and the value.
    """
    _require(f"column {data['name']!r}", data, _COLUMN)


def require_table(data: Mapping[str, Any]) -> None:
    """The same for a table, its columns aside.

    :raises ConfigurationError: naming the field and the value.
    """
    subject = f"table {data.get('table')!r}"
    absent = [field for field in _TABLE if field not in data]
    if absent:
        raise forged(subject, f"it has no {absent[0]!r}")
    _require(subject, data, _TABLE)
    for pair in data["pairs"]:
        names, counts = pair[:2], pair[2:]
        if len(names) != 2 or not all(map(_is_text, names)):
            raise forged(subject, f"pairs has {pair!r}, which names no two columns")
        if len(counts) != 4 or not all(map(_is_count, counts)):
            raise forged(f"columns {' and '.join(names)}", f"the counts of the pair are {counts!r}")


def pack(numbers: Sequence[float]) -> str:
    """Write a long list of numbers short."""
    text = json.dumps(numbers, separators=(",", ":"))
    return base64.b85encode(zlib.compress(text.encode(), 9)).decode()


def unpack(packed: str) -> list[Any]:
    """The inverse of :func:`pack`.

    >>> unpack(pack([1, 2.5]))
    [1, 2.5]
    """
    found: list[Any] = json.loads(zlib.decompress(base64.b85decode(packed)))
    return found


def _require(subject: str, data: Mapping[str, Any], fields: Mapping[str, tuple[type, Holds, str]]) -> None:
    for field, (container, holds, rule) in fields.items():
        held = data[field]
        if container is not object and not isinstance(held, container):
            raise forged(subject, f"{field} is {held!r}, which is no {_WORDS[container]}")
        for label, value in _parts(field, held, container):
            if not holds(value):
                raise forged(subject, f"{label} is {value!r}, which is no {rule}")


def _parts(field: str, held: Any, container: type) -> Iterator[tuple[str, Any]]:
    """What a field holds, each with its place."""
    if container is object:
        yield field, held
    else:
        for place, value in held.items() if container is dict else enumerate(held):
            yield f"{field}[{place!r}]", value


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST


def _is_number(value: Any) -> bool:
    largest = sys.float_info.max
    return isinstance(value, int | float) and not isinstance(value, bool) and -largest <= value <= largest


_WORDS: Mapping[type, str] = {list: "list", dict: "object"}

_TEXT = (object, _is_text, "text")
_TEXTS = (list, _is_text, "text")
_COUNT = (object, _is_count, "count")
_COUNTS = (list, _is_count, "count")
_NUMBER = (object, _is_number, "finite number")
_POSSIBLE = (object, lambda value: value is None or _is_number(value), "finite number")
_SIZE = (object, lambda value: _is_number(value) and value >= 0, "number of at least 0")

_COLUMN: Mapping[str, tuple[type, Holds, str]] = {
    **dict.fromkeys(("name", "type", "reason"), _TEXT),
    **dict.fromkeys(("levels", "unseen"), _TEXTS),
    **dict.fromkeys(("counts", "buckets", "lengths"), _COUNTS),
    **dict.fromkeys(("rows", "nulls", "nans", "finite", "tail", "tail_next", "grid_values"), _COUNT),
    **dict.fromkeys(("length_sum", "length_squares"), _COUNT),
    **dict.fromkeys(("center", "total"), _NUMBER),
    **dict.fromkeys(("minimum", "maximum"), _POSSIBLE),
    "edges": (list, _is_number, "finite number"),
    "squares": _SIZE,
    "cutoff": (object, lambda value: _is_count(value) and value > 0, "count of at least 1"),
    "learnt": (object, lambda value: isinstance(value, bool), "true or false"),
    "patterns": (dict, _is_count, "count"),
    "design_effects": (dict, _SIZE[1], _SIZE[2]),
}

_TABLE: Mapping[str, tuple[type, Holds, str]] = {
    "table": _TEXT,
    "rows": _COUNT,
    "sample": (object, lambda value: _is_number(value) and 0 < value <= 1, "share above 0"),
    "clusters": (object, lambda value: value is None or _is_count(value), "count"),
    "columns": (list, lambda value: isinstance(value, Mapping), "column"),
    "splits": (dict, _is_number, "finite number"),
    "pairs": (list, lambda value: isinstance(value, list), "pair of columns"),
}
