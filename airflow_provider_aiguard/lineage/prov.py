"""W3C PROV-JSON of one run or one row, for who audits with other tools than ours. No value of a row is in it.

An *activity* is a run. *Entities* are tables, columns, the version of a table that a run wrote, and for a row its
cells. *Agents* are the model that inferred (which is an entity as well: it was trained) and whoever annotated. See
https://www.w3.org/TR/prov-dm/ for the words and https://www.w3.org/submissions/prov-json/ for the form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_provider_aiguard.core.lineage import EdgeKind, Node, column_node, dataset_node
from airflow_provider_aiguard.core.provenance import Provenance
from airflow_provider_aiguard.lineage.datasets import model_dataset
from airflow_provider_aiguard.lineage.keys import PROJECT_URL
from airflow_provider_aiguard.lineage.sanitise import clean_text, rounded

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_aiguard.core.lineage import Edge
    from airflow_provider_aiguard.core.provenance import Label
    from airflow_provider_aiguard.core.run import ColumnSummary, ModelIdentity, RunRecord

_PREFIXES = {
    "aiguard": f"{PROJECT_URL}#",
    **{name: f"urn:aiguard:{name}:" for name in ("run", "dataset", "column", "output", "agent", "row", "cell", "job")},
}


class ProvDocument:
    """A PROV-JSON document that grows. What is said twice is there once."""

    def __init__(self) -> None:
        self._parts: dict[str, dict[str, dict[str, Any]]] = {}
        self._related: set[tuple[object, ...]] = set()

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"prefix": dict(_PREFIXES), **self._parts}

    def add_run(self, record: RunRecord, edges: Iterable[Edge] = ()) -> None:
        """Add a run of an AI step: what it used, what it made of it, and who answers for it.

        :param record: the run as the store remembers it.
        :param edges: what lineage events said about it, if they did.
        """
        summary, identity = record.summary, record.identity
        run = self._run(identity.run_id, record.started_at, record.finished_at, state=str(record.state))
        model = self._model(summary.model)
        job = f"{identity.dag_id}.{identity.task_id}" if identity.task_id else "outside Airflow"
        plan = self._add("entity", f"job:{_safe(job)}", label=job, **{"prov:type": _name("prov:Plan")})
        self._relate("wasAssociatedWith", activity=run, agent=model, plan=plan)
        self._relate("used", activity=run, entity=model)
        told = list(edges)
        self._add_edges(run, told)
        target = self._named(summary.target, [edge.target for edge in told])
        if not told:
            self._relate("used", activity=run, entity=self._entity(self._named(summary.source, [])))
        for name, column in summary.columns.items():
            self._add_column(run, model, target, name, column)

    def add_edges(self, run_id: str, edges: Iterable[Edge]) -> None:
        """Add a run that only lineage events tell of.

        :param run_id: the run in OpenLineage.
        :param edges: what they said about it.
        """
        self._add_edges(self._run(run_id), edges)

    def add_row(self, table: Node, row: str, labels: Mapping[str, Label], records: Mapping[str, RunRecord]) -> None:
        """Add a row: each AI-touched cell with its label.

        :param table: the row's table.
        :param row: what names the row and tells no value, such as a digest of its key.
        :param labels: labels by column.
        :param records: the runs that are known, by id.
        """
        kind = {"prov:type": _name("prov:Collection")}
        whole = self._add("entity", f"row:{_safe(table.namespace, table.name, row)}", **kind)
        self._relate("hadMember", collection=self._entity(table), entity=whole)
        for column, label in labels.items():
            name = f"cell:{_safe(table.namespace, table.name, row, column)}"
            provenance, confidence = label.provenance or "unlabelled", rounded(label.confidence)
            cell = self._add("entity", name, column=column, provenance=provenance, confidence=confidence)
            self._relate("hadMember", collection=whole, entity=cell)
            self._add_maker(cell, label, records)

    def _add_maker(self, cell: str, label: Label, records: Mapping[str, RunRecord]) -> None:
        if label.run_id:
            self._relate("wasGeneratedBy", entity=cell, activity=self._run(label.run_id))
        record = records.get(label.run_id or "")
        model = self._model(record.summary.model) if record else None
        for agent in self._agents(label.provenance, model):
            self._relate("wasAttributedTo", entity=cell, agent=agent)

    def _add_column(self, run: str, model: str, target: Node, name: str, column: ColumnSummary) -> None:
        counts = {provenance: count for provenance, count in column.provenance.items() if count}
        made = self._output(run, column_node(target, name))
        self._add(
            "entity",
            made,
            confidence_mean=rounded(column.confidence.mean),
            **{f"cells_{provenance}": count for provenance, count in counts.items()},
        )
        self._relate("wasGeneratedBy", entity=made, activity=run)
        for provenance in counts:
            for agent in self._agents(provenance, model):
                self._relate("wasAttributedTo", entity=made, agent=agent)

    def _add_edges(self, run: str, edges: Iterable[Edge]) -> None:
        for edge in edges:
            if edge.kind is EdgeKind.ALIAS:
                first, second = sorted((self._entity(edge.source), self._entity(edge.target)))
                self._relate("alternateOf", alternate1=first, alternate2=second)
            elif edge.kind is EdgeKind.READ:
                self._relate("used", activity=run, entity=self._entity(edge.source))
            else:
                self._add_made(run, edge)

    def _add_made(self, run: str, edge: Edge) -> None:
        made = self._output(run, edge.target)
        self._relate("wasGeneratedBy", entity=made, activity=run)
        if edge.kind is not EdgeKind.WRITE:
            used = self._entity(edge.source)
            self._relate("used", activity=run, entity=used)
            self._relate("wasDerivedFrom", generatedEntity=made, usedEntity=used, activity=run)

    def _output(self, run: str, node: Node) -> str:
        """A table or column as one run left it."""
        parts = (node.namespace, node.name, node.column) if node.column else (node.namespace, node.name)
        made = self._add("entity", f"output:{_safe(run, *parts)}", label=str(node))
        self._relate("specializationOf", specificEntity=made, generalEntity=self._entity(node))
        return made

    def _entity(self, node: Node) -> str:
        if not node.column:
            name, kind = f"dataset:{_safe(node.namespace, node.name)}", {"prov:type": _name("prov:Collection")}
            return self._add("entity", name, label=node.name, namespace=node.namespace, **kind)
        name = self._add("entity", f"column:{_safe(node.namespace, node.name, node.column)}", label=str(node))
        self._relate("hadMember", collection=self._entity(node.dataset), entity=name)
        return name

    def _named(self, full_name: str, told: list[Node]) -> Node:
        """Give the dataset that a run calls by its table's name: as events name it, if they did."""
        ends = [node for node in told if node == node.dataset and f".{node.name}".endswith(f".{full_name}")]
        return ends[0] if ends else dataset_node("table", full_name)

    def _run(self, run_id: str, started: datetime | None = None, finished: datetime | None = None, **more: Any) -> str:
        times = {"prov:startTime": started, "prov:endTime": finished}
        told = {name: moment.isoformat() for name, moment in times.items() if moment}
        return self._add("activity", f"run:{_safe(run_id)}", run_id=run_id, **more, **told)

    def _model(self, model: ModelIdentity) -> str:
        """A model is an agent, which answers for its claims, and an entity, which was trained: both under one name."""
        name = model_dataset(model.name, model.version)
        entity = self._entity(dataset_node(name.namespace, name.name))
        return self._add(
            "agent",
            entity,
            label=str(model),
            fingerprint=model.fingerprint,
            **{"prov:type": _name("prov:SoftwareAgent")},
        )

    def _agents(self, provenance: str | None, model: str | None) -> Iterable[str]:
        """Who answers for a value. An observed one is nobody's claim."""
        if provenance == Provenance.HUMAN_ANNOTATED:
            yield self._add("agent", "agent:annotator", label="annotator", **{"prov:type": _name("prov:Person")})
        elif provenance == Provenance.AI_INFERRED and model:
            yield model

    def _add(self, part: str, name: str, **attributes: Any) -> str:
        known = self._parts.setdefault(part, {}).setdefault(name, {})
        for key, value in attributes.items():
            if value is not None:
                known[_attribute(key)] = clean_text(value) if isinstance(value, str) else value
        return name

    def _relate(self, relation: str, **roles: str) -> None:
        told = (relation, *roles.items())
        if told not in self._related:
            self._related.add(told)
            some = self._parts.setdefault(relation, {})
            some[f"_:{relation}{len(some) + 1}"] = {f"prov:{role}": name for role, name in roles.items()}


def _attribute(key: str) -> str:
    return key if ":" in key else "prov:label" if key == "label" else f"aiguard:{key}"


def _name(words: str) -> dict[str, str]:
    return {"$": words, "type": "prov:QUALIFIED_NAME"}


def _safe(*parts: str) -> str:
    """One name out of any texts, of characters that PROV's qualified names have."""
    return "/".join(quote(clean_text(part), safe="") for part in parts)
