"""Wait for rows that keep their feature schema."""

from __future__ import annotations

from airflow_provider_aiguard.operators.schema import SchemaArguments
from airflow_provider_aiguard.sensors.guard import GuardSensor


class SchemaSensor(SchemaArguments, GuardSensor):
    """Waits until a table is there, has rows, and is what its feature schema says.

    It also takes Airflow's sensor arguments ``poke_interval``, ``timeout`` and ``mode``.

    :param table: the rows. Templated.
    :param schema: the schema: an absolute path that ends in ``.yaml`` or ``.yml``, which the triggerer must see if
        ``deferrable``, or the name of a stored one. Templated.
    :param min_rows: rows needed for a verdict; fewer are undecided. Default 1.
    :param alpha: probability of a false alarm, over all rules, where the true shares are what is just allowed, in
        (0, 1). Default 0.05.
    :param on_breach: what a breach does in the end: ``"fail"`` (default) without a retry, ``"skip"`` or ``"warn"``.
    :param on_undecided: the same for a verdict that is still undecided in the end. Default ``"fail"``.
    :param fail_fast: apply ``on_breach`` to the first breach instead of waiting for the timeout. Default ``False``.
    :param deferrable: wait in the triggerer instead of a worker slot. Default ``False``.
    :param soft_fail: Airflow's word for ``on_breach="skip"`` and ``on_undecided="skip"``; give one or the other.
    :param conn_id: connection of a table that names none.
    :param aiguard_conn_id: connection of the store.
    """
