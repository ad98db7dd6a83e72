"""The four questions about features and their business, asked of real tables and a real store."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from airflow_provider_aiguard.core.alignment import Aggregate
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.limits.alignment import AlignmentLimits
from airflow_provider_aiguard.core.limits.importance import ImportanceLimits
from airflow_provider_aiguard.core.limits.schema import SchemaLimits
from airflow_provider_aiguard.core.limits.skew import SkewLimits
from airflow_provider_aiguard.core.outputs import OutputType
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.schema import ColumnSchema, FeatureSchema
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.verdict import Outcome, Verdict
from airflow_provider_aiguard.guards.questions.alignment import AlignmentQuestion
from airflow_provider_aiguard.guards.questions.importance import ImportanceQuestion
from airflow_provider_aiguard.guards.questions.registry import question_from_dict
from airflow_provider_aiguard.guards.questions.schema import SchemaQuestion, find_schema
from airflow_provider_aiguard.guards.questions.skew import SkewQuestion
from airflow_provider_aiguard.models.function import FunctionModel
from airflow_provider_aiguard.store.store import Store, open_store
from airflow_provider_aiguard.tables.connection import connect
from airflow_provider_aiguard.tables.schema_file import write_schema

if TYPE_CHECKING:
    from collections.abc import Iterator


def run(n: int, attempt: int = 1) -> RunIdentity:
    return RunIdentity(
        run_id=f"{n}-{attempt}",
        dag_id="d",
        dag_run_id=f"r{n}",
        task_id="t",
        try_number=attempt,
        logical_date=f"2026-01-{n:02}T00:00:00+00:00",
    )


class Sources:
    def __init__(self, folder: Path) -> None:
        self.store: Store = open_store(f"sqlite:///{folder}/store.db")
        self.engine = sa.create_engine(f"sqlite:///{folder}/rows.db", poolclass=NullPool)

    @contextmanager
    def connect(self, conn_id: str | None) -> Iterator[sa.Connection]:
        assert conn_id in {"wh", "crm"}
        with connect(self.engine) as connection:
            yield connection

    def fill(self, name: str, **columns: Any) -> None:
        pd.DataFrame(columns).to_sql(name, self.engine, index=False, if_exists="replace")


@pytest.fixture
def sources(tmp_path: Path) -> Iterator[Sources]:
    sources = Sources(tmp_path)
    yield sources
    sources.store.close()


SCHEMA = FeatureSchema(columns={"x": ColumnSchema(name="x", type=OutputType.INTEGER, minimum=0, maximum=9)})
ASK_SCHEMA = SchemaQuestion(table=Table("t", "wh", key="id"), schema="flights", limits=SchemaLimits(min_rows=5))
ASK_SKEW = SkewQuestion(
    table=Table("t", "wh", key="id"),
    serving=Table("s", "wh", key="id"),
    columns=("x",),
    limits=SkewLimits(tolerance=0.1),
)


@pytest.mark.parametrize("question", [ASK_SCHEMA, ASK_SKEW], ids=lambda q: q.guard)
def test_a_question_survives_json(question: SchemaQuestion) -> None:
    assert question_from_dict(json.loads(json.dumps(question.to_dict()))) == question


@pytest.mark.parametrize("question", [ASK_SCHEMA, ASK_SKEW], ids=lambda q: q.guard)
def test_no_table_is_undecided(question: SchemaQuestion, sources: Sources) -> None:
    sources.store.measurements.save("schema/flights", SCHEMA.to_dict(), identity=run(1))
    verdict = question.ask(sources, run(1))
    assert verdict.outcome is Outcome.UNDECIDED
    assert "'t' does not exist" in verdict.checks[0].message


def test_the_newest_stored_schema_counts(sources: Sources) -> None:
    assert (
        ASK_SCHEMA.ask(sources, run(9))
        .checks[0]
        .message.startswith("The store holds no feature schema named 'flights'")
    )
    sources.store.measurements.save("schema/flights", SCHEMA.to_dict(), identity=run(5))
    sources.fill("t", id=range(10), x=range(10))
    assert ASK_SCHEMA.ask(sources, run(9)).outcome is Outcome.PASS
    tight = replace(SCHEMA, columns={"x": replace(SCHEMA.columns["x"], maximum=5)})
    sources.store.measurements.save("schema/flights", tight.to_dict(), identity=run(2))
    verdict = ASK_SCHEMA.ask(sources, run(9))
    assert verdict.outcome is Outcome.BREACH
    assert [c.check for c in verdict.of(Outcome.BREACH)] == ["schema.range"]


def test_a_file_is_a_schema_too(sources: Sources, tmp_path: Path) -> None:
    path = str(tmp_path / "flights.yaml")
    sources.fill("t", id=range(10), x=range(10))
    question = replace(ASK_SCHEMA, schema=path)
    assert question.ask(sources, run(1)).outcome is Outcome.UNDECIDED
    write_schema(path, SCHEMA)
    assert question.ask(sources, run(1)).outcome is Outcome.PASS
    assert find_schema(sources.store, path) == SCHEMA
    Path(path).write_text("version: 1\ncolumns:\n  x: {type: int}\n", "utf-8")
    with pytest.raises(ConfigurationError, match=r"flights\.yaml, line 3: Column 'x': type must be one of"):
        question.ask(sources, run(1))


def test_skew_is_asked_of_two_tables(sources: Sources) -> None:
    sources.fill("t", id=range(100), x=[1.0] * 100)
    sources.fill("s", id=range(100), x=[1.0] * 80 + [2.0] * 20)
    verdict = ASK_SKEW.ask(sources, run(1))
    assert verdict.outcome is Outcome.BREACH
    assert [(c.check, c.outcome) for c in verdict.checks] == [
        ("skew.unmatched", Outcome.PASS),
        ("skew.mismatch", Outcome.BREACH),
    ]


def test_skew_needs_tables_that_can_be_joined() -> None:
    with pytest.raises(ConfigurationError, match="table is on conn_id 'wh' and serving on 'crm'"):
        replace(ASK_SKEW, serving=Table("s", "crm", key="id"))
    with pytest.raises(ConfigurationError, match=r"table has key \('id',\), serving has \('a', 'b'\)"):
        replace(ASK_SKEW, serving=Table("s", "wh", key=("a", "b")))


# Importance

RNG = np.random.default_rng(0)


def fill_flights(sources: Sources, seed: int, n: int = 1_000) -> None:
    rng = np.random.default_rng(seed)
    hour, distance, idle = rng.normal(size=n), rng.normal(size=n), rng.normal(size=n)
    late = (hour + 0.4 * distance) > 0
    sources.fill("f", id=range(n), hour=hour, distance=distance, idle=idle, late=late, late__confidence=0.5)


class Leans(FunctionModel):
    """Leans on its features by these weights."""

    def __init__(self, **weights: float) -> None:
        super().__init__(
            lambda c: {"late": sum(w * c[n] for n, w in weights.items()) > 0}, outputs=["late"], name="leans"
        )
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


def importance(model: Any, **kwargs: Any) -> ImportanceQuestion:
    arguments = {"column": "late", "truth_column": "late", "name": "late", "sample": 1_000, "repeats": 20, "seed": 0}
    limits = ImportanceLimits(**kwargs)
    return ImportanceQuestion(table=Table("f", "wh", key="id"), model=model, limits=limits, **arguments)


def test_a_model_that_leans_on_the_same_features_passes_from_the_second_run_on(sources: Sources) -> None:
    model = Leans(hour=1, distance=0.4)
    fill_flights(sources, 1)
    first = importance(model).ask(sources, run(1))
    assert first.outcome is Outcome.UNDECIDED
    assert "the first run" in first.checks[0].message
    fill_flights(sources, 2)
    second = importance(model).ask(sources, run(2))
    assert second.outcome is Outcome.PASS
    assert "over 3 pairs of features" in second.checks[0].message
    assert "late" not in second.checks[0].detail["importance"]  # type: ignore[index]
    assert model.closed == 2
    (stored, _) = sources.store.measurements.list("importance/late")
    assert set(stored.values["importances"]) == {"hour", "distance", "idle"}


def test_another_leaning_breaches_against_the_first_and_a_retry_replaces(sources: Sources) -> None:
    fill_flights(sources, 1)
    usual, other = Leans(hour=1, distance=0.4), Leans(distance=1, idle=0.4)
    for n, model in ((1, usual), (2, usual), (3, other)):
        verdict = importance(model).ask(sources, run(n))
    assert verdict.outcome is Outcome.BREACH
    assert importance(other).ask(sources, run(3, attempt=2)).outcome is Outcome.BREACH
    assert len(sources.store.measurements.list("importance/late")) == 3
    assert importance(other, reference="previous", min_pairs=2).ask(sources, run(4)).outcome is Outcome.PASS
    assert importance(other).ask(sources, run(5)).outcome is Outcome.BREACH


def test_a_run_with_too_few_rows_is_nobodys_reference(sources: Sources) -> None:
    fill_flights(sources, 1, n=100)
    model = Leans(hour=1, distance=0.4)
    assert "100 rows with truth, 200 needed" in importance(model).ask(sources, run(1)).checks[0].message
    fill_flights(sources, 1)
    assert "the first run" in importance(model).ask(sources, run(2)).checks[0].message


def test_a_model_is_closed_when_it_breaks(sources: Sources) -> None:
    fill_flights(sources, 1)
    model = Leans(gone=1)
    with pytest.raises(KeyError, match="gone"):
        importance(model).ask(sources, run(1))
    assert model.closed == 1
    assert sources.store.measurements.list("importance/late") == []


def test_no_table_and_no_column_are_undecided(sources: Sources) -> None:
    model = Leans(hour=1)
    assert importance(model).ask(sources, run(1)).outcome is Outcome.UNDECIDED
    fill_flights(sources, 1)
    question = replace(importance(model), features=("hour", "wind"))
    assert "no column 'wind'" in question.ask(sources, run(1)).checks[0].message


def test_a_model_is_no_plain_data() -> None:
    with pytest.raises(NotImplementedError, match="ImportanceQuestion cannot be stored"):
        importance(Leans(hour=1)).to_dict()


# Alignment


def alignment(**limits: Any) -> AlignmentQuestion:
    return AlignmentQuestion(
        table=Table("p", "wh"),
        column="late",
        aggregate=Aggregate.MEAN,
        kpi="SELECT value FROM kpi WHERE day = :day",
        kpi_parameters={"day": 1},
        kpi_conn_id="crm",
        name="late",
        limits=AlignmentLimits(**{"min_correlation": 0.5, "min_runs": 15} | limits),
    )


def days(sources: Sources, predictions: Any, kpis: Any) -> list[Verdict]:
    verdicts = []
    for n, (prediction, kpi) in enumerate(zip(predictions, kpis, strict=True), 1):
        sources.fill("p", late=[float(prediction)] * 3)
        sources.fill("kpi", day=[1], value=[None if kpi is None else float(kpi)])
        verdicts.append(alignment().ask(sources, run(n)))
    return verdicts


def test_runs_add_up_to_a_verdict(sources: Sources) -> None:
    walk = np.cumsum(RNG.normal(size=16))
    verdicts = days(sources, walk, walk * 2 + 0.1 * RNG.normal(size=16))
    assert [v.outcome for v in verdicts] == [Outcome.UNDECIDED] * 14 + [Outcome.PASS] * 2
    assert "14 runs with both numbers, 15 needed" in verdicts[13].checks[0].message
    again = alignment().ask(sources, run(16, attempt=2))
    assert again.checks == verdicts[-1].checks
    backfilled = alignment().ask(sources, run(3, attempt=2))
    assert "3 runs with both numbers" in backfilled.checks[0].message


def test_a_kpi_that_has_not_arrived_is_undecided_and_counts_for_nothing(sources: Sources) -> None:
    walk = np.cumsum(RNG.normal(size=16))
    late = [*walk[:-1].tolist(), None]
    verdict = days(sources, walk, late)[-1]
    assert "its KPI has not arrived" in verdict.checks[0].message
    sources.fill("kpi", day=[1], value=[float(walk[-1])])
    assert alignment().ask(sources, run(16, attempt=2)).outcome is Outcome.PASS


def test_moving_against_each_other_breaches(sources: Sources) -> None:
    walk = np.cumsum(RNG.normal(size=15))
    assert days(sources, walk, -walk)[-1].outcome is Outcome.BREACH


def test_a_kpi_of_the_same_connection(sources: Sources) -> None:
    sources.fill("p", late=[1.0])
    verdict = replace(alignment(), kpi="SELECT 5", kpi_parameters={}, kpi_conn_id=None).ask(sources, run(1))
    assert "1 runs with both numbers" in verdict.checks[0].message
    with pytest.raises(NotImplementedError, match="AlignmentQuestion cannot be stored"):
        alignment().to_dict()
