"""Wait until both sides of the same entities are there and agree."""

from __future__ import annotations

from airflow_provider_aiguard.operators.skew import SkewArguments
from airflow_provider_aiguard.sensors.guard import GuardSensor


class SkewSensor(SkewArguments, GuardSensor):
    """Waits until enough keys are on both sides, and their features agree.

    It also takes Airflow's sensor arguments ``poke_interval``, ``timeout`` and ``mode``.

    :param table: the features the model was trained on, with their key. Templated.
    :param serving: the features it was served, on the same connection, with as many key columns. Templated.
    :param columns: columns to compare. Default: those that both have, but keys and companions.
    :param tolerance: numbers are equal if they differ by at most this share of the larger one, 0 or more. Default 1e-6.
    :param absolute_tolerance: or by at most this much. Default 0.
    :param max_mismatch: share of the joined rows, in [0, 1], where a column may differ. Default 0.01.
    :param max_unmatched: share of all keys, in [0, 1], that may be on one side only. Default 0.05; 1 allows all.
    :param min_rows: joined rows needed for a verdict; fewer are undecided. Default 30.
    :param alpha: probability of a false alarm, over all columns, where the true shares are at the limit, in (0, 1).
        Default 0.05.
    :param on_breach: what a breach does in the end: ``"fail"`` (default) without a retry, ``"skip"`` or ``"warn"``.
    :param on_undecided: the same for a verdict that is still undecided in the end. Default ``"fail"``.
    :param fail_fast: apply ``on_breach`` to the first breach instead of waiting for the timeout. Default ``False``.
    :param deferrable: wait in the triggerer instead of a worker slot. Default ``False``.
    :param soft_fail: Airflow's word for ``on_breach="skip"`` and ``on_undecided="skip"``; give one or the other.
    :param conn_id: connection of tables that name none.
    :param aiguard_conn_id: connection of the store.
    """
