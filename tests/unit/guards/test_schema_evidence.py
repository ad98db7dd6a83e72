"""The schema guard: what is broken, by how much, and what cannot be told."""

from __future__ import annotations

import pytest
from scipy.stats import binom

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.limits.schema import SchemaLimits
from airflow_provider_aiguard.core.schema import SchemaRule
from airflow_provider_aiguard.core.schema_evidence import RuleCount, SchemaEvidence
from airflow_provider_aiguard.core.verdict import Outcome
from airflow_provider_aiguard.guards.schema import evaluate

RANGE = SchemaRule(check="schema.range", column="x", max_share=0.01, parameters={"minimum": 0, "maximum": 7_654_321})
NULLS = SchemaRule(check="schema.nulls", column="x", max_share=0.0)


def judge(*counts: RuleCount, rows: int = 1_000, limits: SchemaLimits | None = None, **kwargs: object):
    evidence = SchemaEvidence(rows=rows, counts=counts, columns=2, **kwargs)  # type: ignore[arg-type]
    return evaluate(evidence, limits or SchemaLimits())


def test_a_kept_schema_passes() -> None:
    checks = judge(RuleCount(rule=RANGE, broken=10), RuleCount(rule=NULLS, broken=0))
    assert [c.outcome for c in checks] == [Outcome.PASS] * 3
    assert checks[0].message == "all 2 columns of the schema are there"
    assert checks[1].message == "x: 10 of 1000 rows lie outside the range (0.01, 0.01 allowed)"
    assert (checks[1].check, checks[1].column, checks[1].value, checks[1].limit) == ("schema.range", "x", 0.01, 0.01)


def test_no_value_is_in_a_message() -> None:
    assert "7654321" not in str(judge(RuleCount(rule=RANGE, broken=500)))


def test_where_nothing_is_allowed_one_row_is_a_breach() -> None:
    (_, check) = judge(RuleCount(rule=NULLS, broken=1), rows=1_000_000)
    assert check.outcome is Outcome.BREACH
    assert check.message == "x: 1 of 1000000 rows are NULL (1e-06, 0 allowed)"


def test_a_share_must_lie_above_the_limit_beyond_chance() -> None:
    assert judge(RuleCount(rule=RANGE, broken=2), rows=100)[1].outcome is Outcome.PASS
    (_, check) = judge(RuleCount(rule=RANGE, broken=30), rows=1_000)
    assert check.outcome is Outcome.BREACH
    assert check.detail is not None
    assert 0.01 < check.detail["low"] < 0.03 < check.detail["high"]


def test_rows_at_the_limit_are_seldom_blamed() -> None:
    """Exact: ten rules, each truly broken by the allowed share."""
    counts = [RuleCount(rule=RANGE, broken=k) for k in range(200)]
    single = {k: evaluate(SchemaEvidence(rows=1_000, counts=(c,) * 10, columns=1), SchemaLimits())[1].outcome
              for k, c in enumerate(counts)}  # fmt: skip
    blamed = sum(binom.pmf(k, 1_000, 0.01) for k, outcome in single.items() if outcome is Outcome.BREACH)
    assert 1 - (1 - blamed) ** 10 <= 0.05


def test_missing_and_extra_columns_are_named() -> None:
    counts = (RuleCount(rule=RANGE, reason="the table has no column 'x'"),)
    checks = judge(*counts, missing=("x",), extra=("new",))
    assert [c.check for c in checks] == ["schema.column"]
    assert checks[0].outcome is Outcome.BREACH
    assert checks[0].message == "column 'x' is missing; column 'new' is not in the schema, which allows no others"


def test_another_type_is_a_breach_and_the_rest_of_the_column_undecided() -> None:
    kind = SchemaRule(check="schema.type", column="x", parameters={"type": "integer"})
    checks = judge(
        RuleCount(rule=kind, found="TEXT", reason="type"),
        RuleCount(rule=RANGE, reason="column 'x' is not of type integer"),
    )
    assert [c.outcome for c in checks[1:]] == [Outcome.BREACH, Outcome.UNDECIDED]
    assert checks[1].message == "x: the column is of type TEXT, not integer"
    assert checks[2].message == "x: not checked: column 'x' is not of type integer"


def test_a_relation_is_named() -> None:
    rule = SchemaRule(check="schema.relation", column="a", parameters={"rule": "<=", "other": "b"})
    (_, check) = judge(RuleCount(rule=rule, broken=5))
    assert check.message == "a: 5 of 1000 rows break the relation a <= b (0.005, 0 allowed)"


@pytest.mark.parametrize("rows", [0, 9])
def test_too_few_rows_are_undecided(rows: int) -> None:
    checks = judge(RuleCount(rule=NULLS, broken=0), rows=rows, limits=SchemaLimits(min_rows=10))
    assert [c.outcome for c in checks] == [Outcome.PASS, Outcome.UNDECIDED]
    assert checks[1].message == f"x: {rows} rows, 10 needed"


def test_limits_survive_and_refuse() -> None:
    limits = SchemaLimits(alpha=0.01, min_rows=7)
    assert SchemaLimits.from_dict(limits.to_dict()) == limits
    with pytest.raises(ConfigurationError, match="alpha must lie between 0 and 1; got 0"):
        SchemaLimits(alpha=0)
    with pytest.raises(ConfigurationError, match="min_rows must be at least 1; got 0"):
        SchemaLimits(min_rows=0)
