"""Drift by column and date: which column moved, when, and how far beyond its limit."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.verdict import CheckResult, Outcome, Severity, number
from airflow_provider_aiguard.report.figure import Chart, finite, map_layout, names, plot_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from airflow_provider_aiguard.report.history import History

COLUMNS = 30
"""Most columns shown; more make rows too thin to read. Those furthest beyond their limit stay."""

SCALE_END = 2.0
"""Where the colours end, in limits: beyond twice the limit it is the number in the cell that tells."""

NUMBERS_UP_TO = 16
"""Dates up to which a cell has room for its number."""

NAMED = 4
"""Drifted columns named in the sentence above the map."""

WHOLE_TABLE = "(whole table)"
_ERROR, _WARN = Severity.ERROR, Severity.WARN
_MARKS = {(Outcome.BREACH, _ERROR): "✕", (Outcome.BREACH, _WARN): "!"}
_UNDECIDED = "?"

# Transparent at 0, so that no drift is the page itself, light or dark; a step at the limit; vermillion beyond it.
_SCALE = ((0.0, 0.0), (0.5, 0.25), (0.5, 0.5), (1.0, 1.0))
_COLORS = [[at, f"rgba(213,94,0,{alpha})"] for at, alpha in _SCALE]

Key = tuple[str, str]


@dataclass(frozen=True)
class _Cell:
    """The checks of one column on one date; the worst of them stands for it."""

    checks: tuple[CheckResult, ...]

    @cached_property
    def worst(self) -> CheckResult:
        return min(self.checks, key=_badness)

    @property
    def breached(self) -> bool:
        return self.mark == "✕"

    @property
    def mark(self) -> str:
        worst = self.worst
        return _UNDECIDED if worst.outcome is Outcome.UNDECIDED else _MARKS.get((worst.outcome, worst.severity), "")

    @property
    def text(self) -> str:
        away = limits_away(self.worst)
        return f"{self.mark} {'' if away is None else f'{away:.2g}x'}".strip()

    @property
    def words(self) -> str:
        worst = self.worst
        only = " (warn)" if worst.severity is _WARN else ""
        return f"{worst.outcome}{only}: {worst.check} {number(worst.value)}, limit {number(worst.limit)}"


def drift_chart(history: History) -> Chart | None:
    """Draw columns against dates, colour = drift score over its limit; ``None`` without drift checks.

    :param history: the runs and verdicts of one DAG.
    """
    cells = _cells(history)
    if not cells:
        return None
    keys = sorted(cells, key=lambda key: (_reach(cells[key].values()), key))
    shown, named = keys[:COLUMNS][::-1], names(keys)
    height = 110 + 30 * len(shown)
    return Chart(
        title="Drift by column",
        note=_note(cells, keys, named),
        data=[_heatmap(history.labels, [cells[key] for key in shown], shown)],
        layout=map_layout(history.labels, height=height, yaxis=_column_axis(shown, named)),
        head=("column", *history.labels),
        rows=[(named[key], *(_number(cells[key].get(date)) for date in history.labels)) for key in shown[::-1]],
    )


def limits_away(check: CheckResult) -> float | None:
    """Return the value in units of its limit: 1 is at the limit; ``None`` if there is no such ratio."""
    value, limit = finite(check.value), finite(check.limit)
    return None if value is None or not limit else value / limit


def _cells(history: History) -> dict[Key, dict[str, _Cell]]:
    found: dict[Key, dict[str, list[CheckResult]]] = defaultdict(lambda: defaultdict(list))
    for record in history.standing:
        for check in record.verdict.checks:
            if check.check.startswith("drift."):
                found[record.verdict.subject, check.column or WHOLE_TABLE][history.label(record)].append(check)
    return {key: {date: _Cell(tuple(c)) for date, c in dates.items()} for key, dates in found.items()}


def _reach(cells: Iterable[_Cell]) -> tuple[int, float]:
    """Sort key that puts the column first that went furthest."""
    return min(_badness(cell.worst) for cell in cells)


def _badness(check: CheckResult) -> tuple[int, float]:
    """Sort key, worst first: what decides, then what only warns; an undecided check that only warns says least."""
    order = (
        (Outcome.BREACH, _ERROR),
        (Outcome.UNDECIDED, _ERROR),
        (Outcome.BREACH, _WARN),
        (Outcome.PASS, _ERROR),
        (Outcome.PASS, _WARN),
        (Outcome.UNDECIDED, _WARN),
    )
    return order.index((check.outcome, check.severity)), -(limits_away(check) or 0.0)


def _heatmap(labels: Sequence[str], rows: Sequence[Mapping[str, _Cell]], keys: Sequence[Key]) -> dict[str, Any]:
    roomy = len(labels) <= NUMBERS_UP_TO
    return {
        "type": "heatmap",
        "x": list(labels),
        "y": list(range(len(keys))),
        "z": [[_z(row.get(date)) for date in labels] for row in rows],
        "text": [[_text(row.get(date), roomy=roomy) for date in labels] for row in rows],
        "texttemplate": "%{text}",
        "hovertemplate": "%{x}: %{z:.2g} x limit %{text}<extra></extra>",
        "hoverongaps": False,
        "zmin": 0,
        "zmax": SCALE_END,
        "colorscale": _COLORS,
        "xgap": 2,
        "ygap": 2,
        "colorbar": {"tickvals": [0, 1, SCALE_END], "ticktext": ["none", "limit", "2x limit"], "thickness": 12},
    }


def _z(cell: _Cell | None) -> float | None:
    """Colour of a cell. A check without a ratio has none to show: its mark and words say what it is."""
    if cell is None:
        return None
    away = limits_away(cell.worst)
    return 0.0 if away is None else round(min(max(away, 0.0), 99.0), 4)


def _text(cell: _Cell | None, *, roomy: bool) -> str:
    if cell is None:
        return ""
    return cell.text if roomy else cell.mark


def _column_axis(keys: Sequence[Key], named: Mapping[Key, str]) -> dict[str, Any]:
    ticks = [plot_text(named[key]) for key in keys]
    return {"tickvals": list(range(len(keys))), "ticktext": ticks, "automargin": True}


def _number(cell: _Cell | None) -> str:
    return "" if cell is None else cell.words


def _note(cells: Mapping[Key, Mapping[str, _Cell]], keys: Sequence[Key], named: Mapping[Key, str]) -> str:
    drifted = [key for key in keys if any(cell.breached for cell in cells[key].values())]
    cut = f" The {COLUMNS} columns that drifted most of {len(keys)} are shown." if len(keys) > COLUMNS else ""
    marks = "✕ marks a breach, ? undecided, ! a warning; a high score without a mark may be chance"
    scale = f"A cell is the drift score over its limit. {marks}.{cut}"
    unsure = sum(any(cell.mark == _UNDECIDED for cell in cells[key].values()) for key in keys)
    if not drifted:
        known = f"No column is known to have drifted; {unsure} undecided" if unsure else "No column drifted"
        return f"{known} of {len(keys)}. {scale}"
    first = ", ".join(named[key] for key in drifted[:NAMED])
    more = f" and {len(drifted) - NAMED} more" if len(drifted) > NAMED else ""
    return f"{len(drifted)} of {len(keys)} drifted beyond the limit: {first}{more}. {scale}"
