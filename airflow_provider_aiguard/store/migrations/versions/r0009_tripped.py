"""Budgets that are tripped: a charge was above its hold, so no bound computed the same way can be trusted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what is false of every window so far."""
    op.add_column("aiguard_budget", sa.Column("tripped", sa.Boolean(), nullable=False, server_default=sa.false()))
