"""A backend of lineage: one request, and what its answer means for the event."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

import requests
from openlineage.client.transport.http import HttpCompression, HttpConfig

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.lineage.sanitise import clean_text
from airflow_provider_aiguard.lineage.within import within

MAX_ANSWER = 4_096
"""Bytes of an answer that are read."""

MAX_REASON = 300

_FOR_ALL = frozenset({401, 402, 403, 404, 405, 407, 408, 421, 425, 426, 429, 451, 511})
"""Statuses that say nothing about the event: another one would get the same answer."""

_DOWN = frozenset({502, 503, 504})
"""Statuses of whoever stands before the backend, which is not there."""


class Meaning(Enum):
    """What an answer means."""

    ACCEPTED = auto()
    REFUSED = auto()
    """This event is not taken, and would not be taken again."""
    FAILED = auto()
    """The backend failed on this event; whether on others, too, is to be seen."""
    UNANSWERED = auto()
    """Nobody answered who could have taken any event."""


@dataclass(frozen=True)
class Answer:
    """What a backend said.

    :param meaning: what it means.
    :param reason: why, in one line; without what the event holds.
    """

    meaning: Meaning
    reason: str = ""


class Backend:
    """Takes events of lineage by HTTP.

    :param config: what the ``http`` transport of OpenLineage's client takes: URL, endpoint, authentication, headers,
        certificates, compression.
    :raises ConfigurationError: if the URL is none.
    """

    def __init__(self, config: HttpConfig) -> None:
        self._config = config
        parts = urlsplit(str(config.url).strip())
        if parts.scheme not in ("http", "https") or not parts.hostname or not _has_port(parts):
            raise ConfigurationError(
                f"The URL of a lineage backend begins with http:// or https:// and names a host; got {parts.hostname!r}"
                f" with scheme {parts.scheme!r}. A port is a number. Write it as 'http://marquez:5000'."
            )
        self._url = urljoin(config.url.strip().rstrip("/") + "/", config.endpoint.lstrip("/"))
        self._session: requests.Session | None = None

    @property
    def url(self) -> str:
        """Where the API is, without the endpoint for events."""
        return self._config.url.strip().rstrip("/")

    @property
    def name(self) -> str:
        """Its URL for events, without credentials: what the store knows it by."""
        parts = urlsplit(self._url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
        return urlunsplit((parts.scheme, host + port, parts.path, "", ""))

    def post(self, event: str, *, timeout: float) -> Answer:
        """Send an event.

        :param event: as JSON.
        :param timeout: seconds for all of it.
        """
        try:
            return within(timeout, lambda: self._post(event, timeout))
        except TimeoutError as error:
            # Its connection may still wait for the answer.
            self._session = None
            return Answer(Meaning.UNANSWERED, str(error))
        except Exception as error:  # also what a provider of tokens raises, and a certificate that is no file
            return Answer(Meaning.UNANSWERED, _without_url(error))

    def ask(self, *, timeout: float) -> str:
        """Whether somebody is there who takes events, without sending one.

        :param timeout: seconds for all of it.
        :returns: what is wrong; empty if nothing is.
        """
        # What is no event is refused by whoever takes events, and by nobody else.
        answer = self.post("{}", timeout=timeout)
        return "" if answer.meaning in (Meaning.REFUSED, Meaning.ACCEPTED) else answer.reason

    def close(self) -> None:
        """Close the connection."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def session(self) -> requests.Session:
        """A session of one's own that says who asks, and trusts whom the settings trust."""
        session = requests.Session()
        session.headers.update(self._headers())
        session.verify, session.cert = self._verify, self._cert
        return session

    def _post(self, event: str, timeout: float) -> Answer:
        body, headers = self._prepare(event)
        if self._session is None:
            self._session = requests.Session()
        with self._session.post(
            self._url,
            data=body,
            headers=headers,
            timeout=timeout,
            verify=self._verify,
            cert=self._cert,
            allow_redirects=False,
            stream=True,
        ) as response:
            return meaning_of(response.status_code, response.headers.get("content-type", ""), _start(response))

    @property
    def _verify(self) -> bool | str:
        context = self._config.ssl_context
        return context.ca_cert_path if context and context.ca_cert_path else self._config.verify

    @property
    def _cert(self) -> str | tuple[str, str] | None:
        return self._config.ssl_context.as_requests_cert() if self._config.ssl_context else None

    def _headers(self) -> dict[str, str]:
        bearer = self._config.auth.get_bearer()
        return {**self._config.custom_headers, **({"Authorization": bearer} if bearer else {})}

    def _prepare(self, event: str) -> tuple[bytes, dict[str, str]]:
        headers = {"Content-Type": "application/json", **self._headers()}
        if self._config.compression is HttpCompression.GZIP:
            return gzip.compress(event.encode(), compresslevel=3), {**headers, "Content-Encoding": "gzip"}
        return event.encode(), headers


def meaning_of(status: int, content_type: str, body: str) -> Answer:
    """Read an answer.

    :param status: of HTTP.
    :param content_type: header of that name.
    :param body: the beginning of it.
    """
    said = clean_text(f"HTTP {status}: {' '.join(body.split())}".rstrip(": "), MAX_REASON)
    if 200 <= status < 300:
        # A login page, or whatever else stands before the backend, has taken nothing.
        if "html" in content_type.lower():
            return Answer(Meaning.UNANSWERED, f"HTTP {status} with a web page: that is no lineage backend.")
        return Answer(Meaning.ACCEPTED)
    if 400 <= status < 500 and status not in _FOR_ALL:
        return Answer(Meaning.REFUSED, said)
    if status >= 500 and status not in _DOWN | _FOR_ALL:
        return Answer(Meaning.FAILED, said)
    return Answer(Meaning.UNANSWERED, said)


def _has_port(parts: SplitResult) -> bool:
    """Whether the port is a number, or there is none."""
    try:
        return parts.port is None or parts.port >= 0
    except ValueError:
        return False


def _start(response: requests.Response) -> str:
    content: bytes = next(response.iter_content(MAX_ANSWER), b"")
    return content.decode("utf-8", "replace")


def _without_url(error: Exception) -> str:
    """Name the kind of a failure: its text holds the URL, and that may hold a password."""
    names = {
        requests.exceptions.ConnectTimeout: "no connection within the time given",
        requests.exceptions.ReadTimeout: "no answer within the time given",
        requests.exceptions.SSLError: "its certificate was not accepted",
        requests.exceptions.ProxyError: "the proxy did not let the request through",
        requests.exceptions.ConnectionError: "nobody answers there, or not in HTTP",
    }
    known: Any = next((text for kind, text in names.items() if isinstance(error, kind)), None)
    return known or f"the request failed: {type(error).__name__}"
