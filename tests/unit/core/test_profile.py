from __future__ import annotations

import json

import pytest

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.profile import BUCKETS, ColumnKind, ColumnProfile, TableProfile


def profile():
    number = ColumnProfile(
        name="x",
        kind=ColumnKind.NUMERIC,
        type="DOUBLE",
        rows=7,
        nulls=1,
        nans=2,
        edges=(0.1,),
        counts=(3, 1),
        center=0.5,
    )
    text = ColumnProfile(
        name="c",
        kind=ColumnKind.CATEGORICAL,
        type="TEXT",
        rows=7,
        levels=("a",),
        counts=(5,),
        buckets=(2, *(0,) * (BUCKETS - 1)),
        unseen=("b", "c"),
        cutoff=2,
        tail=4,
        tail_next=1,
    )
    stamp = ColumnProfile(name="at", kind=ColumnKind.SKIPPED, type="TIMESTAMP", rows=7, reason="no")
    return TableProfile(table="s.t", rows=7, columns={"x": number, "c": text, "at": stamp})


def test_it_survives_json():
    stored = json.loads(json.dumps(profile().to_dict(), allow_nan=False))
    assert TableProfile.from_dict(stored) == profile()
    assert stored["version"] == 2


@pytest.mark.parametrize("version", [0, 1, None])
def test_another_version_is_refused(version):
    stored = profile().to_dict() | {"version": version}
    with pytest.raises(ConfigurationError, match=rf"version {version!r}.*reads version 2.*Make the baseline again"):
        TableProfile.from_dict(stored)


def test_values_are_neither_null_nor_nan():
    assert profile().columns["x"].values == 4


def test_only_keeps_the_columns_it_has():
    assert list(profile().only(["c", "nowhere"]).columns) == ["c"]
    assert profile().only(["c"]).rows == 7
