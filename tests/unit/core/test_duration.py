from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_provider_aiguard.core.duration import parse_duration
from airflow_provider_aiguard.core.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("30d", timedelta(days=30)),
        ("12h", timedelta(hours=12)),
        ("45m", timedelta(minutes=45)),
        (timedelta(seconds=1), timedelta(seconds=1)),
    ],
)
def test_people_write_durations(text, duration):
    assert parse_duration(text, what="reuse") == duration


@pytest.mark.parametrize("text", ["", "30", "d", "-1d", "0d", "1.5h", "30 days", "1w", 30, None, timedelta(0)])
def test_anything_else_is_refused(text):
    with pytest.raises(ConfigurationError, match="reuse must be a duration such as '30d'"):
        parse_duration(text, what="reuse")
