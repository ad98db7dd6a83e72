"""What words on the command line name; what becomes of them is in ``test_cli_statistics.py``."""

from __future__ import annotations

import json

import duckdb
import pandas as pd
import pytest

from airflow_provider_aiguard.cli.rows import labelled, open_rows, stored_profile
from airflow_provider_aiguard.core.errors import ConfigurationError, NotRecordedError
from airflow_provider_aiguard.tables.columns import read_columns
from airflow_provider_aiguard.tables.files import profile_frame

FRAME = pd.DataFrame({"id": [1, 2], "late": [True, False]})


def parquet(path, frame):
    with duckdb.connect() as driver:
        driver.from_df(frame).write_parquet(str(path))
    return str(path)


@pytest.fixture
def file(tmp_path):
    return parquet(tmp_path / "a.parquet", FRAME)


def no_store():
    raise AssertionError("the store was opened")


def test_files_are_tables_of_one_connection_with_their_key(file):
    with open_rows({"claims": file, "truth": file}, key=["id"]) as rows:
        assert set(rows.tables) == {"claims", "truth"}
        assert {table.key for table in rows.tables.values()} == {("id",)}
        with rows.connect("anything") as connection:
            assert connection is rows.connection
            assert list(read_columns(connection, rows.tables["truth"])) == ["id", "late"]


def test_there_is_no_history(file):
    with open_rows({"rows": file}) as rows, pytest.raises(NotRecordedError, match="keeps no history"):
        _ = rows.store


def test_claims_that_say_nothing_of_their_provenance_are_inferred(file):
    with open_rows({"claims": file}, key=["id"]) as rows:
        table = labelled(rows, "claims", "late")
        found = rows.connection.exec_driver_sql(f'SELECT late__provenance FROM "{table.name}"').scalars().all()
        assert found == ["ai_inferred", "ai_inferred"]
        assert table.key == ("id",)


def test_claims_that_say_it_stay_as_they_are(tmp_path):
    said = parquet(tmp_path / "said.parquet", FRAME.assign(late__provenance="observed"))
    with open_rows({"claims": said}) as rows:
        assert labelled(rows, "claims", "late") is rows.tables["claims"]


def test_a_profile_is_read_from_its_file_and_rows_are_none(tmp_path, file):
    profile = profile_frame(FRAME)
    (tmp_path / "p.json").write_text(json.dumps(profile.to_dict()))
    assert stored_profile(str(tmp_path / "p.json"), no_store) == profile
    assert stored_profile(file, no_store) is None


def test_a_file_that_is_no_json_is_refused_by_name(tmp_path):
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(ConfigurationError, match=r"broken\.json' cannot be read: Expecting property name"):
        stored_profile(str(tmp_path / "broken.json"), no_store)
