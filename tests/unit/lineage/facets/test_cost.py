from __future__ import annotations

from dataclasses import replace

from facet_checks import told
from lineage_samples import summary_of

from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.run import InferenceSummary, ModelIdentity, ModelSummary
from airflow_provider_aiguard.lineage.facets.cost import cost_facet


def test_cost(summary: InferenceSummary) -> None:
    budgets = [Budget("flights", "5.00"), Budget("all", "2.50", per="day")]
    assert told(cost_facet(summary, budgets=budgets, run_url="https://airflow.example/run")) == {
        "runId": "0192-run",
        "costUsd": 1.42,
        "perRowUsd": 0.142,
        "perPredictionUsd": 0.142,
        "perFieldUsd": 0.1775,
        "rows": 10,
        "inferred": 8,
        "fields": 8,
        "saved": 0,
        "asked": 10,
        "model": "flights-late@3",
        "requests": 9,
        "inputTokens": 800,
        "outputTokens": 70,
        "budget": "all, flights",
        "budgetLimitUsd": 2.5,
        "detailUri": "https://airflow.example/run",
    }


def test_the_models_of_a_cascade_are_told_one_by_one(summary: InferenceSummary) -> None:
    cheap, strong = (ModelIdentity(name=name, version="1", fingerprint=name) for name in ("cheap", "strong"))
    models = (
        ModelSummary(model=cheap, asked=8, saved=2, cost_micros=80_000),
        ModelSummary(model=strong, asked=0, saved=3),
    )
    assert told(cost_facet(replace(summary, models=models)))["models"] == [
        {"model": "cheap@1", "asked": 8, "saved": 2, "costUsd": 0.08, "perPredictionUsd": 0.01},
        {"model": "strong@1", "asked": 0, "saved": 3},
    ]
    assert "models" not in told(cost_facet(replace(summary, models=models[:1])))


def test_a_run_without_price_or_budget_costs_an_unknown_amount(summary: InferenceSummary) -> None:
    free = told(cost_facet(summary_of(dict(summary.columns), cost_micros=None, saved=3)))
    assert not {"costUsd", "perRowUsd", "perPredictionUsd", "perFieldUsd", "budget", "budgetLimitUsd"} & set(free)
    assert (free["rows"], free["fields"], free["saved"], free["asked"]) == (10, 8, 3, 7)
    nothing = told(cost_facet(summary_of({}, rows=0, inferred=0, rejects=0, cost_micros=0)))
    assert nothing["costUsd"] == 0
    assert not {"perRowUsd", "perPredictionUsd", "perFieldUsd"} & set(nothing)
