"""From the claims about some rows of a chunk to whole columns with their companions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from airflow_provider_aiguard.core.claims import Failure
from airflow_provider_aiguard.core.outputs import Output
from airflow_provider_aiguard.core.provenance import Provenance
from airflow_provider_aiguard.inference.standing import NOBODY, Standing, scattered
from airflow_provider_aiguard.inference.validate import Mask, Positions
from airflow_provider_aiguard.tables.nulls import null_mask


@dataclass(frozen=True, kw_only=True)
class ChunkClaims:
    """What a model claims about a chunk of n rows, of which it may have been asked for a part.

    :param values: n values by output, NA where nothing was inferred.
    :param confidences: n confidences by output, NaN where there is none.
    :param inferred: which of the n cells were inferred, by output.
    :param rejected: which of the n rows the model failed on.
    :param failures: why, by position in the chunk.
    :param by: position of the model whose answer it is, by row; -1 where there is none.
    """

    values: Mapping[str, pd.Series[Any]]
    confidences: Mapping[str, npt.NDArray[np.float64]]
    inferred: Mapping[str, Mask]
    rejected: Mask
    failures: Mapping[int, Failure]
    by: Positions


def spread(standing: Standing, positions: Positions, rows: int, needed: Mapping[str, Mask]) -> ChunkClaims:
    """Put claims about some rows of a chunk back into their places.

    :param standing: what is claimed about the rows at ``positions``.
    :param positions: where those rows are in the chunk.
    :param rows: rows of the chunk.
    :param needed: by output, which of the chunk's cells are to be inferred.
    """
    valid = standing.valid
    by = np.full(rows, NOBODY, dtype=np.intp)
    by[positions] = standing.by
    answered = np.zeros(rows, dtype=bool)
    answered[positions] = valid.answered
    rejected = np.zeros(rows, dtype=bool)
    rejected[positions] = ~valid.answered
    inferred = {name: answered & mask for name, mask in needed.items()}
    confidences = {}
    for name, numbers in valid.confidences.items():
        whole = np.full(rows, np.nan)
        whole[positions] = numbers
        confidences[name] = np.where(inferred[name], whole, np.nan)
    return ChunkClaims(
        values={name: _place(column, positions, inferred[name]) for name, column in valid.values.items()},
        confidences=confidences,
        inferred=inferred,
        rejected=rejected,
        failures={int(positions[i]): failure for i, failure in valid.failures.items()},
        by=by,
    )


def no_claims(outputs: Sequence[Output], rows: int) -> ChunkClaims:
    """The claims of a chunk the model was not asked about."""
    nothing = np.zeros(rows, dtype=bool)
    return ChunkClaims(
        values={o.name: pd.Series([None] * rows, dtype="object") for o in outputs},
        confidences={o.name: np.full(rows, np.nan) for o in outputs},
        inferred={o.name: nothing for o in outputs},
        rejected=nothing,
        failures={},
        by=np.full(rows, NOBODY, dtype=np.intp),
    )


def add_claimed(frame: pd.DataFrame, output: Output, claims: ChunkClaims, runs: Sequence[str]) -> None:
    """Add an output and its companions, with only the inferred cells set.

    :param runs: what a cell's ``…__run`` holds, by the position of the model that filled it.
    """
    names, inferred = output.companions, claims.inferred[output.name]
    frame[output.name] = claims.values[output.name]
    frame[names.provenance] = _where(inferred, str(Provenance.AI_INFERRED))
    frame[names.confidence] = nullable(claims.confidences[output.name])
    frame[names.run] = _where(inferred, np.array(runs, dtype=object)[claims.by[inferred]])


def add_kept(frame: pd.DataFrame, output: Output, chunk: pd.DataFrame, inferred: Mask) -> None:
    """Put the values that were there, and what their companions said, beside the inferred ones.

    A value whose source says nothing about its provenance is ``observed``.
    """
    names = output.companions
    frame[output.name] = _choose(inferred, frame[output.name], chunk[output.name])
    label = chunk.get(names.provenance)
    known = np.full(len(chunk), None, dtype=object) if label is None else _objects(label)
    known = np.where([v is None for v in known], str(Provenance.OBSERVED), known)
    frame[names.provenance] = np.where(inferred, str(Provenance.AI_INFERRED), known)
    for name in (names.confidence, names.run):
        if name in chunk:
            frame[name] = _choose(inferred, frame[name], chunk[name])


def nullable(numbers: npt.NDArray[np.float64]) -> pd.arrays.FloatingArray:
    """A float column in which NaN is NULL."""
    return pd.arrays.FloatingArray(numbers, np.isnan(numbers))


def _where(mask: Mask, text: Any) -> npt.NDArray[np.object_]:
    column = np.full(len(mask), None, dtype=object)
    column[mask] = text
    return column


def _place(column: pd.Series[Any], positions: Positions, inferred: Mask) -> pd.Series[Any]:
    if inferred.all():
        return column
    return scattered([column.set_axis(positions)[inferred[positions]]], len(inferred))


def _choose(inferred: Mask, new: pd.Series[Any], old: pd.Series[Any]) -> npt.NDArray[np.object_]:
    return np.where(inferred, _objects(new), _objects(old))


def _objects(column: pd.Series[Any]) -> npt.NDArray[np.object_]:
    # Python values with None for NULL, so that a NaN among them stays a NaN.
    values = np.empty(len(column), dtype=object)
    values[:] = column.tolist()
    values[null_mask(column)] = None
    return values
