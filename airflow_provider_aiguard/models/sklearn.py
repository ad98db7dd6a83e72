"""A fitted scikit-learn estimator as a model, loaded only if it is the file that was pinned."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.claims import Claims
from airflow_provider_aiguard.core.provenance import ConfidenceSource
from airflow_provider_aiguard.core.run import ModelIdentity
from airflow_provider_aiguard.models.pinned import PinnedFile

if TYPE_CHECKING:
    import pandas as pd


class SklearnModel:
    """Makes claims with ``predict_proba`` (classifiers) or ``predict`` (everything else).

    The claim of a classifier is the class with the highest probability, its confidence that probability.
    An estimator without ``predict_proba`` gives values without confidence, which no confidence gate lets pass.

    :param path: file the estimator was pickled to.
    :param sha256: sha256 of that file in hexadecimal. Unpickling runs code, so a file with other bytes is not
        opened at all. ``sha256sum model.pkl`` prints it.
    :param output: the output column.
    :param features: columns the estimator was fitted on, in that order; by default all input columns.
    :param name: name of the model; the file's stem by default.
    :param version: version of the model; by default the first 12 characters of ``sha256``.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        sha256: str,
        output: str,
        features: Sequence[str] | None = None,
        name: str | None = None,
        version: str | None = None,
    ) -> None:
        self.file = PinnedFile(path, sha256)
        self.output = output
        self.features = list(features) if features is not None else None
        self._estimator: Any = None
        self._identity = self.file.identity(name, version, self.features)

    @property
    def identity(self) -> ModelIdentity:
        """Name and version; the fingerprint is the pinned sha256, and the features if they are named."""
        return self._identity

    @property
    def inputs(self) -> tuple[str, ...] | None:
        """The columns that the estimator takes, if they are named: rows that are alike in those are the same work."""
        return None if self.features is None else tuple(self.features)

    def predict(self, chunk: pd.DataFrame) -> Claims:
        """Predict one chunk.

        :raises ModelIntegrityError: if the file is missing or is not the pinned one.
        """
        estimator = self._load()
        rows = chunk if self.features is None else chunk[self.features]
        if not hasattr(estimator, "predict_proba"):
            return Claims(values={self.output: estimator.predict(rows)})
        probabilities = estimator.predict_proba(rows)
        best = probabilities.argmax(axis=1)
        return Claims(
            values={self.output: estimator.classes_[best]},
            confidences={self.output: probabilities.max(axis=1)},
            confidence_source=ConfidenceSource.PROBABILITY,
        )

    def close(self) -> None:
        """Let go of the estimator."""
        self._estimator = None

    def _load(self) -> Any:
        if self._estimator is None:
            self._estimator = pickle.loads(self.file.read())  # noqa: S301
        return self._estimator
