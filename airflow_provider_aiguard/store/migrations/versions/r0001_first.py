"""Runs, rejects, verdicts with their checks, profiles, budgets and holds.

Spelled out instead of taken from ``schema.py``: a revision must not change when the schema does.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the first tables."""
    _create_run()
    _create_verdict()
    _create_profile()
    _create_ledger()


def _time(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True)


def _identity() -> list[sa.Column[object]]:
    return [
        sa.Column("dag_id", sa.Text(), nullable=False),
        sa.Column("dag_run_id", sa.Text(), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("map_index", sa.Integer(), nullable=False),
        sa.Column("try_number", sa.Integer(), nullable=False),
        sa.Column("openlineage_run_id", sa.Text(), nullable=True),
        sa.Column("logical_date", sa.Text(), nullable=False),
    ]


def _create_run() -> None:
    op.create_table(
        "aiguard_run",
        sa.Column("run_id", sa.Text(), nullable=False),
        *_identity(),
        sa.Column("model_name", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        _time("started_at"),
        _time("finished_at", nullable=True),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="aiguard_run_pk"),
    )
    op.create_index("aiguard_run_task", "aiguard_run", ["dag_id", "dag_run_id", "task_id", "map_index"])
    op.create_index("aiguard_run_started_at", "aiguard_run", ["started_at"])
    op.create_table(
        "aiguard_reject",
        _id(),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.Text(), nullable=False),
        sa.Column("key", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="aiguard_reject_pk"),
        sa.UniqueConstraint("run_id", "key_hash", name="aiguard_reject_key"),
        sa.ForeignKeyConstraint(["run_id"], ["aiguard_run.run_id"], name="aiguard_reject_run", ondelete="CASCADE"),
    )


def _create_verdict() -> None:
    op.create_table(
        "aiguard_verdict",
        _id(),
        sa.Column("run_id", sa.Text(), nullable=False),
        *_identity(),
        sa.Column("guard", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        _time("recorded_at"),
        sa.PrimaryKeyConstraint("id", name="aiguard_verdict_pk"),
        sa.UniqueConstraint("run_id", "guard", "subject", name="aiguard_verdict_try"),
    )
    op.create_index("aiguard_verdict_recorded_at", "aiguard_verdict", ["recorded_at"])
    op.create_table(
        "aiguard_check",
        sa.Column("verdict_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("check_name", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("column_name", sa.Text(), nullable=True),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("limit_value", sa.Double(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("verdict_id", "position", name="aiguard_check_pk"),
        sa.ForeignKeyConstraint(
            ["verdict_id"], ["aiguard_verdict.id"], name="aiguard_check_verdict", ondelete="CASCADE"
        ),
    )


def _create_profile() -> None:
    op.create_table(
        "aiguard_profile",
        _id(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        *_identity(),
        sa.Column("profile", sa.JSON(), nullable=False),
        _time("saved_at"),
        sa.PrimaryKeyConstraint("id", name="aiguard_profile_pk"),
    )
    op.create_index("aiguard_profile_name", "aiguard_profile", ["name", "id"])


def _create_ledger() -> None:
    op.create_table(
        "aiguard_budget",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("window_key", sa.Text(), nullable=False),
        sa.Column("limit_micros", sa.BigInteger(), nullable=False),
        sa.Column("spent_micros", sa.BigInteger(), nullable=False),
        sa.Column("held_micros", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", "window_key", name="aiguard_budget_pk"),
        sa.CheckConstraint("spent_micros >= 0", name="aiguard_budget_spent"),
        sa.CheckConstraint("held_micros >= 0", name="aiguard_budget_held"),
    )
    op.create_table(
        "aiguard_hold",
        sa.Column("hold_id", sa.Text(), nullable=False),
        sa.Column("budget_name", sa.Text(), nullable=False),
        sa.Column("window_key", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("micros", sa.BigInteger(), nullable=False),
        sa.Column("booked_micros", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        _time("held_at"),
        _time("expires_at"),
        sa.PrimaryKeyConstraint("hold_id", "budget_name", "window_key", name="aiguard_hold_pk"),
        sa.ForeignKeyConstraint(
            ["budget_name", "window_key"],
            ["aiguard_budget.name", "aiguard_budget.window_key"],
            name="aiguard_hold_budget",
        ),
    )
    op.create_index("aiguard_hold_window", "aiguard_hold", ["budget_name", "window_key", "state", "expires_at"])
    op.create_index("aiguard_hold_expiry", "aiguard_hold", ["state", "expires_at"])
    op.create_index("aiguard_hold_run", "aiguard_hold", ["run_id", "state"])
