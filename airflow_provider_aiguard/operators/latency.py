"""Did the model answer in time?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_aiguard.core.limits.latency import LatencyClass, LatencyLimits
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.operators.base import table_spec
from airflow_provider_aiguard.operators.guard import GuardOperator

if TYPE_CHECKING:
    from airflow_provider_aiguard.core.latency import Per
    from airflow_provider_aiguard.guards.questions.latency import LatencyQuestion


class LatencyCheckOperator(GuardOperator):
    """Fails when the model that wrote a table in this DAG run took too long for its calls.

    A call is a request of a model behind a network, or a chunk of a model in the task's own process. It needs no query:
    the runs remember how long their calls took.

    :param table: what the AI step wrote, as it names it in ``into``. Templated.
    :param latency_class: ``"bounded"``: 95 % of the calls take at most 20 ms. ``"sophisticated"``: at most 100 ms, of a
        model that is meant to take 50 ms or more. ``"interactive"``: at most 100 ms. It stands for ``max_p95_ms``.
    :param max_p50_ms: milliseconds that half of the calls may take at most.
    :param max_p95_ms: the same for 95 % of them.
    :param max_p99_ms: the same for 99 %.
    :param per: ``"call"`` (default), or ``"row"``: what a call took, divided by the rows it was asked about.
    :param min_calls: calls needed for a verdict; fewer are undecided. Default 100.
    :param alpha: probability of any false alarm where the true latencies are at the limits, in (0, 1). Default 0.05.
    :param on_breach: what a slow model does: ``"fail"`` (default) without a retry, ``"skip"`` or ``"warn"``.
    :param on_undecided: the same when there is no verdict: no run wrote the table, too few calls. Default ``"fail"``.
    :param conn_id: connection of a table that names none.
    :param aiguard_conn_id: connection of the store.
    """

    template_fields: Sequence[str] = ("table",)
    template_fields_renderers: ClassVar[dict[str, str]] = {"table": "json"}

    def __init__(
        self,
        *,
        table: Table | str,
        latency_class: LatencyClass | None = None,
        max_p50_ms: float | None = None,
        max_p95_ms: float | None = None,
        max_p99_ms: float | None = None,
        per: Per = "call",
        min_calls: int = 100,
        alpha: float = 0.05,
        conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(conn_id=conn_id, **kwargs)
        self.table = table_spec(table, conn_id=conn_id)
        self.latency_class = latency_class
        self.max_p50_ms = max_p50_ms
        self.max_p95_ms = max_p95_ms
        self.max_p99_ms = max_p99_ms
        self.per = per
        self.min_calls = min_calls
        self.alpha = alpha
        self._limits()

    def question(self) -> LatencyQuestion:
        """The question, from the rendered arguments."""
        from airflow_provider_aiguard.guards.questions.latency import LatencyQuestion

        return LatencyQuestion(table=Table.from_dict(self.table), limits=self._limits())

    def _limits(self) -> LatencyLimits:
        return LatencyLimits(
            latency_class=self.latency_class,
            max_p50_ms=self.max_p50_ms,
            max_p95_ms=self.max_p95_ms,
            max_p99_ms=self.max_p99_ms,
            per=self.per,
            min_calls=self.min_calls,
            alpha=self.alpha,
        )
