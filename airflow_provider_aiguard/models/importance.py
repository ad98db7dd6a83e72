"""Permutation importance: how much worse a model gets when one feature is shuffled.

Breiman, L. (2001). Random forests. *Machine Learning* 45, 5-32. The rows are cut into disjoint parts and each feature
is shuffled once, within each part: the losses of the parts are independent draws, of the rows as well as of the
shuffling, so that their spread is the error of their mean. (Shuffling the same rows again and again shows only one of
the two.)
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from airflow_provider_aiguard.core.claims import Claims
from airflow_provider_aiguard.core.errors import InvalidClaimError
from airflow_provider_aiguard.core.importance import ImportanceEvidence

if TYPE_CHECKING:
    from numpy.typing import NDArray

log = logging.getLogger(__name__)


# Of infinite errors there is no mean: the guard finds NaN, and says that nothing is ranked.
@np.errstate(invalid="ignore")
def permutation_importance(
    model: Any,
    features: pd.DataFrame,
    truth: pd.Series[Any],
    *,
    column: str,
    parts: int = 20,
    seed: int = 0,
    chunk_size: int = 10_000,
) -> ImportanceEvidence:
    """Shuffle one feature at a time and measure what the score loses.

    The score is the accuracy, or minus the mean absolute error where the truth has fractions. A row the model fails on
    is a wrong one; where errors are measured, it is as wrong as the mean of the truth would be.

    :param model: a :class:`~airflow_provider_aiguard.models.base.Model`, or anything whose ``predict`` gives one value
        a row for a DataFrame, such as a scikit-learn estimator. It is asked ``1 + features`` times about every row.
    :param features: n rows, one column a feature, index 0..n-1, in random order.
    :param truth: the n true values, none of them NULL.
    :param column: the model's output column.
    :param parts: disjoint parts, at least 2, that the rows are cut into; fewer rows than parts give no importances.
    :param seed: of the shuffling.
    :param chunk_size: rows that the model sees at a time.
    :raises InvalidClaimError: if the model answers with no such column or another number of rows.
    """
    asked = _Asked(model, truth, column=column, parts=parts, chunk_size=chunk_size)
    losses: dict[str, tuple[float, ...]] = {str(feature): () for feature in features.columns}
    before = asked.scores(features) if len(features) >= parts else np.zeros(0)
    random = np.random.default_rng(seed)
    for i, feature in enumerate(losses if len(before) else (), 1):
        after = asked.scores(features.assign(**{feature: features[feature].take(asked.shuffled(random)).array}))
        losses[feature] = tuple((before - after).tolist())
        log.info("Importance of %s: %.4g (%d of %d features)", feature, (before - after).mean(), i, len(losses))
    return ImportanceEvidence(
        model=str(getattr(model, "identity", type(model).__name__)),
        rows=len(features),
        score=float(before.mean()) if len(before) else 0.0,
        metric="accuracy" if asked.is_class else "mae",
        importances=losses,
    )


class _Asked:
    """A model with the truth beside it."""

    def __init__(self, model: Any, truth: pd.Series[Any], *, column: str, parts: int, chunk_size: int) -> None:
        self.model, self.column, self.chunk_size = model, column, chunk_size
        self.is_class = not _has_fractions(truth)
        self.truth = truth.to_numpy(dtype=object if self.is_class else float)
        bounds = np.linspace(0, len(truth), parts + 1).astype(int)
        self.parts = list(zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True))

    def scores(self, features: pd.DataFrame) -> NDArray[Any]:
        """The score of each part."""
        points = self._points(features)
        return np.array([points[a:b].mean() for a, b in self.parts])

    def shuffled(self, random: np.random.Generator) -> NDArray[Any]:
        """Positions of the rows, shuffled within each part."""
        return np.concatenate([a + random.permutation(b - a) for a, b in self.parts])

    def _points(self, features: pd.DataFrame) -> NDArray[Any]:
        """What each row adds to the score."""
        guesses: list[Any] = []
        for start in range(0, len(features), self.chunk_size):
            chunk = features.iloc[start : start + self.chunk_size].reset_index(drop=True)
            guesses += self._ask(chunk)
        if self.is_class:
            return np.array([not _is_null(g) and bool(g == t) for g, t in zip(guesses, self.truth, strict=True)], float)
        mean = float(self.truth.mean())
        numbers = np.array([mean if _is_null(guess) else float(guess) for guess in guesses])
        return np.asarray(-np.abs(numbers - self.truth))

    def _ask(self, chunk: pd.DataFrame) -> list[Any]:
        answer = self.model.predict(chunk)
        failed: Sequence[int] = ()
        if isinstance(answer, Claims):
            failed = list(answer.failures)
            answer = answer.values.get(self.column)
        if answer is None or len(answer) != len(chunk):
            raise InvalidClaimError(
                f"The model gives {'no' if answer is None else len(answer)} values of column {self.column!r} for "
                f"{len(chunk)} rows. Name its output with column=, and give one value a row."
            )
        values = list(answer)
        for position in failed:
            values[position] = None
        return values


def _has_fractions(truth: pd.Series[Any]) -> bool:
    return truth.dtype.kind == "f" or (len(truth) > 0 and isinstance(truth.iloc[0], Decimal))


def _is_null(value: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))
