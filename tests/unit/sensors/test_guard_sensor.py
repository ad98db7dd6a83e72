from __future__ import annotations

import pytest

from airflow_provider_aiguard import Budget, Table
from airflow_provider_aiguard.core.errors import AIGuardError, ConfigurationError
from airflow_provider_aiguard.sensors.budget import BudgetSensor
from airflow_provider_aiguard.sensors.confidence import ConfidenceSensor
from airflow_provider_aiguard.sensors.guard import GuardSensor


def sensor(**kwargs):
    return ConfidenceSensor(task_id="s", table=Table("t", "rows"), column="late", min_mean=0.8, **kwargs)


def test_without_policies_a_sensor_fails_in_the_end():
    made = sensor()
    assert (made.on_breach, made.on_undecided, made.fail_fast, made.deferrable) == ("fail", "fail", False, False)


def test_soft_fail_is_both_policies_skip():
    made = sensor(soft_fail=True)
    assert (made.on_breach, made.on_undecided) == ("skip", "skip")


@pytest.mark.parametrize("policy", [{"on_breach": "fail"}, {"on_undecided": "skip"}, {"on_breach": "skip"}])
def test_soft_fail_beside_a_policy_is_an_error(policy):
    with pytest.raises(ConfigurationError, match=r"soft_fail=True is the same as .*give one or the other"):
        sensor(soft_fail=True, **policy)


@pytest.mark.parametrize("name", ["on_breach", "on_undecided"])
def test_an_unknown_policy_is_an_error(name):
    with pytest.raises(ConfigurationError, match=rf"{name} must be one of .*; got 'ignore'"):
        sensor(**{name: "ignore"})


def test_never_fail_is_an_error():
    """Airflow would turn some failures of a guard into a skip, and not others."""
    with pytest.raises(ConfigurationError, match=r"never_fail.*on_breach"):
        sensor(never_fail=True)


def test_bad_limits_are_errors_of_the_dag_file():
    with pytest.raises(ConfigurationError, match="max_missing_share must be a number in"):
        sensor(max_missing_share=2)
    with pytest.raises(ConfigurationError, match=r"needed must be dollars as a string .* got 0\.5"):
        BudgetSensor(task_id="s", budget=Budget("b", "1"), needed=0.5)


def test_airflows_own_arguments_arrive():
    made = sensor(poke_interval=7, timeout=9, mode="reschedule", retries=2)
    assert (made.poke_interval, made.timeout, made.mode, made.retries) == (7, 9, "reschedule", 2)


def test_an_unknown_argument_is_an_error():
    with pytest.raises(TypeError, match="on_breech"):
        sensor(on_breech="warn")


def test_an_error_of_the_trigger_is_an_error_of_the_task():
    with pytest.raises(AIGuardError, match="could not be asked in the triggerer: OperationalError: gone"):
        sensor().execute_complete({}, {"error": "OperationalError: gone"})


def test_the_base_asks_nothing():
    with pytest.raises(NotImplementedError, match="GuardSensor asks nothing"):
        GuardSensor(task_id="s").question()
