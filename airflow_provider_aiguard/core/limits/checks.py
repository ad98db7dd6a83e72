"""What several limits demand of a number."""

from __future__ import annotations

from airflow_provider_aiguard.core.errors import ConfigurationError


def require_share(name: str, value: float) -> None:
    """Refuse what is no number in [0, 1].

    :raises ConfigurationError: naming the parameter and the value.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ConfigurationError(f"{name} must be a number in [0, 1]; got {value!r}.")
