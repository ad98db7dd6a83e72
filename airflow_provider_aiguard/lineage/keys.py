"""Keys of our facets in an event, and who made them. Who only reads events need not load the facets' classes."""

from __future__ import annotations

from airflow_provider_aiguard import __version__

PROJECT_URL = "https://github.com/aiguard/airflow-provider-aiguard"
PRODUCER = f"{PROJECT_URL}/tree/v{__version__}"
"""What made the facets, at its version."""

CERTIFICATE_KEY = "aiguard_certificate"
COST_KEY = "aiguard_cost"
PROVENANCE_KEY = "aiguard_provenance"
REVIEW_KEY = "aiguard_review"
RUN_KEY = "aiguard_run"
VERDICT_KEY = "aiguard_verdict"
