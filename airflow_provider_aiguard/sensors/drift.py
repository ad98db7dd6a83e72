"""Wait for a table to match its baseline."""

from __future__ import annotations

from airflow_provider_aiguard.operators.drift import DriftArguments
from airflow_provider_aiguard.sensors.guard import GuardSensor


class DriftSensor(DriftArguments, GuardSensor):
    """Waits until a table is back within reach of its baseline, or has enough rows to tell.

    It also takes Airflow's sensor arguments ``poke_interval``, ``timeout`` and ``mode``.

    :param table: the current rows. Templated.
    :param reference: name of the baseline that :class:`~airflow_provider_aiguard.operators.profile.ProfileOperator`
        stored. Templated.
    :param columns: columns to compare. Default: all of the baseline that can be compared.
    :param alpha: probability of a false alarm on an unchanged table, over all columns, in (0, 1). Default 0.05.
    :param min_effect: smallest changes that matter, by test, overriding the defaults: ``ks`` (largest distance of the
        distributions), ``categories`` (effect size w), ``nulls`` and ``unseen`` (shares).
    :param must_see: changes the check must be able to see, by test; a table too small for that is undecided.
    :param show_levels: whether messages may name categories, which are values of rows. Default ``False``.
    :param on_breach: what a breach does in the end: ``"fail"`` (default) without a retry, ``"skip"`` or ``"warn"``.
    :param on_undecided: the same for a verdict that is still undecided in the end. Default ``"fail"``.
    :param fail_fast: apply ``on_breach`` to the first breach instead of waiting for the timeout. Default ``False``.
    :param deferrable: wait in the triggerer instead of a worker slot. Default ``False``.
    :param soft_fail: Airflow's word for ``on_breach="skip"`` and ``on_undecided="skip"``; give one or the other.
    :param conn_id: connection of a table that names none.
    :param aiguard_conn_id: connection of the store.
    """
