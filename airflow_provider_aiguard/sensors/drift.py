"""Wait for a table to match its reference."""

from __future__ import annotations

from airflow_provider_aiguard.operators.drift import DriftArguments
from airflow_provider_aiguard.sensors.guard import GuardSensor


class DriftSensor(DriftArguments, GuardSensor):
    """Waits until a table is back within reach of its reference, or has enough rows to tell.

    It also takes Airflow's sensor arguments ``poke_interval``, ``timeout`` and ``mode``.

    :param table: the current rows. Templated.
    :param reference: what to compare with: the name of a baseline that
        :class:`~airflow_provider_aiguard.operators.profile.ProfileOperator` stored, or
        ``Reference.previous(name)``, ``Reference.trailing(name, batches=8)`` or
        ``Reference.seasonal(name, by="weekday")``, whose batches this check stores itself. Templated.
    :param columns: columns to compare. Default: all of the reference that can be compared.
    :param methods: tests by column, ``"*"`` for all others, such as ``{"*": ["ks", "nulls"], "carrier": ["psi"]}``.
        Default: the recommended combination for each kind of column.
    :param alpha: probability of a false alarm on an unchanged table, over all columns, in (0, 1). Default 0.05.
    :param min_effect: smallest changes that matter, by test, overriding the defaults: ``ks`` (largest distance of the
        distributions), ``categories`` (effect size w), ``nulls`` and ``unseen`` (shares), …
    :param must_see: changes the check must be able to see, by test; a table too small for that is undecided.
    :param cluster: column whose equal values come together (a customer, a device), so that their rows are not
        independent. Default: rows count as independent.
    :param design_effect: by what factor dependence between rows inflates variances, from 1, if you know it. The larger
        of this and what ``cluster`` finds counts.
    :param sample: share of the rows to look at, in (0, 1]. Default: all.
    :param dependence: also compare numeric columns two by two; a baseline must have been made with it. Default
        ``False``.
    :param show_levels: whether messages may name categories, which are values of rows. Default ``False``.
    :param on_breach: what a breach does in the end: ``"fail"`` (default) without a retry, ``"skip"`` or ``"warn"``.
    :param on_undecided: the same for a verdict that is still undecided in the end. Default ``"fail"``.
    :param fail_fast: apply ``on_breach`` to the first breach instead of waiting for the timeout. Default ``False``.
    :param deferrable: wait in the triggerer instead of a worker slot. Default ``False``.
    :param soft_fail: Airflow's word for ``on_breach="skip"`` and ``on_undecided="skip"``; give one or the other.
    :param conn_id: connection of a table that names none.
    :param aiguard_conn_id: connection of the store.
    """
