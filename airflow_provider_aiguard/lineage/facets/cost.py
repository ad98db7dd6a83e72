"""``aiguard_cost`` on a run: what one run of an AI step cost, and for what."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attr
from openlineage.client.facet_v2 import RunFacet
from openlineage.client.utils import RedactMixin

from airflow_provider_aiguard.core.money import MICROS_PER_DOLLAR
from airflow_provider_aiguard.lineage.facets.base import link, ready, schema_url, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_aiguard.core.budget import Budget
    from airflow_provider_aiguard.core.run import InferenceSummary, ModelSummary


_MAX_MODELS = 6
"""Models that are told one by one: with the worst of names they fit."""


@attr.define(kw_only=True)
class ModelCost(RedactMixin):
    """What one model of a cascade cost.

    :param model: which, with its version.
    :param asked: rows it was asked about.
    :param saved: rows it answered without being asked, because equal work was paid for before.
    :param costUsd: money spent on it; absent if it has no price.
    :param perPredictionUsd: that over the rows it was asked about.
    """

    model: str
    asked: int
    saved: int
    costUsd: float | None = None  # noqa: N815
    perPredictionUsd: float | None = None  # noqa: N815

    _skip_redact: ClassVar[list[str]] = ["model"]


@attr.define(kw_only=True)
class AiguardCostRunFacet(RunFacet):
    """What one run of an AI step cost.

    :param runId: the run, as the ``…__run`` columns hold it.
    :param costUsd: money spent; absent if no price was declared. So are the three below.
    :param perRowUsd: money spent over the rows read.
    :param perPredictionUsd: money spent over the rows that the model was asked about.
    :param perFieldUsd: money spent over the cells inferred.
    :param rows: rows read.
    :param inferred: rows with at least one inferred cell.
    :param fields: cells inferred.
    :param saved: rows answered without asking the model, because equal work was paid for before.
    :param asked: rows that the model was asked about.
    :param model: who was asked, with its version.
    :param requests: requests that were sent; 0 for a model that sends none. Tokens likewise.
    :param inputTokens: tokens sent.
    :param outputTokens: tokens received.
    :param budget: names of the budgets the money was held against, comma-separated.
    :param budgetLimitUsd: the smallest of their limits.
    :param detailUri: where a person reads more.
    :param models: what each model of a cascade cost, in the order they are asked, the first six; absent if there was
        one.
    """

    runId: str  # noqa: N815
    costUsd: float | None = None  # noqa: N815
    perRowUsd: float | None = None  # noqa: N815
    perPredictionUsd: float | None = None  # noqa: N815
    perFieldUsd: float | None = None  # noqa: N815
    rows: int
    inferred: int
    fields: int
    saved: int
    asked: int
    model: str
    requests: int
    inputTokens: int  # noqa: N815
    outputTokens: int  # noqa: N815
    budget: str | None = None
    budgetLimitUsd: float | None = None  # noqa: N815
    detailUri: str | None = None  # noqa: N815
    models: list[ModelCost] | None = None

    _additional_skip_redact: ClassVar[list[str]] = [
        "runId",
        "model",
        "budget",
        "detailUri",
        "inputTokens",
        "outputTokens",
        "models",
    ]

    @staticmethod
    def _get_schema() -> str:
        return schema_url("AiguardCostRunFacet", "1-0-0")


def cost_facet(
    summary: InferenceSummary, *, budgets: Sequence[Budget] = (), run_url: str | None = None
) -> AiguardCostRunFacet:
    """Say what a run cost.

    :param summary: what the run did so far.
    :param budgets: what its money was held against.
    :param run_url: where a person reads more; left out if it is no ASCII URL of at most 500 characters.
    """
    limits = [b.limit_amount / MICROS_PER_DOLLAR for b in budgets if b.unit == "usd"]
    fields = sum(column.inferred for column in summary.columns.values())
    return ready(
        AiguardCostRunFacet(
            runId=short(summary.run_id),
            costUsd=None if summary.cost_micros is None else summary.cost_micros / MICROS_PER_DOLLAR,
            perRowUsd=_each(summary.cost_micros, summary.rows),
            perPredictionUsd=_each(summary.cost_micros, summary.asked),
            perFieldUsd=_each(summary.cost_micros, fields),
            rows=summary.rows,
            inferred=summary.inferred,
            fields=fields,
            saved=summary.saved,
            asked=summary.asked,
            model=short(str(summary.model)),
            requests=summary.usage.requests,
            inputTokens=summary.usage.input_tokens,
            outputTokens=summary.usage.output_tokens,
            budget=short(", ".join(sorted(b.name for b in budgets))) if budgets else None,
            budgetLimitUsd=min(limits) if limits else None,
            detailUri=link(run_url),
            models=[_of_model(model) for model in summary.models[:_MAX_MODELS]] if len(summary.models) > 1 else None,
        )
    )


def _of_model(summary: ModelSummary) -> ModelCost:
    return ModelCost(
        model=short(str(summary.model)),
        asked=summary.asked,
        saved=summary.saved,
        costUsd=None if summary.cost_micros is None else summary.cost_micros / MICROS_PER_DOLLAR,
        perPredictionUsd=_each(summary.cost_micros, summary.asked),
    )


def _each(micros: int | None, count: int) -> float | None:
    """USD a piece, to nine digits: a token of a small model costs less than a micro-dollar."""
    return None if micros is None or not count else round(micros / MICROS_PER_DOLLAR / count, 9)
