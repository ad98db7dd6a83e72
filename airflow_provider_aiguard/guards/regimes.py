"""A history of runs, cut into eras and regimes.

A *regime* is a stretch of runs with one error rate. An *era* is a stretch that is judged by one baseline: it ends when
somebody answers an alarm with another model, or says since when the present counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from airflow_provider_aiguard.core.concept import CELLS, ConceptRun
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.stats.e_detector import change_start, log_evidence
from airflow_provider_aiguard.stats.recurrence import (
    MIN_REGIME_LABELS,
    Recurrence,
    recognise,
    run_overdispersion,
)


@dataclass(frozen=True)
class Era:
    """Runs that are judged by one baseline.

    :param runs: the runs.
    :param alarm: index of the run whose evidence reached the limit first, ``None`` if none did.
    :param evidence: the largest evidence for a change since the alarm, or that after the last run.
    :param starts: indices of the runs with which its regimes begin; the first is 0, the baseline's.
    """

    runs: tuple[ConceptRun, ...]
    alarm: int | None
    evidence: float
    starts: tuple[int, ...]

    @property
    def regimes(self) -> list[tuple[ConceptRun, ...]]:
        """The runs of each regime."""
        ends = (*self.starts[1:], len(self.runs))
        return [self.runs[start:end] for start, end in zip(self.starts, ends, strict=True)]


def eras(runs: Sequence[ConceptRun], run_length: float, since: str = "") -> list[Era]:
    """Cut a history, oldest run first, into eras.

    :param run_length: runs between false alarms.
    :param since: logical date, ISO 8601, at which an era begins whatever the evidence says; empty for none.
    :raises ConfigurationError: if ``since`` is no date.
    """
    cut = _first_since(runs, since)
    found = []
    for part in (runs[:cut], runs[cut:]):
        rest = part
        while rest:
            era, rest = _first_era(rest, run_length)
            found.append(era)
    return found


def known_before(found: Sequence[Era]) -> list[tuple[Era, int]]:
    """What can come back, as (era, its number in the era), oldest first: not the last, nor the present one."""
    return [(era, number) for era in found for number in range(len(era.starts))][:-2]


def recognised(found: Sequence[Era]) -> tuple[Recurrence, list[tuple[Era, int]], int]:
    """Look for the present regime among those before it, under the same model: another one errs elsewhere.

    :return: the answer, the regimes it was compared with, and how many labels the present one has.
    """
    now = found[-1].runs[-1].model
    present = _of(found[-1].regimes[-1], now)
    candidates = [c for c in known_before(found) if _labels(_of(c[0].regimes[c[1]], now)) >= MIN_REGIME_LABELS]
    earlier = [_of(era.regimes[number], now) for era, number in candidates]
    names = sorted({name for runs in (*earlier, present) for run in runs for name in run.signature.counts})
    cells = [[_flat(run, names) for run in runs] for runs in (*earlier, present)]
    *regimes, current = [[sum(cell) for cell in zip(*runs, strict=True)] for runs in cells]
    answer = recognise(current, regimes, overdispersion=run_overdispersion(cells))
    return answer, candidates, _labels(present)


def _of(runs: Sequence[ConceptRun], model: str) -> list[ConceptRun]:
    return [run for run in runs if run.model == model]


def _labels(runs: Sequence[ConceptRun]) -> int:
    return sum(run.labels for run in runs)


def _flat(run: ConceptRun, names: Sequence[str]) -> list[int]:
    return [n for name in names for n in run.signature.counts.get(name, (0,) * CELLS)]


def _first_era(runs: Sequence[ConceptRun], run_length: float) -> tuple[Era, Sequence[ConceptRun]]:
    evidence = log_evidence([run.errors for run in runs], [run.labels for run in runs])
    reached = [i for i, value in enumerate(evidence) if value >= math.log(run_length)]
    alarm = reached[0] if reached else None
    end = len(runs) if alarm is None else _next_model(runs, alarm)
    own = tuple(runs[:end])
    largest = evidence[end - 1] if alarm is None else max(evidence[alarm:end])
    starts = _regime_starts(own, run_length)
    return Era(runs=own, alarm=alarm, evidence=math.exp(min(largest, 690.0)), starts=starts), runs[end:]


def _next_model(runs: Sequence[ConceptRun], alarm: int) -> int:
    later = (i for i in range(alarm + 1, len(runs)) if runs[i].model != runs[alarm].model)
    return next(later, len(runs))


def _regime_starts(runs: Sequence[ConceptRun], run_length: float) -> tuple[int, ...]:
    """Detect, begin again with the first run after the change, and so on."""
    starts, seen = [0], 0
    while True:
        own = runs[starts[-1] :]
        errors, labels = [run.errors for run in own], [run.labels for run in own]
        evidence = log_evidence(errors, labels)
        alarms = (i for i in range(seen - starts[-1], len(own)) if evidence[i] >= math.log(run_length))
        alarm = next(alarms, None)
        if alarm is None:
            return tuple(starts)
        seen = starts[-1] + alarm + 1
        starts.append(starts[-1] + change_start(errors[: alarm + 1], labels[: alarm + 1]))


def _first_since(runs: Sequence[ConceptRun], since: str) -> int:
    if not since:
        return 0
    begin = _moment(since)
    return next((i for i, run in enumerate(runs) if not run.when or _moment(run.when) >= begin), len(runs))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"since must be a date such as '2013-07-01'; got {text!r}.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
