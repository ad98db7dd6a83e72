"""Where a conn_id becomes an Engine, and an Airflow context becomes a run identity."""
