"""``aiguard_run`` on a run: what one run of an AI step did."""

from __future__ import annotations

from typing import ClassVar

import attr
from openlineage.client.facet_v2 import RunFacet

from airflow_provider_aiguard.core.run import InferenceSummary, RunState
from airflow_provider_aiguard.lineage.datasets import DatasetName
from airflow_provider_aiguard.lineage.facets.base import link, ready, schema_url, short
from airflow_provider_aiguard.lineage.sanitise import clean_text, rounded


@attr.define(kw_only=True)
class AiguardRunRunFacet(RunFacet):
    """What one run of an AI step did, whether it succeeded or not.

    :param runId: the run, as the ``…__run`` columns hold it.
    :param state: ``success`` or ``failed``.
    :param model: name of the model.
    :param modelVersion: version of the model.
    :param fingerprint: sha256 of what decides the answers: code, weights or prompt.
    :param rows: rows read.
    :param inferred: rows with at least one inferred cell.
    :param rejects: rows the model failed on.
    :param notProcessed: rows left out because a budget ran short; absent if there are none.
    :param degraded: rows answered by a cheaper model than the one they should have gone to; absent likewise.
    :param models: the models of a cascade, each with the rows it answered; absent if there is but one.
    :param rejectShare: rejects over the rows the model was asked for, in [0, 1].
    :param chunks: chunks that are safely written.
    :param seconds: wall-clock seconds, all of it.
    :param modelSeconds: seconds inside the model.
    :param calls: calls that were timed: requests of a model behind a network, chunks of one in the task's process.
    :param latencyP50Ms: milliseconds that half of them took at most; up to a tenth too high. Likewise P95 and P99.
    :param targetNamespace: namespace of the dataset written. A failed run names no outputs, yet its finished chunks
        are there: here one can find them.
    :param targetName: name of the dataset written.
    :param detailUri: where a person reads more.
    """

    runId: str  # noqa: N815
    state: str
    model: str
    modelVersion: str  # noqa: N815
    fingerprint: str
    rows: int
    inferred: int
    rejects: int
    chunks: int
    notProcessed: int | None = None  # noqa: N815
    degraded: int | None = None
    models: str | None = None
    rejectShare: float | None = None  # noqa: N815
    seconds: float | None = None
    modelSeconds: float | None = None  # noqa: N815
    calls: int | None = None
    latencyP50Ms: float | None = None  # noqa: N815
    latencyP95Ms: float | None = None  # noqa: N815
    latencyP99Ms: float | None = None  # noqa: N815
    targetNamespace: str | None = None  # noqa: N815
    targetName: str | None = None  # noqa: N815
    detailUri: str | None = None  # noqa: N815

    _additional_skip_redact: ClassVar[list[str]] = [
        *("runId", "state", "model", "modelVersion", "fingerprint", "models"),
        *("targetNamespace", "targetName", "detailUri"),
    ]

    @staticmethod
    def _get_schema() -> str:
        return schema_url("AiguardRunRunFacet", "1-0-0")


def run_facet(
    summary: InferenceSummary,
    *,
    target: DatasetName | None,
    state: RunState = RunState.SUCCESS,
    run_url: str | None = None,
) -> AiguardRunRunFacet:
    """Say what a run did.

    :param summary: what the run did so far.
    :param target: the dataset it wrote, if it is known.
    :param state: how it ended.
    :param run_url: where a person reads more; left out if it is no ASCII URL of at most 500 characters.
    """
    return ready(
        AiguardRunRunFacet(
            runId=short(summary.run_id),
            state=str(state),
            model=short(summary.model.name),
            modelVersion=short(summary.model.version),
            fingerprint=short(summary.model.fingerprint),
            rows=summary.rows,
            inferred=summary.inferred,
            rejects=summary.rejects,
            notProcessed=summary.not_processed or None,
            degraded=sum(summary.degraded.values()) or None,
            models=short(", ".join(f"{m.model}: {m.answered}" for m in summary.models))
            if len(summary.models) > 1
            else None,
            rejectShare=rounded(summary.reject_share),
            chunks=summary.chunks,
            seconds=rounded(summary.seconds),
            modelSeconds=rounded(summary.model_seconds),
            calls=summary.latency.count or None,
            latencyP50Ms=_milliseconds(summary.latency.quantile(0.5)),
            latencyP95Ms=_milliseconds(summary.latency.quantile(0.95)),
            latencyP99Ms=_milliseconds(summary.latency.quantile(0.99)),
            targetNamespace=None if target is None else clean_text(target.namespace, 1024),
            targetName=None if target is None else clean_text(target.name, 512),
            detailUri=link(run_url),
        )
    )


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else rounded(seconds * 1000)
