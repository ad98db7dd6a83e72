"""Measurements by series; batches of a profile: what became of them, and whether a person left one out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table and add the columns."""
    op.create_table(
        "aiguard_measurement",
        sa.Column("id", sa.Integer(), autoincrement=True),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("dag_id", sa.Text(), nullable=False),
        sa.Column("dag_run_id", sa.Text(), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("map_index", sa.Integer(), nullable=False),
        sa.Column("try_number", sa.Integer(), nullable=False),
        sa.Column("openlineage_run_id", sa.Text(), nullable=True),
        sa.Column("logical_date", sa.Text(), nullable=False),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("measured", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="aiguard_measurement_pk"),
    )
    op.create_index("aiguard_measurement_series", "aiguard_measurement", ["series", "logical_date"])
    op.add_column("aiguard_profile", sa.Column("outcome", sa.Text(), nullable=True))
    op.add_column("aiguard_profile", sa.Column("excluded", sa.Boolean(), nullable=False, server_default=sa.false()))
