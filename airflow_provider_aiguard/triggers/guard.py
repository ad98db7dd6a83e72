"""Asks a guard from the triggerer until it passes, or until the time is up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.verdict import Outcome, Verdict


class GuardTrigger(BaseTrigger):
    """Asks one question again and again; its arguments are plain values, as the triggerer needs them.

    Its event holds the last verdict, or an ``error``.

    :param question: the question, as its ``to_dict``.
    :param identity: the run that asks, as its ``to_dict``.
    :param aiguard_conn_id: connection of the store.
    :param poke_interval: seconds between two questions.
    :param deadline: when to give up, ISO 8601 with zone.
    :param fail_fast: whether a breach ends the wait.
    """

    def __init__(
        self,
        *,
        question: dict[str, Any],
        identity: dict[str, Any],
        aiguard_conn_id: str,
        poke_interval: float,
        deadline: str,
        fail_fast: bool,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's triggers are untyped
        self.question = question
        self.identity = identity
        self.aiguard_conn_id = aiguard_conn_id
        self.poke_interval = poke_interval
        self.deadline = deadline
        self.fail_fast = fail_fast

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Path and arguments, for the triggerer."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "question": self.question,
            "identity": self.identity,
            "aiguard_conn_id": self.aiguard_conn_id,
            "poke_interval": self.poke_interval,
            "deadline": self.deadline,
            "fail_fast": self.fail_fast,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Ask until the answer is final or the deadline has passed."""
        deadline = datetime.fromisoformat(self.deadline)
        while True:
            try:
                # Databases are asked in a thread: the triggerer's loop runs every other trigger, too.
                verdict = await sync_to_async(self._ask, thread_sensitive=False)()
            except Exception as error:
                self.log.exception("The guard could not be asked")
                yield _event(error=f"{type(error).__name__}: {error}")
                return
            left = (deadline - datetime.now(UTC)).total_seconds()
            if self._is_final(verdict) or left <= 0:
                yield _event(verdict=verdict.to_dict())
                return
            await asyncio.sleep(min(self.poke_interval, left))

    def _is_final(self, verdict: Verdict) -> bool:
        return verdict.outcome is Outcome.PASS or (self.fail_fast and verdict.outcome is Outcome.BREACH)

    def _ask(self) -> Verdict:
        from airflow_provider_aiguard.guards.questions.registry import question_from_dict
        from airflow_provider_aiguard.hooks.sources import AirflowSources

        with AirflowSources(self.aiguard_conn_id) as sources:
            return question_from_dict(self.question).ask(sources, RunIdentity.from_dict(self.identity))


def _event(**payload: Any) -> TriggerEvent:
    return TriggerEvent(payload)  # type: ignore[no-untyped-call]  # Airflow's triggers are untyped
