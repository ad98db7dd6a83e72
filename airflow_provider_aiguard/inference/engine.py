"""One AI step from the first row to the last: the flow of a chunk, one way.

::

    rows ─read─► chunk ─► needed rows ─► different rows ─hold─► model ─validate─► settle ─► rejects ─► target ─► counts

Nothing of a chunk is written unless all its claims are valid; value and companions are written in one statement and
one transaction. A step that is killed and tried again rewrites by key: it ends with the table of an undisturbed run.
The engine knows neither Airflow nor SQL dialects.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import numpy as np

from airflow_provider_aiguard.core.errors import RejectShareError
from airflow_provider_aiguard.core.provenance import Provenance
from airflow_provider_aiguard.core.run import InferenceSummary, Reject, RunIdentity, RunState, run_of_model
from airflow_provider_aiguard.inference.asker import Asker
from airflow_provider_aiguard.inference.cascade import Cascade, routes
from airflow_provider_aiguard.inference.cells import (
    ChunkClaims,
    add_claimed,
    add_kept,
    no_claims,
    spread,
)
from airflow_provider_aiguard.inference.columns import StepColumns, StepOutputs
from airflow_provider_aiguard.inference.escalation import Escalation, Question
from airflow_provider_aiguard.inference.pressure import NOT_PROCESSED, Pressure
from airflow_provider_aiguard.inference.tally import ColumnTally, Tally
from airflow_provider_aiguard.inference.validate import Mask, Positions
from airflow_provider_aiguard.tables.connection import connect
from airflow_provider_aiguard.tables.nulls import null_mask
from airflow_provider_aiguard.tables.reader import count_rows, read_chunks
from airflow_provider_aiguard.tables.writer import ClaimWriter

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Connection, Engine

    from airflow_provider_aiguard.core.claims import Failure
    from airflow_provider_aiguard.core.outputs import Output
    from airflow_provider_aiguard.inference.plan import InferencePlan
    from airflow_provider_aiguard.models.base import Model
    from airflow_provider_aiguard.store.store import Store

logger = logging.getLogger(__name__)

LOG_EVERY_SECONDS = 10.0

MOST_LEFT_OUT = 10_000
"""Rows not processed whose keys are kept, the first ones; all are counted. A million keys are 200 MB of store."""


def run_inference(
    plan: InferencePlan,
    model: Model | Cascade,
    *,
    source: Engine,
    target: Engine,
    store: Store,
    identity: RunIdentity,
) -> InferenceSummary:
    """Execute an AI step.

    :param plan: what to do.
    :param model: who makes the claims; several, in a cascade. Closed at the end, whatever happens.
    :param source: database of ``plan.rows``.
    :param target: database of ``plan.into``; the same object as ``source`` shares its connection.
    :param store: where the run is remembered and money is held.
    :param identity: the run.
    :raises BudgetExceededError: when a hold is refused. Earlier chunks stay written and paid.
    :raises InvalidClaimError: at an invalid claim. Earlier chunks stay written, nothing of its chunk is.
    :raises RejectShareError: after the last chunk, if too many rows were rejected.
    """
    cascade, plans = routes(plan, model)
    with ExitStack() as stack:
        stack.callback(cascade.close)
        cascade.require_learnt_for()
        stack.enter_context(_remembered(plan, cascade, store, identity))
        read = stack.enter_context(connect(source))
        write = read if target is source else stack.enter_context(connect(target))
        return _Step(plan, cascade, plans, store, identity, read, write).run()


@contextmanager
def _remembered(plan: InferencePlan, model: Cascade, store: Store, identity: RunIdentity) -> Iterator[None]:
    store.runs.start(identity, model.identity, source=plan.rows.full_name, target=plan.into.full_name)
    state = RunState.FAILED
    try:
        yield
        state = RunState.SUCCESS
    finally:
        store.runs.finish(state, store.runs.get(identity.run_id).summary)


class _Step:
    """One run between its first and its last chunk."""

    def __init__(
        self,
        plan: InferencePlan,
        cascade: Cascade,
        plans: Sequence[InferencePlan],
        store: Store,
        identity: RunIdentity,
        read: Connection,
        write: Connection,
    ) -> None:
        self.plan = plan
        self.store = store
        self.identity = identity
        self.read = read
        self.write = write
        self.key = plan.rows.require_key()
        self.columns = StepColumns.of(plan, read, write)
        self.outputs = StepOutputs(self.columns.outputs)
        self.writer: ClaimWriter | None = None
        self.askers = [
            Asker(one, level, store, identity, self.outputs) for one, level in zip(plans, cascade.all, strict=True)
        ]
        self.runs = [run_of_model(identity.run_id, i, len(self.askers)) for i in range(len(self.askers))]
        self.chunk_size = plan.chunk_size or cascade.chunk_size
        self.total = count_rows(read, plan.rows)
        earlier = store.runs.furthest_try(identity, cascade.identity) if plan.budgets and plan.store_results else None
        self.pressure = Pressure(plan, store, identity, self.total, earlier)
        self.escalation = Escalation(cascade, self.askers, self.pressure)
        self.tally = Tally(
            run_id=identity.run_id,
            model=cascade.identity,
            source=plan.rows.full_name,
            target=plan.into.full_name,
            columns={o.name: ColumnTally() for o in plan.outputs},
            models=[asker.tally for asker in self.askers],
        )

    def run(self) -> InferenceSummary:
        names = ", ".join(o.name for o in self.outputs.all)
        logger.info("Inferring %s for %d rows of %s by %s", names, self.total, self.tally.source, self.tally.model)
        if self.outputs.typed:
            self._open_writer()
        logged = time.monotonic()
        for chunk in read_chunks(self.read, self.plan.rows, self.columns.read, chunk_size=self.chunk_size):
            try:
                self._chunk(chunk)
            finally:
                self.store.runs.progress(self.tally.summary())
            if time.monotonic() - logged >= LOG_EVERY_SECONDS:
                logged = time.monotonic()
                logger.info("%d of %d rows done, %d rejected", self.tally.rows, self.total, self.tally.rejects)
        self._check_reject_share()
        return self.tally.summary()

    def _chunk(self, chunk: pd.DataFrame) -> None:
        needed = self._needed(chunk)
        positions = np.flatnonzero(np.logical_or.reduce(list(needed.values())))
        asked = len(positions) > 0
        claims = self._infer(chunk, needed, positions) if asked else no_claims(self.outputs.all, len(chunk))
        self._keep_rejects(chunk, claims)
        self._write_chunk(chunk, claims)
        self._count(chunk, claims, needed)

    def _needed(self, chunk: pd.DataFrame) -> dict[str, Mask]:
        everything = np.ones(len(chunk), dtype=bool)
        if self.plan.fill == "all":
            return {o.name: everything for o in self.outputs.all}
        return {o.name: null_mask(chunk[o.name]) if o.name in chunk else everything for o in self.outputs.all}

    def _infer(self, chunk: pd.DataFrame, needed: Mapping[str, Mask], positions: Positions) -> ChunkClaims:
        rows = chunk[list(self.columns.inputs)]
        if len(positions) < len(chunk):
            rows = rows.iloc[positions].reset_index(drop=True)
        needs = {name: mask[positions] for name, mask in needed.items()}

        def describe(row: int) -> str:
            return str(self._key_of(chunk, int(positions[row])))

        keys = chunk[list(self.key)].iloc[positions]
        self.pressure.begin(self.tally.rows, len(chunk), self.askers)
        standing = self.escalation.claims(Question(rows, needs, keys, describe))
        for name, sources in standing.sources.items():
            self.tally.columns[name].add_sources(sources)
        self.tally.saved += standing.saved
        for why, answered in standing.degraded.items():
            self.tally.degraded[why] = self.tally.degraded.get(why, 0) + answered
        self.tally.add_share(self.pressure.share)
        return spread(standing, positions, len(chunk), needed)

    def _keep_rejects(self, chunk: pd.DataFrame, claims: ChunkClaims) -> None:
        left = max(0, MOST_LEFT_OUT - self.tally.not_processed)
        left_out = [i for i, failure in claims.failures.items() if failure == NOT_PROCESSED]
        failed = [i for i, failure in claims.failures.items() if failure != NOT_PROCESSED]
        rejects = [self._reject(chunk, i, claims.failures[i]) for i in sorted((*failed, *left_out[:left]))]
        if failed:
            first = self._reject(chunk, failed[0], claims.failures[failed[0]])
            logger.warning("Rows rejected: %d, the first is %s: %s", len(failed), dict(first.key), first.reason)
        self.store.runs.add_rejects(self.identity.run_id, rejects)

    def _reject(self, chunk: pd.DataFrame, row: int, failure: Failure) -> Reject:
        return Reject(key=self._key_of(chunk, row), reason=failure.reason, detail=failure.detail)

    def _key_of(self, chunk: pd.DataFrame, row: int) -> dict[str, str]:
        return {column: str(chunk[column].iloc[row]) for column in self.key}

    def _write_chunk(self, chunk: pd.DataFrame, claims: ChunkClaims) -> None:
        frame = chunk[[*self.key, *self.columns.carry]].copy(deep=False)
        for output in self.outputs.all:
            add_claimed(frame, output, claims, self.runs)
            if self.plan.fill == "missing" and not self.plan.in_place and output.name in chunk:
                add_kept(frame, output, chunk, claims.inferred[output.name])
        # In place, a rejected row is still there: the values it already has get their label.
        if self.columns.mode != "fill" and claims.rejected.any():
            frame = frame[~claims.rejected]
        if len(frame) and self.outputs.typed:
            self._open_writer().write(frame)

    def _open_writer(self) -> ClaimWriter:
        if self.writer is None:
            self.writer = ClaimWriter(
                self.write,
                self.columns.into,
                self.outputs.all,
                key=self.columns.key_types,
                carry=self.columns.carry,
                mode=self.columns.mode,
            )
            self.writer.prepare()
        return self.writer

    def _count(self, chunk: pd.DataFrame, claims: ChunkClaims, needed: Mapping[str, Mask]) -> None:
        left_out = sum(failure == NOT_PROCESSED for failure in claims.failures.values())
        self.tally.rows += len(chunk)
        self.tally.not_processed += left_out
        self.tally.rejects += int(claims.rejected.sum()) - left_out
        inferred = np.logical_or.reduce(list(claims.inferred.values()))
        self.tally.inferred += int(inferred.sum())
        for asker, answered in zip(
            self.askers, np.bincount(claims.by[inferred], minlength=len(self.askers)), strict=True
        ):
            asker.tally.answered += int(answered)
        self.tally.chunks += 1
        for output in self.outputs.all:
            tally, cells = self.tally.columns[output.name], claims.inferred[output.name]
            tally.add_provenance(Provenance.AI_INFERRED, int(cells.sum()))
            tally.add_confidences(claims.confidences[output.name][cells])
            self._count_kept(chunk, output, ~needed[output.name])

    def _count_kept(self, chunk: pd.DataFrame, output: Output, kept: Mask) -> None:
        tally, label = self.tally.columns[output.name], output.companions.provenance
        if label not in chunk or not kept.any():
            tally.add_provenance(Provenance.OBSERVED, int(kept.sum()))
            return
        counts = chunk[label][kept].fillna(str(Provenance.OBSERVED)).value_counts()
        for provenance, cells in counts.items():
            tally.add_provenance(str(provenance), int(cells))

    def _check_reject_share(self) -> None:
        summary = self.tally.summary()
        if summary.reject_share > self.plan.max_reject_share:
            raise RejectShareError(
                f"The model {summary.model} failed on {summary.rejects} of {summary.inferred + summary.rejects} rows "
                f"({summary.reject_share:.2%}), allowed are {self.plan.max_reject_share:.2%}. The other rows are "
                f"written. To see the rejects: aiguard rejects {summary.run_id}. Raise max_reject_share to "
                "accept them."
            )
