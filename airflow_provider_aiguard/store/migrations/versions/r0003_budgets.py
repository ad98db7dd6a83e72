"""Budgets in tokens and calls as well as in USD, limits that people set, and the price behind a hold."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

RENAMED = (
    ("aiguard_budget", "limit_micros", "limit_amount"),
    ("aiguard_budget", "spent_micros", "spent"),
    ("aiguard_budget", "held_micros", "held"),
    ("aiguard_hold", "micros", "amount"),
    ("aiguard_hold", "booked_micros", "booked"),
)


def upgrade() -> None:
    """Rename what is no longer always micro-dollars, and add the rest."""
    for table, old, new in RENAMED:
        op.alter_column(table, old, new_column_name=new)
    op.add_column("aiguard_budget", sa.Column("per", sa.Text(), nullable=False, server_default="dag_run"))
    op.add_column("aiguard_budget", sa.Column("unit", sa.Text(), nullable=False, server_default="usd"))
    op.add_column("aiguard_budget", sa.Column("warned", sa.Integer(), nullable=False, server_default="0"))
    budget = sa.table("aiguard_budget", sa.column("per"), sa.column("window_key"))
    for per in ("day", "month"):
        op.execute(sa.update(budget).where(budget.c.window_key.startswith(f"{per}:")).values(per=per))
    op.add_column("aiguard_hold", sa.Column("price", sa.JSON(), nullable=True))
    op.create_table(
        "aiguard_limit",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("per", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", "per", "unit", name="aiguard_limit_pk"),
    )
