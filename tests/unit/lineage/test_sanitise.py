from __future__ import annotations

import json
import math
from decimal import Decimal
from fractions import Fraction

import attr
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openlineage.client.facet_v2 import documentation_dataset

from airflow_provider_aiguard.lineage.sanitise import CUT, clean_text, finite, rounded, scrub, without_values


@given(st.text(st.characters(), max_size=50), st.integers(len(CUT), 60))
def test_clean_text_is_what_postgresql_jsonb_takes(text: str, limit: int) -> None:
    cleaned = clean_text(text, limit)
    assert len(cleaned) <= limit
    assert "\x00" not in cleaned
    cleaned.encode("utf-8")  # raises on a lone surrogate


def test_clean_text_keeps_ordinary_text_and_marks_a_cut() -> None:
    assert clean_text("naïve ☂\n\ttext", 13) == "naïve ☂\n\ttext"
    assert clean_text("x" * 100, 20) == "x" * 14 + CUT


def test_a_surrogate_and_a_nul_leave_a_mark() -> None:
    assert clean_text("a\ud800b\x00c") == "a\ufffdb\ufffdc"


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, Decimal("NaN"), Decimal("sNaN"), np.float32("nan"), "5", None, True, 1j]
)
def test_what_json_has_no_number_for_is_none(value: object) -> None:
    assert finite(value) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [(3, 3), (0.25, 0.25), (Decimal("1.5"), 1.5), (np.int64(4), 4), (np.float32(0.5), 0.5), (Fraction(1, 2), 0.5)],
)
def test_finite_numbers_become_plain(value: object, expected: float) -> None:
    number = finite(value)
    assert number == expected
    assert type(number) in (int, float)


def test_a_fraction_beyond_floats_is_none() -> None:
    assert finite(Fraction(10**400, 3)) is None


def test_rounding_keeps_none() -> None:
    assert rounded(0.123456) == 0.1235
    assert rounded(math.nan) is None


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("'carrier' has new level 'Zürich GmbH'", "'carrier' has new level '…'"),
        ("level \"O'Hare\" of 'carrier'", "level '…' of 'carrier'"),
        (r"level 'it\'s' is new", "level '…' is new"),
        ("it isn't stable and won't be", "it isn't stable and won't be"),
        ("share 0.12 > 0.10", "share 0.12 > 0.10"),
    ],
)
def test_quoted_literals_are_hidden_unless_they_are_names(sentence: str, expected: str) -> None:
    assert without_values(sentence, {"carrier"}) == expected


def test_scrub_reaches_every_corner() -> None:
    tree = {
        "a\x00": [1, math.nan, ("\ud800", None, True)],
        "facet": documentation_dataset.DocumentationDatasetFacet("x\x00"),
    }
    clean = scrub(tree, "https://producer")
    facet = clean.pop("facet")
    assert clean == {"a\ufffd": [1, None, ["\ufffd", None, True]]}
    assert facet.description == "x\ufffd"
    assert facet._producer == "https://producer"
    assert facet._schemaURL.endswith("#/$defs/DocumentationDatasetFacet")
    json.dumps(attr.asdict(facet), allow_nan=False).encode()
