from __future__ import annotations

import datetime as dt
from collections import Counter
from email.utils import format_datetime
from itertools import chain, repeat

import pandas as pd
import pytest
from http_server import Endpoint

from airflow_provider_aiguard import HttpModel, Pacing
from airflow_provider_aiguard.core.claims import Failure
from airflow_provider_aiguard.core.errors import ConfigurationError, ModelUnavailableError
from airflow_provider_aiguard.models import concurrency
from airflow_provider_aiguard.models.base import Model
from airflow_provider_aiguard.models.http import _retry_after

CHUNK = pd.DataFrame({"distance": [100.0, 2000.0, 300.0, 4000.0, 500.0], "carrier": ["AA", "B6", "AA", "HA", "B6"]})
FAR = [False, True, False, True, False]


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch):
    monkeypatch.setattr(concurrency, "_jitter", lambda k: 0.01)


def tensors(body, _=""):
    """A server of the Open Inference Protocol: far is late."""
    (distance,) = [t["data"] for t in body["inputs"] if t["name"] == "distance"]
    late = [x > 1000 for x in distance]
    n = len(late)
    return {
        "model_name": "delay",
        "outputs": [
            {"name": "late", "datatype": "BOOL", "shape": [n, 1], "data": late},
            {"name": "p", "datatype": "FP64", "shape": [n], "data": [0.75] * n},
        ],
    }


def predictions(body, _=""):
    return {"predictions": [{"late": row["distance"] > 1000, "p": 0.75} for row in body["instances"]]}


def ask(respond, chunk=CHUNK, **kwargs):
    with Endpoint(respond) as endpoint:
        given = {"model": "delay", "outputs": ["late"], "pacing": Pacing(in_flight=4, timeout=5, tries=2), **kwargs}
        model = HttpModel(endpoint.url, **given)
        try:
            return model.predict(chunk), endpoint
        finally:
            model.close()


def test_requests_are_timed_and_rows_have_their_share():
    claims, _ = ask(tensors, batch_size=4)
    took = claims.latency
    assert took.count == sum(took.per_row.values()) == 2
    # The first batch has four rows, the second one.
    assert min(took.per_row) < max(took.calls)
    assert sum(cell * n for cell, n in took.calls.items()) / 1e6 == pytest.approx(took.seconds, rel=0.1)


@pytest.mark.parametrize("tries", [1, 2, 3])
def test_no_row_is_sent_more_often_than_it_is_held_for_however_often_batches_are_halved(tries):
    seen = Counter()

    def lost_and_then_refused(body, _):
        rows = tuple(row["distance"] for row in body["instances"])
        seen[rows] += 1
        # The connection is closed: nobody knows whether that is billed. A refusal is not.
        return (0, b"") if seen[rows] == 1 or len(rows) == 1 else (400, b"")

    chunk = CHUNK[:4]
    claims, _ = ask(lost_and_then_refused, chunk, protocol="json", pacing=Pacing(in_flight=1, tries=tries))
    most = HttpModel("http://h", model="m", outputs=["late"], pacing=Pacing(tries=tries)).most_usage(chunk)
    assert len(claims.failures) == 4
    assert (claims.usage.rows, claims.usage.requests <= most.requests) == (most.rows, True)


def test_the_proxy_of_the_environment_is_used(monkeypatch):
    with Endpoint(tensors) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        model = HttpModel("http://models.example", model="delay", outputs=["late"])
        try:
            assert model.predict(CHUNK).values == {"late": FAR}
        finally:
            model.close()
        assert proxy.paths == ["http://models.example/v2/models/delay/infer"]
        _, endpoint = ask(tensors)
        assert (len(endpoint.paths), len(proxy.paths)) == (1, 1)


def test_a_model_that_was_closed_may_be_asked_again():
    with Endpoint(tensors) as endpoint:
        model = HttpModel(endpoint.url, model="delay", outputs=["late"], batch_size=1, pacing=Pacing(in_flight=2))
        for _ in range(2):
            assert model.predict(CHUNK).values == {"late": FAR}
            model.close()
        assert endpoint.connections == 4


@pytest.mark.parametrize("url", ["http://", "http://models.example:port"])
def test_an_address_that_is_none_fails_the_task(url):
    model = HttpModel(url, model="delay", outputs=["late"])
    try:
        with pytest.raises(ConfigurationError, match="refuses every request: misconfigured"):
            model.predict(CHUNK)
    finally:
        model.close()


class TestOpenInference:
    def test_one_tensor_a_column(self):
        claims, endpoint = ask(tensors, CHUNK[:2], confidences={"late": "p"})
        assert endpoint.paths == ["/v2/models/delay/infer"]
        assert endpoint.requests == [
            {
                "inputs": [
                    {"name": "distance", "shape": [2, 1], "datatype": "FP64", "data": [100.0, 2000.0]},
                    {"name": "carrier", "shape": [2, 1], "datatype": "BYTES", "data": ["AA", "B6"]},
                ],
                "outputs": [{"name": "late"}, {"name": "p"}],
            }
        ]
        assert claims.values == {"late": [False, True]}
        assert claims.confidences == {"late": [0.75, 0.75]}
        assert claims.confidence_source == "probability"
        assert claims.usage.requests == 1

    def test_a_version_and_odd_names_are_parts_of_the_address(self):
        _, endpoint = ask(tensors, model="a/b", version="3")
        assert endpoint.paths == ["/v2/models/a%2Fb/versions/3/infer"]

    def test_datatypes_follow_the_column_unless_said_otherwise(self):
        chunk = pd.DataFrame(
            {
                "distance": pd.array([1, 2], dtype="Int64"),
                "b": pd.array([True, False], dtype="boolean"),
                "day": [dt.date(2026, 1, 2)] * 2,
                "x": [1, 2],
            }
        )
        _, endpoint = ask(tensors, chunk, datatypes={"x": "FP32"})
        sent = {t["name"]: (t["datatype"], t["data"]) for t in endpoint.requests[0]["inputs"]}
        assert sent == {
            "distance": ("INT64", [1, 2]),
            "b": ("BOOL", [True, False]),
            "day": ("BYTES", ["2026-01-02"] * 2),
            "x": ("FP32", [1.0, 2.0]),
        }

    def test_a_row_that_no_tensor_can_hold_is_a_reject_and_the_others_are_asked(self):
        distance = pd.array([100.0, None, float("inf"), 4000.0, 500.0], dtype="Float64")
        chunk = CHUNK.assign(distance=distance, carrier=pd.Series(["AA", "B6", "AA", None, "B6"], dtype="str"))
        claims, endpoint = ask(tensors, chunk)
        assert claims.values["late"] == [False, None, None, None, False]
        detail = "column {!r} is NULL or not a finite number"
        assert claims.failures == {
            1: Failure("bad_input", detail.format("distance")),
            2: Failure("bad_input", detail.format("distance")),
            3: Failure("bad_input", detail.format("carrier")),
        }
        assert len(endpoint.requests) == 1

    def test_nothing_is_sent_when_no_row_fits(self):
        claims, endpoint = ask(tensors, pd.DataFrame({"distance": pd.array([None, None], dtype="Float64")}))
        assert set(claims.failures) == {0, 1}
        assert endpoint.requests == []

    @pytest.mark.parametrize(
        "response",
        [
            {},
            [],
            {"outputs": [{"name": "other", "shape": [5], "data": [1] * 5}]},
            {"outputs": [{"name": "late", "shape": [4], "data": [1] * 4}]},
            {"outputs": [{"name": "late", "shape": [5, 2], "data": [1] * 10}]},
            {"outputs": [{"name": "late", "shape": [5], "data": [[1, 2]] * 5}]},
            {"outputs": [{"name": "late", "shape": [5], "data": [1]}]},
        ],
    )
    def test_a_response_of_another_shape_is_not_guessed_at(self, response):
        claims, endpoint = ask(lambda *_: response)
        assert {failure.reason for failure in claims.failures.values()} == {"bad_response"}
        assert len(claims.failures) == 5
        assert len(endpoint.requests) == 1, "the same request would have the same response"


class TestJson:
    def test_an_object_a_row(self):
        claims, endpoint = ask(predictions, CHUNK[:2], protocol="json", confidences={"late": "p"})
        assert endpoint.paths == ["/"]
        sent = [{"distance": 100.0, "carrier": "AA"}, {"distance": 2000.0, "carrier": "B6"}]
        assert endpoint.requests == [{"instances": sent}]
        assert (claims.values, claims.confidences) == ({"late": [False, True]}, {"late": [0.75, 0.75]})

    def test_bare_values_and_null(self):
        chunk = CHUNK.assign(carrier=pd.Series([None] * 5, dtype="str"))
        bare = lambda body, _: {"predictions": [row["carrier"] is None for row in body["instances"]]}  # noqa: E731
        claims, _ = ask(bare, chunk, protocol="json")
        assert claims.values == {"late": [True] * 5}

    def test_errors_of_single_rows_are_theirs_alone(self):
        def respond(body, _):
            odd = [{"error": "cannot do 'AA'"}, {"p": 1}, {"late": float("nan")}, 7, {"late": True, "p": 0.5}]
            return {"predictions": odd}

        claims, endpoint = ask(respond, protocol="json", confidences={"late": "p"})
        assert len(endpoint.requests) == 1
        assert claims.values["late"][4] is True
        assert [failure.reason for _, failure in sorted(claims.failures.items())] == [
            "model_error", "bad_response", "bad_response", "bad_response",
        ]  # fmt: skip
        assert all("AA" not in failure.detail for failure in claims.failures.values())

    @pytest.mark.parametrize("response", [{}, [], {"predictions": [1]}, {"predictions": {"late": [1] * 5}}])
    def test_one_prediction_a_row(self, response):
        claims, _ = ask(lambda *_: response, protocol="json")
        assert {failure.reason for failure in claims.failures.values()} == {"bad_response"}


@pytest.mark.parametrize(("protocol", "respond"), [("open_inference", tensors), ("json", predictions)])
class TestBoth:
    def test_batches_over_connections_that_stay_open(self, protocol, respond):
        chunk = pd.concat([CHUNK] * 20, ignore_index=True)
        claims, endpoint = ask(respond, chunk, protocol=protocol, batch_size=3)
        assert claims.values == {"late": FAR * 20}
        assert len(endpoint.requests) == claims.usage.requests == 34
        assert endpoint.connections <= 4

    def test_the_row_that_is_refused_is_found(self, protocol, respond):
        """The protocols do not say which row it was: the batch is halved until it is alone."""

        def refuse(body, path):
            return (422, {"error": "cannot do 4000.0"}) if "4000.0" in str(body) else respond(body, path)

        claims, endpoint = ask(refuse, pd.concat([CHUNK] * 4, ignore_index=True), protocol=protocol, batch_size=20)
        assert {i: f.reason for i, f in claims.failures.items()} == dict.fromkeys([3, 8, 13, 18], "refused")
        assert all(f.detail == "HTTP 422" for f in claims.failures.values())
        assert [v for v in claims.values["late"] if v is not None] == [False, True, False, False] * 4
        assert len(endpoint.requests) == claims.usage.requests < 40

    @pytest.mark.parametrize(
        "trouble",
        [
            (500, b""),
            (503, b"", {"retry-after": "0"}),
            (503, b"", {"retry-after": "inf"}),
            (408, b""),
            (425, b""),
            (429, b"", {"retry-after": "0.01"}),
            (429, b""),
            (0, b""),
            b"<html>",
        ],
    )
    def test_what_passes_does_no_harm(self, protocol, respond, trouble):
        script = chain([trouble], repeat(None))
        claims, endpoint = ask(lambda *a: next(script) or respond(*a), protocol=protocol)
        assert claims.values == {"late": FAR}
        assert len(endpoint.requests) == 2

    def test_what_does_not_pass_is_a_reject(self, protocol, respond):
        claims, endpoint = ask(lambda *_: (500, b""), protocol=protocol)
        assert claims.failures == dict.fromkeys(range(5), Failure("server_error", "HTTP 500"))
        assert len(endpoint.requests) == 2

    def test_a_server_that_hangs_is_a_reject(self, protocol, respond):
        import time

        claims, _ = ask(lambda *_: time.sleep(0.3), protocol=protocol, pacing=Pacing(timeout=0.05, tries=1))
        assert {failure.reason for failure in claims.failures.values()} == {"timeout"}

    @pytest.mark.parametrize("status", [401, 403, 404, 302])
    def test_a_wrong_address_or_password_fails_the_task_at_once(self, protocol, respond, status):
        with pytest.raises(ConfigurationError, match=rf"refuses every request: \w+ \(HTTP {status}\)"):
            ask(lambda *_: (status, b"", {"location": "/"}), protocol=protocol, batch_size=1)

    def test_an_outage_fails_the_task(self, protocol, respond):
        chunk = pd.concat([CHUNK] * 10, ignore_index=True)
        with pytest.raises(ModelUnavailableError, match=r"is away: server_error \(HTTP 500\)"):
            ask(lambda *_: (500, b""), chunk, protocol=protocol, batch_size=1, pacing=Pacing(tries=1))

    def test_features_are_chosen_and_ordered(self, protocol, respond):
        _, endpoint = ask(respond, CHUNK[["carrier", "distance"]], protocol=protocol, features=["distance"])
        assert "AA" not in str(endpoint.requests)
        with pytest.raises(ConfigurationError, match="Feature 'hour' is none of the inputs"):
            ask(respond, protocol=protocol, features=["hour"])

    def test_outputs_may_have_another_name_there(self, protocol, respond):
        claims, _ = ask(respond, protocol=protocol, outputs={"is_late": "late"}, confidences={"is_late": "p"})
        assert claims.values == {"is_late": FAR}
        assert claims.confidences == {"is_late": [0.75] * 5}

    def test_who_asks_is_known(self, protocol, respond):
        _, endpoint = ask(respond, protocol=protocol, headers={"x-team": "bags"}, auth=("me", "secret"))
        assert endpoint.headers[0]["x-team"] == "bags"
        assert endpoint.headers[0]["authorization"] == "Basic bWU6c2VjcmV0"

    def test_values_that_json_cannot_hold_are_refused(self, protocol, respond):
        with pytest.raises(ConfigurationError, match="Column 'x' holds a bytes"):
            ask(respond, CHUNK.assign(x=[b"1"] * 5), protocol=protocol)

    def test_an_empty_chunk_asks_nothing(self, protocol, respond):
        claims, endpoint = ask(respond, CHUNK[:0], protocol=protocol)
        assert (claims.values, endpoint.requests) == ({"late": []}, [])


class TestIdentity:
    def model(self, **kwargs):
        return HttpModel(**{"url": "http://models.example", "model": "delay", "outputs": ["late"], **kwargs})

    def test_it_is_a_model_with_name_and_version(self):
        assert isinstance(self.model(), Model)
        assert str(self.model(version="7").identity) == "delay@7"
        assert self.model().identity.version == self.model().identity.fingerprint[:12]

    @pytest.mark.parametrize(
        "change",
        [
            {"url": "http://other.example"},
            {"model": "delay2"},
            {"version": "2"},
            {"protocol": "json"},
            {"outputs": {"late": "label"}},
            {"confidences": {"late": "p"}},
            {"features": ["distance"]},
            {"datatypes": {"distance": "FP32"}},
        ],
    )
    def test_whatever_changes_the_answers_changes_the_fingerprint(self, change):
        assert self.model(**change).identity.fingerprint != self.model().identity.fingerprint

    def test_passwords_and_speed_do_not(self):
        other = self.model(headers={"authorization": "x"}, auth=("me", "secret"), batch_size=7, pacing=Pacing(tries=1))
        assert other.identity == self.model().identity

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"url": "models.example"}, "must begin with http"),
            ({"url": "http://me:secret@models.example"}, "must hold no password"),
            ({"protocol": "grpc"}, "protocol must be one of"),
            ({"batch_size": 0}, "at least 1"),
            ({"auth": ("me:you", "secret")}, "a user without a colon"),
            ({"headers": {"authorization": "Bearer secret\n"}}, "Header 'authorization' must be one line"),
            ({"confidences": {"other": "p"}}, "which are no outputs"),
        ],
    )
    def test_arguments_are_checked(self, wrong, message):
        with pytest.raises(ConfigurationError, match=message) as refused:
            self.model(**wrong)
        assert "secret" not in str(refused.value)


def test_retry_after_is_seconds_or_a_date():
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=90)
    assert _retry_after("1.5") == 1.5
    assert _retry_after("-3") == 0.0
    assert 80 < _retry_after(format_datetime(soon, usegmt=True)) < 91
    assert [_retry_after(x) for x in (None, "soon", "", "inf", "nan")] == [None] * 5
