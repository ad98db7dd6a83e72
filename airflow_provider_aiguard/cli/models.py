"""``aiguard models``, on labelled rows: the cheapest model, a cascade's threshold, what confidences are worth."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.cli.rows import WORDS, open_rows
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.money import parse_usd
from airflow_provider_aiguard.core.verdict import Verdict

if TYPE_CHECKING:
    import argparse

    from airflow_provider_aiguard.cli import Answer
    from airflow_provider_aiguard.guards.model_choice import ModelScore
    from airflow_provider_aiguard.tables.graded import Graded

MIN_LABELS = 100
"""Labels that two numbers are learnt from at least."""


def choose(options: argparse.Namespace, _: Any) -> Answer:
    """Choose the cheapest model whose lower bound meets the requirement."""
    from airflow_provider_aiguard.guards.model_choice import chosen, evaluate, score_models

    prices = dict(options.model)
    graded = _graded(options, list(prices))
    scores = score_models(graded, prices, min_accuracy=options.min_accuracy, delta=options.delta)
    checks = evaluate(scores, min_accuracy=options.min_accuracy, if_unmet=options.if_unmet)
    verdict = Verdict(guard="models", subject=graded.table, checks=tuple(checks))
    best = chosen(scores, options.if_unmet)
    models = [
        {
            "model": s.model, "price": str(s.price), "accuracy": s.accuracy, "low": s.low, "high": s.high,
            "outcome": str(s.outcome), "missing": s.missing,
        }
        for s in scores
    ]  # fmt: skip
    text = f"{_table(scores)}\n{checks[0].message}"
    return verdict, {"models": models, "chosen": best and best.model, "text": text}


def accept(options: argparse.Namespace, _: Any) -> Answer:
    """Learn from which confidence on a cheap model is believed."""
    from airflow_provider_aiguard.guards.acceptance import evaluate, learn_acceptance

    columns = [options.column, *([options.stronger] if options.stronger else [])]
    graded = _graded(options, columns)
    certificate = learn_acceptance(
        graded, options.column, max_error=options.max_error, max_loss=options.max_loss, stronger=options.stronger,
        delta=options.delta, model=options.model_name or "",
    )  # fmt: skip
    verdict = Verdict(guard="models", subject=graded.table, checks=tuple(evaluate(certificate)))
    text = str(certificate)
    if options.out:
        # Also one without a threshold: else an older one would be used on.
        text += f" {_written(options.out, certificate.to_dict())}"
    return verdict, {"certificate": certificate.to_dict(), "text": text}


def calibrate(options: argparse.Namespace, _: Any) -> Answer:
    """Learn what a model's confidences are worth."""
    import numpy as np

    from airflow_provider_aiguard.core.calibration_map import CalibrationMap
    from airflow_provider_aiguard.stats.platt import platt

    graded = _graded(options, [options.column])
    found = graded.confidences.get(options.column)
    known = np.zeros(graded.labels, dtype=bool) if found is None else ~np.isnan(found)
    if found is None or known.sum() < MIN_LABELS:
        raise ConfigurationError(
            f"Column {options.column!r} has {int(known.sum())} labelled confidences; a calibration is learnt from at "
            f"least {MIN_LABELS}. Label more rows."
        )
    slope, intercept = platt(found[known], graded.right[options.column][known])
    learnt = CalibrationMap(
        slope=round(slope, 6), intercept=round(intercept, 6), labels=int(known.sum()), learnt_on=graded.table
    )
    text = f"CalibrationMap(slope={learnt.slope!r}, intercept={learnt.intercept!r})  # {learnt.labels:,} labels"
    if options.out:
        text += f"\n{_written(options.out, learnt.to_dict())}"
    return None, {"calibration": learnt.to_dict(), "text": text}


def add_models(commands: Any, common: Any, parser_class: Any, run: Callable[[Callable[..., Answer]], Any]) -> None:
    """Add the commands to a parser.

    :param commands: the subparsers.
    :param common: parser with the options of every command.
    :param parser_class: whose usage errors have our exit code.
    :param run: turns one of the functions above into what the parser runs.
    """
    models = commands.add_parser("models", help="choose and tune models on labelled rows")
    inner = models.add_subparsers(required=True, metavar="command", parser_class=parser_class)

    def add(name: str, command: Callable[..., Answer], text: str) -> Any:
        made = inner.add_parser(name, parents=[common], help=text)
        made.add_argument("rows", help=f"labelled rows: {WORDS}")
        made.add_argument("--truth", required=True, metavar="COLUMN", help="column that holds the truth")
        made.set_defaults(run=run(command))
        return made

    best = add("choose", choose, "the cheapest model whose accuracy is high enough, for sure")
    best.add_argument(
        "--model", type=priced, action="append", required=True, metavar="COLUMN=USD", help="answers, and price of a row"
    )
    best.add_argument("--min-accuracy", type=float, required=True, help="share of right answers required, in (0, 1)")
    best.add_argument(
        "--if-unmet", choices=("fail", "cheapest"), default="fail",
        help="what to take if none is good enough (default: %(default)s)",
    )  # fmt: skip
    learnt = add("accept", accept, "from which confidence on a cheap model is believed, with a certificate")
    learnt.add_argument("--column", required=True, help="the cheap model's answers; COLUMN__confidence is beside them")
    learnt.add_argument("--max-error", type=float, help="largest share of wrong answers among the accepted")
    learnt.add_argument("--max-loss", type=float, help="largest loss of accuracy against --stronger, such as 0.01")
    learnt.add_argument("--stronger", metavar="COLUMN", help="the stronger model's answers, for --max-loss")
    learnt.add_argument(
        "--model-name", metavar="NAME@VERSION", help="the cheap model: no other may use the certificate"
    )
    learnt.add_argument("--out", type=Path, metavar="FILE.json", help="write the certificate, for accept= of a Cascade")
    for parser in (best, learnt):
        parser.add_argument(
            "--delta", type=float, default=0.05, help="chance that the bound does not hold (default: %(default)s)"
        )
    curve = add("calibrate", calibrate, "what a model's confidences are worth")
    curve.add_argument("--column", required=True, help="the model's answers; COLUMN__confidence is beside them")
    curve.add_argument("--out", type=Path, metavar="FILE.json", help="write it, for calibration= of a Level")


def priced(text: str) -> tuple[str, Decimal]:
    """Read ``small=0.0001``."""
    column, equals, price = text.rpartition("=")
    try:
        return column, parse_usd(price if column and equals else "none")
    except ConfigurationError:
        raise ArgumentTypeError(f"must be such as small=0.0001; got {text!r}") from None


def _graded(options: argparse.Namespace, columns: list[str]) -> Graded:
    from airflow_provider_aiguard.tables.graded import read_graded

    name = Path(options.rows).name
    with open_rows({name: options.rows}) as rows:
        return read_graded(rows.connection, rows.tables[name], options.truth, columns)


def _written(out: Path, data: dict[str, Any]) -> str:
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(data, indent=2), encoding="utf-8")
    return f"Written: {out}"


def _table(scores: list[ModelScore]) -> str:
    head = ("model", "USD a row", "accuracy", "at least", "at most", "verdict")
    rows = [head] + [
        (s.model, str(s.price), f"{s.accuracy:.4f}", f"{s.low:.4f}", f"{s.high:.4f}", str(s.outcome)) for s in scores
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows)
