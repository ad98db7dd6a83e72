"""The charts of one DAG, the most telling first."""

from __future__ import annotations

from airflow_provider_aiguard.report.accuracy import confidence_against_accuracy
from airflow_provider_aiguard.report.columns import column_charts
from airflow_provider_aiguard.report.cost import cost_chart
from airflow_provider_aiguard.report.distributions import confidence_charts, provenance_chart
from airflow_provider_aiguard.report.drift_map import drift_chart
from airflow_provider_aiguard.report.figure import Chart
from airflow_provider_aiguard.report.history import History
from airflow_provider_aiguard.report.models import latency_chart, unit_cost_chart


def charts_of(history: History) -> list[Chart]:
    """Draw every chart there are numbers for, the most telling first.

    :param history: the runs and verdicts of one DAG.
    """
    charts = [confidence_against_accuracy(history), drift_chart(history)]
    charts += [*column_charts(history), cost_chart(history), unit_cost_chart(history), latency_chart(history)]
    charts += [provenance_chart(history), *confidence_charts(history)]
    return [chart for chart in charts if chart]
