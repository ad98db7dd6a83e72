"""Wait for the truth."""

from __future__ import annotations

from airflow_provider_aiguard.operators.ground_truth import GroundTruthArguments
from airflow_provider_aiguard.sensors.guard import GuardSensor


class GroundTruthSensor(GroundTruthArguments, GuardSensor):
    """Waits until the truth has arrived for enough claims, and the model was right enough.

    It also takes Airflow's sensor arguments ``poke_interval``, ``timeout`` and ``mode``.

    :param table: the rows with claims, with their key. Templated.
    :param column: the AI-touched column. Templated.
    :param truth: the rows with the truth, with the same key and on the same connection; its ``where`` is its own.
        Templated.
    :param min_accuracy: smallest share of right claims, in (0, 1]: the limit of ``metric="accuracy"``.
    :param truth_column: column of ``truth`` that holds it, NULL before it arrives. Default: ``column``. Templated.
    :param metric: ``"accuracy"`` (default), ``"balanced_accuracy"``, ``"f1"``, ``"precision"``, ``"recall"``, for
        numbers ``"mae"``, ``"rmse"`` or ``"bias"``, or the name of a scikit-learn scorer, such as ``"r2"``: that reads
        the rows and needs the extra ``sklearn``.
    :param min_score: smallest value of any other metric of which more is better, scikit-learn's all among them.
    :param max_error: largest ``"mae"``, ``"rmse"`` or, whatever its sign, ``"bias"``, in the column's unit, above 0.
    :param positive: the class that ``"f1"``, ``"precision"`` and ``"recall"`` are about. Default: the true one of a
        column that is a boolean, or 0 and 1.
    :param min_truth_share: share of the claims, in [0, 1], whose truth is needed; less is undecided. Default 0.5.
    :param min_labels: labels needed for a verdict; fewer are undecided. Default 30.
    :param alpha: one minus the confidence level of the interval, in (0, 1). Default 0.05.
    :param truth_time_column: column of ``truth``: when it arrived. With it, the delay of the truth is shown, too.
    :param claim_time_column: column of ``table``: when the claim was made. Default: when the run ended that made it.
    :param max_delay: how long after the claim 95 % of the truth may take to arrive. Default: any time.
    :param estimate_from: ``name`` that calibration checks keep their counts under. With it, the accuracy is estimated
        from the confidences, too: a check of severity warn that never decides. Templated.
    :param on_breach: what a breach does in the end: ``"fail"`` (default) without a retry, ``"skip"`` or ``"warn"``.
    :param on_undecided: the same for a verdict that is still undecided in the end. Default ``"fail"``.
    :param fail_fast: apply ``on_breach`` to the first breach instead of waiting for the timeout. Default ``False``.
    :param deferrable: wait in the triggerer instead of a worker slot. Default ``False``.
    :param soft_fail: Airflow's word for ``on_breach="skip"`` and ``on_undecided="skip"``; give one or the other.
    :param conn_id: connection of tables that name none.
    :param aiguard_conn_id: connection of the store.
    """
