"""What the pages on concept drift quote is what the guard says, and the limits shown are its limits."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest
from pages import DOCS

from airflow_provider_aiguard.core.concept import ConceptEvidence, ConceptRun, DriftType, TruthSignature
from airflow_provider_aiguard.core.limits.concept import ConceptLimits
from airflow_provider_aiguard.guards.concept import ADAPTATION, evaluate

GUARD, OPERATOR = (DOCS / room / "concept.md" for room in ("guards", "operators"))


def rows_of(page):
    lines = [line for line in page.read_text("utf-8").splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def messages():
    low, high = (18, 21, 20, 19, 22), (41, 38, 42, 39, 40)

    def runs(*stretches):
        made = []
        for count, level, model in stretches:
            for i in range(count):
                k = level[i % 5]
                counts = {"true": (200 - k, 0, 0, 0, 0, *((k, 0) if level is low else (0, k)), 0, 0, 0)}
                when = f"{2013 + len(made) // 12}-{len(made) % 12 + 1:02d}-01"
                signature = TruthSignature(counts=counts)
                made.append(ConceptRun(when=when, inferred=200, labels=200, errors=k, model=model, signature=signature))
        return tuple(made)

    few = ConceptRun(when="", inferred=29, labels=29, errors=2)
    none = ConceptRun(when="", inferred=200, labels=0, errors=0)
    before = runs((20, low, "gbm@1"), (12, high, "gbm@1"), (12, low, "gbm@2"), (12, high, "gbm@2"))
    histories = [
        runs((3, low, "")),
        (few,),
        (none,),
        runs((30, low, ""), (2, high, "")),
        runs((20, low, ""), (3, high, "")),
        runs((20, low, ""), (12, high, "")),
        (*before, *runs((15, low, "gbm@1"), (6, high, "gbm@1"))),
    ]
    for history in histories:
        yield from (c.message for c in evaluate(ConceptEvidence(column="late", runs=history), ConceptLimits()))


def test_what_the_page_says_a_check_logs_is_what_it_says():
    said = list(messages())
    quoted = [row[0].strip("`") for row in rows_of(OPERATOR) if row[0].startswith("`late: ")]
    assert len(quoted) == 9
    for cell in quoted:
        # Its numbers and dates are an example's: the words are compared.
        words = r"\d[\d.e+-]*".join(re.escape(part) for part in re.split(r"\d[\d.e+-]*", cell))
        assert any(re.fullmatch(words, message) for message in said), cell


@pytest.mark.parametrize("field", fields(ConceptLimits), ids=lambda field: field.name)
def test_the_limits_shown_are_the_limits(field):
    (shown,) = [row[1] for row in rows_of(GUARD) if row[0] == f"`{field.name}`"]
    assert float(shown.replace(",", "")) == field.default


def test_every_type_has_its_adaptation():
    shown = {row[0]: row[2] for row in rows_of(GUARD) if len(row) == 3}
    for kind in DriftType:
        words = set(re.findall(r"\w{5,}", shown[kind.value]))
        assert len(words & set(re.findall(r"\w{5,}", ADAPTATION[kind]))) >= 2
