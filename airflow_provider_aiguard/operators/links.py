"""Buttons on a task: the report and the lineage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import attrs
from airflow.sdk import BaseOperatorLink, conf

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

    from airflow_provider_aiguard.lineage.datasets import DatasetName


@attrs.define()
class ReportLink(BaseOperatorLink):
    """Opens the report of the task's DAG run."""

    name = "AI Guard report"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:  # noqa: ARG002
        """URL of the report, below the UI's own."""
        base = conf.get("api", "base_url", fallback="").rstrip("/")
        return f"{base}/aiguard/report?{urlencode({'dag_id': ti_key.dag_id, 'dag_run_id': ti_key.run_id})}"


@attrs.define()
class MarquezLink(BaseOperatorLink):
    """Opens the dataset in Marquez, if ``[aiguard] marquez_url`` says where that is."""

    name = "Lineage in Marquez"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:  # noqa: ARG002
        """URL of the dataset the task wrote or judged; empty without one."""
        dataset = getattr(operator, "lineage_dataset", None)
        return "" if dataset is None else marquez_page(dataset)


def marquez_page(dataset: DatasetName) -> str:
    """URL of the dataset in Marquez; empty if ``[aiguard] marquez_url`` does not say where that is."""
    from airflow_provider_aiguard.lineage.marquez import dataset_page

    base = conf.get("aiguard", "marquez_url", fallback="")
    return dataset_page(base, dataset) if base else ""
