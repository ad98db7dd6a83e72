"""Claims: what a model says about the rows of one chunk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_aiguard.core.latency import LatencySummary
from airflow_provider_aiguard.core.provenance import ConfidenceSource, Provenance


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One value with its provenance, its confidence and the run that made it.

    :param value: the value; ``None`` where the cell is NULL.
    :param provenance: where it came from.
    :param confidence: a number in [0, 1], ``None`` for observed values or where the model gave none.
    :param run_id: the run that made it, ``None`` for observed values.
    """

    value: Any
    provenance: Provenance
    confidence: float | None = None
    run_id: str | None = None


@dataclass(frozen=True)
class Failure:
    """A row the model could not answer.

    :param reason: short machine-readable cause, such as ``timeout``.
    :param detail: what a person needs to understand it. No row values: it is stored and shown.
    """

    reason: str
    detail: str = ""


CUT_OFF = Failure("cut_off", "the call ended before this row was answered")


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What a model call used, for the bill.

    :param requests: calls made to a provider.
    :param input_tokens: tokens sent.
    :param output_tokens: tokens received.
    :param rows: rows that were sent, one that was sent again counts again; 0 if none was, or the
        model does not count them.
    """

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    rows: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(**{name: amount + getattr(other, name) for name, amount in vars(self).items()})

    def __sub__(self, other: Usage) -> Usage:
        return Usage(**{name: amount - getattr(other, name) for name, amount in vars(self).items()})


@dataclass(frozen=True, kw_only=True)
class Claims:
    """A model's answer for one chunk of n rows, by output column.

    :param values: n values a column, in row order.
    :param confidences: n numbers in [0, 1] or ``None`` a column; a column may be absent.
    :param confidence_source: how the confidences were made; ``None`` if there are none.
    :param failures: rows without an answer, by position in the chunk. Their values are ignored.
    :param usage: what the call used, if the model knows.
    :param latency: how long its requests took, if it makes several; ``None`` if it is one call.
    """

    values: Mapping[str, Sequence[Any]]
    confidences: Mapping[str, Sequence[float | None]] = field(default_factory=dict)
    confidence_source: ConfidenceSource | None = None
    failures: Mapping[int, Failure] = field(default_factory=dict)
    usage: Usage = Usage()
    latency: LatencySummary | None = None
