"""The schema of the store, revision by revision. Alembic runs them; no ``alembic.ini`` is needed."""
