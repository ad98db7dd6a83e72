"""A chart: a plotly figure as plain values, the sentence above it, and the same numbers as a table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Okabe & Ito, "Color Universal Design" (2008), https://jfly.uni-koeln.de/color/: told apart with any colour vision.
# The blue is one step lighter than theirs so that it also reads on a dark page.
BLUE = "#2583c4"
VERMILLION = "#d55e00"
GREEN = "#009e73"
ORANGE = "#e69f00"
SKY = "#56b4e9"
PURPLE = "#cc79a7"
GREY = "#8a8a8a"
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILLION, GREY)

NAME_LENGTH = 40
"""Most characters of a name inside a picture."""

LONG_NAME = 120
"""Most characters of a name elsewhere."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One picture of the report.

    :param title: what is shown.
    :param note: what to see in it, with the numbers, in a sentence.
    :param data: plotly traces.
    :param layout: plotly layout; text and grid colours are left to the page's theme.
    :param head: column names of the table of numbers.
    :param rows: the table of numbers: nothing of the picture is missing here.
    :param wide: whether it takes the page's full width.
    """

    title: str
    note: str
    data: Sequence[Mapping[str, Any]]
    layout: Mapping[str, Any]
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    wide: bool = True


def layout(labels: Sequence[str], *, height: int = 340, **more: Any) -> dict[str, Any]:
    """Return the layout charts over dates share: one equal step a date, in order, so that charts line up.

    :param labels: date labels, ascending.
    :param height: in pixels.
    :param more: further plotly layout, which wins.
    """
    axis = {"type": "category", "categoryorder": "array", "categoryarray": list(labels), "automargin": True}
    return {
        "height": height,
        "margin": {"l": 60, "r": 20, "t": 36, "b": 40},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "traceorder": "normal"},
        "xaxis": {**axis, "range": [-0.5, len(labels) - 0.5]},
        "yaxis": {"automargin": True},
        **more,
    }


def map_layout(labels: Sequence[str], *, height: int, yaxis: Mapping[str, Any]) -> dict[str, Any]:
    """Return the layout of a map over dates: without grid lines, which would show through its cells.

    :param labels: date labels, ascending.
    :param height: in pixels.
    :param yaxis: plotly axis of the rows.
    """
    drawn = layout(labels, height=height, yaxis={**yaxis, "showgrid": False, "zeroline": False})
    return {**drawn, "xaxis": {**drawn["xaxis"], "showgrid": False}}


def plot_text(text: str) -> str:
    """Write a foreign name for plotly, which reads tags such as ``<a href>`` in any text: here they are characters.

    >>> plot_text("a<b>&")
    'a&lt;b&gt;&amp;'
    """
    plain = shorten("".join(c if c.isprintable() else " " for c in text), NAME_LENGTH)
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def shorten(text: str, length: int) -> str:
    """Cut to ``length`` characters; the middle goes first, because names differ at their ends.

    >>> shorten("abcdefghij", 7)
    'abc…hij'
    """
    if len(text) <= length:
        return text
    tail = (length - 1) // 2
    return f"{text[: length - 1 - tail]}…{text[-tail:]}"


def finite(value: Any) -> float | None:
    """Return the number, or ``None`` if it is none that can be drawn (missing, NaN, infinite, not a number)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def names(keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Name (table, column) pairs: by column alone, or as ``table.column`` where a column is in several tables.

    :param keys: the pairs.
    """
    columns = [column for _, column in set(keys)]
    return {(t, c): shorten(c if columns.count(c) == 1 else f"{t}.{c}", LONG_NAME) for t, c in keys}
