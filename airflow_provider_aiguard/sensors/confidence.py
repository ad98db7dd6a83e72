"""Wait for claims that are sure enough."""

from __future__ import annotations

from airflow_provider_aiguard.operators.confidence import ConfidenceArguments
from airflow_provider_aiguard.sensors.guard import GuardSensor


class ConfidenceSensor(ConfidenceArguments, GuardSensor):
    """Waits until a column's claims are there and sure enough.

    It also takes Airflow's sensor arguments ``poke_interval``, ``timeout`` and ``mode``.

    :param table: the rows with claims. Templated.
    :param column: the AI-touched column; its companions are found by name. Templated.
    :param min_mean: smallest mean confidence, in [0, 1].
    :param max_share_below: pair ``(threshold, share)``: at most ``share`` of the cells may have a confidence below
        ``threshold``, both in [0, 1].
    :param max_entropy: largest mean entropy of the confidences, in bits, in [0, 1]: 0 if the model is always sure, 1 if
        it always says 0.5.
    :param max_missing_share: share of inferred cells, in [0, 1], that may lack a confidence. Default 0.
    :param min_rows: inferred rows needed for a verdict; fewer are undecided. Default 1.
    :param on_breach: what a breach does in the end: ``"fail"`` (default) without a retry, ``"skip"`` or ``"warn"``.
    :param on_undecided: the same for a verdict that is still undecided in the end. Default ``"fail"``.
    :param fail_fast: apply ``on_breach`` to the first breach instead of waiting for the timeout. Default ``False``.
    :param deferrable: wait in the triggerer instead of a worker slot. Default ``False``.
    :param soft_fail: Airflow's word for ``on_breach="skip"`` and ``on_undecided="skip"``; give one or the other.
    :param conn_id: connection of a table that names none.
    :param aiguard_conn_id: connection of the store.
    """
