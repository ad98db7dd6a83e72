"""What is claimed about some rows so far, and by which model. A later answer stands in front of an earlier one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from airflow_provider_aiguard.core.claims import Failure
from airflow_provider_aiguard.core.provenance import ConfidenceSource
from airflow_provider_aiguard.inference.validate import Mask, Positions, ValidClaims

NOBODY = -1
"""Whose answer stands where there is none."""


class Standing:
    """Claims about n rows, gathered model by model.

    :param rows: n.
    :param outputs: names of the outputs.
    """

    def __init__(self, rows: int, outputs: Sequence[str]) -> None:
        self._outputs = tuple(outputs)
        self._parts: list[tuple[int, Positions, ValidClaims]] = []
        self._failures: dict[int, Failure] = {}
        self.by: Positions = np.full(rows, NOBODY, dtype=np.intp)
        """By row, the position of the model whose answer stands."""
        self.fresh: Mask = np.zeros(rows, dtype=bool)
        """Which rows a model was asked about anew."""
        self.degraded: dict[str, int] = {}
        """Rows that a cheaper model answered than the one they should have gone to, by why."""

    def asked(self, model: int, where: Positions) -> bool:
        """Tell whether a model was asked about these rows, all of them at once."""
        return any(who == model and np.isin(where, rows).all() for who, rows, _ in self._parts)

    def put(self, where: Positions, valid: ValidClaims, model: int) -> None:
        """Let a model's claims stand: answers, and failures to answer.

        :param where: the rows they are about.
        :param valid: the claims.
        :param model: position of the model.
        """
        self._parts.append((model, where, valid))
        self.by[where] = np.where(valid.answered, model, NOBODY)
        for row in where[valid.answered].tolist() if self._failures else ():
            self._failures.pop(row, None)
        self._failures |= {int(where[i]): failure for i, failure in valid.failures.items()}

    @property
    def saved(self) -> int:
        """Rows that are answered, and no model was asked about them anew."""
        return int(((self.by != NOBODY) & ~self.fresh).sum())

    def fail(self, where: Positions, failure: Failure) -> None:
        """Let no answer stand for some rows, whatever was said before."""
        self.by[where] = NOBODY
        self._failures |= dict.fromkeys(where.tolist(), failure)

    @property
    def valid(self) -> ValidClaims:
        """What stands, for all n rows."""
        if len(self._parts) == 1:
            _, where, valid = self._parts[0]
            if len(where) == len(self.by) and valid.failures == self._failures:
                return valid
        return ValidClaims(
            values={name: self._values(name) for name in self._outputs},
            confidences={name: self._confidences(name) for name in self._outputs},
            # There may be several an output: see below.
            sources={},
            answered=self.by != NOBODY,
            failures=dict(sorted(self._failures.items())),
        )

    @property
    def sources(self) -> dict[str, set[ConfidenceSource]]:
        """How the confidences that stand were made, by output."""
        found: dict[str, set[ConfidenceSource]] = {}
        for model, where, valid in self._parts:
            if (self.by[where] == model).any():
                for name, source in valid.sources.items():
                    found.setdefault(name, set()).add(source)
        return found

    def _values(self, name: str) -> pd.Series[Any]:
        pieces = []
        for model, where, valid in self._parts:
            stands = self.by[where] == model
            if stands.any():
                pieces.append(valid.values[name][stands].set_axis(where[stands]))
        return scattered(pieces, len(self.by))

    def _confidences(self, name: str) -> npt.NDArray[np.float64]:
        whole = np.full(len(self.by), np.nan)
        for model, where, valid in self._parts:
            stands = self.by[where] == model
            whole[where[stands]] = valid.confidences[name][stands]
        return whole


def scattered(pieces: Sequence[pd.Series[Any]], rows: int) -> pd.Series[Any]:
    """Put pieces of a column into their places, with NA between them.

    :param pieces: their index says where each value belongs.
    :param rows: rows of the column.
    """
    if not pieces or any(piece.dtype == object for piece in pieces):
        # By hand: pandas fills object columns with NaN, which is no missing date or decimal.
        whole = np.full(rows, None, dtype=object)
        for piece in pieces:
            whole[piece.index.to_numpy()] = piece.to_numpy()
        return pd.Series(whole, dtype=object)
    column: pd.Series[Any] = pd.concat(pieces).reindex(range(rows))
    return column
