"""What Alembic runs for every command: it migrates the connection it is handed, in its transaction."""

from __future__ import annotations

from alembic import context

from airflow_provider_aiguard.store.schema import VERSION_TABLE, metadata


def migrate() -> None:
    """Run the revisions on ``config.attributes["connection"]``. The caller holds the lock and commits."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        version_table=VERSION_TABLE,
        # Whatever else lives in the database is left alone.
        include_name=lambda name, kind, _parents: kind != "table" or name in metadata.tables,
    )
    with context.begin_transaction():
        context.run_migrations()


# Alembic has a config only while it runs this file; anybody else merely imports it.
if getattr(context, "config", None) is not None:
    migrate()
