"""A fitted scikit-learn estimator as a model, loaded only if it is the file that was pinned."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.claims import Claims
from airflow_provider_aiguard.core.errors import ConfigurationError, ModelIntegrityError
from airflow_provider_aiguard.core.provenance import ConfidenceSource
from airflow_provider_aiguard.core.run import ModelIdentity

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
        self.path = Path(path)
        self.sha256 = sha256.strip().lower()
        self.output = output
        self.features = list(features) if features is not None else None
        self._estimator: Any = None
        if len(self.sha256) != 64 or not set(self.sha256) <= set("0123456789abcdef"):
            raise ConfigurationError(f"sha256 of {str(path)!r} must be 64 hexadecimal characters; got {sha256!r}.")
        self._identity = ModelIdentity(
            name=name or self.path.stem, version=version or self.sha256[:12], fingerprint=self.sha256
        )

    @property
    def identity(self) -> ModelIdentity:
        """Name, version, and the pinned sha256 as the fingerprint."""
        return self._identity

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
            # Hashed and unpickled from one read: the file cannot change in between.
            self._estimator = pickle.loads(self._pinned_bytes())  # noqa: S301
        return self._estimator

    def _pinned_bytes(self) -> bytes:
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise ModelIntegrityError(f"Model file {str(self.path)!r} cannot be read: {error.strerror}.") from error
        actual = hashlib.sha256(content).hexdigest()
        if actual != self.sha256:
            raise ModelIntegrityError(
                f"Model file {str(self.path)!r} has sha256 {actual!r}, pinned is {self.sha256!r}. It was not loaded. "
                "If the new file is the right one, pin its sha256."
            )
        return content
