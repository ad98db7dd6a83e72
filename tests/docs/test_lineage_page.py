"""The lineage page names the facets there are, and shows them as their schemas say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from openlineage_schema import validate_facet

from airflow_provider_aiguard.lineage.facets import FACETS
from airflow_provider_aiguard.lineage.facets.verdict import EFFECTS
from airflow_provider_aiguard.lineage.keys import PRODUCER

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs" / "lineage.md").read_text("utf-8")
SHOWN = dict(re.findall(r"^## `(aiguard_\w+)`\n.*?```json\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL))


def test_every_facet_of_ours_is_in_the_table():
    named = set(re.findall(r"^\| `(aiguard_\w+)` \|", PAGE, re.MULTILINE))
    assert named == set(FACETS)


@pytest.mark.parametrize("key", SHOWN)
def test_a_facet_that_is_shown_is_valid(key):
    cls = FACETS[key]
    facet = {**json.loads(SHOWN[key]), "_producer": PRODUCER, "_schemaURL": cls._get_schema()}
    assert len(facet) > 8
    validate_facet("run" if cls.__name__.endswith("RunFacet") else "facets", key, facet)


def test_every_effect_is_explained():
    assert {"passed", *EFFECTS.values()} == set(re.findall(r"^\| `(\w+ed)` \|", PAGE, re.MULTILINE))
