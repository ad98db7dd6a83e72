"""The lineage graph: what events say came from what."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=nullable)


def _node(table: str, *names: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint([f"{name}_id"], ["aiguard_lineage_node.id"], name=f"{table}_{name}") for name in names
    ]


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "aiguard_lineage_node",
        sa.Column("id", sa.Integer(), autoincrement=True),
        _text("kind"),
        _number("dataset_id", nullable=True),
        _text("namespace"),
        _text("name"),
        _text("label", nullable=True),
        _text("digest"),
        sa.PrimaryKeyConstraint("id", name="aiguard_lineage_node_pk"),
        sa.UniqueConstraint("digest", name="aiguard_lineage_node_digest"),
        *_node("aiguard_lineage_node", "dataset"),
    )
    op.create_index("aiguard_lineage_node_columns", "aiguard_lineage_node", ["dataset_id"])
    op.create_index("aiguard_lineage_node_label", "aiguard_lineage_node", ["label"])
    op.create_table(
        "aiguard_lineage_edge",
        _number("target_id"),
        _number("source_id"),
        _number("job_id"),
        _text("kind"),
        *(sa.Column(name, sa.Boolean(), nullable=False) for name in ("direct", "opaque", "complete")),
        _text("first_run"),
        _moment("first_at"),
        _text("last_run"),
        _moment("last_at"),
        sa.PrimaryKeyConstraint("target_id", "source_id", "job_id", "kind", name="aiguard_lineage_edge_pk"),
        *_node("aiguard_lineage_edge", "target", "source", "job"),
    )
    op.create_index("aiguard_lineage_edge_downstream", "aiguard_lineage_edge", ["source_id", "target_id", "kind"])
    op.create_index("aiguard_lineage_edge_of_job", "aiguard_lineage_edge", ["job_id"])
    op.create_table(
        "aiguard_lineage_origin",
        _number("node_id"),
        _number("job_id"),
        *map(_text, ("origin", "run_id", "model", "model_version")),
        *(sa.Column(name, sa.Double(), nullable=True) for name in ("confidence", "ai_share")),
        _text("last_run"),
        _moment("last_at"),
        sa.PrimaryKeyConstraint("node_id", "job_id", name="aiguard_lineage_origin_pk"),
        *_node("aiguard_lineage_origin", "node", "job"),
    )
