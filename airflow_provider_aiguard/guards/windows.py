"""Which stored batches a moving reference means."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from airflow_provider_aiguard.core.errors import NotRecordedError
from airflow_provider_aiguard.core.reference import Reference, ReferenceKind, Season
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.verdict import Outcome

if TYPE_CHECKING:
    from airflow_provider_aiguard.store.profiles import Batch


def others(batches: Sequence[Batch], identity: RunIdentity) -> list[Batch]:
    """Batches that count, without what an earlier try or poke of this very task saved."""
    own = _task(identity)
    return [
        b for b in batches if b.outcome is not None and not b.excluded and (not any(own) or _task(b.identity) != own)
    ]


def window(batches: Sequence[Batch], reference: Reference, identity: RunIdentity) -> list[Batch]:
    """The batches to compare with, oldest first.

    :param batches: those of :func:`others`, by logical date.
    :param reference: a moving one.
    :param identity: the task that judges: only what lies before its logical date counts, so that a backfill is judged
        as it would have been then.
    :raises NotRecordedError: if a season is asked for and the task has no logical date.
    """
    now = _date(identity)
    earlier = [b for b in batches if now is None or (then := _date(b.identity)) is None or then < now]
    if reference.kind is ReferenceKind.PREVIOUS:
        good = [b for b in earlier if b.outcome is Outcome.PASS]
        # The first batch was compared with nothing, so it could not pass.
        return good[-1:] or [b for b in earlier if b.outcome is Outcome.UNDECIDED][:1]
    if reference.season is not None:
        if now is None:
            raise NotRecordedError(
                f"Reference {reference.name!r} is seasonal, and this run has no logical date to tell its season by."
            )
        seasons = {id(b): _season(_date(b.identity), reference.season) for b in earlier}
        earlier = [b for b in earlier if seasons[id(b)] == _season(now, reference.season)]
    return earlier[-reference.batches :]


def _task(identity: RunIdentity) -> tuple[object, ...]:
    if not identity.dag_run_id:
        return ()
    return identity.dag_id, identity.dag_run_id, identity.task_id, identity.map_index


def _date(identity: RunIdentity) -> datetime | None:
    return datetime.fromisoformat(identity.logical_date) if identity.logical_date else None


def _season(date: datetime | None, season: Season) -> int | None:
    if date is None:
        return None
    return {Season.HOUR: date.hour, Season.WEEKDAY: date.weekday(), Season.MONTH: date.month}[season]
