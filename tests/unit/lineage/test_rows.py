"""Values out of rows in SQL, in messages and in traces are hidden, and what is around them is not."""

from __future__ import annotations

import re
import traceback

import pytest
from planted_texts import ERRORS, PLANTED

from airflow_provider_aiguard.lineage.credentials import HIDDEN
from airflow_provider_aiguard.lineage.rows import (
    TRACE,
    without_literals,
    without_literals_of_any,
    without_rows,
    without_rows_in_trace,
)


@pytest.mark.parametrize("text", ERRORS)
def test_no_value_is_left_in_a_message(text):
    assert PLANTED not in without_rows(text)
    assert HIDDEN in without_rows(text)


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("SELECT * FROM t WHERE a = 'hunter2-planted' AND n > 5", "SELECT * FROM t WHERE a = '***' AND n > 5"),
        ("SELECT 'it''s hunter2-planted', \"a\" FROM `t`", "SELECT '***', \"a\" FROM `t`"),
        ("-- don't\nSELECT 'hunter2-planted'", "-- ***\nSELECT '***'"),
        ("/* it's */ SELECT 'hunter2-planted'", "/* *** */ SELECT '***'"),
        ("SELECT $$hunter2-planted$$, $a$ $$hunter2-planted$a$, $1", "SELECT '***', '***', $1"),
        ("SELECT \"hunter2-planted\" || \"it's\"", "SELECT '***' || '***'"),
        ("SELECT E'it\\'s hunter2-planted', 'b'", "SELECT E'***'"),
        ("SELECT 'hunter2-planted", "SELECT '***'"),
        ("SELECT $a$hunter2-planted", "SELECT '***'"),
        ("CREATE SECRET s (TYPE s3, KEY_ID 'hunter2-planted')", "CREATE SECRET s (TYPE s3, KEY_ID '***')"),
        ("ALTER USER a PASSWORD 'hunter2-planted'", "ALTER USER a PASSWORD '***'"),
    ],
)  # fmt: skip
def test_literals_of_a_statement_do_not_leave_and_names_do(query, left):
    assert without_literals(query) == left


def test_the_rows_of_each_exception_of_a_group_are_hidden():
    try:
        raise ExceptionGroup("two", [KeyError(PLANTED), ValueError(f"no '{PLANTED}\n and {PLANTED}'")])
    except ExceptionGroup as group:
        group.add_note(f"of '{PLANTED}'")
        trace = "".join(traceback.format_exception(group))
    assert PLANTED in trace
    hidden = without_rows_in_trace(trace)
    assert PLANTED not in hidden.replace("KeyError(PLANTED)", "")
    assert {"KeyError", "test_rows.py"} <= set(re.findall(r"[\w.]+", hidden.replace("/", " ")))


def test_code_that_holds_a_row_is_cut_there():
    code = f'    raise ValueError("no\\nDETAIL: Failing row contains (17, {PLANTED}).")\n'
    trace = f'{TRACE}\n  File "a.py", line 1, in f\n{code}ValueError: no\n'
    hidden = '    raise ValueError("no\\nDETAIL: ***\n'
    assert without_rows_in_trace(trace) == trace.replace(code, hidden)


def test_in_what_is_no_statement_all_between_the_first_mark_and_the_last_is_hidden():
    assert without_literals_of_any(f"SELECT 'it's {PLANTED}', \"b\" FROM") == "SELECT '***'"


def test_a_message_without_quotations_stays():
    for text in ("no such table: people", "the task's log isn't there", "(3 rows)", ""):
        assert without_rows(text) == text
