"""What an event says about the exception that failed a task.

Airflow puts the message and the stack trace of any exception into the event. A breach is no crash: it has a reason and
no trace. And a message may quote a value out of a row, as may those of the exceptions it was raised from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_aiguard.core.errors import AIGuardError
from airflow_provider_aiguard.lineage.sanitise import clean_text, without_values

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow_provider_aiguard.lineage.events import Lineage

_MAX_MESSAGE = 1000

_told: set[str] = set()
"""What was said here. It is told in the process that said it: Airflow makes one for each event."""


class Withheld(Exception):  # noqa: N818  # stands in for whatever was raised
    """An exception whose message stays in the task's log."""


def retell(error: BaseException, lineage: Lineage | None) -> None:
    """Leave of an exception what may travel. It is changed in place: call this where only the event still needs it.

    A verdict becomes its reason, and an error of ours its message without values; neither keeps a trace. Of anything
    else the class and the trace of the code are left, not the message.

    :param error: what failed the task.
    :param lineage: what else the event says, if that is known.
    """
    text = _text(error, lineage)
    error.__cause__, error.__context__ = None, None
    if text is not None:
        error.__traceback__ = None
    _say(error, text or f"{type(error).__name__}: the message is in the task's log, for it may quote values")


def _text(error: BaseException, lineage: Lineage | None) -> str | None:
    if lineage is not None and lineage.reason:
        return lineage.reason
    if isinstance(error, AIGuardError) or isinstance(error.__cause__, AIGuardError):
        names: Collection[str] = lineage.names if lineage else ()
        return clean_text(without_values(str(error), names), _MAX_MESSAGE)
    return None


def _say(error: BaseException, text: str) -> None:
    error.args = (text,)
    if str(error) not in (text, repr(text)):
        # Its text is not made of its arguments alone; SQLAlchemy's quotes the parameters of the statement.
        error.__class__ = Withheld
    _told.add(str(error))


def is_retold(message: str | None) -> bool:
    """Whether a message is one that :func:`retell` left: it names columns, and no value.

    :param message: of an event.
    """
    return message in _told
