"""What an event says about an exception, made as Airflow makes it: message and formatted trace."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.lineage.events import Lineage
from airflow_provider_aiguard.lineage.failure import retell

PLANTED = "SECRET"
VERDICT = Lineage(reason="confidence guard of flights: breach. mean 0.71 is below 0.80", names=frozenset({"late"}))


def as_airflow_tells(error: BaseException) -> tuple[str, str | None]:
    trace = error.__traceback__
    return str(error), "".join(traceback.format_exception(type(error), error, trace)) if trace else None


def raised(make: Callable[[], object]) -> BaseException:
    try:
        make()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def fail(error: BaseException, cause: BaseException | None = None) -> BaseException:
    def make() -> None:
        try:
            raise ValueError(f"context {PLANTED}")
        except ValueError:
            raise error from cause

    return raised(make)


def test_a_verdict_is_its_reason_and_has_no_trace() -> None:
    error = fail(RuntimeError("breach. category 'SECRET'. Set on_breach='warn'"))
    retell(error, VERDICT)
    assert as_airflow_tells(error) == (VERDICT.reason, None)


def test_an_error_of_ours_keeps_its_message_without_values() -> None:
    message = "Column 'late' is 'SECRET'; name another."
    direct, wrapped = fail(ConfigurationError(message)), fail(RuntimeError(message), ConfigurationError(message))
    for error in (direct, wrapped):
        retell(error, Lineage(names=frozenset({"late"})))
        assert as_airflow_tells(error) == ("Column 'late' is '…'; name another.", None)


def test_without_a_lineage_no_name_is_known() -> None:
    error = fail(ConfigurationError("Column 'late' is ill."))
    retell(error, None)
    assert str(error) == "Column '…' is ill."


def insert_twice() -> None:
    engine = sa.create_engine("sqlite://")
    table = sa.Table("t", sa.MetaData(), sa.Column("a", sa.Text, primary_key=True))
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(table.insert().values(a=PLANTED))
        connection.execute(table.insert().values(a=PLANTED))


@pytest.mark.parametrize(
    "make",
    [
        lambda: fail(KeyError(PLANTED), ValueError(PLANTED)),
        lambda: raised(insert_twice),
        lambda: fail(KeyboardInterrupt(PLANTED)),
    ],
)
def test_of_a_crash_the_class_and_the_code_are_left(make: Callable[[], BaseException]) -> None:
    error = make()
    name = type(error).__name__
    retell(error, Lineage())
    message, trace = as_airflow_tells(error)
    assert message.strip('"') == f"{name}: the message is in the task's log, for it may quote values"
    assert trace is not None
    assert "test_failure.py" in trace
    assert PLANTED not in message + trace
