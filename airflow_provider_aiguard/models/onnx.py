"""An ONNX file as a model, run by onnxruntime, loaded only if it is the file that was pinned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.claims import Claims, Failure
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.provenance import ConfidenceSource
from airflow_provider_aiguard.core.run import ModelIdentity
from airflow_provider_aiguard.models.pinned import PinnedFile
from airflow_provider_aiguard.models.wire import unfit_columns, unfit_failure

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_TYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(bool)": "bool",
    "tensor(string)": "object",
}


class OnnxModel:
    """Makes claims with an ONNX graph: a classifier's label with its probability, or a regressor's number.

    The graph has one input for all features, a matrix of a row each, or one input a column, of shape [n, 1]. Text and
    whole numbers that are NULL make their row a reject, as does a fraction where the graph takes whole numbers; a
    NULL where it takes fractions is sent as NaN.

    :param path: the file.
    :param sha256: sha256 of that file in hexadecimal; a file with other bytes is not opened. ``sha256sum model.onnx``
        prints it.
    :param output: the output column.
    :param features: columns the graph takes, in the order of its matrix; by default all input columns.
    :param label: name of the graph's output with the values. Default: its first one.
    :param probabilities: name of its output with the probability of each class. Default: its second one; a graph
        without gives values without confidence, which no confidence gate lets pass.
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
        label: str | None = None,
        probabilities: str | None = None,
        name: str | None = None,
        version: str | None = None,
    ) -> None:
        self.file = PinnedFile(path, sha256)
        self.output = output
        self.features = None if features is None else list(features)
        self.label, self.probabilities = label, probabilities
        self._session: Any = None
        self._identity = self.file.identity(name, version, self.features, label, probabilities)

    @property
    def identity(self) -> ModelIdentity:
        """Name and version; the fingerprint is the pinned sha256, and what is asked of the graph if it is named."""
        return self._identity

    @property
    def inputs(self) -> tuple[str, ...] | None:
        """The columns that the graph takes, if they are named: rows that are alike in those are the same work."""
        return None if self.features is None else tuple(self.features)

    def predict(self, chunk: pd.DataFrame) -> Claims:
        """Predict one chunk.

        :raises ModelIntegrityError: if the file is missing or is not the pinned one.
        :raises ConfigurationError: if the graph takes other inputs, or has no such outputs.
        """
        session = self._load()
        rows = chunk if self.features is None else chunk[self.features]
        dtypes = _dtypes(session, list(map(str, rows.columns)))
        failures = _unfit(rows, {column: dtype for column, dtype in dtypes.items() if not dtype.startswith("float")})
        fit = [i for i in range(len(rows)) if i not in failures]
        values, confidences = self._run(session, rows.iloc[fit], dtypes) if fit else ([], None)
        return Claims(
            values={self.output: _spread(values, fit, len(rows))},
            confidences={} if confidences is None else {self.output: _spread(confidences, fit, len(rows))},
            confidence_source=None if confidences is None else ConfidenceSource.PROBABILITY,
            failures=failures,
        )

    def close(self) -> None:
        """Let go of the graph."""
        self._session = None

    def _run(self, session: Any, rows: pd.DataFrame, dtypes: Mapping[str, str]) -> tuple[list[Any], list[float] | None]:
        there = [output.name for output in session.get_outputs()]
        label = self.label or there[0]
        probabilities = self.probabilities or (there[1] if len(there) > 1 else None)
        wanted = [name for name in (label, probabilities) if name is not None]
        if stray := [name for name in wanted if name not in there]:
            raise ConfigurationError(f"The graph has no output {stray[0]!r}; it has {there!r}.")
        answered = session.run(wanted, _feed(session, rows, dtypes))
        values = answered[0].reshape(len(rows)).tolist()
        return values, None if probabilities is None else _highest(answered[1])

    def _load(self) -> Any:
        if self._session is None:
            try:
                import onnxruntime
            except ImportError as error:
                raise ConfigurationError(
                    "An OnnxModel needs onnxruntime. Install airflow-provider-aiguard[onnx]."
                ) from error
            self._session = onnxruntime.InferenceSession(self.file.read(), providers=["CPUExecutionProvider"])
        return self._session


def _dtypes(session: Any, columns: Sequence[str]) -> dict[str, str]:
    """Give the type that each column is sent as."""
    inputs = {graph_input.name: graph_input.type for graph_input in session.get_inputs()}
    if odd := [kind for kind in inputs.values() if kind not in _TYPES]:
        raise ConfigurationError(f"The graph takes {odd[0]!r}; known are {sorted(_TYPES)!r}.")
    if len(inputs) == 1:
        (kind,) = inputs.values()
        return dict.fromkeys(columns, _TYPES[kind])
    if inputs.keys() != set(columns):
        raise ConfigurationError(
            f"The graph takes {sorted(inputs)!r}, the features are {sorted(columns)!r}. Name them with features=, or "
            "rename its inputs."
        )
    return {column: _TYPES[inputs[column]] for column in columns}


def _unfit(rows: pd.DataFrame, dtypes: Mapping[str, str]) -> dict[int, Failure]:
    """Give the rows that cannot be sent in types that hold no NULL, by position."""
    if not dtypes:
        return {}
    named = unfit_columns(rows[list(dtypes)], null_fits=False)
    failures = {i: unfit_failure(column) for i, column in enumerate(named) if column is not None}
    for column, dtype in dtypes.items():
        there = [i for i in range(len(rows)) if i not in failures]
        if dtype != "object":
            changed = Failure("bad_input", f"column {column!r} would change in the graph's type {dtype}")
            failures |= {there[i]: changed for i in _changed(rows[column].iloc[there], dtype)}
    return failures


def _changed(column: pd.Series[Any], dtype: str) -> list[int]:
    """Give the positions of numbers that a tensor would hold as others: fractions, those out of range."""
    import numpy as np

    if column.dtype == dtype:
        return []
    low, high = (0, 1) if dtype == "bool" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    # Text that holds a number is read as one, or refused.
    numbers = [(i, value) for i, value in enumerate(column.tolist()) if not isinstance(value, str)]
    return [i for i, value in numbers if not (low <= value <= high and value == int(value))]


def _feed(session: Any, rows: pd.DataFrame, dtypes: Mapping[str, str]) -> dict[str, np.ndarray[Any, Any]]:
    import numpy as np

    columns = {str(name): _array(rows[name], dtypes[str(name)]) for name in rows.columns}
    inputs = [graph_input.name for graph_input in session.get_inputs()]
    if len(inputs) == 1:
        return {inputs[0]: np.column_stack(list(columns.values()))}
    return {name: column.reshape(-1, 1) for name, column in columns.items()}


def _array(column: pd.Series[Any], dtype: str) -> np.ndarray[Any, Any]:
    import numpy as np

    if dtype.startswith("float"):
        return column.to_numpy(dtype=dtype, na_value=np.nan)
    if dtype == "object":
        return column.astype(str).to_numpy(dtype=object)
    return column.to_numpy(dtype=dtype)


def _highest(probabilities: Any) -> list[float]:
    """The probability of the class that was chosen: of a matrix, or of a mapping a row."""
    if isinstance(probabilities, list):
        found = [float(max(row.values())) for row in probabilities]
    else:
        found = probabilities.max(axis=1).astype(float).tolist()
    # In single precision a sure class may come out a hair above 1.
    return [min(1.0, p) for p in found]


def _spread(items: Sequence[Any], positions: Sequence[int], rows: int) -> list[Any]:
    column: list[Any] = [None] * rows
    for position, item in zip(positions, items, strict=True):
        column[position] = item
    return column
