"""A client of Marquez's REST API: what it knows of datasets, jobs and runs, its tags, and its graph.

Marquez draws tags, and only those set through this API: it stores the ``tags`` facet of an event and never reads it.
What was found on a real Marquez 0.51.1 and is held by recorded exchanges: tags of a field are upper-cased; a job that
has a parent, as every Airflow task has, cannot be tagged (HTTP 500) and never shows a tag.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from urllib.parse import quote, urlsplit

from airflow_provider_aiguard.core.errors import ConfigurationError, MarquezRefusedError, MarquezUnavailableError
from airflow_provider_aiguard.lineage.datasets import DatasetName

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import requests

_MAX_TAGS = 10_000
_MAX_ANSWER = 200
_MAX_PATH = 300


class Place(NamedTuple):
    """What a tag hangs on: a dataset, a field of one, or a job.

    :param kind: ``datasets`` or ``jobs``.
    :param namespace: of the dataset or the job.
    :param name: of the dataset or the job.
    :param field: the column, for a field of a dataset.
    """

    kind: Literal["datasets", "jobs"]
    namespace: str
    name: str
    field: str | None = None


class Edge(NamedTuple):
    """One job that reads one dataset and writes another."""

    source_namespace: str
    source_name: str
    job_namespace: str
    job_name: str
    target_namespace: str
    target_name: str


class MarquezClient:
    """Asks and tells one Marquez. Every request has a timeout, and all of them together may have a budget.

    :param url: address of the API, such as ``http://marquez:5000``. What is behind ``/api/v1`` is left out.
    :param timeout: seconds to wait for a connection, and again for an answer.
    :param budget: seconds for all requests of this client; ``None`` for no limit.
    :param session: carries headers, certificates or a password, for a Marquez behind a door. The client closes it.
    :raises ConfigurationError: if the URL is none of HTTP.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 5.0,
        budget: float | None = None,
        session: requests.Session | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigurationError(
                f"The URL of Marquez must begin with http:// or https:// and name a host; got {parts.hostname!r} with "
                f"scheme {parts.scheme!r}."
            )
        import requests

        self.url = url.partition("/api/v1")[0].rstrip("/")
        # A message names the server, not the password to it.
        self._shown = self.url.replace(parts.netloc, parts.netloc.rpartition("@")[2])
        self._timeout = timeout
        self._end = None if budget is None else time.monotonic() + budget
        self._session = session or requests.Session()

    def __enter__(self) -> MarquezClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def dataset(self, name: DatasetName) -> dict[str, Any] | None:
        """A dataset's fields, tags, description and the facets of its current version; ``None`` if it is unknown."""
        return self._get(_path(Place("datasets", name.namespace, name.name)), "fields", "tags")

    def job(self, namespace: str, name: str) -> dict[str, Any] | None:
        """A job, its tags and its latest run; ``None`` if it is unknown."""
        return self._get(_path(Place("jobs", namespace, name)), "tags")

    def run(self, run_id: str) -> dict[str, Any] | None:
        """A run and its ``state``, such as ``COMPLETED``; ``None`` if it is unknown."""
        return self._get(f"/jobs/runs/{_quoted(run_id)}", "state")

    def graph(self, dataset: DatasetName, *, depth: int = 20) -> list[dict[str, Any]]:
        """The nodes around a dataset, jobs and datasets, each with its edges; none if the dataset is unknown.

        :param dataset: where to begin.
        :param depth: most jobs to pass.
        """
        # The id is a query parameter: it is quoted as a whole, its parts are not.
        node = f"dataset:{dataset.namespace}:{dataset.name}"
        answer = self._get("/lineage", "graph", params={"nodeId": node, "depth": depth})
        return [] if answer is None else list(answer["graph"])

    def tags(self) -> dict[str, str | None]:
        """The description of every tag that Marquez knows."""
        answer = self._get("/tags", "tags", params={"limit": _MAX_TAGS}) or {"tags": []}
        return {tag["name"]: tag.get("description") for tag in answer["tags"]}

    def is_marquez(self) -> bool:
        """Whether a Marquez is at that address: another consumer of events knows no list of tags there."""
        return self._get("/tags", "tags", params={"limit": 1}) is not None

    def describe_tag(self, tag: str, description: str) -> None:
        """Say what a tag means, which Marquez shows where it hangs. Made if it is new."""
        self._ask("PUT", f"/tags/{_quoted(tag)}", json={"description": description})

    def add_tag(self, place: Place, tag: str) -> None:
        """Hang a tag on something; it may be there already."""
        self._ask("POST", f"{_path(place)}/tags/{_quoted(tag)}")

    def remove_tag(self, place: Place, tag: str) -> None:
        """Take a tag off something; it need not be there."""
        self._ask("DELETE", f"{_path(place)}/tags/{_quoted(tag)}")

    def _get(self, path: str, *needs: str, params: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        response = self._request("GET", path, params=params)
        return None if response.status_code == 404 else _answer(response, needs)

    def _ask(self, method: str, path: str, **more: Any) -> None:
        _answer(self._request(method, path, **more))

    def _request(self, method: str, path: str, **more: Any) -> requests.Response:
        import requests

        try:
            return self._session.request(method, f"{self.url}/api/v1{path}", timeout=self._left(), **more)
        except requests.RequestException as error:
            raise MarquezUnavailableError(
                f"Marquez at {self._shown!r} does not answer {method} {path[:_MAX_PATH]!r}: {type(error).__name__}. "
                "Nothing is lost: replay tries again."
            ) from error

    def _left(self) -> float:
        left = self._timeout if self._end is None else min(self._timeout, self._end - time.monotonic())
        if left <= 0:
            raise MarquezUnavailableError(
                f"Marquez at {self._shown!r} took longer than it may. Nothing is lost: replay goes on where this ended."
            )
        return left


def marquez_edges(client: MarquezClient, dataset: DatasetName, *, depth: int = 20) -> list[Edge]:
    """The edges of Marquez's graph around a dataset, up and down, for comparison with our own.

    It is a picture of now, not evidence: each job's edges are those of its latest version, they are gone while the job
    runs, and gone for good once a run of it named no datasets. So an edge that is here counts, and one that is missing
    says nothing.

    :param client: of the Marquez to ask.
    :param dataset: where to begin; without a node there, there are no edges.
    :param depth: most jobs to pass, in both directions.
    :raises MarquezUnavailableError: if Marquez does not answer.
    """
    nodes = {node["id"]: node for node in client.graph(dataset, depth=depth)}
    return [
        Edge(*_name(nodes, source["origin"]), *_name(nodes, node["id"]), *_name(nodes, target["destination"]))
        for node in nodes.values()
        if node["type"] == "JOB"
        for source in node["inEdges"]
        for target in node["outEdges"]
        # At the rim of the depth an edge may lead to a node that was left out.
        if source["origin"] in nodes and target["destination"] in nodes
    ]


def dataset_page(url: str, dataset: DatasetName) -> str:
    """The page of the Marquez web UI that shows a dataset in its graph, its drawer open.

    :param url: address of the web UI.
    :param dataset: what to show.

    >>> dataset_page("http://localhost:3000/", DatasetName("postgres://db:5432", "app.public.flights"))[:65]
    'http://localhost:3000/lineage/dataset/postgres%3A%2F%2Fdb%3A5432/'
    """
    node = f"dataset:{dataset.namespace}:{dataset.name}"
    page = f"{url.rstrip('/')}/lineage/dataset/{_quoted(dataset.namespace)}/{_quoted(dataset.name)}"
    return f"{page}?tableLevelNode={_quoted(node)}"


def _answer(response: requests.Response, needs: Sequence[str] = ()) -> dict[str, Any]:
    asked = f"{response.request.method} {str(response.request.path_url)[:_MAX_PATH]!r}"
    status = response.status_code
    if 400 <= status < 500:
        raise MarquezRefusedError(
            f"Marquez refuses {asked} with HTTP {status}: {response.text[:_MAX_ANSWER]!r}. "
            "Check its address and its version: 0.51.1 is the tested one."
        )
    found = _json(response) if response.ok else None
    if not isinstance(found, dict) or not found.keys() >= set(needs):
        raise MarquezUnavailableError(
            f"Marquez answers {asked} with HTTP {status} and nothing that it would say. "
            "Nothing is lost: replay tries again."
        )
    return found


def _json(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _name(nodes: Mapping[str, Any], node_id: str) -> tuple[str, str]:
    data = nodes[node_id]["data"]
    return data["namespace"], data["name"]


def _path(place: Place) -> str:
    path = f"/namespaces/{_quoted(place.namespace)}/{place.kind}/{_quoted(place.name)}"
    return path if place.field is None else f"{path}/fields/{_quoted(place.field)}"


def _quoted(text: str) -> str:
    if text in {".", ".."}:
        # However it is quoted, it is read as a step in the path: a tag for the column ".." lands on its table.
        raise MarquezRefusedError(f"{text!r} cannot be a part of an address. Rename it, or do without its tags.")
    return quote(text, safe="")
