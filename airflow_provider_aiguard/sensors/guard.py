"""What the sensors share: ask until the guard passes, in poke, reschedule and deferrable mode."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator, PokeReturnValue
from airflow.sdk.exceptions import AirflowSensorTimeout, TaskDeferred

from airflow_provider_aiguard.core.errors import AIGuardError, ConfigurationError
from airflow_provider_aiguard.core.verdict import Outcome, Verdict
from airflow_provider_aiguard.operators.base import Policy, airflow_errors, apply_policy, check_policy, publish
from airflow_provider_aiguard.operators.guard import GuardLineage
from airflow_provider_aiguard.operators.links import MarquezLink, ReportLink

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_aiguard.guards.questions.base import Question
    from airflow_provider_aiguard.hooks.sources import AirflowSources

# If the trigger itself is lost, Airflow's own deferral timeout ends the wait this much later.
_TRIGGER_GRACE = timedelta(minutes=5)


class GuardSensor(GuardLineage, BaseSensorOperator):
    """Asks a guard until it passes. Base of the sensors.

    A breach and an undecided verdict both mean *wait*. The policies apply at ``timeout``, or at once with
    ``fail_fast``, where waiting cannot help.

    :param on_breach: what a breach does in the end: ``"fail"`` (default), ``"skip"`` or ``"warn"``.
    :param on_undecided: the same for a verdict that was still undecided. Default ``"fail"``.
    :param fail_fast: apply ``on_breach`` to the first breach instead of waiting for the timeout.
    :param deferrable: wait in the triggerer instead of a worker slot.
    :param soft_fail: Airflow's word for ``on_breach="skip"`` and ``on_undecided="skip"``; not both.
    :param conn_id: connection of a table that names none.
    :param aiguard_conn_id: connection of the store.
    """

    operator_extra_links = (ReportLink(), MarquezLink())
    ui_color = "#fce8c9"

    def __init__(
        self,
        *,
        on_breach: Policy | None = None,
        on_undecided: Policy | None = None,
        fail_fast: bool = False,
        deferrable: bool = False,
        soft_fail: bool = False,
        conn_id: str | None = None,
        aiguard_conn_id: str = "aiguard_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if soft_fail and (on_breach or on_undecided):
            raise ConfigurationError(
                "soft_fail=True is the same as on_breach='skip' and on_undecided='skip'; give one or the other."
            )
        if self.never_fail:
            raise ConfigurationError(
                "never_fail=True would skip on some failures and not on others. Say what a guard's verdict does with "
                "on_breach= and on_undecided=."
            )
        default: Policy = "skip" if soft_fail else "fail"
        self.on_breach = check_policy("on_breach", on_breach or default)
        self.on_undecided = check_policy("on_undecided", on_undecided or default)
        self.fail_fast = fail_fast
        self.deferrable = deferrable
        self.conn_id = conn_id
        self.aiguard_conn_id = aiguard_conn_id
        self._last: Verdict | None = None

    def question(self) -> Question:
        """The question, from the rendered arguments."""
        raise NotImplementedError(f"{type(self).__name__} asks nothing.")

    def execute(self, context: Context) -> dict[str, Any] | None:
        """Wait for the guard to pass; return its verdict."""
        if self.deferrable:
            return self._execute_deferrable(context)
        try:
            result: dict[str, Any] | None = super().execute(context)
        except AirflowSensorTimeout:
            if self._last is None:
                raise
            return self._conclude(self._last, context)
        return result

    def poke(self, context: Context) -> bool | PokeReturnValue:
        """Ask once."""
        verdict = self._ask(context)
        if self._is_final(verdict):
            return PokeReturnValue(is_done=True, xcom_value=self._conclude(verdict, context))
        self.log.info("Waiting: %s", verdict.summary)
        return False

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Resume with what the trigger saw last."""
        if "error" in event:
            raise AIGuardError(f"The guard could not be asked in the triggerer: {event['error']}")
        verdict = Verdict.from_dict(event["verdict"])
        with airflow_errors(), self._sources() as sources:
            self._remember(verdict, sources, context)
        return self._conclude(verdict, context)

    def _execute_deferrable(self, context: Context) -> dict[str, Any]:
        from airflow_provider_aiguard.hooks.identity import identity_of
        from airflow_provider_aiguard.triggers.guard import GuardTrigger

        verdict = self._ask(context)
        if self._is_final(verdict):
            return self._conclude(verdict, context)
        self.log.info("Waiting in the triggerer: %s", verdict.summary)
        wait = timedelta(seconds=self.timeout)
        trigger = GuardTrigger(
            question=self.question().to_dict(),
            identity=identity_of(context).to_dict(),
            aiguard_conn_id=self.aiguard_conn_id,
            poke_interval=self.poke_interval,
            deadline=(datetime.now(UTC) + wait).isoformat(),
            fail_fast=self.fail_fast,
        )
        raise TaskDeferred(trigger=trigger, method_name="execute_complete", timeout=wait + _TRIGGER_GRACE)

    def _is_final(self, verdict: Verdict) -> bool:
        return verdict.outcome is Outcome.PASS or (self.fail_fast and verdict.outcome is Outcome.BREACH)

    def _ask(self, context: Context) -> Verdict:
        from airflow_provider_aiguard.hooks.identity import identity_of

        with airflow_errors(), self._sources() as sources:
            verdict = self.question().ask(sources, identity_of(context))
            self._remember(verdict, sources, context)
        return verdict

    def _remember(self, verdict: Verdict, sources: AirflowSources, context: Context) -> None:
        from airflow_provider_aiguard.hooks.identity import identity_of

        identity = identity_of(context)
        sources.store.verdicts.record(identity, verdict)
        self.remember_lineage(verdict, sources, identity)
        self._last = verdict

    def _conclude(self, verdict: Verdict, context: Context) -> dict[str, Any]:
        publish(verdict, context)
        return apply_policy(verdict, on_breach=self.on_breach, on_undecided=self.on_undecided)

    def _sources(self) -> AirflowSources:
        from airflow_provider_aiguard.hooks.sources import AirflowSources

        return AirflowSources(self.aiguard_conn_id)
