"""Two real models on scikit-learn's digits, at a declared price of 1 to 10, and what a learnt threshold does."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_provider_aiguard.guards.acceptance import learn_acceptance
from airflow_provider_aiguard.tables.graded import Graded

if TYPE_CHECKING:
    import numpy.typing as npt

    from airflow_provider_aiguard.core.certificate import Certificate

TRAINED_ON = 500
PRICE = {"small": "0.0001", "large": "0.001"}
"""USD a row."""


@dataclass(frozen=True)
class Digits:
    """The rows that no model was trained on, and what both say of them.

    :param features: n x 64 pixels.
    :param truth: n digits.
    :param small: a logistic regression.
    :param large: a support vector machine.
    """

    features: npt.NDArray[np.float64]
    truth: npt.NDArray[np.int64]
    small: Any
    large: Any

    def graded(self, rows: npt.NDArray[np.intp] | slice = slice(None)) -> Graded:
        """What both say of some rows, right or wrong, and how sure the small one is."""
        sure = self.small.predict_proba(self.features).max(axis=1)
        right = {name: getattr(self, name).predict(self.features) == self.truth for name in ("small", "large")}
        return Graded(
            table="digits", right={name: r[rows] for name, r in right.items()}, confidences={"small": sure[rows]}
        )


@cache
def digits() -> Digits:
    """Train both models on 500 rows, and keep the other 1,297."""
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import SVC

    features, truth = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(truth))
    train, rest = order[:TRAINED_ON], order[TRAINED_ON:]
    small = LogisticRegression(max_iter=1_000).fit(features[train], truth[train])
    large = SVC(gamma=0.001, C=10).fit(features[train], truth[train])
    return Digits(features[rest], truth[rest], small, large)


@dataclass(frozen=True)
class Outcomes:
    """What thresholds that were learnt again and again did to the rows they were drawn from.

    :param learnt: how many could be certified.
    :param loss: of those, points of accuracy below the large model alone.
    :param error: share of the accepted that is wrong.
    :param cost: cost over that of asking the large model about every row.
    """

    learnt: int
    loss: npt.NDArray[np.float64]
    error: npt.NDArray[np.float64]
    cost: npt.NDArray[np.float64]


def resampled(labels: int, trials: int, *, seed: int, **promise: Any) -> Outcomes:
    """Draw labelled rows with replacement, learn a threshold, and look at what it does to all rows.

    All rows are the population here, so that what a threshold really does is known without error.
    """
    rng = np.random.default_rng(seed)
    graded = digits().graded()
    found = []
    for _ in range(trials):
        drawn = rng.integers(0, graded.labels, labels)
        sample = Graded(
            table="digits",
            right={name: right[drawn] for name, right in graded.right.items()},
            confidences={"small": graded.confidences["small"][drawn]},
        )
        certificate = learn_acceptance(sample, "small", **promise)
        if certificate.threshold is not None:
            found.append(effect(graded, certificate))
    loss, error, cost = np.array(found).reshape(-1, 3).T
    return Outcomes(len(found), loss, error, cost)


def effect(graded: Graded, certificate: Certificate) -> tuple[float, float, float]:
    """What a threshold does to some rows: loss of accuracy, error of the accepted, share of the cost."""
    accepted = graded.confidences["small"] >= (certificate.threshold or 0.0)
    small, large = graded.right["small"], graded.right["large"]
    loss = float(large.mean() - np.where(accepted, small, large).mean())
    error = float((~small[accepted]).mean()) if accepted.any() else 0.0
    ratio = float(PRICE["small"]) / float(PRICE["large"])
    return loss, error, ratio + 1 - float(accepted.mean())
