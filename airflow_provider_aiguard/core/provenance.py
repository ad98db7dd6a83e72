"""Where a value came from, how sure its maker was, and the columns that say so."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Provenance(StrEnum):
    """Where a value came from. A NULL provenance means *not labelled*, never observed."""

    OBSERVED = "observed"
    HUMAN_ANNOTATED = "human_annotated"
    AI_INFERRED = "ai_inferred"


class ConfidenceSource(StrEnum):
    """How a confidence was made; numbers of different sources must not be compared."""

    PROBABILITY = "probability"
    LOGPROB = "logprob"
    SELF_CONSISTENCY = "self_consistency"
    VERBALISED = "verbalised"
    AGREEMENT = "agreement"
    CALIBRATED = "calibrated"


@dataclass(frozen=True)
class Companions:
    """Names of the three columns that travel with an AI-touched column.

    :param column: the AI-touched column.
    """

    column: str

    @property
    def provenance(self) -> str:
        """Column that holds a :class:`Provenance`."""
        return f"{self.column}__provenance"

    @property
    def confidence(self) -> str:
        """Column that holds the confidence in [0, 1], NULL for observed values."""
        return f"{self.column}__confidence"

    @property
    def run(self) -> str:
        """Column that holds the id of the run that wrote the value."""
        return f"{self.column}__run"

    @property
    def names(self) -> tuple[str, str, str]:
        """The three names in table order."""
        return self.provenance, self.confidence, self.run


@dataclass(frozen=True)
class Label:
    """What the companion columns of one cell hold.

    :param provenance: a :class:`Provenance`; ``None`` if the cell is not labelled.
    :param confidence: the confidence in [0, 1]; ``None`` for observed values.
    :param run_id: the run that wrote the cell.
    """

    provenance: str | None
    confidence: float | None
    run_id: str | None
