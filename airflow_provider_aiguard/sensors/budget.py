"""Wait for money."""

from __future__ import annotations

from airflow_provider_aiguard.operators.budget import BudgetArguments
from airflow_provider_aiguard.sensors.guard import GuardSensor


class BudgetSensor(BudgetArguments, GuardSensor):
    """Waits until a budget has the money left that the next tasks need: until its window turns, or others release it.

    It also takes Airflow's sensor arguments ``poke_interval``, ``timeout`` and ``mode``.

    :param budget: the budget.
    :param needed: what must be left: USD as a string such as ``"2.50"``, or a number of tokens or calls if the budget
        counts those. Default ``"0"``: something, however little. Templated.
    :param max_used_share: share of the limit, in [0, 1], that may be spent or held. Default 1.
    :param on_breach: what a breach does in the end: ``"fail"`` (default) without a retry, ``"skip"`` or ``"warn"``.
    :param on_undecided: the same for a verdict that is still undecided in the end. Default ``"fail"``.
    :param fail_fast: apply ``on_breach`` to the first breach instead of waiting for the timeout. Default ``False``.
    :param deferrable: wait in the triggerer instead of a worker slot. Default ``False``.
    :param soft_fail: Airflow's word for ``on_breach="skip"`` and ``on_undecided="skip"``; give one or the other.
    :param conn_id: unused by this guard.
    :param aiguard_conn_id: connection of the store.
    """
