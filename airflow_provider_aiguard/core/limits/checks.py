"""What several limits demand of a number."""

from __future__ import annotations

from airflow_provider_aiguard.core.errors import ConfigurationError


def require_share(name: str, value: float) -> None:
    """Refuse what is no number in [0, 1].

    :raises ConfigurationError: naming the parameter and the value.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ConfigurationError(f"{name} must be a number in [0, 1]; got {value!r}.")


def require_positive(name: str, value: float) -> None:
    """Refuse what is no finite number above 0.

    :raises ConfigurationError: naming the parameter and the value.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ConfigurationError(f"{name} must be a number above 0; got {value!r}.")


def require_series(name: str, value: str | None) -> None:
    """Refuse what cannot be found again: a series of measurements needs a name, if one is given.

    :raises ConfigurationError: naming the parameter and the value.
    """
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise ConfigurationError(f"{name} must be the name of a series, such as 'late'; got {value!r}.")


def require_alpha(value: float) -> None:
    """Refuse what is no share of intervals that may miss.

    :raises ConfigurationError: naming the value.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise ConfigurationError(f"alpha must lie between 0 and 1; got {value!r}.")


def require_count(name: str, value: int) -> None:
    """Refuse what is no whole number of at least 1.

    :raises ConfigurationError: naming the parameter and the value.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"{name} must be at least 1; got {value!r}.")
