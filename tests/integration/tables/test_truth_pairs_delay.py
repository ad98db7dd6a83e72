"""What is counted where claims and truth are joined: errors, calibration, delay, pairs; on three engines."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.calibration import BINS, CalibrationEvidence
from airflow_provider_aiguard.core.errors import ColumnTypeError, TableKeyError, TableNotFoundError
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.tables.calibration import calibration_evidence
from airflow_provider_aiguard.tables.delay import truth_delay
from airflow_provider_aiguard.tables.evidence import truth_evidence
from airflow_provider_aiguard.tables.pairs import read_pairs

AI, SEEN = "ai_inferred", "observed"
CLAIMS, TRUTH = Table("claims", key="id"), Table("truth", key="id")


def create(engine, name, columns, rows):
    table = sa.Table(name, sa.MetaData(), *(sa.Column(c, kind) for c, kind in columns.items()))
    with engine.begin() as conn:
        table.create(conn)
        for start in range(0, len(rows), 500):
            conn.execute(
                sa.insert(table).values([dict(zip(columns, row, strict=True)) for row in rows[start : start + 500]])
            )


def claims(engine, rows, kind, **more):
    """Rows of (id, value, provenance, confidence, run, ...)."""
    columns = {
        "id": sa.Integer(),
        "y": kind,
        "y__provenance": sa.Text(),
        "y__confidence": sa.Double(),
        "y__run": sa.Text(),
        **more,
    }
    create(engine, "claims", columns, rows)


def truths(engine, rows, kind, **more):
    create(engine, "truth", {"id": sa.Integer(), "y": kind, **more}, rows)


def ask(engine, function, *args, **kwargs):
    with engine.connect() as conn:
        return function(conn, CLAIMS, "y", TRUTH, "y", *args, **kwargs)


class TestErrors:
    def test_they_are_added_up_as_numpy_adds_them(self, engine):
        rng = np.random.default_rng(4)
        guess, truth = rng.normal(100, 10, 700), rng.normal(98, 10, 700)
        claims(engine, [(i, float(g), AI, 0.9, "r") for i, g in enumerate(guess)], sa.Double())
        truths(engine, [(i, float(t)) for i, t in enumerate(truth)], sa.Double())
        found = ask(engine, truth_evidence, errors=True).errors
        e = guess - truth
        expected = (e.sum(), (e**3).sum(), abs(e).sum(), (e**2).sum(), (abs(e) ** 3).sum(), (e**4).sum(), (e**6).sum())
        got = (
            found.total,
            found.cubes,
            found.absolute,
            found.squares,
            found.absolute_cubes,
            found.fourths,
            found.sixths,
        )
        assert found.n == 700
        assert got == pytest.approx(expected, rel=1e-9)

    def test_what_is_no_number_has_no_error_and_nothing_overflows(self, engine):
        values = [1.0, None, math.inf, -1e300, 1e-200, 1e30]
        claims(engine, [(i, v, AI, 0.9, "r") for i, v in enumerate(values)], sa.Double())
        truths(engine, [(i, v) for i, v in enumerate([3.0, 1.0, math.inf, 1e300, 0.0, 0.0])], sa.Double())
        found = ask(engine, truth_evidence, errors=True)
        assert (found.labels, found.errors.n) == (6, 3)
        assert found.errors.absolute == pytest.approx(1e30)

    def test_nan_has_none_either(self, engine):
        claims(engine, [(1, math.nan, AI, 0.9, "r"), (2, 2.0, AI, 0.9, "r")], sa.Double())
        truths(engine, [(1, 1.0), (2, 1.0)], sa.Double())
        found = ask(engine, truth_evidence, errors=True)
        assert (found.errors.n, found.errors.total) == (1, 1.0)

    def test_whole_and_decimal_numbers_have_errors_and_texts_have_not(self, engine):
        claims(engine, [(1, 5, AI, 0.9, "r")], sa.Integer())
        truths(engine, [(1, 7.5)], sa.Numeric(10, 2))
        assert ask(engine, truth_evidence, errors=True).errors.total == -2.5
        assert ask(engine, truth_evidence).errors is None
        with engine.begin() as conn:
            conn.exec_driver_sql("DROP TABLE claims")
            conn.exec_driver_sql("DROP TABLE truth")
        claims(engine, [(1, "5", AI, 0.9, "r")], sa.Text())
        truths(engine, [(1, "5")], sa.Text())
        with pytest.raises(ColumnTypeError, match="only numbers have errors"):
            ask(engine, truth_evidence, errors=True)


class TestCalibration:
    def test_bins_are_filled_as_numpy_fills_them(self, engine):
        rng = np.random.default_rng(5)
        confidence = np.concatenate([rng.random(900), [0.0, 1.0, 1 / 15, 14 / 15, 0.6]])
        right, known = rng.random(905) < confidence, rng.random(905) < 0.7
        claims(engine, [(i, True, AI, float(c), "r") for i, c in enumerate(confidence)], sa.Boolean())
        truths(
            engine,
            [(i, bool(r) if k else None) for i, (r, k) in enumerate(zip(right, known, strict=True))],
            sa.Boolean(),
        )
        found = ask(engine, calibration_evidence)
        where = np.searchsorted([i / BINS for i in range(1, BINS)], confidence, side="right")
        assert [b.n for b in found.claimed] == np.bincount(where, minlength=BINS).tolist()
        assert [b.n for b in found.bins] == np.bincount(where[known], minlength=BINS).tolist()
        assert [b.correct for b in found.bins] == np.bincount(where[known & right], minlength=BINS).tolist()
        sums = np.bincount(where[known], weights=confidence[known], minlength=BINS)
        assert [b.confidence for b in found.bins] == pytest.approx(sums)
        square = (confidence - right)[known] ** 2
        assert (found.squares, found.fourths) == (pytest.approx(square.sum()), pytest.approx((square**2).sum()))
        assert (found.inferred, found.labels, found.usable) == (905, known.sum(), known.sum())
        assert CalibrationEvidence.from_dict(json.loads(json.dumps(found.to_dict()))) == found

    def test_a_confidence_that_is_none_is_in_no_bin(self, engine):
        rows = [
            (1, True, AI, 0.9, "r"),
            (2, True, AI, None, "r"),
            (3, True, AI, 90.0, "r"),
            (4, True, AI, -1e200, "r"),
            (5, True, SEEN, 0.9, "r"),
            (6, None, AI, 0.9, "r"),
            (7, True, AI, 0.9, "r"),
        ]
        claims(engine, rows, sa.Boolean())
        truths(engine, [(i, True) for i in range(1, 7)], sa.Boolean())
        found = ask(engine, calibration_evidence)
        assert (found.inferred, found.labels, found.usable) == (6, 5, 2)
        assert (found.bins[13].n, found.bins[13].correct) == (2, 1)
        assert found.claimed[13].n == 3
        assert found.truth_share == pytest.approx(2 / 6)

    def test_no_rows_are_no_evidence(self, engine):
        claims(engine, [(1, True, SEEN, None, "r")], sa.Boolean())
        truths(engine, [(1, True)], sa.Boolean())
        found = ask(engine, calibration_evidence)
        assert (found.inferred, found.usable, found.squares, found.truth_share) == (0, 0, 0.0, None)

    def test_the_truth_of_a_row_must_be_unique(self, engine):
        claims(engine, [(1, True, AI, 0.9, "r")], sa.Boolean())
        truths(engine, [(1, True), (1, False)], sa.Boolean())
        with pytest.raises(TableKeyError, match="more than one row for the same key"):
            ask(engine, calibration_evidence)

    def test_a_column_without_confidences_is_an_error(self, engine):
        create(engine, "claims", {"id": sa.Integer(), "y": sa.Text(), "y__provenance": sa.Text()}, [(1, "a", AI)])
        truths(engine, [(1, "a")], sa.Text())
        with pytest.raises(TableNotFoundError, match="y__confidence"):
            ask(engine, calibration_evidence)


NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class TestDelay:
    @pytest.mark.parametrize("zone", [True, False])
    def test_it_is_counted_from_the_claims_own_time(self, engine, zone):
        kind = sa.DateTime(timezone=zone)

        def at(moment):
            return moment if zone else moment.replace(tzinfo=None)

        rows = [(i, True, AI, 0.9, "r", at(NOON)) for i in range(100)]
        claims(engine, [*rows, (100, True, AI, 0.9, "r", None)], sa.Boolean(), made=kind)
        late = [(i, True, at(NOON + timedelta(hours=i + 1))) for i in range(99)]
        truths(engine, [*late, (99, None, at(NOON)), (100, True, at(NOON))], sa.Boolean(), came=kind)
        found = ask(engine, truth_delay, truth_time_column="came", claim_time_column="made", run_times=dict)
        assert (found.n, found.unknown) == (99, 1)
        assert found.median == 50 * 3600
        assert found.late == 95 * 3600

    def test_or_from_the_end_of_the_run(self, engine):
        rows = [(i, True, AI, 0.9, "first" if i < 6 else "second" if i < 9 else "lost") for i in range(10)]
        claims(engine, rows, sa.Boolean())
        truths(engine, [(i, True, (NOON + timedelta(days=9)).date()) for i in range(10)], sa.Boolean(), came=sa.Date())
        midnight = NOON.replace(hour=0)
        asked = []

        def run_times(runs):
            asked.extend(runs)
            return {"first": midnight + timedelta(days=8), "second": midnight + timedelta(days=2)}

        found = ask(engine, truth_delay, truth_time_column="came", claim_time_column=None, run_times=run_times)
        assert asked == ["first", "lost", "second"]
        assert (found.n, found.unknown) == (9, 1)
        assert (found.median, found.late) == (86_400, 7 * 86_400)

    def test_without_truth_there_is_none(self, engine):
        claims(engine, [(1, True, AI, 0.9, "r")], sa.Boolean())
        truths(engine, [(1, None, NOON)], sa.Boolean(), came=sa.DateTime(timezone=True))
        found = ask(engine, truth_delay, truth_time_column="came", claim_time_column=None, run_times=lambda _: {})
        assert (found.n, found.unknown, found.median, found.late) == (0, 0, None, None)

    def test_what_is_no_time_is_refused(self, engine):
        claims(engine, [(1, True, AI, 0.9, "r")], sa.Boolean())
        truths(engine, [(1, True, "monday")], sa.Boolean(), came=sa.Text())
        with pytest.raises(ColumnTypeError, match=r"'came' is .*, not a time"):
            ask(engine, truth_delay, truth_time_column="came", claim_time_column=None, run_times=dict)


class TestPairs:
    @pytest.mark.parametrize(
        ("kind", "true_kind", "values", "dtype"),
        [
            (sa.Boolean(), sa.Boolean(), [True, False, True], "int64"),
            (sa.Boolean(), sa.Integer(), [True, False, True], "int64"),
            (sa.Integer(), sa.Double(), [3, 1, 2], "float64"),
            (sa.Double(), sa.Numeric(10, 2), [0.5, 1.5, 2.5], "float64"),
            (sa.Text(), sa.Text(), ["b", "a", "c"], "object"),
        ],
    )
    def test_they_come_in_key_order_and_of_one_kind(self, engine, kind, true_kind, values, dtype):
        whole = isinstance(true_kind, sa.Integer)
        claims(engine, [(2 - i, v, AI, 0.9, "r") for i, v in enumerate(values)], kind)
        truths(engine, [(2 - i, int(v) if whole else v) for i, v in enumerate(values)], true_kind)
        guess, truth = ask(engine, read_pairs)
        assert guess.dtype == truth.dtype == dtype
        assert guess.tolist() == truth.tolist() == values[::-1]

    def test_only_claims_whose_truth_is_in(self, engine):
        claims(
            engine,
            [(1, 1, AI, 0.9, "r"), (2, 2, AI, 0.9, "r"), (3, 3, SEEN, None, "r"), (4, None, AI, 0.9, "r")],
            sa.Integer(),
        )
        truths(engine, [(1, 1), (2, None), (3, 3), (4, 4)], sa.Integer())
        guess, truth = ask(engine, read_pairs)
        assert guess.tolist() == [1, None]
        assert truth.tolist() == [1, 4]
