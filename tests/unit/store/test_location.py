from __future__ import annotations

from pathlib import Path

from airflow_provider_aiguard.store.location import airflow_home, embedded_url


def test_the_house_is_found_as_airflow_finds_it(monkeypatch):
    monkeypatch.setenv("PLACE", "/somewhere")
    monkeypatch.setenv("AIRFLOW_HOME", "$PLACE/airflow")
    assert embedded_url() == "sqlite:////somewhere/airflow/aiguard.db"
    monkeypatch.delenv("AIRFLOW_HOME")
    assert airflow_home() == Path("~/airflow").expanduser()
