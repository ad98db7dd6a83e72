"""Runs the example DAG for each month through Airflow itself and shows what happened."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table as RichTable

from airflow_provider_aiguard.core.money import format_micros
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome, Verdict
from airflow_provider_aiguard.demo.house import events, store_url, warehouse

PRICE = "0.00002"
RAISED_PRICE = "0.0002"
RAISED_IN = 12
"""In December the price is tenfold, and the budget is not."""


@dataclass
class Month:
    """What a run of the DAG left behind."""

    month: int
    rows: int = 0
    confidence: float | None = None
    accuracy: float | None = None
    drifted: Sequence[str] = ()
    cost: int = 0
    saved: float | None = None
    failed: Sequence[str] = ()
    why: str = ""
    airflow_seconds: float = 0.0


def run_year(folder: Path, months: Sequence[int]) -> None:
    """Prepare the warehouse and the model, run the months, write the report.

    :param folder: where everything is kept.
    :param months: months of 2013 to run, after the baseline of January.
    """
    log = folder / "demo.log"
    with _quiet(log) as console:
        console.print("[bold]AI Guard[/bold]: a model trained on January scores the flights of 2013, month by month.\n")
        _prepare(folder, console)
        _baseline()
        done: list[Month] = []
        started = time.monotonic()
        with Live(_summary(done), console=console, auto_refresh=False) as live:
            for month in months:
                done.append(_run_month(month))
                live.update(_summary(done), refresh=True)
        _farewell(folder, done, time.monotonic() - started, console, log)


def _prepare(folder: Path, console: Console) -> None:
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    from airflow_provider_aiguard.demo.flights import load_warehouse, read_flights
    from airflow_provider_aiguard.demo.model import train

    warehouse(folder).unlink(missing_ok=True)
    with console.status("Loading the flights and training on January"):
        flights = read_flights()
        engine = create_engine(f"duckdb:///{warehouse(folder)}", poolclass=NullPool)
        load_warehouse(engine, flights)
        engine.dispose()
        digest = train(flights, folder)
    console.print(f"{len(flights):,} flights in a DuckDB warehouse; model {digest[:12]} trained on January.")
    with console.status("Setting up an Airflow below .demo"):
        from airflow.utils.db import initdb

        initdb()


def _baseline() -> None:
    _dag("example_flight_baseline").test(logical_date=datetime(2013, 1, 1, tzinfo=UTC))


def _run_month(month: int) -> Month:
    conf = {"month": month, "price": RAISED_PRICE if month == RAISED_IN else PRICE}
    dag = _dag("example_flight_delays")
    started = time.monotonic()
    run = dag.test(logical_date=datetime(2013, month, 28, tzinfo=UTC), run_conf=conf)
    seconds = time.monotonic() - started
    return _look(month, run, seconds)


def _look(month: int, run: Any, seconds: float) -> Month:
    from airflow_provider_aiguard.hooks.aiguard import AIGuardHook

    tasks = run.get_task_instances()
    own = sum(ti.duration or 0.0 for ti in tasks)
    seen = Month(
        month,
        failed=[ti.task_id for ti in tasks if ti.state == "failed"],
        airflow_seconds=max(seconds - own, 0.0),
    )
    with AIGuardHook().get_conn() as store:
        for record in store.runs.list(dag_id=run.dag_id, dag_run_id=run.run_id):
            summary = record.summary
            seen.rows, seen.cost = summary.rows, summary.cost_micros or 0
            seen.saved = summary.saved / summary.rows if summary.rows else None
            column = summary.columns.get("late")
            seen.confidence = column.confidence.mean if column else None
        verdicts = [r.verdict for r in store.verdicts.list(dag_id=run.dag_id, dag_run_id=run.run_id)]
    for verdict in verdicts:
        _read(verdict, seen)
    return seen


def _read(verdict: Verdict, seen: Month) -> None:
    breached = verdict.of(Outcome.BREACH)
    if verdict.guard == "drift":
        seen.drifted = sorted({check.column for check in breached if check.column})
    if verdict.guard == "ground_truth":
        accuracy = [check for check in verdict.checks if check.check == "ground_truth.accuracy"]
        seen.accuracy = accuracy[0].value if accuracy else None
    if breached and verdict.guard == "budget":
        seen.why = "budget: refused before the money was spent"
    elif breached and verdict.guard != "drift":
        seen.why = _short(breached[0])


def _short(check: CheckResult) -> str:
    return f"{check.check.partition('.')[2] or check.check} {check.value:.3f}, limit {check.limit:g}"


def _summary(done: Sequence[Month]) -> RichTable:
    table = RichTable("month", "rows", "mean confidence", "accuracy", "drifted", "cost", "saved", "red tasks", "why")
    for seen in done:
        bad = "red" if seen.failed else "green"
        table.add_row(
            f"2013-{seen.month:02}",
            f"{seen.rows:,}",
            _number(seen.confidence),
            _number(seen.accuracy),
            ", ".join(seen.drifted) or "-",
            format_micros(seen.cost),
            "-" if seen.saved is None else f"{seen.saved:.0%}",
            f"[{bad}]{', '.join(seen.failed) or 'none'}[/{bad}]",
            seen.why or ("drift" if seen.drifted else "-"),
        )
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _farewell(folder: Path, done: Sequence[Month], seconds: float, console: Console, log: Path) -> None:
    from airflow_provider_aiguard.cli.main import main
    from airflow_provider_aiguard.lineage.datasets import duckdb_dataset
    from airflow_provider_aiguard.lineage.marquez import dataset_page

    report = folder / "report.html"
    with console.status("Writing the report"):
        main(["report", "--from", "2013-01-01", "--to", "2013-12-31", "--out", str(report)])
    airflow = sum(seen.airflow_seconds for seen in done)
    sent = _write_events(folder)
    console.print(
        f"\n{len(done)} DAG runs in {seconds:.0f} s, of which {airflow:.0f} s are Airflow's own. No task crashed: "
        "without the guards every month would be green.\n"
        f"Log of the runs: {_shown(log)}\n"
        "Try next: set min_accuracy=0.85 in dags/example_flight_delays.py and see which months turn red.\n"
        f"[bold]Report: {_shown(report)}[/bold]\n\n"
        f"{sent} OpenLineage events: {_shown(events(folder))}\n"
        "See them in Marquez, with what the model wrote opened:\n"
        "  docker compose up --detach marquez-web",
        # No line is broken: they are there to be copied.
        f"  {_shown(Path(sys.executable).with_name('aiguard'))} lineage replay --url http://localhost:5000 "
        f"--store {store_url(folder)}",
        f"  {dataset_page('http://localhost:3000', duckdb_dataset(warehouse(folder), None, 'flights_scored'))}",
        sep="\n",
        soft_wrap=True,
    )


def _write_events(folder: Path) -> int:
    """Write the events that the store kept into a file, the oldest first, and count them."""
    from airflow_provider_aiguard.hooks.aiguard import AIGuardHook
    from airflow_provider_aiguard.lineage.local_spool import LocalSpool
    from airflow_provider_aiguard.lineage.settings import DurableConfig
    from airflow_provider_aiguard.lineage.transport import bring

    with AIGuardHook().get_conn() as store:
        # While the store was slow, events went into the file of this host.
        bring(LocalSpool(DurableConfig().spool), store.outbox)
        documents = sorted(store.outbox.documents(100_000), key=lambda text: str(json.loads(text)["eventTime"]))
    events(folder).write_text("".join(f"{document}\n" for document in documents), encoding="utf-8")
    return len(documents)


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _dag(dag_id: str) -> Any:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag()
    if bag.import_errors:
        raise RuntimeError(f"The example DAGs cannot be read: {bag.import_errors}")
    return bag.get_dag(dag_id)


@contextmanager
def _quiet(log: Path) -> Iterator[Console]:
    """Send what Airflow and its forks print into a file; give a console that still reaches the user."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = [os.dup(1), os.dup(2)]
    with log.open("w", encoding="utf-8") as sink, os.fdopen(os.dup(1), "w", encoding="utf-8") as screen:
        os.dup2(sink.fileno(), 1)
        os.dup2(sink.fileno(), 2)
        try:
            yield Console(file=screen, width=None if screen.isatty() else 132)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for target, descriptor in enumerate(saved, start=1):
                os.dup2(descriptor, target)
                os.close(descriptor)
