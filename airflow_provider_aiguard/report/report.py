"""One self-contained HTML page over what the store remembers. It opens offline and requests nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.money import format_micros
from airflow_provider_aiguard.core.run import RunRecord, RunState
from airflow_provider_aiguard.core.verdict import Outcome, VerdictRecord
from airflow_provider_aiguard.report.budgets import budget_rows
from airflow_provider_aiguard.report.charts import charts_of
from airflow_provider_aiguard.report.embed import plotly_gzip, plotly_hash, safe_json, script_hash
from airflow_provider_aiguard.report.figure import LONG_NAME, shorten
from airflow_provider_aiguard.report.history import History, as_utc, history_of
from airflow_provider_aiguard.report.listing import run_rows, verdict_rows
from airflow_provider_aiguard.report.problems import Problem, problems_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from airflow_provider_aiguard.core.evidence import BudgetStatus
    from airflow_provider_aiguard.core.measurement import Measurement
    from airflow_provider_aiguard.report.figure import Chart

SIZE = 5_000_000
"""A page is smaller than this, in bytes, so that it can be mailed."""

SHARES = (1.0, 0.5, 0.2, 0.05)
"""How much of a full page is tried, until it is small enough."""

SECTIONS = 40
"""Most DAGs with charts; those with breaches first. All are in the tables."""

DATES = 1200
"""Dates drawn, over all DAGs; at most 200 for each."""

SHOWN_PROBLEMS = 5
"""Problems open to view; the rest unfolds."""

LISTED_PROBLEMS = 200


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One number of the headline.

    :param number: the number, formatted.
    :param word: what it counts.
    :param note: what belongs to it.
    :param alarm: whether it is bad news.
    """

    number: str
    word: str
    note: str
    alarm: bool = False


@dataclass(frozen=True, kw_only=True)
class Section:
    """One DAG of the page.

    :param name: the DAG's id.
    :param note: what was left out of its charts; empty if nothing.
    :param charts: its charts, numbered through the page.
    :param breaches: standing breaches.
    :param runs: runs, all tries.
    :param spend: money spent.
    """

    name: str
    note: str
    charts: Sequence[tuple[int, Chart]]
    breaches: int
    runs: int
    spend: str


def build_report(
    runs: Sequence[RunRecord],
    verdicts: Sequence[VerdictRecord],
    distributions: Sequence[Measurement] = (),
    *,
    budgets: Sequence[BudgetStatus] = (),
    title: str,
    generated_at: datetime,
) -> str:
    """Build the page.

    Names and messages are untrusted text: markup is escaped, embedded data cannot end its element, and the page's
    Content-Security-Policy lets the browser run no other script and load nothing. The same input gives the same page.

    :param runs: runs of the period, in any order.
    :param verdicts: verdicts of the period, in any order.
    :param distributions: measurements of the drift guard: what it compared, to be drawn.
    :param budgets: where budgets stand now.
    :param title: heading of the page.
    :param generated_at: time to state on the page, with zone.
    :returns: HTML, below 5 MB however much is given: what is left out is said on the page.
    :raises ConfigurationError: if ``generated_at`` has no zone.
    """
    if generated_at.tzinfo is None:
        raise ConfigurationError(f"generated_at must have a time zone; got {generated_at!r}. Use datetime.now(tz=UTC).")
    history = history_of(runs, verdicts, distributions)
    facts = {
        "title": title,
        "generated": f"{as_utc(generated_at):%Y-%m-%d %H:%M} UTC",
        "history": history,
        "period": _period(history),
        "tiles": _tiles(history),
        "problems": problems_of(history),
        "listed_problems": LISTED_PROBLEMS,
        "budgets": budget_rows(budgets, generated_at),
    }
    pages = (_page(history, share, facts) for share in SHARES)
    page = b""
    for page in pages:
        if len(page) < SIZE:
            break
    return page.decode()


def _page(history: History, share: float, facts: Mapping[str, Any]) -> bytes:
    sections, uncharted = _sections(history, share)
    page = (
        _environment()
        .get_template("report.html")
        .render(
            **facts,
            sections=sections,
            uncharted=uncharted,
            verdicts=verdict_rows(history, share=share),
            runs=run_rows(history, share=share),
            **_assets([chart for section in sections for _, chart in section.charts]),
        )
    )
    return page.encode("utf-8", "replace")  # a lone surrogate in a name cannot be written to a file


def headline(problems: Sequence[Problem]) -> tuple[str, str]:
    """Sum up everything as (kind, sentence); the worst kind there is.

    :param problems: what is wrong.
    """
    counts = {kind: sum(p.kind == kind for p in problems) for kind in (Outcome.BREACH, Outcome.UNDECIDED)}
    lost = len(problems) - sum(counts.values())
    parts = [
        _count(counts[Outcome.BREACH], "breach", "breaches"),
        f"{counts[Outcome.UNDECIDED]} undecided" if counts[Outcome.UNDECIDED] else "",
        _count(lost, "failed run", "failed runs"),
    ]
    kind = next((str(k) for k, n in counts.items() if n), "failed" if lost else "pass")
    return kind, ", ".join(filter(None, parts)) or "Nothing is known to be wrong"


def _count(n: int, one: str, many: str) -> str:
    return f"{n:,} {one if n == 1 else many}" if n else ""


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("airflow_provider_aiguard.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(headline=headline, shown_problems=SHOWN_PROBLEMS)
    return environment


def _assets(charts: Sequence[Chart]) -> dict[str, Any]:
    """Style, script and data of the page; plotly only if there is something to draw."""
    script, style = _template("report.js"), _template("report.css")
    figures = [{"data": list(chart.data), "layout": dict(chart.layout)} for chart in charts]
    hashes = [script_hash(script), *([plotly_hash()] if charts else [])]
    return {
        "style": style,
        "script": script,
        "figures": safe_json(figures),
        "plotly": plotly_gzip() if charts else "",
        "script_sources": Markup(" ".join(hashes)),  # noqa: S704 - base64 of our own files
    }


@cache
def _template(name: str) -> Markup:
    """Return a file of ours that goes into the page as it is."""
    return Markup((files(__package__) / "templates" / name).read_text("utf-8"))  # noqa: S704


def _sections(history: History, share: float) -> tuple[list[Section], list[str]]:
    """Return the DAGs with charts, in order of their names, and the names of those without."""
    dags = history.by_dag
    worst = sorted(dags, key=lambda dag: (-dags[dag].breaches, dag))
    charted = worst[: max(1, int(SECTIONS * share))]
    limit = max(12, min(200, DATES // max(1, len(charted)))) * share
    sections: list[Section] = []
    number = 0
    for dag in sorted(charted):
        section = _section(dag, dags[dag], limit=math.ceil(limit), number=number)
        number += len(section.charts)
        sections.append(section)
    return sections, sorted(map(_name, worst[len(charted) :]))


def _section(dag: str, history: History, *, limit: int, number: int) -> Section:
    cut = len(history.dates) - limit
    return Section(
        name=_name(dag),
        note=f"Charts show the newest {limit} of {len(history.dates)} dates." if cut > 0 else "",
        charts=list(enumerate(charts_of(history.newest(limit)), start=number)),
        breaches=history.breaches,
        runs=len(history.runs),
        spend=format_micros(history.cost_micros),
    )


def _name(dag: str) -> str:
    return shorten(dag, LONG_NAME) or "outside Airflow"


def _period(history: History) -> str:
    if not history.dates:
        return ""
    first, last = history.labels[0], history.labels[-1]
    return first if first == last else f"{first} to {last}"


def _tiles(history: History) -> list[Tile]:
    failed = sum(run.state in (RunState.FAILED, RunState.ABANDONED) for run in history.runs)
    undecided = sum(record.verdict.outcome is Outcome.UNDECIDED for record in history.standing)
    breaches = history.breaches
    rejects = sum(run.summary.rejects for run in history.written)
    unpriced = sum(run.summary.cost_micros is None for run in history.runs)
    return [
        Tile(
            number=f"{breaches:,}",
            word="breach" if breaches == 1 else "breaches",
            note=f"of {len(history.standing):,} standing verdicts; {undecided:,} undecided",
            alarm=breaches > 0,
        ),
        Tile(number=f"{len(history.runs):,}", word="runs", note=f"{'✕ ' if failed else ''}{failed:,} failed or killed"),
        Tile(
            number=f"{sum(run.summary.rows for run in history.written):,}",
            word="rows",
            note=f"{rejects:,} rejected by the model",
        ),
        Tile(
            number=format_micros(history.cost_micros),
            word="spent",
            note=f"without a price: {unpriced:,} runs" if unpriced else "all tries together",
        ),
    ]
