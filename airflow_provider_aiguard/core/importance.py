"""How much a model leans on each of its features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ImportanceEvidence:
    """Permutation importances of one model on one sample.

    :param model: name and version of the model.
    :param rows: rows with truth that were used.
    :param score: what the model scored on them: accuracy, or minus the mean absolute error.
    :param metric: ``accuracy`` or ``mae``.
    :param importances: by feature, what the score lost when the feature was shuffled: one number for each disjoint part
        of the rows.
    """

    model: str
    rows: int
    score: float
    metric: str
    importances: Mapping[str, tuple[float, ...]]

    def to_dict(self) -> dict[str, Any]:
        """As plain values that survive JSON."""
        return {
            "model": self.model,
            "rows": self.rows,
            "score": self.score,
            "metric": self.metric,
            "importances": {name: list(losses) for name, losses in self.importances.items()},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ImportanceEvidence:
        """Read what :meth:`to_dict` made."""
        return cls(**{**data, "importances": {n: tuple(v) for n, v in data["importances"].items()}})
