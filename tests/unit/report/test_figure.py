from __future__ import annotations

import pytest

from airflow_provider_aiguard.report.figure import finite, layout, map_layout, names, plot_text, shorten


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        ("plain", "plain"),
        ("<a href='x'>y</a>", "&lt;a href='x'&gt;y&lt;/a&gt;"),
        ("&lt;", "&amp;lt;"),
        ("a\nb\u202ec", "a b c"),
        ("x" * 30 + "y" * 30, "x" * 20 + "…" + "y" * 19),
    ],
)
def test_foreign_names_are_only_characters(name, drawn):
    assert plot_text(name) == drawn


@pytest.mark.parametrize(("text", "length", "short"), [("abc", 3, "abc"), ("abcd", 3, "a…d"), ("", 3, "")])
def test_shorten(text, length, short):
    assert shorten(text, length) == short


@pytest.mark.parametrize(
    ("value", "number"),
    [(1, 1.0), (None, None), (float("nan"), None), (float("-inf"), None), ("1", None), (True, None)],
)
def test_finite(value, number):
    assert finite(value) == number


def test_names_take_the_table_only_where_needed():
    keys = [("a", "x"), ("b", "x"), ("b", "y")]
    assert names(keys) == {("a", "x"): "a.x", ("b", "x"): "b.x", ("b", "y"): "y"}


def test_layout_lines_dates_up_and_can_be_overridden():
    made = layout(["2013", "2014"], height=200, barmode="stack")
    assert made["xaxis"]["type"] == "category", "2013 is a name here, not a number"
    assert made["xaxis"]["range"] == [-0.5, 1.5]
    assert (made["height"], made["barmode"]) == (200, "stack")


def test_maps_have_no_grid_showing_through():
    made = map_layout(["a"], height=200, yaxis={"tickvals": [0]})
    assert made["xaxis"]["showgrid"] is made["yaxis"]["showgrid"] is False
    assert made["yaxis"]["tickvals"] == [0]
