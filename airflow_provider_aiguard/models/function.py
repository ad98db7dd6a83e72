"""A plain Python function as a model."""

from __future__ import annotations

import hashlib
import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from types import CodeType
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.claims import Claims, Failure
from airflow_provider_aiguard.core.errors import InvalidClaimError
from airflow_provider_aiguard.core.provenance import ConfidenceSource
from airflow_provider_aiguard.core.run import ModelIdentity

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)


class FunctionModel:
    """Makes claims by calling a function with each chunk.

    The function gets a pandas DataFrame and returns one of

    * values: a mapping or DataFrame of output column to n values; with a single output, the n values themselves;
    * a pair ``(values, confidences)``, both in that form;
    * a :class:`~airflow_provider_aiguard.core.claims.Claims`.

    A value that is a :class:`~airflow_provider_aiguard.core.claims.Failure` makes its row a reject.

    :param function: the function.
    :param outputs: names of the output columns.
    :param name: name of the model; the function's name by default.
    :param version: version of the model; by default the first 12 characters of the code hash.
    :param confidence_source: how the returned confidences were made.
    :param fingerprint: hash of what decides the answers, where that is more than the code. Default: the code hash.
    """

    def __init__(
        self,
        function: Callable[[pd.DataFrame], Any],
        *,
        outputs: Sequence[str],
        name: str | None = None,
        version: str | None = None,
        confidence_source: ConfidenceSource | str = ConfidenceSource.PROBABILITY,
        fingerprint: str | None = None,
    ) -> None:
        self.function = function
        self.outputs = tuple(outputs)
        self.confidence_source = ConfidenceSource(confidence_source)
        fingerprint = fingerprint or code_hash(function)
        self._identity = ModelIdentity(
            name=name or str(getattr(function, "__name__", type(function).__name__)),
            version=version or fingerprint[:12],
            fingerprint=fingerprint,
        )

    @property
    def identity(self) -> ModelIdentity:
        """Name, version and fingerprint."""
        return self._identity

    def predict(self, chunk: pd.DataFrame) -> Claims:
        """Call the function with the chunk.

        :raises InvalidClaimError: if what it returned has none of the accepted forms.
        """
        answer = self.function(chunk)
        if isinstance(answer, Claims):
            return answer
        values, confidences = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, None)
        columns = self._columns(values, "values")
        return Claims(
            values=columns,
            confidences={} if confidences is None else self._columns(confidences, "confidences"),
            confidence_source=None if confidences is None else self.confidence_source,
            failures=_failures(columns),
        )

    def close(self) -> None:
        """Nothing to let go of."""

    def _columns(self, answer: Any, what: str) -> dict[str, Any]:
        import pandas as pd

        if isinstance(answer, pd.DataFrame):
            return {str(name): answer[name] for name in answer.columns}
        if isinstance(answer, Mapping):
            return dict(answer)
        if len(self.outputs) == 1 and hasattr(answer, "__len__") and not isinstance(answer, str | bytes):
            return {self.outputs[0]: answer}
        raise InvalidClaimError(
            f"Model {self.identity} returned {what} of type {type(answer).__name__}. "
            f"Return a mapping of output column to values, for example {{{self.outputs[0]!r}: [...]}}."
        )


def code_hash(function: Callable[..., Any]) -> str:
    """Return the sha256 of a function's source, or of its bytecode where no source can be had.

    :param function: a function, a ``functools.partial`` of one, or an object that can be called, whose class is hashed.
        What the code refers to is not part of the hash: change ``version`` with it.
    """
    return hashlib.sha256(source_of(function).encode()).hexdigest()


def source_of(function: Any) -> str:
    """Return what :func:`code_hash` hashes."""
    if isinstance(function, partial):
        return repr((source_of(function.func), function.args, function.keywords))
    target = inspect.unwrap(function)
    if not hasattr(target, "__qualname__"):
        target = type(target)
    try:
        return inspect.getsource(target)
    except (OSError, TypeError):
        compiled = getattr(target, "__code__", None)
        if compiled is None:
            return f"{target.__module__}.{target.__qualname__}"
        _say_that_it_does_not_last(target.__qualname__)
        return _bytecode(compiled)


@cache
def _say_that_it_does_not_last(name: str) -> None:
    log.warning(
        "The source of %s cannot be read, so its fingerprint is that of its bytecode, which is another in each version "
        "of Python: after an upgrade rows are inferred and paid for again. Keep the function in a file.",
        name,
    )


def _bytecode(code: CodeType) -> str:
    # The instructions name attributes and constants by position only. Sets have no order that lasts.
    constants = [
        _bytecode(c) if isinstance(c, CodeType) else repr(sorted(map(repr, c)) if isinstance(c, frozenset) else c)
        for c in code.co_consts
    ]
    return repr((code.co_code, code.co_names, constants))


def _failures(columns: Mapping[str, Any]) -> dict[int, Failure]:
    found: dict[int, Failure] = {}
    for values in columns.values():
        dtype = getattr(values, "dtype", None)
        if getattr(dtype, "kind", "O") == "O":
            found |= {i: value for i, value in enumerate(values) if isinstance(value, Failure)}
    return found
