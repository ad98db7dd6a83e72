"""Wait for claims that are varied enough."""

from __future__ import annotations

from airflow_provider_aiguard.operators.diversity import DiversityArguments
from airflow_provider_aiguard.sensors.guard import GuardSensor


class DiversitySensor(DiversityArguments, GuardSensor):
    """Waits until a column's claims are there and varied enough.

    It also takes Airflow's sensor arguments ``poke_interval``, ``timeout`` and ``mode``.

    :param table: the rows with claims. ``min_distinct`` needs their key. Templated.
    :param column: the AI-touched column. Templated.
    :param min_entropy: smallest normalised entropy, in [0, 1]: 1 if all values are equally frequent, 0 if there is one.
    :param classes: how many values there can be; what the entropy is normalised by. Default: those that were seen.
    :param max_dominant_share: largest share of the most frequent value, in [0, 1].
    :param min_distinct: smallest share of distinct n-grams in blocks of 1,000, in [0, 1], by their length: ``{2: 0.5}``
        for pairs of words. For a column of texts.
    :param min_variance_ratio: smallest variance over that of ``reference``, above 0. For a column of numbers.
    :param reference: the rows that ``min_variance_ratio`` compares with: a good month, or the labels of the training.
        Templated.
    :param reference_column: the column of ``reference``. Default: ``column``. Templated.
    :param min_rows: values needed for a verdict; fewer are undecided. Default 500.
    :param alpha: one minus the confidence level of the intervals, in (0, 1). Default 0.05.
    :param on_breach: what a breach does in the end: ``"fail"`` (default) without a retry, ``"skip"`` or ``"warn"``.
    :param on_undecided: the same for a verdict that is still undecided in the end. Default ``"fail"``.
    :param fail_fast: apply ``on_breach`` to the first breach instead of waiting for the timeout. Default ``False``.
    :param deferrable: wait in the triggerer instead of a worker slot. Default ``False``.
    :param soft_fail: Airflow's word for ``on_breach="skip"`` and ``on_undecided="skip"``; give one or the other.
    :param conn_id: connection of tables that name none.
    :param aiguard_conn_id: connection of the store.
    """
