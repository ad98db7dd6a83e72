"""Durations as people write them: ``30d``, ``12h``, ``45m``."""

from __future__ import annotations

import re
from datetime import timedelta

from airflow_provider_aiguard.core.errors import ConfigurationError

_UNITS = {"d": "days", "h": "hours", "m": "minutes"}
_FORM = re.compile(r"(\d{1,6})([dhm])")


def parse_duration(text: str | timedelta, *, what: str) -> timedelta:
    """Read a duration.

    :param text: a whole number of days, hours or minutes, such as ``"30d"``; or a timedelta.
    :param what: the name to use in the error.
    :raises ConfigurationError: if it is neither, or not longer than nothing.

    >>> parse_duration("36h", what="reuse")
    datetime.timedelta(days=1, seconds=43200)
    """
    found = _FORM.fullmatch(text) if isinstance(text, str) else None
    duration = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else text
    if not isinstance(duration, timedelta) or duration <= timedelta(0):
        raise ConfigurationError(f"{what} must be a duration such as '30d', '12h' or '45m'; got {text!r}.")
    return duration
