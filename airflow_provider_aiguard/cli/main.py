"""``aiguard``: the guards, the store and the report from a shell.

Exit codes: 0 pass, 1 breach, 2 undecided, 3 and above an error (3 what AI Guard says, 4 a wrong command line,
5 anything else).
"""

from __future__ import annotations

import argparse
import json
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_provider_aiguard.cli.budget import add_budget
from airflow_provider_aiguard.cli.lineage import add_lineage
from airflow_provider_aiguard.cli.models import add_models
from airflow_provider_aiguard.cli.statistics import add_commands
from airflow_provider_aiguard.core.duration import parse_duration
from airflow_provider_aiguard.core.errors import AIGuardError, ConfigurationError, NotRecordedError
from airflow_provider_aiguard.core.verdict import Outcome

if TYPE_CHECKING:
    from airflow_provider_aiguard.cli import Answer
    from airflow_provider_aiguard.store.store import Store

_EXIT = {Outcome.PASS: 0, Outcome.BREACH: 1, Outcome.UNDECIDED: 2}
_EXIT_ERROR = 3
_EXIT_USAGE = 4
_EXIT_UNEXPECTED = 5


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # argparse exits with 2, which means "undecided" here.
        self.print_usage(sys.stderr)
        self.exit(_EXIT_USAGE, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    options = parser().parse_args(arguments)
    try:
        # Airflow logs to stdout, which is for the answer.
        with redirect_stdout(sys.stderr):
            code, answer = options.run(options)
    except AIGuardError as error:
        code, answer = _EXIT_ERROR, {"error": str(error), "type": type(error).__name__}
    except Exception as error:
        # Python's own exit code would be 1, which means "breach" here.
        traceback.print_exc()
        code, answer = _EXIT_UNEXPECTED, {"error": f"{type(error).__name__}: {error}", "type": type(error).__name__}
    if options.json:
        print(json.dumps(answer, indent=2))
    else:
        stream = sys.stderr if "error" in answer else sys.stdout
        print(answer.get("error") or answer["text"], file=stream)
    return int(code)


def parser() -> argparse.ArgumentParser:
    """Build the command line, for :func:`main` and the docs."""
    common = _Parser(add_help=False)
    common.add_argument("--json", action="store_true", help="print the answer as JSON")
    where = common.add_mutually_exclusive_group()
    where.add_argument("--store", metavar="URL", help="SQLAlchemy URL of the store")
    where.add_argument(
        "--conn-id", default="aiguard_default", help="Airflow connection of the store (default: %(default)s)"
    )

    root = _Parser(prog="aiguard", description="The guards, the store and the report of AI Guard.")
    commands = root.add_subparsers(required=True, metavar="command", parser_class=_Parser)
    store = commands.add_parser("store", help="look after the store")
    store_commands = store.add_subparsers(required=True, metavar="command", parser_class=_Parser)
    upgrade = store_commands.add_parser("upgrade", parents=[common], help="bring the store's schema up to date")
    upgrade.set_defaults(run=_upgrade)
    prune = store_commands.add_parser("prune", parents=[common], help="forget old results of inference and events")
    prune.add_argument("--older-than", default="90d", metavar="30d", help="age of what goes (default: %(default)s)")
    prune.set_defaults(run=_prune)

    report = commands.add_parser("report", parents=[common], help="write the report as one HTML file")
    report.add_argument("--from", dest="since", metavar="DATE", help="first day by logical date, such as 2026-01-31")
    report.add_argument("--to", dest="until", metavar="DATE", help="last day by logical date, included")
    report.add_argument("--dag-id", help="only this DAG")
    report.add_argument(
        "--out", type=Path, default=Path("aiguard-report.html"), help="file to write (default: %(default)s)"
    )
    report.set_defaults(run=_report)

    add_commands(commands, common, _asked)
    add_budget(commands, common, _Parser, _open)
    add_lineage(commands, common, _Parser, _open)
    add_models(commands, common, _Parser, _asked)

    left = commands.add_parser("exclude", parents=[common], help="leave a DAG run's batch out of a moving reference")
    left.add_argument("name", help="the reference")
    left.add_argument("dag_run_id", help="the DAG run, as Airflow shows it")
    left.add_argument("--undo", action="store_true", help="take it in again")
    left.set_defaults(run=_exclude)

    rejects = commands.add_parser("rejects", parents=[common], help="list the rows a run's model failed on")
    rejects.add_argument("run_id", help="the run, as in the error and in the companion columns")
    rejects.set_defaults(run=_rejects)
    return root


def _open(options: argparse.Namespace) -> Store:
    if options.store:
        from airflow_provider_aiguard.store.store import open_store

        return open_store(options.store)
    from airflow_provider_aiguard.hooks.aiguard import AIGuardHook

    return AIGuardHook(options.conn_id).get_conn()


def _upgrade(options: argparse.Namespace) -> tuple[int, dict[str, Any]]:
    from airflow_provider_aiguard.store.revision import HEAD

    _open(options).close()
    return 0, {"revision": HEAD, "text": f"The store is at revision {HEAD}."}


def _prune(options: argparse.Namespace) -> tuple[int, dict[str, Any]]:
    from airflow_provider_aiguard.lineage.retelling import CHECKS_STAND

    age, now = parse_duration(options.older_than, what="--older-than"), datetime.now(UTC)
    with _open(options) as store:
        results, events = store.results.prune(now - age), store.outbox.prune(now - age)
        checks = store.notes.prune(now - CHECKS_STAND)
    text = (
        f"Results older than {options.older_than} forgotten: {results:,}. Equal rows are paid for again.\n"
        f"Events of lineage that every backend has, forgotten: {events:,}.\n"
        f"Checks that are repeated no longer, forgotten: {checks:,}."
    )
    return 0, {"results": results, "events": events, "checks": checks, "text": text}


def _report(options: argparse.Namespace) -> tuple[int, dict[str, Any]]:
    from airflow_provider_aiguard.report.history import history_of
    from airflow_provider_aiguard.report.report import build_report

    first, last = _day(options.since, "--from"), _day(options.until, "--to")
    store = _open(options)
    try:
        runs = [r for r in store.runs.list(dag_id=options.dag_id) if _within(r, r.started_at, first, last)]
        verdicts = [v for v in store.verdicts.list(dag_id=options.dag_id) if _within(v, v.recorded_at, first, last)]
        drawn = store.measurements.of_guard("drift", dag_id=options.dag_id)
        budgets = store.budgets.windows(dag_ids=None if options.dag_id is None else [options.dag_id])
    finally:
        store.close()
    title = f"AI Guard: {options.dag_id or 'all DAGs'}"
    page = build_report(runs, verdicts, drawn, budgets=budgets, title=title, generated_at=datetime.now(UTC))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(page, encoding="utf-8")
    # A verdict that a later try of its task replaced does not count. Where nothing was judged, nothing passed.
    standing = [v.verdict.outcome for v in history_of(runs, verdicts).standing]
    breaches, undecided = standing.count(Outcome.BREACH), standing.count(Outcome.UNDECIDED)
    outcome = Outcome.BREACH if breaches else Outcome.UNDECIDED if undecided or not standing else Outcome.PASS
    text = f"Runs: {len(runs)}. Verdicts: {len(standing)}, breaches: {breaches}, undecided: {undecided}. {options.out}"
    answer = {
        "outcome": str(outcome), "runs": len(runs), "verdicts": len(standing), "breaches": breaches,
        "undecided": undecided, "out": str(options.out), "text": text,
    }  # fmt: skip
    return _EXIT[outcome], answer


def _rejects(options: argparse.Namespace) -> tuple[int, dict[str, Any]]:
    with _open(options) as store:
        run = store.runs.get(options.run_id)
        rejects = store.runs.rejects(options.run_id)
    lines = [f"{_key(r.key)}  {r.reason}  {r.detail}".rstrip() for r in rejects]
    text = "\n".join([f"Rejects of run {options.run_id}: {run.summary.rejects}", *lines])
    found = [{"key": dict(r.key), "reason": r.reason, "detail": r.detail} for r in rejects]
    return 0, {"run_id": options.run_id, "count": run.summary.rejects, "rejects": found, "text": text}


def _exclude(options: argparse.Namespace) -> tuple[int, dict[str, Any]]:
    with _open(options) as store:
        count = store.profiles.exclude(options.name, options.dag_run_id, excluded=not options.undo)
        known = sorted({b.identity.dag_run_id for b in store.profiles.batches(options.name)})
    if not count:
        raise NotRecordedError(
            f"Reference {options.name!r} has no batch of DAG run {options.dag_run_id!r}; the newest are {known[-5:]!r}."
        )
    done = "takes in again" if options.undo else "leaves out"
    text = f"Reference {options.name!r} {done} {count} of DAG run {options.dag_run_id!r}."
    return 0, {"name": options.name, "dag_run_id": options.dag_run_id, "excluded": not options.undo, "text": text}


def _asked(command: Callable[..., Answer]) -> Callable[[argparse.Namespace], tuple[int, dict[str, Any]]]:
    """Give what the parser runs: a command whose verdict is the exit code."""

    def run(options: argparse.Namespace) -> tuple[int, dict[str, Any]]:
        verdict, answer = command(options, _open)
        if verdict is None:
            return 0, answer
        return _EXIT[verdict.outcome], {"text": verdict.as_text(), **verdict.to_dict(), **answer}

    return run


def _key(key: Mapping[str, str]) -> str:
    return ", ".join(f"{column}={value}" for column, value in key.items())


def _day(value: str | None, option: str) -> datetime | None:
    if value is None:
        return None
    try:
        day = datetime.fromisoformat(value)
    except ValueError:
        raise ConfigurationError(f"{option} must be a date such as 2026-01-31; got {value!r}.") from None
    return day if day.tzinfo else day.replace(tzinfo=UTC)


def _within(record: Any, recorded: datetime, first: datetime | None, last: datetime | None) -> bool:
    date = record.identity.logical_date
    when = datetime.fromisoformat(date) if date else recorded
    return (first is None or when >= first) and (last is None or when < last + timedelta(days=1))


if __name__ == "__main__":
    sys.exit(main())
