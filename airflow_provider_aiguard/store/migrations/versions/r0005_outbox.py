"""The outbox: events of lineage until every backend has answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _create_outbox()
    _create_delivery()
    op.create_table(
        "aiguard_backend",
        sa.Column("backend", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("asleep_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("backend", name="aiguard_backend_pk"),
    )


def _create_outbox() -> None:
    op.create_table(
        "aiguard_outbox",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("spooled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="aiguard_outbox_pk"),
        sa.UniqueConstraint("event_id", name="aiguard_outbox_event"),
    )
    started = sa.text("event_type = 'START'")
    op.create_index(
        "aiguard_outbox_start",
        "aiguard_outbox",
        ["run_id"],
        unique=True,
        sqlite_where=started,
        postgresql_where=started,
    )
    op.create_index("aiguard_outbox_run", "aiguard_outbox", ["run_id", "event_type"])
    op.create_index("aiguard_outbox_payer", "aiguard_outbox", ["payer"])
    op.create_index("aiguard_outbox_spooled_at", "aiguard_outbox", ["spooled_at"])


def _create_delivery() -> None:
    op.create_table(
        "aiguard_delivery",
        sa.Column("backend", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("free_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("waited_ms", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("tags_due", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("backend", "seq", name="aiguard_delivery_pk"),
        sa.ForeignKeyConstraint(["seq"], ["aiguard_outbox.seq"], name="aiguard_delivery_event", ondelete="CASCADE"),
    )
    op.create_index("aiguard_delivery_state", "aiguard_delivery", ["backend", "state", "seq"])
    op.create_index("aiguard_delivery_job", "aiguard_delivery", ["backend", "job", "state"])
    op.create_index("aiguard_delivery_tags", "aiguard_delivery", ["backend", "tags_due"])
    op.create_index("aiguard_delivery_seq", "aiguard_delivery", ["seq"])
