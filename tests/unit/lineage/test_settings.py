"""What the transport is told, and what it does with what it cannot use."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_aiguard.lineage.settings import DurableConfig


def test_without_a_word_everything_is_where_airflow_lives(monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    config = DurableConfig.from_dict({"type": "x"})
    assert config.store == f"sqlite:///{tmp_path}/aiguard.db"
    assert config.spool == tmp_path / "aiguard_spool"
    assert (config.budget, config.http, config.backend(), config.backend_name) == (0.4, None, None, None)
    assert config.problems == []
    monkeypatch.setenv("AIGUARD_STORE", "postgresql://h/x")
    assert DurableConfig.from_dict({}).store == "postgresql://h/x"


def test_it_takes_what_the_http_transport_takes():
    config = DurableConfig.from_dict(
        {"url": "http://marquez:5000", "endpoint": "x", "auth": {"type": "api_key", "apiKey": "key-planted"},
         "store": "postgresql://u:pass-planted@h/x", "spool": "~/spool", "budget": "0.2", "verify": False,
         "custom_headers": {"X-Key": "header-planted"}}
    )  # fmt: skip
    assert config.backend_name == "http://marquez:5000/x"
    assert config.budget == 0.2
    assert config.spool == Path("~/spool").expanduser()
    assert sorted(config.secrets) == ["header-planted", "key-planted", "pass-planted"]
    assert "planted@" not in repr(config)


@pytest.mark.parametrize("budget", [0, -1, 6, "much", float("nan")])
def test_a_budget_that_is_none_is_said(budget):
    config = DurableConfig.from_dict({"budget": budget})
    assert config.budget == 0.4
    assert repr(budget) in config.problems[0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "marquez"},
        {"url": "http://marquez:500O"},
        {"url": "http://m", "auth": {"type": "no.such.Class"}},
        {"url": "http://m", "retry": 3},
    ],
)
def test_a_backend_that_cannot_be_asked_is_said_and_events_are_kept(wrong):
    config = DurableConfig.from_dict(wrong)
    assert config.http is None
    assert "kept and not sent" in config.problems[0]


def test_secrets_are_found_in_odd_urls_too():
    assert DurableConfig.from_dict({"store": "no url", "url": "http://u:word-planted@h"}).secrets == ["word-planted"]
    assert DurableConfig.from_dict({"store": "postgresql://u:abc@h/x"}).secrets == []


def test_a_password_that_is_a_name_and_a_header_that_is_none_are_no_secrets():
    config = DurableConfig.from_dict(
        {"store": "postgresql://airflow:airflow@db/airflow", "url": "http://m", "custom_headers": {"X-Env": "prod"}}
    )
    assert config.secrets == []
