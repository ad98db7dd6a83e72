"""What all doors share: table arguments, verdict policy, and the one place where our errors become Airflow's."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, get_args

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from airflow_provider_aiguard.core.errors import (
    BudgetError,
    ColumnTypeError,
    ConfigurationError,
    InvalidClaimError,
    ModelIntegrityError,
    TableKeyError,
)
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_aiguard.core.run import RunIdentity
    from airflow_provider_aiguard.store.store import Store

log = logging.getLogger(__name__)

Policy = Literal["fail", "skip", "warn"]

VERDICT_KEY = "verdict"
"""XCom key of a guard's verdict."""


class GuardBreachError(AirflowFailException):
    """A guard said no. Not retried: the same evidence gives the same verdict.

    :param verdict: the verdict, for callbacks and notifiers: ``context["exception"].verdict``.
    """

    def __init__(self, message: str, verdict: Verdict | None = None) -> None:
        super().__init__(message)
        self.verdict = verdict


def check_policy(name: str, value: str) -> Policy:
    """Return a policy argument if it is one.

    :raises ConfigurationError: if it is not.
    """
    if value not in get_args(Policy):
        raise ConfigurationError(f"{name} must be one of {get_args(Policy)!r}; got {value!r}.")
    return value  # type: ignore[return-value]


def table_spec(
    table: Table | str | Mapping[str, Any], *, conn_id: str | None, key: str | Sequence[str] | None = None
) -> dict[str, Any]:
    """A table argument as the plain dict that Airflow can render templates in.

    :param table: a :class:`~airflow_provider_aiguard.core.table.Table`, a plain name, or ``Table.to_dict()``.
    :param conn_id: connection of a table that names none.
    :param key: key of a table that names none.
    """
    if isinstance(table, str):
        table = Table(table)
    elif not isinstance(table, Table):
        table = Table.from_dict(table)
    spec = table.to_dict()
    spec["conn_id"] = spec["conn_id"] or conn_id
    if spec["key"] is None and key is not None:
        spec["key"] = key if isinstance(key, str) else list(key)
    if not spec["conn_id"]:
        raise ConfigurationError(
            f"Table {table.full_name!r} has no connection. "
            f"Use Table({table.name!r}, conn_id=...) or the operator's conn_id=."
        )
    return spec


def require_joinable_specs(table: Mapping[str, Any], truth: Mapping[str, Any]) -> None:
    """Refuse a truth that cannot be joined to the table, as soon as connections and keys are known: not as templates.

    :param table: spec of the rows with claims.
    :param truth: spec of the rows with the truth.
    :raises ConfigurationError: if they are on two connections, or their keys do not pair.
    """
    if not any("{{" in str((spec["conn_id"], spec["key"])) for spec in (table, truth)):
        Table.from_dict(table).require_joinable(Table.from_dict(truth))


FINAL_ERRORS = (
    BudgetError,
    ColumnTypeError,
    ConfigurationError,
    InvalidClaimError,
    ModelIntegrityError,
    TableKeyError,
)
"""What a retry cannot help, and would pay the model again for."""


@contextmanager
def airflow_errors() -> Iterator[None]:
    """Turn what a retry cannot help into ``AirflowFailException``; the rest passes through."""
    try:
        yield
    except FINAL_ERRORS as error:
        raise AirflowFailException(str(error)) from error


def deliver(
    verdict: Verdict, context: Context, *, store: Store, identity: RunIdentity, on_breach: Policy, on_undecided: Policy
) -> dict[str, Any]:
    """Make a verdict known, then let it decide about the task.

    It is in the store, in XCom under ``verdict``, in the log and in the metrics before anything is raised.

    :return: the verdict as a dict, on pass and on warn.
    :raises GuardBreachError: on ``fail``.
    :raises AirflowSkipException: on ``skip``.
    """
    store.verdicts.record(identity, verdict)
    publish(verdict, context)
    return apply_policy(verdict, on_breach=on_breach, on_undecided=on_undecided)


def publish(verdict: Verdict, context: Context) -> None:
    """Log a verdict as a table, push it to XCom and count it in the metrics."""
    level = logging.INFO if verdict.outcome is Outcome.PASS else logging.WARNING
    log.log(level, "\n%s", verdict.as_text())
    context["ti"].xcom_push(key=VERDICT_KEY, value=verdict.to_dict())
    count("aiguard.verdict", 1, {"guard": verdict.guard, "outcome": str(verdict.outcome)})


def apply_policy(verdict: Verdict, *, on_breach: Policy, on_undecided: Policy) -> dict[str, Any]:
    """Return, skip or fail as the outcome's policy says."""
    policy = {Outcome.PASS: "warn", Outcome.BREACH: on_breach, Outcome.UNDECIDED: on_undecided}[verdict.outcome]
    if policy == "warn":
        return verdict.to_dict()
    message = f"{verdict.summary}. {_remedy(verdict)}"
    if policy == "skip":
        raise AirflowSkipException(message)
    raise GuardBreachError(message, verdict)


def _remedy(verdict: Verdict) -> str:
    switch = "on_breach" if verdict.outcome is Outcome.BREACH else "on_undecided"
    return (
        "The checks are in this log, in XCom under 'verdict' and in the report. "
        f"Fix what they name, move the limit, or set {switch}='warn' to go on regardless."
    )


def count(metric: str, value: float, tags: Mapping[str, str]) -> None:
    """Report a number to Airflow's metrics. Never fails a task."""
    try:
        from airflow.sdk.observability import stats

        if isinstance(value, int):
            stats.incr(metric, value, tags=dict(tags))
        else:
            stats.gauge(metric, value, tags=dict(tags))
    except Exception:
        log.warning("Metric %s could not be reported.", metric, exc_info=True)
