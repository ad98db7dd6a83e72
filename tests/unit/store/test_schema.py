from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from airflow_provider_aiguard.store import schema
from airflow_provider_aiguard.store.schema import Document, Number, Prose, UTCTime

SQLITE, POSTGRES = sqlite.dialect(), postgresql.dialect()  # type: ignore[no-untyped-call]
TOKYO = timezone(timedelta(hours=9))


def test_every_table_says_whose_it_is() -> None:
    names = set(schema.metadata.tables)
    assert {"aiguard_run", "aiguard_verdict"} < names
    assert all(name.startswith("aiguard_") for name in names)
    assert schema.VERSION_TABLE == "aiguard_alembic_version"


def test_every_index_and_constraint_has_a_name_of_its_own() -> None:
    tables = schema.metadata.tables.values()
    names = [str(item.name) for table in tables for item in (*table.indexes, *table.constraints)]
    assert all(name.startswith("aiguard_") for name in names)
    assert len(set(names)) == len(names)


class TestUTCTime:
    moment = datetime(2026, 11, 23, 21, 30, tzinfo=TOKYO)

    def test_it_goes_in_as_utc(self) -> None:
        assert UTCTime().process_bind_param(self.moment, SQLITE) == datetime(2026, 11, 23, 12, 30)  # noqa: DTZ001
        assert UTCTime().process_bind_param(self.moment, POSTGRES) == self.moment
        assert UTCTime().process_bind_param(None, SQLITE) is None

    def test_it_comes_out_aware(self) -> None:
        naive = datetime(2026, 11, 23, 12, 30)  # noqa: DTZ001
        for value, dialect in ((naive, SQLITE), (self.moment, POSTGRES)):
            back = UTCTime().process_result_value(value, dialect)
            assert back == self.moment
            assert back is not None
            assert back.tzinfo is UTC
        assert UTCTime().process_result_value(None, SQLITE) is None


def test_document_holds_only_numbers_json_has() -> None:
    value = {"a": [1.5, float("nan"), ("x", float("inf"))], "b": {"c": float("-inf"), "d": None, "e": True}}
    assert Document().process_bind_param(value, SQLITE) == {
        "a": [1.5, None, ["x", None]],
        "b": {"c": None, "d": None, "e": True},
    }


def test_prose_holds_only_text_every_database_has() -> None:
    assert Prose().process_bind_param("naïve ☂ \x00 \ud800", POSTGRES) == "naïve ☂ \ufffd ?"
    assert Prose().process_bind_param(None, POSTGRES) is None


@pytest.mark.parametrize(
    ("value", "stored"), [(None, None), (float("nan"), None), (1, 1.0), (float("inf"), float("inf"))]
)
def test_number_knows_no_nan(value: float | None, stored: float | None) -> None:
    assert Number().process_bind_param(value, SQLITE) == stored


def test_the_tables_compile_for_both_databases() -> None:
    for dialect in (SQLITE, POSTGRES):
        for table in schema.metadata.sorted_tables:
            assert (
                str(sa.schema.CreateTable(table).compile(dialect=dialect)).strip().startswith("CREATE TABLE aiguard_")
            )
