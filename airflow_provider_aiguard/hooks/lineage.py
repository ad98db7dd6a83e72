"""What Airflow's configuration says about the transport of lineage."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_aiguard.lineage.settings import DurableConfig

log = logging.getLogger(__name__)

TRANSPORT_CLASS = "airflow_provider_aiguard.lineage.transport.DurableTransport"


@dataclass(frozen=True, kw_only=True)
class ConfiguredTransport:
    """The transport as it is configured.

    :param settings: of our transport; ``None`` if another is configured, or none.
    :param disabled: whether Airflow emits nothing at all.
    :param kind: ``type`` of the transport; ``None`` if none is configured.
    :param problem: why the configuration cannot be read; empty if it can.
    """

    settings: Mapping[str, Any] | None = None
    disabled: bool = False
    kind: str | None = None
    problem: str = ""

    def config(self, url: str | None = None) -> DurableConfig:
        """Settings of our transport, or its defaults.

        :param url: another backend. What the configured one is told about who asks is not told to it.
        """
        from airflow_provider_aiguard.lineage.settings import DurableConfig

        settings = dict(self.settings or {})
        if url is not None and url != settings.get("url"):
            settings = {name: settings[name] for name in ("store", "spool") if name in settings} | {"url": url}
        return DurableConfig.from_dict(settings)


def configured_transport() -> ConfiguredTransport:
    """Read it, as Airflow's OpenLineage provider does."""
    try:
        from airflow.providers.openlineage import conf

        return _read(conf)
    except Exception as error:  # whatever a provider makes of a configuration that it cannot read
        return ConfiguredTransport(problem=f"{type(error).__name__}: {error}")


def _read(conf: Any) -> ConfiguredTransport:
    found = conf.transport() or _of_file(conf.config_path())
    ours = _ours(found)
    return ConfiguredTransport(
        settings=ours,
        disabled=conf.is_disabled(),
        kind=str(found["type"]) if found.get("type") else None,
    )


def _of_file(path: str) -> Mapping[str, Any]:
    if not path:
        return {}
    from pathlib import Path

    import yaml

    return (yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}).get("transport") or {}


def _ours(found: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Find our transport, which may be one of several."""
    if found.get("type") == TRANSPORT_CLASS:
        return {key: value for key, value in found.items() if key != "type"}
    inner = found.get("transports") or ()
    several = inner.values() if isinstance(inner, Mapping) else inner
    return next((ours for one in several if isinstance(one, Mapping) and (ours := _ours(one)) is not None), None)


def replay_lineage() -> dict[str, Any]:
    """Send the configured backend what it lacks, and say what was done. For a task of a DAG.

    :raises AirflowSkipException: if no durable transport with a backend is configured.
    """
    from airflow.sdk.exceptions import AirflowSkipException

    from airflow_provider_aiguard.lineage.replay import replay
    from airflow_provider_aiguard.store.store import open_store

    configured = configured_transport()
    config = configured.config()
    if configured.settings is None or config.http is None:
        reason = (
            configured.problem or "; ".join(config.problems) or f"the transport is {configured.kind!r}, without url"
        )
        raise AirflowSkipException(f"There is no backend to replay to: {reason}. To see more: aiguard lineage doctor.")
    with open_store(config.store) as store:
        done = replay(store, config)
    log.info("%s", done)
    return done.to_dict()
