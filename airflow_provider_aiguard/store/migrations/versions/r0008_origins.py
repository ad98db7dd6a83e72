"""Origins of the lineage graph: one row for each different claim of a job, so that a past one stays known."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLE = "aiguard_lineage_origin"


def _moment(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _so_far() -> list[sa.Column[Any]]:
    return [
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("node_id", "job_id")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("origin", "run_id", "model", "model_version")),
        *(sa.Column(name, sa.Double(), nullable=True) for name in ("confidence", "ai_share")),
        sa.Column("last_run", sa.Text(), nullable=False),
        _moment("last_at"),
    ]


def upgrade() -> None:
    """Make the table anew: SQLite cannot change a primary key. A row so far is of its last run, and of no earlier."""
    so_far = op.get_bind().execute(sa.select(sa.Table(TABLE, sa.MetaData(), *_so_far()))).mappings().all()
    op.drop_table(TABLE)
    made = op.create_table(
        TABLE,
        *_so_far(),
        sa.Column("claim", sa.Text(), nullable=False),
        _moment("first_at"),
        sa.PrimaryKeyConstraint("node_id", "job_id", "claim", name=f"{TABLE}_pk"),
        *(
            sa.ForeignKeyConstraint([f"{name}_id"], ["aiguard_lineage_node.id"], name=f"{TABLE}_{name}")
            for name in ("node", "job")
        ),
    )
    op.bulk_insert(made, [{**row, "claim": "", "first_at": row["last_at"]} for row in so_far])
