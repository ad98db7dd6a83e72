"""A rise of the error rate in a stream of rows, one row or one batch at a time.

Mixture Shiryaev-Roberts: Pollak, M. (1985). Optimal detection of a change in distribution. *Annals of Statistics*
13(1), 206-227, with a run length that holds from the first row on: Shin, J., Ramdas, A. and Rinaldo, A. (2024).
E-detectors. *New England Journal of Statistics in Data Science* 2(2), 229-260. The baseline is learnt, so one standard
error is added to it: without, false alarms would come three times as often as promised.

A stream has no runs: rows of one batch that share a good or a bad day are no independent errors, and the row-level
detector takes every such day for a change. Where rows come in batches, use :mod:`.e_detector`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from airflow_provider_aiguard.core.errors import ConfigurationError

ODDS_RATIOS = (1.5, 2.0, 3.0, 6.0)
"""Rises that are watched for, as multiples of the odds of an error; each has an equal share of the evidence."""

STANDARD_ERRORS = 1.0
"""Added to the learnt error rate."""

_NO_ERROR = "errors must be 0 or 1, one a row. Leave rows without a label out."

Array = npt.NDArray[np.float64]

_LARGEST_EXPONENT = 600.0
"""A double overflows above ``exp(709)``."""


class StreamDetector:
    """Watches the errors of a model in a stream of labelled rows; it knows a few numbers, not the rows.

    :param run_length: rows between false alarms, at least 10. Default 100,000.
    :param baseline_rows: first rows, from which the error rate that is normal is learnt, at least 100. Default 2,500.
    :raises ConfigurationError: if an argument is out of range.

    >>> detector = StreamDetector(baseline_rows=1_000)
    >>> detector.update([0, 0, 0, 0, 1] * 200) is None, detector.baseline_rate
    (True, 0.2)
    >>> detector.update([0, 1, 1] * 100)
    23
    >>> StreamDetector.from_dict(detector.to_dict()).alarm
    1023
    """

    def __init__(self, *, run_length: float = 1e5, baseline_rows: int = 2_500) -> None:
        if not 10 <= run_length < math.inf:
            raise ConfigurationError(f"run_length must be at least 10 rows; got {run_length!r}.")
        if isinstance(baseline_rows, bool) or not isinstance(baseline_rows, int) or baseline_rows < 100:
            raise ConfigurationError(f"baseline_rows must be a whole number of at least 100; got {baseline_rows!r}.")
        self.run_length = float(run_length)
        self.baseline_rows = baseline_rows
        self.rows = 0
        self.alarm: int | None = None
        self._baseline_errors = 0
        self._evidence = [0.0] * len(ODDS_RATIOS)
        self._known_ratios: tuple[list[float], list[float]] | None = None

    @property
    def baseline_rate(self) -> float | None:
        """Error rate of the baseline, ``None`` while it is being learnt."""
        return self._baseline_errors / self.baseline_rows if self.rows >= self.baseline_rows else None

    @property
    def evidence(self) -> float:
        """Evidence for a rise; an alarm is raised where it reaches ``run_length``."""
        return sum(self._evidence) / len(self._evidence)

    def update(self, errors: npt.ArrayLike) -> int | None:
        """Take in the next rows.

        :param errors: 1 or true for a row that the model got wrong, else 0: one number, or one for each row in order.
        :return: position among these rows at which the alarm was raised, ``None`` if it was not or had been before.
        :raises ConfigurationError: if a value is neither 0 nor 1.
        """
        if np.ndim(errors) == 0:
            return self._update_one(errors)  # type: ignore[arg-type]
        bits = np.atleast_1d(np.asarray(errors, dtype=float))
        if not ((bits == 0) | (bits == 1)).all():
            raise ConfigurationError(_NO_ERROR)
        learnt = max(0, min(len(bits), self.baseline_rows - self.rows))
        self._baseline_errors += int(bits[:learnt].sum())
        found = None
        if learnt < len(bits) and self.alarm is None:
            found = self._watch(bits[learnt:])
        if found is not None:
            found += learnt
            self.alarm = self.rows + found
        self.rows += len(bits)
        return found

    def restart(self, *, keep_baseline: bool = False) -> None:
        """Forget the alarm and the evidence.

        :param keep_baseline: whether the model is the same, and what was normal still is: the detector watches on.
            Default: the model was adapted, and the next rows are learnt as normal.
        """
        self.alarm, self._evidence = None, [0.0] * len(ODDS_RATIOS)
        if not keep_baseline:
            self.rows, self._baseline_errors, self._known_ratios = 0, 0, None

    def to_dict(self) -> dict[str, Any]:
        """State as plain values that survive JSON."""
        return {
            "run_length": self.run_length,
            "baseline_rows": self.baseline_rows,
            "rows": self.rows,
            "baseline_errors": self._baseline_errors,
            "alarm": self.alarm,
            "evidence": list(self._evidence),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> StreamDetector:
        """The inverse of :meth:`to_dict`."""
        detector = cls(run_length=data["run_length"], baseline_rows=data["baseline_rows"])
        detector.rows, detector.alarm = data["rows"], data["alarm"]
        detector._baseline_errors = data["baseline_errors"]
        detector._evidence = list(data["evidence"])
        return detector

    def _update_one(self, error: float) -> int | None:
        """The same for one row, without the price of arrays."""
        if error not in (0, 1):
            raise ConfigurationError(_NO_ERROR)
        self.rows += 1
        if self.rows <= self.baseline_rows:
            self._baseline_errors += int(error)
        elif self.alarm is None:
            wrong, right = self._ratios()
            ratios = wrong if error else right
            self._evidence = [(1 + r) * ratio for r, ratio in zip(self._evidence, ratios, strict=True)]
            if self.evidence >= self.run_length:
                self.alarm = self.rows - 1
                return 0
        return None

    def _watch(self, bits: Array) -> int | None:
        """R <- (1 + R) L for each row. Over a block this is L's running product times one sum."""
        wrong, right = (np.log(ratios) for ratios in self._ratios())
        block = max(1, int(_LARGEST_EXPONENT / max(np.abs(wrong).max(), np.abs(right).max(), 1e-9) / 2))
        for start in range(0, len(bits), block):
            here = bits[start : start + block, None]
            products = np.exp(np.cumsum(np.where(here > 0, wrong, right), axis=0))
            before = np.vstack([np.ones_like(wrong), products[:-1]])
            evidence = products * (self._evidence + np.cumsum(1 / before, axis=0))
            reached = evidence.mean(axis=1) >= self.run_length
            if reached.any():
                first = int(reached.argmax())
                self._evidence = evidence[first].tolist()
                return start + first
            self._evidence = evidence[-1].tolist()
        return None

    def _ratios(self) -> tuple[list[float], list[float]]:
        """Likelihood ratios of a wrong and of a right row, for each rise."""
        if self._known_ratios is None:
            rate = (self._baseline_errors + 0.5) / (self.baseline_rows + 1)
            rate = min(1 - 1e-9, rate + STANDARD_ERRORS * math.sqrt(rate * (1 - rate) / self.baseline_rows))
            odds = [rate / (1 - rate) * ratio for ratio in ODDS_RATIOS]
            risen = [odd / (1 + odd) for odd in odds]
            self._known_ratios = [p / rate for p in risen], [(1 - p) / (1 - rate) for p in risen]
        return self._known_ratios
