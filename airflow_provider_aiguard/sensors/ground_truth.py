"""Wait for the truth."""

from __future__ import annotations

from airflow_provider_aiguard.operators.ground_truth import GroundTruthArguments
from airflow_provider_aiguard.sensors.guard import GuardSensor


class GroundTruthSensor(GroundTruthArguments, GuardSensor):
    """Waits until the truth has arrived for enough claims, and the model was right often enough.

    It also takes Airflow's sensor arguments ``poke_interval``, ``timeout`` and ``mode``.

    :param table: the rows with claims, with their key. Templated.
    :param column: the AI-touched column. Templated.
    :param truth: the rows with the truth, with the same key and on the same connection; its ``where`` is its own.
        Templated.
    :param min_accuracy: smallest share of right claims, in [0, 1].
    :param truth_column: column of ``truth`` that holds it, NULL before it arrives. Default: ``column``. Templated.
    :param min_truth_share: share of the claims, in [0, 1], whose truth is needed; less is undecided. Default 0.5.
    :param min_labels: labels needed for a verdict; fewer are undecided. Default 30.
    :param alpha: one minus the confidence level of the interval, in (0, 1). Default 0.05.
    :param on_breach: what a breach does in the end: ``"fail"`` (default) without a retry, ``"skip"`` or ``"warn"``.
    :param on_undecided: the same for a verdict that is still undecided in the end. Default ``"fail"``.
    :param fail_fast: apply ``on_breach`` to the first breach instead of waiting for the timeout. Default ``False``.
    :param deferrable: wait in the triggerer instead of a worker slot. Default ``False``.
    :param soft_fail: Airflow's word for ``on_breach="skip"`` and ``on_undecided="skip"``; give one or the other.
    :param conn_id: connection of tables that name none.
    :param aiguard_conn_id: connection of the store.
    """
