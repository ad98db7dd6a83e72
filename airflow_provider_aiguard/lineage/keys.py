"""Keys of our facets in an event. Who only reads events need not load the facets' classes."""

from __future__ import annotations

CERTIFICATE_KEY = "aiguard_certificate"
COST_KEY = "aiguard_cost"
PROVENANCE_KEY = "aiguard_provenance"
REVIEW_KEY = "aiguard_review"
RUN_KEY = "aiguard_run"
VERDICT_KEY = "aiguard_verdict"
