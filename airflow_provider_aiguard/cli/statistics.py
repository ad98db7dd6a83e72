"""``aiguard profile``, ``aiguard drift`` and ``aiguard truth``: the guards for files and tables, without a DAG."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.cli.rows import labelled, open_rows, stored_profile
from airflow_provider_aiguard.core.profile import ColumnKind, ColumnProfile, TableProfile
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.core.verdict import Verdict, VerdictRecord, number

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from airflow_provider_aiguard.cli import Answer, Open


def profile(options: argparse.Namespace, open_store: Open) -> Answer:
    """Profile rows; print, write or store the profile."""
    from airflow_provider_aiguard.tables.profile import profile_table

    with open_rows({_name(options.rows): options.rows}, key=options.key) as rows:
        (table,) = rows.tables.values()
        found = profile_table(rows.connection, table, options.columns, **_reading(options))
    where = []
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(found.to_dict()), encoding="utf-8")
        where.append(str(options.out))
    if options.save:
        with open_store(options) as store:
            store.profiles.save(options.save, found.to_dict(), table=found.table, identity=_identity())
        where.append(f"baseline {options.save!r}")
    text = as_text(found) + (f"\nWritten: {', '.join(where)}" if where else "")
    return None, {"profile": found.to_dict(), "text": text}


def drift(options: argparse.Namespace, open_store: Open) -> Answer:
    """Compare the current rows with a reference."""
    from airflow_provider_aiguard.core.limits.drift import DriftLimits
    from airflow_provider_aiguard.guards.drift import evaluate
    from airflow_provider_aiguard.tables.profile import profile_table

    limits = DriftLimits(
        alpha=options.alpha, min_effect=dict(options.min_effect), must_see=dict(options.must_see),
        columns=tuple(options.columns or ()), methods=dict(options.methods), design_effect=options.design_effect,
        show_levels=options.show_levels,
    )  # fmt: skip
    reading = _reading(options)
    reference = stored_profile(options.reference, lambda: open_store(options))
    if reference is None:
        with open_rows({"reference": options.reference}, key=options.key) as rows:
            reference = profile_table(rows.connection, rows.tables["reference"], options.columns, **reading)
    with open_rows({_name(options.current): options.current}, key=options.key) as rows:
        (table,) = rows.tables.values()
        current = profile_table(rows.connection, table, options.columns, reference=reference, **reading)
    verdict = Verdict(guard="drift", subject=current.table, checks=tuple(evaluate(reference, current, limits)))
    if options.report:
        _write_report(options, verdict, reference, current)
    return verdict, {}


def truth(options: argparse.Namespace, _: Open) -> Answer:
    """Compare claims with the truth, joined by key."""
    from airflow_provider_aiguard.core.limits.ground_truth import GroundTruthLimits
    from airflow_provider_aiguard.guards.questions.ground_truth import GroundTruthQuestion

    limits = GroundTruthLimits(
        metric=options.metric, min_accuracy=options.min_accuracy, min_score=options.min_score,
        max_error=options.max_error, positive=options.positive,
        min_truth_share=options.min_truth_share, min_labels=options.min_labels,
    )  # fmt: skip
    with open_rows({"claims": options.claims, "truth": options.truth}, key=options.key) as rows:
        question = GroundTruthQuestion(
            table=labelled(rows, "claims", options.column), column=options.column, truth=rows.tables["truth"],
            truth_column=options.truth_column or options.column, limits=limits,
        )  # fmt: skip
        return question.ask(rows, _identity()), {}


def add_commands(commands: Any, common: Any, run: Callable[[Callable[..., Answer]], Any]) -> None:
    """Add the three commands to a parser.

    :param commands: the subparsers.
    :param common: parser with the options of every command.
    :param run: turns one of the functions above into what the parser runs.
    """
    reading = {"columns": {"type": names, "metavar": "A,B", "help": "columns to look at (default: all)"}}
    rows = "a Parquet or CSV file, or CONN_ID:TABLE behind an Airflow connection"

    made = commands.add_parser("profile", parents=[common], help="profile rows: a few KB of counts a column")
    made.add_argument("rows", help=rows)
    made.add_argument("--columns", **reading["columns"])
    made.add_argument("--out", type=Path, metavar="FILE.json", help="write the profile, for aiguard drift")
    made.add_argument("--save", metavar="NAME", help="store it as a baseline")
    made.set_defaults(run=run(profile))

    compared = commands.add_parser("drift", parents=[common], help="compare rows with a reference")
    compared.add_argument("--reference", required=True, help=f"{rows}, a profile.json, or baseline:NAME of the store")
    compared.add_argument("--current", required=True, help=rows)
    compared.add_argument("--columns", **reading["columns"])
    compared.add_argument(
        "--alpha", type=float, default=0.05, help="probability of a false alarm (default: %(default)s)"
    )
    for option, what in (("--min-effect", "smallest change that matters"), ("--must-see", "change to be able to see")):
        compared.add_argument(option, type=setting, action="append", default=[], metavar="TEST=X", help=what)
    compared.add_argument(
        "--methods",
        type=choice,
        action="append",
        default=[],
        metavar="COLUMN=A,B",
        help="tests of a column, * of others",
    )
    compared.add_argument(
        "--design-effect", type=float, default=1.0, metavar="X", help="by what dependence of rows inflates variances"
    )
    compared.add_argument("--show-levels", action="store_true", help="name categories, which are values of rows")
    compared.add_argument("--report", type=Path, metavar="FILE.html", help="write both distributions side by side")
    compared.set_defaults(run=run(drift))
    for parser in (made, compared):
        parser.add_argument("--key", type=names, metavar="A,B", help="columns that only identify a row: left out")
        parser.add_argument("--sample", type=float, metavar="SHARE", help="look at this share of the rows only")
        parser.add_argument(
            "--cluster", metavar="COLUMN", help="rows of one value belong together, such as a customer's"
        )
        parser.add_argument("--dependence", action="store_true", default=None, help="count numbers two by two, too")

    right = commands.add_parser("truth", parents=[common], help="compare claims with the truth, joined by key")
    right.add_argument("--claims", required=True, help=rows)
    right.add_argument("--truth", required=True, help="rows with the truth, likewise")
    right.add_argument(
        "--key", type=names, required=True, metavar="A,B", help="the column or columns that identify a row"
    )
    right.add_argument("--column", required=True, help="the inferred column")
    right.add_argument("--truth-column", help="column of the truth (default: the same)")
    right.add_argument("--metric", default="accuracy", help="such as f1, mae or a scorer (default: %(default)s)")
    right.add_argument("--min-accuracy", type=float, help="lowest share of right values, in (0, 1]: limit of accuracy")
    right.add_argument("--min-score", type=float, help="lowest score: limit of the others of which more is better")
    right.add_argument("--max-error", type=float, help="largest error: limit of mae, rmse and bias")
    right.add_argument("--positive", help="the class that f1, precision and recall are about")
    right.add_argument(
        "--min-truth-share", type=float, default=0.5, help="share of truth needed (default: %(default)s)"
    )
    right.add_argument("--min-labels", type=int, default=30, help="labels needed (default: %(default)s)")
    right.set_defaults(run=run(truth))


def names(text: str) -> list[str]:
    """Read ``a,b``."""
    found = [name.strip() for name in text.split(",") if name.strip()]
    if not found:
        raise ArgumentTypeError(f"needs column names such as a,b; got {text!r}")
    return found


def setting(text: str) -> tuple[str, float]:
    """Read ``ks=0.05``."""
    name, equals, value = text.partition("=")
    try:
        return name, float(value if equals else "none")
    except ValueError:
        raise ArgumentTypeError(f"must be such as ks=0.05; got {text!r}") from None


def choice(text: str) -> tuple[str, tuple[str, ...]]:
    """Read ``carrier=psi,unseen``."""
    column, equals, methods = text.rpartition("=")
    if not equals or not column:
        raise ArgumentTypeError(f"must be such as carrier=psi,unseen; got {text!r}")
    return column, tuple(names(methods))


def as_text(found: TableProfile) -> str:
    """Write a profile as a table for people."""
    from airflow_provider_aiguard.guards.drift import sampling_error

    head = ("column", "kind", "NULL", "distinct", "mean", "sd", "lowest", "highest", "")
    table = [head, *(_row(column) for column in found.columns.values())]
    widths = [max(len(row[i]) for row in table) for i in range(len(head))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in table]
    sampled = ""
    if found.sample < 1:
        sampled = f", a sample of {found.sample:.2g}: shares to within {100 * sampling_error(found):.2g} points"
    return "\n".join([f"{found.table}: {found.rows:,} rows{sampled}", *lines])


def _row(column: ColumnProfile) -> tuple[str, ...]:
    nulls = f"{column.nulls / column.rows:.1%}" if column.rows else "-"
    distinct = "many" if column.other else number(column.distinct)
    ends = [_end(column, end) for end in (column.minimum, column.maximum)]
    bound = f"KS to within {column.resolution:.1g}" if column.resolution else ""
    return (column.name, str(column.kind), nulls, distinct, number(column.mean), number(column.std), *ends,
            column.reason or bound)  # fmt: skip


def _end(column: ColumnProfile, end: float | None) -> str:
    """The lowest or the highest value; a time as a time."""
    if end is None or column.kind is not ColumnKind.TEMPORAL:
        return number(end)
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=end):%Y-%m-%d %H:%M}"


def _reading(options: argparse.Namespace) -> dict[str, Any]:
    """Arguments of ``profile_table`` that were given."""
    given = ("sample", "cluster", "dependence")
    return {name: getattr(options, name) for name in given if getattr(options, name) is not None}


def _name(word: str) -> str:
    """Name of a file's rows in messages: the file's, without its folders."""
    return Path(word).name


def _identity() -> RunIdentity:
    return RunIdentity(run_id=f"cli-{datetime.now(UTC).isoformat()}")


def _write_report(
    options: argparse.Namespace, verdict: Verdict, reference: TableProfile, current: TableProfile
) -> None:
    from airflow_provider_aiguard.core.measurement import Measurement
    from airflow_provider_aiguard.guards.distribution import distributions
    from airflow_provider_aiguard.report.report import build_report

    now, identity = datetime.now(UTC), _identity()
    columns = [found.to_dict() for found in distributions(reference, current)]
    seen = Measurement(
        series=f"drift/{verdict.subject}", identity=identity, measured_at=now,
        values={"reference": options.reference, "columns": columns},
    )  # fmt: skip
    record = VerdictRecord(identity=identity, recorded_at=now, verdict=verdict)
    title = f"Drift of {_name(options.current)}"
    options.report.parent.mkdir(parents=True, exist_ok=True)
    options.report.write_text(build_report([], [record], [seen], title=title, generated_at=now), encoding="utf-8")
