"""What was written: provenance by column, and how confidences are distributed by date."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.confidence import ConfidenceSummary
from airflow_provider_aiguard.core.evidence import UNLABELLED
from airflow_provider_aiguard.core.provenance import Provenance
from airflow_provider_aiguard.core.verdict import number
from airflow_provider_aiguard.report.figure import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    Chart,
    layout,
    map_layout,
    names,
    plot_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_provider_aiguard.report.history import History

Key = tuple[str, str]
BINS = 20
HISTOGRAMS = 4
"""Most confidence maps a DAG; those of the columns with the most inferred cells stay."""

COLUMNS = 30
"""Most columns in the provenance chart; those with the most cells stay."""

READABLE = 0.08
"""Least share of a bar that has room for its number."""

_KINDS = (str(Provenance.OBSERVED), str(Provenance.HUMAN_ANNOTATED), str(Provenance.AI_INFERRED), UNLABELLED)
_LOOK = dict(zip(_KINDS, ((GREEN, ""), (BLUE, "."), (ORANGE, "/"), (GREY, "x")), strict=True))
_LIGHT_TO_FULL = [[0, "rgba(37,131,196,0)"], [0.02, "rgba(37,131,196,0.15)"], [1, "rgba(37,131,196,1)"]]


def provenance_chart(history: History) -> Chart | None:
    """Draw where the cells of each output column came from; ``None`` if nothing was written.

    :param history: the runs and verdicts of one DAG.
    """
    cells = _provenance(history)
    if not cells:
        return None
    keys = sorted(cells, key=lambda key: (-sum(cells[key].values()), key))
    shown, named = keys[:COLUMNS][::-1], names(keys)
    kinds = [kind for kind in _KINDS if any(counts.get(kind) for counts in cells.values())]
    y = {
        "tickvals": list(range(len(shown))),
        "ticktext": [plot_text(named[key]) for key in shown],
        "range": [-0.5, len(shown) - 0.5],
    }
    return Chart(
        title="Provenance by column",
        note=_provenance_note(cells)
        + (f" The {COLUMNS} largest columns of {len(keys)} are shown." if len(keys) > COLUMNS else ""),
        data=[_bars(kind, [cells[key] for key in shown]) for kind in kinds],
        layout=layout(
            (),
            height=max(220, 110 + 34 * len(shown)),
            barmode="stack",
            xaxis={"range": [0, 1], "tickformat": ".0%", "automargin": True},
            yaxis={**y, "automargin": True},
        ),
        head=("column", *(kind.replace("_", " ") for kind in kinds)),
        rows=[(named[key], *(f"{cells[key].get(kind, 0):,}" for kind in kinds)) for key in shown[::-1]],
        wide=False,
    )


def confidence_charts(history: History) -> list[Chart]:
    """Draw a map of dates against confidence for each of the columns with the most inferred cells.

    :param history: the runs and verdicts of one DAG.
    """
    found = _confidences(history)
    keys = sorted(found, key=lambda key: (-sum(c.count for c in found[key].values()), key))
    named = names(keys)
    return [_confidence_chart(history, named[key], found[key]) for key in keys[:HISTOGRAMS]]


def _provenance(history: History) -> dict[Key, dict[str, int]]:
    cells: dict[Key, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for run in history.written:
        for column, summary in run.summary.columns.items():
            for kind, n in summary.provenance.items():
                known = str(kind) if str(kind) in _KINDS else UNLABELLED
                cells[run.summary.target, column][known] += n
    return {key: counts for key, counts in cells.items() if sum(counts.values())}


def _bars(kind: str, rows: Sequence[Mapping[str, int]]) -> dict[str, Any]:
    color, pattern = _LOOK[kind]
    shares = [row.get(kind, 0) / sum(row.values()) for row in rows]
    return {
        "type": "bar",
        "orientation": "h",
        "name": kind.replace("_", " "),
        "x": shares,
        "y": list(range(len(rows))),
        "text": [f"{share:.0%}" if share >= READABLE else "" for share in shares],
        "customdata": [f"{row.get(kind, 0):,} of {sum(row.values()):,} cells" for row in rows],
        "textposition": "inside",
        "insidetextanchor": "middle",
        "hovertemplate": "%{fullData.name}: %{customdata}<extra></extra>",
        "marker": {
            "color": color,
            "pattern": {"shape": pattern, "fillmode": "overlay", "fgopacity": 0.25, "solidity": 0.2},
        },
        "showlegend": True,
    }


def _provenance_note(cells: Mapping[Key, Mapping[str, int]]) -> str:
    total = sum(sum(counts.values()) for counts in cells.values())
    inferred = sum(counts.get(Provenance.AI_INFERRED, 0) for counts in cells.values())
    unlabelled = sum(counts.get(UNLABELLED, 0) for counts in cells.values())
    note = f"{inferred:,} of {total:,} cells written were inferred by a model ({inferred / total:.0%})."
    return note + (f" {unlabelled:,} are not labelled." if unlabelled else "")


def _confidences(history: History) -> dict[Key, dict[str, ConfidenceSummary]]:
    found: dict[Key, dict[str, ConfidenceSummary]] = defaultdict(dict)
    for run in history.written:
        for column, summary in run.summary.columns.items():
            if summary.confidence.count:
                dates, date = found[run.summary.target, column], history.label(run)
                dates[date] = dates.get(date, ConfidenceSummary()).merge(summary.confidence)
    return found


def _confidence_chart(history: History, column: str, dates: Mapping[str, ConfidenceSummary]) -> Chart:
    shares = {date: [n / summary.count for n in summary.coarse(BINS)] for date, summary in dates.items()}
    first = min(next(i for i, share in enumerate(row) if share) for row in shares.values())
    bins = range(first, BINS)
    labels = [f"{i / BINS:.2f} to {(i + 1) / BINS:.2f}" for i in bins]
    missing = sum(summary.missing for summary in dates.values())
    absent = f" {missing:,} inferred values came without a confidence." if missing else ""
    return Chart(
        title=f"Confidence of {column}",
        note=f"Each date is one histogram: the stronger the colour, the more of its inferred cells.{absent}",
        data=[_histogram_map(history.labels, shares, bins, labels)],
        layout=map_layout(
            history.labels,
            height=max(240, 110 + 20 * len(labels)),
            yaxis={"tickvals": list(range(len(labels))), "ticktext": labels, "automargin": True},
        ),
        head=("date", "inferred with confidence", "without", "mean", "10 % below", "half below", *labels),
        rows=list(_confidence_rows(history.labels, dates, bins)),
    )


def _histogram_map(
    dates: Sequence[str], shares: Mapping[str, Sequence[float]], bins: Sequence[int], labels: Sequence[str]
) -> dict[str, Any]:
    return {
        "type": "heatmap",
        "x": list(dates),
        "y": list(range(len(labels))),
        "z": [[round(shares[date][i], 4) if date in shares else None for date in dates] for i in bins],
        "hovertemplate": "%{x}<br>%{z:.1%}<extra></extra>",
        "hoverongaps": False,
        "zmin": 0,
        "colorscale": _LIGHT_TO_FULL,
        "xgap": 2,
        "ygap": 1,
        "colorbar": {"tickformat": ".0%", "thickness": 12},
    }


def _confidence_rows(
    labels: Sequence[str], dates: Mapping[str, ConfidenceSummary], bins: Sequence[int]
) -> Iterator[tuple[str, ...]]:
    for date in labels:
        if date in dates:
            summary = dates[date]
            counts = summary.coarse(BINS)
            marks = (summary.mean, summary.quantile(0.1), summary.quantile(0.5))
            head = (date, f"{summary.count:,}", f"{summary.missing:,}", *map(number, marks))
            yield *head, *(f"{counts[i]:,}" for i in bins)
