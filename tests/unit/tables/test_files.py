from __future__ import annotations

import pandas as pd
import pytest
import sqlalchemy as sa

from airflow_provider_aiguard.core.errors import TableNotFoundError
from airflow_provider_aiguard.tables.files import is_file, open_files

FRAME = pd.DataFrame({"id": [1, 2, 3], "name": ["a", None, "c'd"]})


def write(frame, path):
    if path.suffix == ".parquet":
        with open_files({"frame": frame}) as conn:
            conn.connection.driver_connection.table("frame").write_parquet(str(path))
    else:
        frame.to_csv(path, index=False, sep="\t" if ".tsv" in path.name else ",")
    return path


@pytest.mark.parametrize("name", ["rows.parquet", "rows.csv", "rows.CSV", "rows.tsv", "rows.csv.gz", "50% of 'it'.csv"])
def test_a_file_is_a_table(tmp_path, name):
    path = write(FRAME, tmp_path / name)
    assert is_file(str(path))
    with open_files({'a "name"': path}) as conn:
        table = sa.table('a "name"', sa.column("id"), sa.column("name"))
        assert [tuple(row) for row in conn.execute(sa.select(table))] == [(1, "a"), (2, None), (3, "c'd")]


def test_several_sources_are_in_one_database_with_wildcards_and_frames(tmp_path):
    for part in (1, 2):
        write(FRAME, tmp_path / f"part{part}.csv")
    with open_files({"parts": tmp_path / "part*.csv", "frame": FRAME}) as conn:
        query = "SELECT count(*) FROM parts JOIN frame USING (id)"
        assert conn.exec_driver_sql(query).scalar() == 6


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("gone.parquet", None, r"gone\.parquet' cannot be read: IO Error: No files found"),
        ("broken.parquet", "not parquet", r"broken\.parquet' cannot be read: "),
        ("rows.xlsx", "x", r"rows\.xlsx' is none of \.parquet, \.csv, \.tsv"),
        ("rows", "x", "is none of"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path, name, content, said):
    if content:
        (tmp_path / name).write_text(content)
    with pytest.raises(TableNotFoundError, match=said), open_files({"t": tmp_path / name}):
        pass
    assert is_file(name) == name.endswith(".parquet")
