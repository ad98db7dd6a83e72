"""The pages of the checks of features quote what the code says, and show numbers that are computed."""

from __future__ import annotations

import re

import numpy as np
import pytest
from pages import DOCS

from airflow_provider_aiguard.core.alignment import Aggregate, AlignmentEvidence
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.importance import ImportanceEvidence
from airflow_provider_aiguard.core.latency import LatencySummary
from airflow_provider_aiguard.core.limits.alignment import AlignmentLimits
from airflow_provider_aiguard.core.limits.importance import ImportanceLimits
from airflow_provider_aiguard.core.limits.latency import LatencyLimits
from airflow_provider_aiguard.core.limits.schema import SchemaLimits
from airflow_provider_aiguard.core.limits.skew import SkewLimits
from airflow_provider_aiguard.core.schema import SchemaRule
from airflow_provider_aiguard.core.schema_evidence import RuleCount, SchemaEvidence
from airflow_provider_aiguard.core.skew import SkewEvidence
from airflow_provider_aiguard.guards import alignment, importance, latency, schema, skew
from airflow_provider_aiguard.stats.clopper_pearson import clopper_pearson
from airflow_provider_aiguard.tables.schema_file import parse_schema
from airflow_provider_aiguard.tables.schema_learning import learnt_share


def rows_of(page):
    lines = [line.strip() for line in (DOCS / page).read_text("utf-8").splitlines() if line.strip().startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def schema_messages():
    rule = {check: SchemaRule(check=f"schema.{check}", column=column, max_share=0.012, parameters={"type": "integer"})
            for check, column in (("range", "hour"), ("categories", "carrier"), ("type", "hour"))}  # fmt: skip
    counts = (
        RuleCount(rule=rule["type"], found="TEXT", reason="type"),
        RuleCount(rule=rule["range"], broken=90),
        RuleCount(rule=rule["categories"], broken=600),
        RuleCount(rule=rule["range"], reason="column 'hour' is not of type integer"),
    )
    for rows, missing in ((600, ("weekday",)), (0, ())):
        evidence = SchemaEvidence(rows=rows, counts=counts, columns=3, missing=missing)
        yield from (c.message for c in schema.evaluate(evidence, SchemaLimits()))
    yield "The store holds no feature schema named 'flights'. Store one with SchemaOperator"  # tests of the question


def skew_messages():
    for rows, serving, joined, differ in ((600, 600, 600, 583), (600, 500, 500, 0), (9, 9, 9, 1)):
        evidence = SkewEvidence(
            table="trained",
            serving="served",
            rows=rows,
            serving_rows=serving,
            joined=joined,
            mismatches={"distance": differ},
            types={"hour": ("TEXT", "INTEGER")},
        )
        yield from (c.message for c in skew.evaluate(evidence, SkewLimits()))


def importance_messages():
    rng = np.random.default_rng(0)

    def of(means, rows=5_000, spread=0.01):
        losses = {name: tuple(rng.normal(mean, spread, 20)) for name, mean in means.items()}
        return ImportanceEvidence(model="m", rows=rows, score=0.9, metric="accuracy", importances=losses)

    usual = of({"hour": 0.3, "distance": 0.2, "carrier": 0.1, "origin": 0.0})
    turned = of({"hour": 0.0, "distance": 0.1, "carrier": 0.2, "origin": 0.3})
    for now, before in (
        (turned, usual),
        (usual, None),
        (of({"hour": 0.1}, rows=150), usual),
        (usual, of(dict.fromkeys(usual.importances, 0.1), spread=9)),
        (of({"hour": 0.1}), usual),
    ):
        yield from (c.message for c in importance.evaluate(now, before, ImportanceLimits()))


def alignment_messages():
    rng = np.random.default_rng(0)
    x, y = np.cumsum(rng.normal(size=(2, 60)), axis=1)
    for a, b, current in ((x, y, True), (x, -x, True), (x[:7], y[:7], True), (x, y, False), (x[:20], y[:20], True)):
        evidence = AlignmentEvidence(
            column="late", aggregate=Aggregate.SHARE_TRUE, predictions=tuple(a), kpis=tuple(b), current=current
        )
        yield from (c.message for c in alignment.evaluate(evidence, AlignmentLimits(min_correlation=0.5)))


def latency_messages():
    for fast, slow in ((352, 48), (60, 0)):
        took = LatencySummary.of([(0.08, 1)] * fast + [(0.13, 1)] * slow)
        yield from (c.message for c in latency.evaluate(took, LatencyLimits(latency_class="interactive")))
    yield "No AI step of this DAG run has written 'flights_scored'. Put the check behind"  # tests of the question


@pytest.mark.parametrize(
    ("page", "messages"),
    [
        ("schema", schema_messages),
        ("skew", skew_messages),
        ("importance", importance_messages),
        ("alignment", alignment_messages),
        ("latency", latency_messages),
    ],
)
def test_messages_quoted_are_messages(page, messages):
    said = list(messages())
    quoted = [row[0].strip("`") for row in rows_of(f"operators/{page}.md") if row[0].startswith("`") and " " in row[0]]
    quoted = [cell for cell in quoted if "Error" not in cell]
    assert len(quoted) >= 3
    for cell in quoted:
        # Numbers and the names of features are an example's: the words are compared.
        words = re.escape(cell).replace("…", ".*")
        words = re.sub(r"most\\ important:.*?(?=;|$)", "most important:.*", words)
        words = re.sub(r"(?:\\-)?\d+(?:\\\.\d+)?", r"-?[\\d.e-]+", words)
        assert any(re.search(words, message) for message in said), cell


def test_the_shares_that_training_rows_leave_possible_are_computed():
    rows = [row for row in rows_of("guards/schema.md") if row[0].replace(",", "").isdigit()]
    assert len(rows) == 4
    for rows_seen, none, two_percent in rows:
        n = int(rows_seen.replace(",", ""))
        assert (learnt_share(0, n), learnt_share(n // 50, n)) == (float(none), float(two_percent))


def test_the_mismatches_that_breach_are_computed():
    rows = [row for row in rows_of("guards/skew.md") if len(row) == 3 and row[0].replace(",", "").isdigit()]
    assert len(rows) == 4
    alpha = SkewLimits().alpha / 11
    for joined, differ, share in rows:
        n, k = (int(cell.replace(",", "")) for cell in (joined, differ))
        assert clopper_pearson(k - 1, n, alpha)[0] <= 0.01 < clopper_pearson(k, n, alpha)[0]
        assert float(share) == pytest.approx(k / n, rel=0.01)


def test_the_error_shown_is_the_error():
    text = (DOCS / "guards/schema.md").read_text("utf-8")
    with pytest.raises(ConfigurationError, match="line 3") as caught:
        parse_schema("version: 1\ncolumns:\n  hour: {typ: integer}\n", name="schemas/trips.yaml")
    assert f"```text\n{caught.value}\n```" in text


@pytest.mark.parametrize(("page", "limits"), [("skew", SkewLimits())])
def test_the_defaults_shown_are_the_defaults(page, limits):
    shown = {
        row[0].strip("`"): float(row[1]) for row in rows_of(f"guards/{page}.md") if row[0].strip("`") in vars(limits)
    }
    assert shown == {name: value for name, value in vars(limits).items() if name != "alpha"}
