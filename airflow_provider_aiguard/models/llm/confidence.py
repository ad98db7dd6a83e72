"""How sure a language model is, from what it gives: token probabilities, or several answers to the same question."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any


def token_probabilities(
    text: str, tokens: Sequence[Mapping[str, Any]], columns: Sequence[str]
) -> dict[str, float | None]:
    r"""Give each column the joint probability of the tokens that its value was written with.

    The tokens of a JSON string include its quotes: the closing one is what tells ``late`` from ``late_night``. Of an
    answer whose value can be written in several ways this is a lower bound.

    :param text: the answer, a JSON object, maybe with text around it.
    :param tokens: its tokens in order: ``token``, ``logprob``, and ``bytes`` where a character spans several.
    :param columns: keys of the object.
    :return: a probability in [0, 1], ``None`` where it cannot be told.

    >>> said = [('{"kind": ', 0.0), ('"', 0.0), ("late", -0.1), ('"}', -0.01)]
    >>> tokens = [{"token": token, "logprob": logprob} for token, logprob in said]
    >>> round(token_probabilities('{"kind": "late"}', tokens, ["kind"])["kind"], 4)
    0.8958
    """
    unknown: dict[str, float | None] = dict.fromkeys(columns)
    written = [bytes(token.get("bytes") or str(token["token"]).encode("utf-8", "replace")) for token in tokens]
    whole, encoded = b"".join(written), text.encode("utf-8", "replace")
    offset = whole.find(encoded)
    if offset < 0 or not encoded:
        return unknown
    spans = _value_spans(text)
    for column in columns:
        if column in spans:
            start, end = (offset + len(text[:i].encode("utf-8", "replace")) for i in spans[column])
            unknown[column] = _joint(written, tokens, start, end)
    return unknown


def vote(
    samples: Sequence[Mapping[str, Any] | None], columns: Sequence[str]
) -> tuple[dict[str, Any], dict[str, float]]:
    """Take the most frequent value of each column; the confidence is its share of all that were asked.

    :param samples: values by column, ``None`` for an answer that fits no value, which counts against every value. At
        least one fits. Of values equally frequent the first wins.

    >>> vote([{"kind": "late"}, {"kind": "lost"}, {"kind": "late"}, None], ["kind"])
    ({'kind': 'late'}, {'kind': 0.5})
    """
    answered = [sample for sample in samples if sample is not None]
    values, shares = {}, {}
    for column in columns:
        # True == 1 == 1.0, but they are different answers.
        counts = Counter((type(sample[column]), sample[column]) for sample in answered)
        ((_, values[column]), votes) = counts.most_common(1)[0]
        shares[column] = votes / len(samples)
    return values, shares


def _joint(written: Sequence[bytes], tokens: Sequence[Mapping[str, Any]], start: int, end: int) -> float | None:
    total, position = 0.0, 0
    for piece, token in zip(written, tokens, strict=True):
        if position < end and position + len(piece) > start:
            logprob = token.get("logprob")
            if not isinstance(logprob, int | float) or math.isnan(logprob):
                return None
            total += min(0.0, logprob)
        position += len(piece)
    return math.exp(total)


def _value_spans(text: str) -> dict[str, tuple[int, int]]:
    """Where the values of the first JSON object in a text are, from the first to behind the last character."""
    spans: dict[str, tuple[int, int]] = {}
    decoder = json.JSONDecoder()
    try:
        i = _skip(text, text.index("{") + 1, ",")
        while text[i] == '"':
            key, i = decoder.raw_decode(text, i)
            start = _skip(text, i, ":")
            _, i = decoder.raw_decode(text, start)
            spans[key] = (start, i)
            i = _skip(text, i, ",")
    except (ValueError, IndexError):
        # What is no JSON was refused already, unless it was written in a way that only pydantic reads.
        return spans
    return spans


def _skip(text: str, i: int, separator: str) -> int:
    while text[i] in f" \t\r\n{separator}":
        i += 1
    return i
