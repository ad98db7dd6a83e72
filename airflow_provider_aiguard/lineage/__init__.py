"""Runs and verdicts as OpenLineage: dataset names, facets, and the inputs and outputs of an event. No Airflow here."""
