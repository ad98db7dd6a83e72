from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_aiguard.core.claims import Usage
from airflow_provider_aiguard.core.confidence import CELLS, ConfidenceSummary
from airflow_provider_aiguard.core.latency import LatencySummary
from airflow_provider_aiguard.core.run import ColumnSummary, InferenceSummary, ModelIdentity, ModelSummary, RunIdentity

names = st.text(max_size=12)
counts = st.integers(0, 10**12)
identities = st.builds(
    RunIdentity,
    run_id=names,
    dag_id=names,
    dag_run_id=names,
    task_id=names,
    map_index=st.integers(-1, 1000),
    try_number=st.integers(1, 99),
    openlineage_run_id=st.none() | names,
    logical_date=names,
)
confidences = st.builds(
    ConfidenceSummary,
    total=st.floats(0, 1e9),
    counts=st.dictionaries(st.integers(0, CELLS - 1), counts, max_size=3).map(
        lambda cells: tuple(cells.get(i, 0) for i in range(CELLS))
    ),
    missing=counts,
)
columns = st.builds(
    ColumnSummary,
    provenance=st.dictionaries(names, counts, max_size=3),
    confidence=confidences,
    confidence_source=st.none() | names,
)
identity_of_models = st.builds(ModelIdentity, name=names, version=names, fingerprint=names)
usages = st.builds(Usage, requests=counts, input_tokens=counts, output_tokens=counts)
models = st.builds(ModelSummary, model=identity_of_models, asked=counts, cost_micros=st.none() | counts, usage=usages)
summaries = st.builds(
    InferenceSummary,
    run_id=names,
    model=identity_of_models,
    source=names,
    target=names,
    rows=counts,
    inferred=counts,
    rejects=counts,
    chunks=counts,
    sample_steps=st.lists(st.tuples(counts, st.floats(0, 1)), max_size=3).map(tuple),
    cost_micros=st.none() | counts,
    seconds=st.floats(0, 1e6),
    model_seconds=st.floats(0, 1e6),
    usage=usages,
    latency=st.lists(st.tuples(st.floats(0, 1e3), st.integers(1, 99)), max_size=3).map(LatencySummary.of),
    columns=st.dictionaries(names, columns, max_size=2),
    models=st.lists(models, max_size=2).map(tuple),
)


@given(identities)
def test_identities_round_trip(identity: RunIdentity) -> None:
    assert RunIdentity.from_dict(json.loads(json.dumps(identity.to_dict()))) == identity


@given(summaries)
def test_summaries_round_trip(summary: InferenceSummary) -> None:
    assert InferenceSummary.from_dict(json.loads(json.dumps(summary.to_dict()))) == summary


def test_what_was_recorded_before_usage_and_latency_were_counted_has_none() -> None:
    data = summary(rows=3).to_dict()
    del data["usage"], data["latency"]
    assert InferenceSummary.from_dict(data) == summary(rows=3)


def summary(**counts: int) -> InferenceSummary:
    model = ModelIdentity(name="late", version="3", fingerprint="f" * 64)
    return InferenceSummary(run_id="r", model=model, source="a", target="b", **counts)


@pytest.mark.parametrize(("inferred", "rejects", "share"), [(0, 0, 0.0), (3, 1, 0.25), (0, 2, 1.0), (5, 0, 0.0)])
def test_the_reject_share_is_of_the_rows_asked(inferred: int, rejects: int, share: float) -> None:
    assert summary(rows=100, inferred=inferred, rejects=rejects).reject_share == share


def test_what_was_saved_was_not_asked() -> None:
    assert summary(rows=100, inferred=90, rejects=5, saved=60).asked == 35


def test_inferred_cells_of_a_column() -> None:
    assert ColumnSummary(provenance={"observed": 4, "ai_inferred": 3}, confidence=ConfidenceSummary()).inferred == 3
    assert ColumnSummary(provenance={"observed": 4}, confidence=ConfidenceSummary()).inferred == 0


def test_a_model_is_shown_with_its_version() -> None:
    assert str(summary().model) == "late@3"


def test_which_share_was_asked_about_from_a_row_on() -> None:
    model = ModelIdentity(name="m", version="1", fingerprint="f")
    whole = InferenceSummary(run_id="r", model=model, source="t", target="u", rows=30)
    assert [whole.sample_share_at(row) for row in (0, 29, 30)] == [1.0, 1.0, 0.0]
    less = replace(whole, sample_steps=((10, 0.5), (20, 0.0)))
    assert [less.sample_share_at(row) for row in (0, 9, 10, 19, 20)] == [1.0, 1.0, 0.5, 0.5, 0.0]
