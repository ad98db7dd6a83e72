from __future__ import annotations

import pytest

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.reference import Reference, ReferenceKind, Season


@pytest.mark.parametrize(
    "reference",
    [
        Reference("a"),
        Reference.baseline("a"),
        Reference.previous("a"),
        Reference.trailing("a", batches=12),
        Reference.seasonal("a", by="weekday", batches=4),
    ],
)
def test_it_survives_plain_values(reference):
    data = reference.to_dict()
    assert {type(value) for value in data.values()} <= {str, int, type(None)}
    assert Reference.from_dict(data) == reference
    assert str(reference) == "a"


def test_a_name_is_a_baseline():
    assert Reference.from_dict("a") == Reference("a", ReferenceKind.BASELINE)
    assert [Reference("a").moves, Reference.previous("a").moves] == [False, True]
    assert Reference.seasonal("a", by=Season.HOUR).season is Season.HOUR


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Reference(" "), "A reference needs the name of a stored profile; got ' '"),
        (lambda: Reference("a", "yearly"), "kind must be one of .*; got 'yearly'"),
        (lambda: Reference.seasonal("a", by="year"), "season must be one of .*; got 'year'"),
        (lambda: Reference("a", "seasonal"), "needs by=; got None"),
        (lambda: Reference("a", "trailing", season="hour"), "needs by=; got"),
        (lambda: Reference.trailing("a", batches=1), "batches must be a whole number from 2; got 1"),
        (lambda: Reference.trailing("a", batches=True), "batches must be a whole number from 2; got True"),
        (lambda: Reference.from_dict({"nome": "a"}), "A reference is the name of a baseline"),
        (lambda: Reference.from_dict(5), "A reference is the name of a baseline, or made by .*; got 5"),
    ],
)
def test_what_is_none_is_refused(make, message):
    with pytest.raises(ConfigurationError, match=message):
        make()
