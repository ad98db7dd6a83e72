"""The schema guard: is the table what the features must be like, at training and at serving alike."""

from __future__ import annotations

from airflow_provider_aiguard.core.limits.schema import SchemaLimits
from airflow_provider_aiguard.core.schema_evidence import RuleCount, SchemaEvidence
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome
from airflow_provider_aiguard.stats.clopper_pearson import clopper_pearson

_BROKEN = {
    "schema.type": "hold a value of another type",
    "schema.nulls": "are NULL",
    "schema.range": "lie outside the range",
    "schema.categories": "have a value that is no category",
    "schema.length": "are too short or too long",
}


def evaluate(evidence: SchemaEvidence, limits: SchemaLimits) -> list[CheckResult]:
    """Judge a table by its schema.

    A rule is breached when even the lower end of the exact interval of its share lies above what it allows. Where it
    allows nothing, one row is enough.

    :return: the check ``schema.column``, then one for each rule, in the order of the schema.
    """
    counted = max(1, sum(count.broken is not None for count in evidence.counts))
    missing = set(evidence.missing)
    return [_columns(evidence)] + [
        _rule(count, evidence.rows, limits, limits.alpha / counted)
        for count in evidence.counts
        if count.rule.column not in missing or count.rule.check == "schema.relation"
    ]


def _columns(evidence: SchemaEvidence) -> CheckResult:
    wrong = [f"column {name!r} is missing" for name in evidence.missing]
    wrong += [f"column {name!r} is not in the schema, which allows no others" for name in evidence.extra]
    return CheckResult(
        check="schema.column",
        outcome=Outcome.BREACH if wrong else Outcome.PASS,
        message="; ".join(wrong) or f"all {evidence.columns} columns of the schema are there",
        value=float(len(wrong)),
        limit=0.0,
        detail={"missing": list(evidence.missing), "extra": list(evidence.extra)},
    )


def _rule(count: RuleCount, rows: int, limits: SchemaLimits, alpha: float) -> CheckResult:
    rule = count.rule
    if count.found:
        message = f"{rule.column}: the column is of type {count.found}, not {rule.parameters['type']}"
        return CheckResult(check=rule.check, column=rule.column, outcome=Outcome.BREACH, message=message)
    if count.broken is None or rows < limits.min_rows:
        why = f"{rows} rows, {limits.min_rows} needed" if count.broken is not None else f"not checked: {count.reason}"
        return CheckResult(
            check=rule.check,
            column=rule.column,
            outcome=Outcome.UNDECIDED,
            message=f"{rule.column}: {why}",
            limit=rule.max_share,
        )
    return _counted(count, count.broken, rows, alpha)


def _counted(count: RuleCount, broken: int, rows: int, alpha: float) -> CheckResult:
    rule, share = count.rule, broken / rows
    low, high = clopper_pearson(broken, rows, alpha)
    return CheckResult(
        check=rule.check,
        column=rule.column,
        outcome=Outcome.BREACH if low > rule.max_share else Outcome.PASS,
        message=f"{rule.column}: {broken} of {rows} rows {_what(count)} ({share:.3g}, {rule.max_share:.3g} allowed)",
        value=share,
        limit=rule.max_share,
        detail={"low": low, "high": high, "broken": broken, "rows": rows},
    )


def _what(count: RuleCount) -> str:
    if count.rule.check != "schema.relation":
        return _BROKEN[count.rule.check]
    rule, other = count.rule.parameters["rule"], count.rule.parameters["other"]
    return f"break the relation {count.rule.column} {rule} {other}"
