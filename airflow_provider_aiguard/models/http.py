"""A model behind an HTTP endpoint.

Two protocols. ``open_inference`` is the Open Inference Protocol, version 2 (KServe, Triton, MLServer, BentoML and
others): a tensor a column. ``json`` is its elder: ``{"instances": [{column: value}]}`` in, ``{"predictions": [...]}``
out (KServe version 1, TensorFlow Serving, MLflow and whatever one writes oneself).

Neither says which row a refused request was refused for. So a batch that is refused (4xx) is halved until the row is
found: it alone becomes a reject.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal, get_args
from urllib.parse import quote, urlsplit

from airflow_provider_aiguard.core.claims import CUT_OFF, Claims, Failure, Usage
from airflow_provider_aiguard.core.errors import ConfigurationError, ModelUnavailableError
from airflow_provider_aiguard.core.latency import LatencySummary
from airflow_provider_aiguard.core.provenance import ConfidenceSource
from airflow_provider_aiguard.core.run import ModelIdentity
from airflow_provider_aiguard.models.concurrency import GaveUpError, Pace, Pacing, Remedy, Trouble, each
from airflow_provider_aiguard.models.loop import LoopThread
from airflow_provider_aiguard.models.wire import (
    BadResponseError,
    Columns,
    datatypes_of,
    read_predictions,
    read_tensors,
    some,
    to_instances,
    to_tensors,
    unfit_columns,
    unfit_failure,
    values_of,
)

if TYPE_CHECKING:
    import aiohttp
    import pandas as pd

Protocol = Literal["open_inference", "json"]

Row = dict[str, Any] | Failure
"""What was said about one row, by name of the response's tensor or field."""


class HttpModel:
    """Asks an HTTP endpoint about batches of rows, over connections that stay open.

    :param url: address of the server (``open_inference``) or of the endpoint itself (``json``).
    :param model: name of the model; with ``open_inference`` also a part of the address.
    :param outputs: output columns, or a mapping of output column to the name it has in the response.
    :param confidences: output column to the name of its confidence in the response, a probability in [0, 1].
    :param features: columns to send, in this order; by default all input columns.
    :param protocol: see the module.
    :param version: version of the model; with ``open_inference`` a part of the address. Change it when the weights
        change: nothing else tells.
    :param datatypes: ``open_inference`` datatype of a column, such as ``{"distance": "FP32"}``, where the server wants
        another than BOOL, INT64, FP64 or BYTES.
    :param batch_size: rows a request.
    :param headers: sent with each request, such as for authorisation. No part of the identity.
    :param auth: user and password, for basic authorisation.
    :param verify: whether the server's certificate is checked.
    :param confidence_source: how the confidences were made.
    :param pacing: how many requests at a time, how long, how often.
    """

    counts_tokens = False
    """Whether it says how many tokens it uses, so that its price can be looked up."""

    def __init__(
        self,
        url: str,
        *,
        model: str,
        outputs: Sequence[str] | Mapping[str, str],
        confidences: Mapping[str, str] | None = None,
        features: Sequence[str] | None = None,
        protocol: Protocol = "open_inference",
        version: str | None = None,
        datatypes: Mapping[str, str] | None = None,
        batch_size: int = 100,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        verify: bool = True,
        confidence_source: ConfidenceSource | str = ConfidenceSource.PROBABILITY,
        pacing: Pacing | None = None,
    ) -> None:
        _check(url, protocol, batch_size)
        _check_credentials(headers or {}, auth)
        self.outputs = dict(outputs) if isinstance(outputs, Mapping) else {name: name for name in outputs}
        self.confidences = dict(confidences or {})
        if stray := set(self.confidences) - set(self.outputs):
            raise ConfigurationError(f"confidences name {sorted(stray)!r}, which are no outputs.")
        self.features = None if features is None else tuple(features)
        self.protocol = protocol
        self.datatypes = dict(datatypes or {})
        self.batch_size = batch_size
        self.confidence_source = ConfidenceSource(confidence_source)
        self.endpoint = _endpoint(url, protocol, model, version)
        self._headers, self._auth, self._verify = dict(headers or {}), auth, verify
        fingerprint = self._fingerprint(model, version)
        self._identity = ModelIdentity(name=model, version=version or fingerprint[:12], fingerprint=fingerprint)
        self._pace = Pace(pacing or Pacing(), explain)
        self._loop = LoopThread()
        self._client: aiohttp.ClientSession | None = None
        self._used = Usage()
        self._batches: list[range] = []
        self._answers: list[list[Row] | None] = []
        self._asked: pd.DataFrame | None = None

    @property
    def inputs(self) -> tuple[str, ...] | None:
        """The columns that are sent, if they are named: rows that are alike in those are the same work."""
        return self.features

    @property
    def at_once(self) -> int:
        """Rows that are asked about at the same time."""
        return self.batch_size * self._pace.pacing.in_flight

    @property
    def identity(self) -> ModelIdentity:
        """Name and version, and the hash of the address and of what is asked."""
        return self._identity

    def predict(self, chunk: pd.DataFrame) -> Claims:
        """Ask about every row, many batches at a time.

        :raises ConfigurationError: if the server refuses all requests, such as for a wrong password.
        :raises ModelUnavailableError: if the server is away: no row was answered, and many requests were given up.
        """
        self._pace.reset()
        self._used, self._answers, self._asked = Usage(), [], chunk
        features = list(chunk.columns) if self.features is None else list(self.features)
        if missing := [name for name in features if name not in chunk]:
            raise ConfigurationError(f"Feature {missing[0]!r} is none of the inputs {list(map(str, chunk.columns))!r}.")
        frame = chunk[features]
        batches = [range(i, min(i + self.batch_size, len(frame))) for i in range(0, len(frame), self.batch_size)]
        self._batches = batches
        answers = self._loop.run(self._predict(frame, batches))
        claims = self._claims([row for batch in answers for row in batch])
        if self._pace.stopped is not None and len(claims.failures) == len(frame):
            _raise_outage(self.endpoint, self._pace.stopped)
        return claims

    def most_usage(self, chunk: pd.DataFrame) -> Usage:
        """Give the most that ``predict(chunk)`` can send: every batch in every try, halved down to single rows.

        A request that is refused bills no row, so halving sends none more often than it may be tried.
        """
        sizes = [min(self.batch_size, len(chunk) - i) for i in range(0, len(chunk), self.batch_size)]
        tries = self._pace.pacing.tries
        return Usage(requests=tries * sum(2 * size - 1 for size in sizes), rows=tries * len(chunk))

    def sent(self, chunk: pd.DataFrame) -> Usage:
        """Give what ``predict(chunk)`` has sent so far."""
        return self._used if self._asked is chunk else Usage()

    def answered(self, chunk: pd.DataFrame) -> Claims | None:
        """Give the claims that ``predict(chunk)`` has made so far: of batches that were answered."""
        answers = list(self._answers)
        if self._asked is not chunk or not any(answers):
            return None
        pairs = zip(self._batches, answers, strict=True)
        return self._claims([row for batch, rows in pairs for row in rows or [CUT_OFF] * len(batch)])

    def close(self) -> None:
        """Close the connections and stop the thread they lived in."""
        try:
            if self._client is not None:
                self._loop.run(self._client.close())
        finally:
            self._client = None
            self._loop.close()

    async def _predict(self, frame: pd.DataFrame, batches: Sequence[range]) -> list[list[Row]]:
        # Once a chunk: a request has little CPU to spend.
        unfit = unfit_columns(frame, null_fits=self.protocol == "json")
        columns, datatypes = values_of(frame), {**datatypes_of(frame), **self.datatypes}

        async def ask(batch: range) -> list[Row]:
            fit = [i for i in batch if unfit[i] is None]
            answers = iter(await self._ask(columns, datatypes, fit) if fit else ())
            return [
                next(answers) if column is None else unfit_failure(column) for column in map(unfit.__getitem__, batch)
            ]

        return await each(ask, batches, at_once=self._pace.pacing.in_flight, answers=self._answers)

    def _claims(self, rows: Sequence[Row]) -> Claims:
        return Claims(
            values={column: _column(rows, name) for column, name in self.outputs.items()},
            confidences={column: _column(rows, name) for column, name in self.confidences.items()},
            confidence_source=self.confidence_source if self.confidences else None,
            failures={i: row for i, row in enumerate(rows) if isinstance(row, Failure)},
            usage=self._used,
            latency=LatencySummary.of(self._pace.took),
        )

    async def _ask(
        self, columns: Columns, datatypes: Mapping[str, str], rows: Sequence[int], tries: int | None = None
    ) -> list[Row]:
        try:
            return await self._pace.call(
                lambda: self._request(some(columns, rows), datatypes, len(rows)), rows=len(rows), most_tries=tries
            )
        except GaveUpError as error:
            if error.trouble.reason == "refused" and len(rows) > 1:
                middle = len(rows) // 2
                # What was sent before it was refused may be billed: no row is sent more often than it is held for.
                left = (tries or self._pace.pacing.tries) - (error.tries - 1)
                first = await self._ask(columns, datatypes, rows[:middle], left)
                return first + await self._ask(columns, datatypes, rows[middle:], left)
            return [Failure(error.trouble.reason, error.trouble.detail)] * len(rows)

    async def _request(self, columns: Columns, datatypes: Mapping[str, str], rows: int) -> list[Row]:
        names = [*self.outputs.values(), *self.confidences.values()]
        if self.protocol == "json":
            return read_predictions(await self._counted(to_instances(columns), rows), names, rows=rows)
        body = to_tensors(columns, datatypes, outputs=names)
        return read_tensors(await self._counted(body, rows), names, rows=rows)

    async def _counted(self, body: Mapping[str, Any], rows: int) -> Any:
        """Count a request before it is sent, and take back what nobody bills."""
        self._used += Usage(requests=1, rows=rows)
        try:
            return await self._post(body)
        except Exception as error:
            self._used -= _not_billed(error, rows)
            raise

    async def _post(self, body: Mapping[str, Any]) -> Any:
        import aiohttp

        if self._client is None:
            self._client = self._dial()
        headers = {"content-type": "application/json"}
        if self._auth is not None:
            headers["authorization"] = aiohttp.encode_basic_auth(*self._auth)
        request = self._client.post(
            self.endpoint, data=json.dumps(body).encode(), headers=headers, allow_redirects=False
        )
        async with request as response:
            if response.status >= 300:
                raise _RefusalError(response.status, _retry_after(response.headers.get("retry-after")))
            return json.loads(await response.read())

    def _dial(self) -> aiohttp.ClientSession:
        """Make the client. The pace bounds how many connections there are, and its timeout is the only one."""
        import aiohttp

        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=self._verify),
            timeout=aiohttp.ClientTimeout(),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._headers,
            proxy=_proxy_of(self.endpoint),
        )

    def _fingerprint(self, model: str, version: str | None) -> str:
        asked = [
            self.endpoint,
            self.protocol,
            model,
            version,
            self.outputs,
            self.confidences,
            self.features,
            self.datatypes,
        ]
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


class _RefusalError(Exception):
    """A response whose status says no.

    :param status: HTTP status, 300 or more.
    :param retry_after: seconds that the server asks to wait, if it does.
    """

    def __init__(self, status: int, retry_after: float | None) -> None:
        super().__init__(f"HTTP {status}")
        self.status, self.retry_after = status, retry_after


def explain(error: Exception) -> Trouble:
    """Tell what is wrong with a request. Words of the server stay out: they may quote the row.

    :raises Exception: the error itself, if it is none of a server.
    """
    import aiohttp

    if isinstance(error, _RefusalError):
        return _by_status(error.status, error.retry_after)
    if isinstance(error, BadResponseError):
        return Trouble("bad_response", Remedy.NEVER, str(error))
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
        return Trouble("bad_response", Remedy.AGAIN, "the response is not JSON")
    if isinstance(error, aiohttp.InvalidURL):
        return Trouble("misconfigured", Remedy.STOP, str(error))
    if isinstance(error, aiohttp.ClientError):
        return Trouble("unreachable", Remedy.AGAIN, type(error).__name__)
    raise error


def _not_billed(error: Exception, rows: int) -> Usage:
    """What a request that failed cannot have cost: an error answers no row, and one that was put off was no call."""
    import aiohttp

    if isinstance(error, _RefusalError):
        return Usage(rows=rows, requests=int(error.status == 429))
    return Usage(rows=rows) if isinstance(error, aiohttp.ClientConnectorError) else Usage()


def _by_status(status: int, asked: float | None) -> Trouble:
    if status == 429:
        return Trouble("rate_limited", Remedy.LATER, f"HTTP {status}", asked)
    if status >= 500 or status in {408, 425}:
        return Trouble("server_error", Remedy.AGAIN, f"HTTP {status}", asked)
    if status in {401, 403, 404, 405, 407} or status < 400:
        return Trouble("access_denied" if status in {401, 403, 407} else "not_found", Remedy.STOP, f"HTTP {status}")
    return Trouble("refused", Remedy.NEVER, f"HTTP {status}")


def _retry_after(value: str | None) -> float | None:
    """Seconds, or until a date."""
    import datetime as dt

    if value is None:
        return None
    try:
        return max(0.0, seconds) if math.isfinite(seconds := float(value)) else None
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - dt.datetime.now(dt.UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def _proxy_of(url: str) -> str | None:
    """Give the proxy that the environment names. ``trust_env`` would look for it again, in a thread, a request."""
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)


def _column(rows: Sequence[Row], name: str) -> list[Any]:
    return [None if isinstance(row, Failure) else row[name] for row in rows]


def _check(url: str, protocol: str, batch_size: int) -> None:
    if not url.startswith(("http://", "https://")):
        raise ConfigurationError(f"url must begin with http:// or https://; got {url!r}.")
    if "@" in url.split("/")[2]:
        raise ConfigurationError(
            "url must hold no password: it is a part of the model's identity. Use auth or headers."
        )
    if protocol not in get_args(Protocol):
        raise ConfigurationError(f"protocol must be one of {get_args(Protocol)!r}; got {protocol!r}.")
    if batch_size < 1:
        raise ConfigurationError(f"batch_size must be at least 1; got {batch_size!r}.")


def _check_credentials(headers: Mapping[str, str], auth: tuple[str, str] | None) -> None:
    """Refuse what no request can hold, without a word of it: it may be a secret."""
    if auth is not None and ":" in auth[0]:
        raise ConfigurationError("auth must name a user without a colon (RFC 7617).")
    for name, value in headers.items():
        if any(c in f"{name}{value}" for c in "\r\n\0"):
            raise ConfigurationError(f"Header {name!r} must be one line; a file may end in a line break.")


def _endpoint(url: str, protocol: str, model: str, version: str | None) -> str:
    if protocol == "json":
        return url
    versions = "" if version is None else f"/versions/{quote(version, safe='')}"
    return f"{url.rstrip('/')}/v2/models/{quote(model, safe='')}{versions}/infer"


def _raise_outage(endpoint: str, trouble: Trouble) -> None:
    why = f"{trouble.reason} ({trouble.detail})"
    if trouble.remedy is Remedy.STOP:
        raise ConfigurationError(f"{endpoint} refuses every request: {why}. Check the address and the connection.")
    raise ModelUnavailableError(
        f"{endpoint} is away: {why}. No row of the chunk was answered; earlier chunks are written. Retry later."
    )
