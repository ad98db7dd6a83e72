"""The concept drift guard: has what the model learnt stopped being true, how did it change, and was it so before."""

from __future__ import annotations

import math
from collections.abc import Sequence

from airflow_provider_aiguard.core.concept import ConceptEvidence, ConceptRun, DriftType
from airflow_provider_aiguard.core.limits.concept import ConceptLimits
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome, Severity
from airflow_provider_aiguard.guards.regimes import Era, eras, recognised
from airflow_provider_aiguard.stats.drift_type import MIN_DWELL, drift_type
from airflow_provider_aiguard.stats.e_detector import smallest_visible_rate
from airflow_provider_aiguard.stats.recurrence import MIN_P_VALUE, MIN_REGIME_LABELS

MIN_RUNS_TO_TYPE = 12
"""Runs of an era that are needed to fit the four shapes."""

ADAPTATION = {
    DriftType.ABRUPT: "retrain now, on what came since the change",
    DriftType.INCREMENTAL: "retrain on a sliding window, and go on doing so",
    DriftType.GRADUAL: "keep the old model and train one on the new runs: both concepts come up",
    DriftType.RECURRING: "keep a model for each of the two levels and restore the one that fits",
}
"""What each type calls for."""


def evaluate(evidence: ConceptEvidence, limits: ConceptLimits) -> list[CheckResult]:
    """Judge the last run by the runs before it.

    An alarm stands until somebody answers it, with another model or with ``since``, or until the change is over: the
    error rate is where it was, or the concept is recognised as the one the era began with.

    :return: the checks ``concept.change``, which decides, ``concept.type`` and ``concept.recurrence``, always all.
    """
    column, now = evidence.column, evidence.runs[-1]
    problem = _too_little(now, limits)
    if problem:
        return [_change(column, Outcome.UNDECIDED, problem), *_untold(column, Outcome.UNDECIDED, problem)]
    runs = [run for run in evidence.runs if not _too_little(run, limits)]
    found = eras(runs, limits.run_length, evidence.since)
    era = found[-1]
    if era.alarm is None:
        quiet = _quiet(column, era, limits)
        why = "no change" if quiet.outcome is Outcome.PASS else "too few runs to tell of a change"
        return [quiet, *_untold(column, quiet.outcome, why)]
    recurrence, returned = _recurrence(column, found)
    return [_alarmed(column, era, limits, returned=returned), _type(column, era), recurrence]


def _too_little(run: ConceptRun, limits: ConceptLimits) -> str:
    """Why a run does not count; empty if it does."""
    if run.truth_share < limits.min_truth_share or not run.labels:
        return f"the truth of {run.labels} of {run.inferred} inferred values is in, {limits.min_truth_share:.1%} needed"
    return f"{run.labels} labels, {limits.min_labels} needed" if run.labels < limits.min_labels else ""


def _change(column: str, outcome: Outcome, sentence: str, **more: object) -> CheckResult:
    return CheckResult(check="concept.change", column=column, outcome=outcome, message=f"{column}: {sentence}", **more)  # type: ignore[arg-type]


def _shown(what: str, column: str, outcome: Outcome, sentence: str, **more: object) -> CheckResult:
    return CheckResult(
        check=f"concept.{what}",
        column=column,
        outcome=outcome,
        severity=Severity.WARN,
        message=f"{column}: {sentence}",
        **more,  # type: ignore[arg-type]
    )


def _untold(column: str, outcome: Outcome, why: str) -> list[CheckResult]:
    return [_shown(what, column, outcome, why) for what in ("type", "recurrence")]


def _quiet(column: str, era: Era, limits: ConceptLimits) -> CheckResult:
    runs = era.runs
    told = {"runs": len(runs), "error_rate": _rate(runs)}
    if len(runs) < limits.min_runs:
        sentence = f"{len(runs)} of {limits.min_runs} runs that a baseline needs, error rate {_rate(runs):.1%} so far"
        return _change(column, Outcome.UNDECIDED, sentence, limit=limits.run_length, detail=told)
    errors, labels = [r.errors for r in runs], [r.labels for r in runs]
    visible = smallest_visible_rate(errors, labels, limits.run_length)
    fall = smallest_visible_rate([n - k for k, n in zip(errors, labels, strict=True)], labels, limits.run_length)
    blind = not (math.isfinite(visible) or math.isfinite(fall))
    sees = f"a rise to {visible:.1%} would be seen in 4 runs" if math.isfinite(visible) else "no rise would be seen yet"
    return _change(
        column,
        Outcome.UNDECIDED if blind else Outcome.PASS,
        f"error rate {_rate(runs):.1%} over {len(runs)} runs, evidence of a change {era.evidence:.3g} "
        f"(limit {limits.run_length:g}); {sees}",
        value=era.evidence,
        limit=limits.run_length,
        detail={**told, "smallest_visible": visible if math.isfinite(visible) else None},
    )


def _alarmed(column: str, era: Era, limits: ConceptLimits, *, returned: bool) -> CheckResult:
    regimes = era.regimes
    start = era.starts[1] if len(era.starts) > 1 else era.alarm or 0
    before, now = _rate(era.runs[:start]), _rate(regimes[-1])
    name = regime_name(era.runs, start)
    sentence = (
        f"error rate {before:.1%} before {name}, {now:.1%} now, {len(era.runs) - start} runs later; evidence of a "
        f"change {era.evidence:.3g} (limit {limits.run_length:g})"
    )
    trifle = abs(now - before) < limits.min_change
    if returned:
        sentence += f"; the concept of {regime_name(era.runs, 0)} is back"
    elif trifle:
        sentence += f"; less than the {limits.min_change:.1%} that matter"
    return _change(
        column,
        Outcome.PASS if returned or trifle else Outcome.BREACH,
        sentence,
        value=era.evidence,
        limit=limits.run_length,
        detail={"runs": len(era.runs), "since": name, "error_rate_before": before, "error_rate": now},
    )


def _type(column: str, era: Era) -> CheckResult:
    if len(era.runs) < MIN_RUNS_TO_TYPE:
        sentence = f"not yet typed: {len(era.runs)} of {MIN_RUNS_TO_TYPE} runs"
        return _shown("type", column, Outcome.UNDECIDED, sentence)
    first = era.starts[1] if len(era.starts) > 1 else 0
    found = drift_type([run.errors for run in era.runs], [run.labels for run in era.runs], around=first)
    detail = {str(kind): share for kind, share in found.probabilities.items()}
    if not found.settled:
        sentence = f"not yet typed: {found.runs_after} of {MIN_DWELL} runs surely at the new level"
        return _shown("type", column, Outcome.UNDECIDED, sentence, detail=detail)
    return _shown(
        "type",
        column,
        Outcome.BREACH,
        f"{found.type} since {regime_name(era.runs, found.start)} (probability {found.probability:.2f}): "
        f"{ADAPTATION[found.type]}",
        value=found.probability,
        detail=detail,
    )


def _recurrence(column: str, found: Sequence[Era]) -> tuple[CheckResult, bool]:
    """Name the present regime; whether it is the one that the era began with."""
    answer, candidates, labels = recognised(found)
    if labels < MIN_REGIME_LABELS:
        sentence = f"{labels} labels since the change, {MIN_REGIME_LABELS} needed to compare it with earlier regimes"
        return _shown("recurrence", column, Outcome.UNDECIDED, sentence), False
    more = {"value": answer.p_value, "limit": MIN_P_VALUE, "detail": {"labels": labels, "regimes": len(candidates)}}
    if answer.regime is None:
        sentence = f"new: like none of {len(candidates)} earlier regimes of this model; train a model for it"
        return _shown("recurrence", column, Outcome.BREACH, sentence, **more), False
    era, number = candidates[answer.regime]
    name, remedy = regime_name(era.runs, era.starts[number]), _restore(found, era, number)
    returned = era is found[-1] and number == 0
    sentence = f"as in {name} (p {answer.p_value:.2g}): {remedy}"
    return _shown("recurrence", column, Outcome.PASS, sentence, **more), returned


def _restore(found: Sequence[Era], era: Era, number: int) -> str:
    """The model that was right for a regime: the era's for the regime it began with, the next era's for a later one."""
    if era is found[-1]:
        return "the model that runs was right then" if number == 0 else "no model was trained for it then: train one"
    right = era if number == 0 else found[found.index(era) + 1]
    return f"restore the model of then{', ' + right.runs[0].model if right.runs[0].model else ''}"


def regime_name(runs: Sequence[ConceptRun], start: int) -> str:
    """What people call a regime: the month it began in, the date if runs are closer together, else its number."""
    when = runs[start].when
    if not when:
        return f"run {start + 1}"
    months = [run.when[:7] for run in runs if run.when]
    return when[:7] if len(set(months)) == len(months) else when[:10]


def _rate(runs: Sequence[ConceptRun]) -> float:
    labels = sum(run.labels for run in runs)
    return sum(run.errors for run in runs) / labels if labels else 0.0
