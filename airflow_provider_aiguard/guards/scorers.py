"""Metrics of scikit-learn, by their names, with a bootstrap interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.errors import ColumnTypeError, ConfigurationError
from airflow_provider_aiguard.stats.bootstrap import bootstrap

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    from airflow_provider_aiguard.core.interval import Interval

    Values = npt.NDArray[np.generic]


def score(metric: str, claims: Values, truth: Values, alpha: float = 0.05) -> Interval | None:
    """Score claims by a scorer of scikit-learn; of every one of them, more is better.

    :param metric: the scorer's name, such as ``r2``, ``f1_macro`` or ``neg_median_absolute_error``.
    :param claims: what the model said.
    :param truth: what was right, in the same order.
    :param alpha: share of intervals that may miss.
    :return: ``None`` if a claim is missing: scikit-learn has no score for it.
    :raises ConfigurationError: if scikit-learn is not installed, or has no such scorer, or needs more than claims.
    :raises ColumnTypeError: if the values are of a kind that the scorer does not take.
    """
    scorer = _scorer(metric)
    if not len(truth) or _any_missing(claims):
        return None
    estimator = _claimed()

    def statistic(rows: npt.NDArray[np.int64]) -> float:
        return float(scorer(estimator, claims[rows], truth[rows]))

    try:
        return bootstrap(statistic, len(truth), alpha=alpha)
    except (ValueError, TypeError, AttributeError) as error:
        # The message may quote values: only its kind is passed on.
        raise ColumnTypeError(
            f"scikit-learn's {metric!r} cannot score these claims ({type(error).__name__}). It needs claims and truth "
            "of the kind it is made for, and nothing but them: no probabilities, no model."
        ) from None


def _scorer(metric: str) -> Callable[[Any, Any, Any], Any]:
    try:
        from sklearn.metrics import get_scorer
    except ImportError as error:
        raise ConfigurationError(
            f"metric={metric!r} is one of scikit-learn's, which is not installed: "
            "pip install 'airflow-provider-aiguard[sklearn]', or use a metric of the guard's own."
        ) from error
    try:
        found: Callable[[Any, Any, Any], Any] = get_scorer(metric)
    except ValueError as error:
        raise ConfigurationError(
            f"metric={metric!r} is neither a metric of the guard's own nor a scorer of scikit-learn. "
            "sklearn.metrics.get_scorer_names() lists those."
        ) from error
    return found


def _claimed() -> Any:
    """An estimator whose prediction is what it is given: scorers take nothing else."""
    from sklearn.base import BaseEstimator

    class Claimed(BaseEstimator):  # type: ignore[misc]
        def predict(self, claims: Any) -> Any:
            return claims

    return Claimed()


def _any_missing(claims: Values) -> bool:
    import pandas as pd

    return bool(pd.isna(claims).any())
