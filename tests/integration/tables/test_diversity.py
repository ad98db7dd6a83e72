"""How varied values are, counted on three engines."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.diversity import BLOCK, DiversityEvidence
from airflow_provider_aiguard.core.errors import ColumnTypeError, ConfigurationError, TableNotFoundError
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.tables.diversity import diversity_evidence, reference_moments

AI, SEEN = "ai_inferred", "observed"
CLAIMS = Table("claims", key="id")


def claims(engine, values, kind, provenance=AI, first=0):
    table = sa.Table(
        "claims",
        sa.MetaData(),
        sa.Column("id", sa.Integer()),
        sa.Column("y", kind),
        sa.Column("y__provenance", sa.Text()),
    )
    rows = [{"id": i, "y": v, "y__provenance": provenance} for i, v in enumerate(values, first)]
    with engine.begin() as conn:
        table.create(conn, checkfirst=True)
        for start in range(0, len(rows), 500):
            conn.execute(sa.insert(table).values(rows[start : start + 500]))


def count(engine, table=CLAIMS, **kwargs):
    with engine.connect() as conn:
        return diversity_evidence(conn, table, "y", **kwargs)


def test_values_are_counted_and_not_kept(engine):
    claims(engine, ["a"] * 5 + ["b"] * 5 + ["c"] * 2 + list("defg") + [None] * 3, sa.Text())
    claims(engine, ["z"] * 50, sa.Text(), provenance=SEEN)
    found = count(engine)
    assert found.frequencies == {5: 2, 2: 1, 1: 4}
    assert (found.values, found.levels, found.most, found.nulls) == (16, 7, 5, 3)
    assert not {"a", "z"} & {str(v) for v in found.to_dict().values()}
    assert DiversityEvidence.from_dict(json.loads(json.dumps(found.to_dict()))) == found


@pytest.mark.parametrize("values", [[], [None, None]])
def test_nothing_is_counted_of_nothing(engine, values):
    claims(engine, values or [None], sa.Double(), provenance=AI if values else SEEN)
    found = count(engine, variance=True)
    assert (found.values, found.levels, found.most, found.nulls) == (0, 0, 0, len(values))
    assert found.moments.n == 0


def test_moments_are_numpys_however_large_the_mean(engine):
    x = np.random.default_rng(2).exponential(size=900) + 1e6
    claims(engine, x.tolist(), sa.Double())
    found = count(engine, variance=True)
    away = x - x.mean()
    assert (found.moments.n, found.moments.mean) == (900, pytest.approx(x.mean(), rel=1e-12))
    assert found.moments.second == pytest.approx((away**2).sum(), rel=1e-7)
    assert found.moments.fourth == pytest.approx((away**4).sum(), rel=1e-7)
    assert DiversityEvidence.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    with engine.connect() as conn:
        assert reference_moments(conn, CLAIMS, "y") == found.moments


def test_what_has_no_fourth_power_is_counted_apart(engine):
    claims(engine, [1.0, 2.0, math.inf, -1e200, 1 + 1e-13], sa.Double())
    found = count(engine, variance=True)
    assert (found.moments.n, found.moments.unusable) == (3, 2)


def test_whole_numbers_have_moments_and_texts_have_not(engine):
    claims(engine, [1, 2, 3], sa.Integer())
    assert count(engine, variance=True).moments.second == 2
    with engine.begin() as conn:
        conn.exec_driver_sql("DROP TABLE claims")
    claims(engine, ["a"], sa.Text())
    with pytest.raises(ColumnTypeError, match="only a numeric column has a variance"):
        count(engine, variance=True)


def test_ngrams_are_counted_block_by_block(engine):
    words = [f"w{i % 250}" for i in range(BLOCK * 3)]
    texts = [" ".join(words[start : start + 100]).upper() for start in range(0, len(words), 100)]
    claims(engine, [*texts, None], sa.Text())
    claims(engine, ["never seen " * 500], sa.Text(), provenance=SEEN, first=99)
    found = count(engine, ngrams=(1, 2))
    assert found.distinct[1].n == 3
    assert found.distinct[1].total / 3 == 0.25
    # A text of 100 words has 99 pairs, so 30 texts fill two blocks; a pair follows its first word but for text ends.
    assert found.distinct[2].n == 2
    assert 0.24 < found.distinct[2].total / 2 < 0.26


def test_texts_are_read_by_key_and_only_texts(engine):
    claims(engine, ["a b"], sa.Text())
    with pytest.raises(ConfigurationError, match="needs a key"):
        count(engine, Table("claims"), ngrams=(1,))
    with engine.begin() as conn:
        conn.exec_driver_sql("DROP TABLE claims")
    claims(engine, [1.5], sa.Double())
    with pytest.raises(ColumnTypeError, match="only a text column has n-grams"):
        count(engine, ngrams=(1,))


def test_a_column_without_provenance_is_an_error(engine):
    claims(engine, ["a"], sa.Text())
    with engine.connect() as conn, pytest.raises(TableNotFoundError, match="id__provenance"):
        diversity_evidence(conn, CLAIMS, "id")
