"""Passwords and tokens are known by how they are written."""

from __future__ import annotations

import pytest
from planted_texts import PLANTED, SECRETS

from airflow_provider_aiguard.lineage.credentials import HIDDEN, is_secret, without_credentials


@pytest.mark.parametrize("text", SECRETS)
def test_a_secret_is_hidden_and_said_to_be(text):
    assert PLANTED not in without_credentials(text)
    assert HIDDEN in without_credentials(text)


def test_what_is_around_a_secret_stays():
    assert without_credentials("a http://u:p@h/x b, password=c d") == "a http://u:***@h/x b, password=*** d"
    assert without_credentials("http://a@h/x,http://b@i") == "http://***@h/x,http://***@i"
    # Where one ends and the next begins is not known for sure: rather too much than too little.
    assert without_credentials("http://a@h,http://b@i") == "http://***@i"


@pytest.mark.parametrize(
    ("key", "value", "secret"),
    [
        ("password", "x", True), ("password", 1234, True), ("password", None, False), ("password", True, False),
        ("accessToken", "x", True), ("token", 17, False), ("tokens", "x", False), ("inputTokens", 17, False),
        ("token_kind", "x", False), ("AWS_SECRET_ACCESS_KEY", "x", True), ("key", "x", False), ("apiKey", ["x"], True),
    ],
)  # fmt: skip
def test_a_key_says_whether_a_secret_is_below_it(key, value, secret):
    assert is_secret(key, value) is secret


def test_a_url_without_credentials_is_left_alone():
    texts = [
        "postgres://db:5432", "duckdb:///a/b.db", "see http://x/y: me@example.com", "s3://b@c", "http://h:80/x?y=a@b",
        "abfss://box@account.dfs.core.windows.net", "http://[::1]:5000/x", "postgres://me@db", "http://h/me@x",
    ]  # fmt: skip
    assert [without_credentials(text) for text in texts] == texts
