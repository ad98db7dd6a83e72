"""The tables of the store, as SQLAlchemy Core metadata. Migrations create them; a test holds the two equal.

Every name begins with ``aiguard_``, so the store can share a database with other things.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

VERSION_TABLE = "aiguard_alembic_version"
"""Where Alembic keeps our revision: its own table, beside anybody else's ``alembic_version``."""

metadata = sa.MetaData()


class UTCTime(sa.TypeDecorator[datetime]):
    """A moment. Aware in Python, UTC in the database; SQLite, which has no zones, keeps it naive."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Into UTC, without zone where the database has none."""
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, _dialect: sa.Dialect) -> datetime | None:
        """Out as aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Document(sa.TypeDecorator[Any]):
    """JSON that every database accepts: NaN and infinities, which JSON has not, become null."""

    impl = sa.JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: Any, _dialect: sa.Dialect) -> Any:
        """Without the numbers PostgreSQL refuses in JSON."""
        return _finite(value)


class Prose(sa.TypeDecorator[str]):
    """Text from anywhere: what PostgreSQL cannot store (NUL, lone surrogates) becomes a replacement mark."""

    impl = sa.Text()
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: sa.Dialect) -> str | None:
        """Storable text."""
        if value is None:
            return None
        return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


class Number(sa.TypeDecorator[float]):
    """A double; NaN becomes NULL, as SQLite would make it silently and PostgreSQL not at all."""

    impl = sa.Double()
    cache_ok = True

    def process_bind_param(self, value: float | None, _dialect: sa.Dialect) -> float | None:
        """Give a number or NULL."""
        return None if value is None or math.isnan(value) else float(value)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _identity() -> list[sa.Column[Any]]:
    """Columns of a :class:`RunIdentity` but its ``run_id``, which plays another part in each table."""
    return [
        _text("dag_id"),
        _text("dag_run_id"),
        _text("task_id"),
        sa.Column("map_index", sa.Integer(), nullable=False),
        sa.Column("try_number", sa.Integer(), nullable=False),
        _text("openlineage_run_id", nullable=True),
        _text("logical_date"),
    ]


run = sa.Table(
    "aiguard_run",
    metadata,
    _text("run_id"),
    *_identity(),
    _text("model_name"),
    _text("model_version"),
    _text("source"),
    _text("target"),
    _text("state"),
    sa.Column("started_at", UTCTime(), nullable=False),
    sa.Column("finished_at", UTCTime(), nullable=True),
    sa.Column("summary", Document(), nullable=False),
    sa.PrimaryKeyConstraint("run_id", name="aiguard_run_pk"),
    sa.Index("aiguard_run_task", "dag_id", "dag_run_id", "task_id", "map_index"),
    sa.Index("aiguard_run_started_at", "started_at"),
)

reject = sa.Table(
    "aiguard_reject",
    metadata,
    sa.Column("id", sa.Integer(), autoincrement=True),
    _text("run_id"),
    _text("key_hash"),
    sa.Column("key", Document(), nullable=False),
    sa.Column("reason", Prose(), nullable=False),
    sa.Column("detail", Prose(), nullable=False),
    sa.PrimaryKeyConstraint("id", name="aiguard_reject_pk"),
    sa.UniqueConstraint("run_id", "key_hash", name="aiguard_reject_key"),
    sa.ForeignKeyConstraint(["run_id"], ["aiguard_run.run_id"], name="aiguard_reject_run", ondelete="CASCADE"),
)

verdict = sa.Table(
    "aiguard_verdict",
    metadata,
    sa.Column("id", sa.Integer(), autoincrement=True),
    _text("run_id"),
    *_identity(),
    _text("guard"),
    _text("subject"),
    _text("outcome"),
    sa.Column("recorded_at", UTCTime(), nullable=False),
    sa.PrimaryKeyConstraint("id", name="aiguard_verdict_pk"),
    sa.UniqueConstraint("run_id", "guard", "subject", name="aiguard_verdict_try"),
    sa.Index("aiguard_verdict_recorded_at", "recorded_at"),
)

check = sa.Table(
    "aiguard_check",
    metadata,
    sa.Column("verdict_id", sa.Integer(), nullable=False),
    sa.Column("position", sa.Integer(), nullable=False),
    _text("check_name"),
    _text("outcome"),
    _text("severity"),
    _text("column_name", nullable=True),
    sa.Column("value", Number(), nullable=True),
    sa.Column("limit_value", Number(), nullable=True),
    sa.Column("message", Prose(), nullable=False),
    sa.Column("detail", Document(), nullable=True),
    sa.PrimaryKeyConstraint("verdict_id", "position", name="aiguard_check_pk"),
    sa.ForeignKeyConstraint(["verdict_id"], ["aiguard_verdict.id"], name="aiguard_check_verdict", ondelete="CASCADE"),
)

profile = sa.Table(
    "aiguard_profile",
    metadata,
    sa.Column("id", sa.Integer(), autoincrement=True),
    _text("name"),
    _text("table_name"),
    _text("run_id"),
    *_identity(),
    sa.Column("profile", Document(), nullable=False),
    sa.Column("saved_at", UTCTime(), nullable=False),
    _text("outcome", nullable=True),
    sa.Column("excluded", sa.Boolean(), nullable=False, server_default=sa.false()),
    sa.PrimaryKeyConstraint("id", name="aiguard_profile_pk"),
    sa.Index("aiguard_profile_name", "name", "id"),
)

measurement = sa.Table(
    "aiguard_measurement",
    metadata,
    sa.Column("id", sa.Integer(), autoincrement=True),
    _text("series"),
    _text("run_id"),
    *_identity(),
    sa.Column("measured_at", UTCTime(), nullable=False),
    sa.Column("measured", Document(), nullable=False),
    sa.PrimaryKeyConstraint("id", name="aiguard_measurement_pk"),
    sa.Index("aiguard_measurement_series", "series", "logical_date"),
)

result = sa.Table(
    "aiguard_result",
    metadata,
    _text("work_key"),
    _text("state"),
    _text("run_id"),
    _text("dag_id"),
    _text("dag_run_id"),
    _text("task_id"),
    sa.Column("taken_until", UTCTime(), nullable=False),
    sa.Column("made_at", UTCTime(), nullable=True),
    _text("result", nullable=True),
    sa.PrimaryKeyConstraint("work_key", name="aiguard_result_pk"),
    sa.Index("aiguard_result_made_at", "made_at"),
    sa.Index("aiguard_result_run", "run_id", "state"),
)

budget = sa.Table(
    "aiguard_budget",
    metadata,
    _text("name"),
    _text("window_key"),
    sa.Column("limit_amount", sa.BigInteger(), nullable=False),
    sa.Column("spent", sa.BigInteger(), nullable=False),
    sa.Column("held", sa.BigInteger(), nullable=False),
    sa.Column("per", sa.Text(), nullable=False, server_default="dag_run"),
    sa.Column("unit", sa.Text(), nullable=False, server_default="usd"),
    sa.Column("warned", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("tripped", sa.Boolean(), nullable=False, server_default=sa.false()),
    sa.PrimaryKeyConstraint("name", "window_key", name="aiguard_budget_pk"),
    sa.CheckConstraint("spent >= 0", name="aiguard_budget_spent"),
    sa.CheckConstraint("held >= 0", name="aiguard_budget_held"),
)

limit = sa.Table(
    "aiguard_limit",
    metadata,
    _text("name"),
    _text("per"),
    _text("unit"),
    sa.Column("amount", sa.BigInteger(), nullable=False),
    _text("set_by"),
    sa.Column("set_at", UTCTime(), nullable=False),
    sa.PrimaryKeyConstraint("name", "per", "unit", name="aiguard_limit_pk"),
)

hold = sa.Table(
    "aiguard_hold",
    metadata,
    _text("hold_id"),
    _text("budget_name"),
    _text("window_key"),
    _text("run_id"),
    sa.Column("amount", sa.BigInteger(), nullable=False),
    sa.Column("booked", sa.BigInteger(), nullable=False),
    _text("state"),
    sa.Column("held_at", UTCTime(), nullable=False),
    sa.Column("expires_at", UTCTime(), nullable=False),
    sa.Column("price", Document(), nullable=True),
    sa.PrimaryKeyConstraint("hold_id", "budget_name", "window_key", name="aiguard_hold_pk"),
    sa.ForeignKeyConstraint(
        ["budget_name", "window_key"],
        ["aiguard_budget.name", "aiguard_budget.window_key"],
        name="aiguard_hold_budget",
    ),
    sa.Index("aiguard_hold_window", "budget_name", "window_key", "state", "expires_at"),
    sa.Index("aiguard_hold_expiry", "state", "expires_at"),
    sa.Index("aiguard_hold_run", "run_id", "state"),
)

outbox = sa.Table(
    "aiguard_outbox",
    metadata,
    sa.Column("seq", sa.Integer(), autoincrement=True),
    _text("event_id"),
    _text("run_id", nullable=True),
    _text("event_type"),
    _text("job"),
    _text("payer"),
    sa.Column("happened_at", UTCTime(), nullable=False),
    sa.Column("spooled_at", UTCTime(), nullable=False),
    _text("event"),
    sa.PrimaryKeyConstraint("seq", name="aiguard_outbox_pk"),
    sa.UniqueConstraint("event_id", name="aiguard_outbox_event"),
    # A run starts once; resuming from deferral says so again.
    sa.Index(
        "aiguard_outbox_start",
        "run_id",
        unique=True,
        sqlite_where=sa.text("event_type = 'START'"),
        postgresql_where=sa.text("event_type = 'START'"),
    ),
    sa.Index("aiguard_outbox_run", "run_id", "event_type"),
    sa.Index("aiguard_outbox_payer", "payer"),
    sa.Index("aiguard_outbox_spooled_at", "spooled_at"),
)

delivery = sa.Table(
    "aiguard_delivery",
    metadata,
    _text("backend"),
    sa.Column("seq", sa.Integer(), nullable=False),
    _text("job"),
    _text("state"),
    sa.Column("free_at", UTCTime(), nullable=False),
    sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("waited_ms", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("decided_at", UTCTime(), nullable=True),
    sa.Column("reason", Prose(), nullable=True),
    sa.Column("tags_due", sa.Boolean(), nullable=False, server_default=sa.false()),
    sa.PrimaryKeyConstraint("backend", "seq", name="aiguard_delivery_pk"),
    sa.ForeignKeyConstraint(["seq"], ["aiguard_outbox.seq"], name="aiguard_delivery_event", ondelete="CASCADE"),
    sa.Index("aiguard_delivery_state", "backend", "state", "seq"),
    sa.Index("aiguard_delivery_job", "backend", "job", "state"),
    sa.Index("aiguard_delivery_tags", "backend", "tags_due"),
    sa.Index("aiguard_delivery_seq", "seq"),
)

backend = sa.Table(
    "aiguard_backend",
    metadata,
    _text("backend"),
    _text("kind", nullable=True),
    sa.Column("failures", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("asleep_until", UTCTime(), nullable=True),
    sa.Column("accepted_at", UTCTime(), nullable=True),
    sa.Column("reason", Prose(), nullable=True),
    sa.PrimaryKeyConstraint("backend", name="aiguard_backend_pk"),
)

lineage_node = sa.Table(
    "aiguard_lineage_node",
    metadata,
    sa.Column("id", sa.Integer(), autoincrement=True),
    _text("kind"),
    # The dataset of a column, whose `name` is the column's own and whose `namespace` is empty.
    sa.Column("dataset_id", sa.Integer(), nullable=True),
    sa.Column("namespace", Prose(), nullable=False),
    sa.Column("name", Prose(), nullable=False),
    # What follows the last dot of a dataset's name, the bare name of a table; a job's name.
    sa.Column("label", Prose(), nullable=True),
    # Of kind, namespace, name and column: names may be longer than an index takes.
    _text("digest"),
    sa.PrimaryKeyConstraint("id", name="aiguard_lineage_node_pk"),
    sa.UniqueConstraint("digest", name="aiguard_lineage_node_digest"),
    sa.ForeignKeyConstraint(["dataset_id"], ["aiguard_lineage_node.id"], name="aiguard_lineage_node_dataset"),
    sa.Index("aiguard_lineage_node_columns", "dataset_id"),
    sa.Index("aiguard_lineage_node_label", "label"),
)

lineage_edge = sa.Table(
    "aiguard_lineage_edge",
    metadata,
    sa.Column("target_id", sa.Integer(), nullable=False),
    sa.Column("source_id", sa.Integer(), nullable=False),
    sa.Column("job_id", sa.Integer(), nullable=False),
    _text("kind"),
    sa.Column("direct", sa.Boolean(), nullable=False),
    sa.Column("opaque", sa.Boolean(), nullable=False),
    sa.Column("complete", sa.Boolean(), nullable=False),
    sa.Column("first_run", Prose(), nullable=False),
    sa.Column("first_at", UTCTime(), nullable=False),
    sa.Column("last_run", Prose(), nullable=False),
    sa.Column("last_at", UTCTime(), nullable=False),
    sa.PrimaryKeyConstraint("target_id", "source_id", "job_id", "kind", name="aiguard_lineage_edge_pk"),
    sa.ForeignKeyConstraint(["target_id"], ["aiguard_lineage_node.id"], name="aiguard_lineage_edge_target"),
    sa.ForeignKeyConstraint(["source_id"], ["aiguard_lineage_node.id"], name="aiguard_lineage_edge_source"),
    sa.ForeignKeyConstraint(["job_id"], ["aiguard_lineage_node.id"], name="aiguard_lineage_edge_job"),
    sa.Index("aiguard_lineage_edge_downstream", "source_id", "target_id", "kind"),
    sa.Index("aiguard_lineage_edge_of_job", "job_id"),
)

lineage_origin = sa.Table(
    "aiguard_lineage_origin",
    metadata,
    sa.Column("node_id", sa.Integer(), nullable=False),
    sa.Column("job_id", sa.Integer(), nullable=False),
    # Digest of origin, model and version: a job that says the same again keeps its row, one that says another gets one.
    _text("claim"),
    sa.Column("origin", Prose(), nullable=False),
    sa.Column("run_id", Prose(), nullable=False),
    sa.Column("model", Prose(), nullable=False),
    sa.Column("model_version", Prose(), nullable=False),
    sa.Column("confidence", Number(), nullable=True),
    sa.Column("ai_share", Number(), nullable=True),
    sa.Column("first_at", UTCTime(), nullable=False),
    sa.Column("last_run", Prose(), nullable=False),
    sa.Column("last_at", UTCTime(), nullable=False),
    sa.PrimaryKeyConstraint("node_id", "job_id", "claim", name="aiguard_lineage_origin_pk"),
    sa.ForeignKeyConstraint(["node_id"], ["aiguard_lineage_node.id"], name="aiguard_lineage_origin_node"),
    sa.ForeignKeyConstraint(["job_id"], ["aiguard_lineage_node.id"], name="aiguard_lineage_origin_job"),
)

lineage_note = sa.Table(
    "aiguard_lineage_note",
    metadata,
    # Digests of the dataset and of the job; empty for what the last writer said.
    _text("about"),
    _text("by"),
    sa.Column("job_namespace", Prose(), nullable=False),
    sa.Column("job_name", Prose(), nullable=False),
    sa.Column("at", UTCTime(), nullable=False),
    sa.Column("said", Document(), nullable=False),
    sa.PrimaryKeyConstraint("about", "by", name="aiguard_lineage_note_pk"),
)
