"""Wait until the truth says that confidence means something."""

from __future__ import annotations

from airflow_provider_aiguard.operators.calibration import CalibrationArguments
from airflow_provider_aiguard.sensors.guard import GuardSensor


class CalibrationSensor(CalibrationArguments, GuardSensor):
    """Waits until the truth has arrived for enough claims, and their confidences mean what they say.

    It also takes Airflow's sensor arguments ``poke_interval``, ``timeout`` and ``mode``.

    :param table: the rows with claims, with their key. Templated.
    :param column: the AI-touched column; its companions are found by name. Templated.
    :param truth: the rows with the truth, with the same key and on the same connection; its ``where`` is its own.
        Templated.
    :param truth_column: column of ``truth`` that holds it, NULL before it arrives. Default: ``column``. Templated.
    :param max_ece: largest expected calibration error on 15 equal bins, in [0, 1].
    :param max_brier: largest Brier score, in [0, 1].
    :param max_rise: how much the expected calibration error may exceed that of ``reference``, in [0, 1].
    :param reference: ``name`` of an earlier calibration check: the latest under it before this run is what ``max_rise``
        is counted from. Templated.
    :param name: name to keep the counts under; each poke replaces those of the one before it. Default: they are not
        kept. Templated.
    :param min_truth_share: share of the claims, in [0, 1], that must have a truth and a confidence; less is undecided.
        Default 0.5.
    :param min_labels: labels with a confidence needed for a verdict; fewer are undecided. Default 500.
    :param alpha: one minus the confidence level of the intervals, in (0, 1). Default 0.05.
    :param on_breach: what a breach does in the end: ``"fail"`` (default) without a retry, ``"skip"`` or ``"warn"``.
    :param on_undecided: the same for a verdict that is still undecided in the end. Default ``"fail"``.
    :param fail_fast: apply ``on_breach`` to the first breach instead of waiting for the timeout. Default ``False``.
    :param deferrable: wait in the triggerer instead of a worker slot. Default ``False``.
    :param soft_fail: Airflow's word for ``on_breach="skip"`` and ``on_undecided="skip"``; give one or the other.
    :param conn_id: connection of tables that name none.
    :param aiguard_conn_id: connection of the store.
    """
