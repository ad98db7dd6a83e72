"""What a cascade costs and loses, on scikit-learn's digits: two real models, one at a tenth of the other's price."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import sqlalchemy as sa
from scipy.stats import binom
from sqlalchemy.pool import NullPool

from airflow_provider_aiguard import Budget, Cascade, Level, Table
from airflow_provider_aiguard.core.certificate import Certificate
from airflow_provider_aiguard.core.outputs import parse_outputs
from airflow_provider_aiguard.core.run import RunIdentity
from airflow_provider_aiguard.guards.acceptance import learn_acceptance
from airflow_provider_aiguard.inference.engine import run_inference
from airflow_provider_aiguard.inference.plan import InferencePlan
from airflow_provider_aiguard.models.function import FunctionModel
from airflow_provider_aiguard.store.store import open_store
from benchmarks._digits import PRICE, Digits, digits, resampled

LABELS = 500
TRIALS = 1_000
MAX_LOSS = 0.01
MAX_COST = 0.5
DELTA = 0.05


def main() -> int:
    known = digits()
    certificate = learn_acceptance(
        known.graded(slice(LABELS)), "small", max_loss=MAX_LOSS, stronger="large", delta=DELTA
    )
    print(certificate)
    kept = [*_run(known, certificate), *_trials()]
    return int(not all(kept))


def _run(known: Digits, certificate: Certificate) -> list[bool]:
    """Answer the rows that no label was drawn from, with money, in a table."""
    rows = np.arange(LABELS, len(known.truth))
    pixels = [f"p{i}" for i in range(known.features.shape[1])]

    def small(batch: pd.DataFrame) -> tuple[list[int], list[float]]:
        chances = known.small.predict_proba(batch[pixels].to_numpy())
        return known.small.classes_[chances.argmax(axis=1)].tolist(), chances.max(axis=1).tolist()

    def large(batch: pd.DataFrame) -> tuple[list[int], list[float]]:
        return known.large.predict(batch[pixels].to_numpy()).tolist(), [1.0] * len(batch)

    models = {f.__name__: FunctionModel(f, outputs=["digit"]) for f in (small, large)}
    levels = [Level(model, price_per_row=PRICE[name]) for name, model in models.items()]
    with tempfile.TemporaryDirectory() as name:
        engine = sa.create_engine(f"sqlite:///{Path(name)}/rows.db", poolclass=NullPool)
        pd.DataFrame(known.features[rows], columns=pixels).assign(id=rows).to_sql("rows", engine, index=False)
        found = {}
        ways = {"all_large": Cascade(levels[1:]), "cascade": Cascade(levels, accept=certificate)}
        with open_store(f"sqlite:///{Path(name)}/store.db") as store:
            for into, model in ways.items():
                plan = InferencePlan(
                    rows=Table("rows", key="id"),
                    into=Table(into),
                    outputs=parse_outputs({"digit": int}),
                    budgets=(Budget("bench", limit="10", per="task"),),
                )
                who = RunIdentity(run_id=into, task_id=into)
                summary = run_inference(plan, model, source=engine, target=engine, store=store, identity=who)
                with engine.connect() as connection:
                    answers = connection.execute(sa.text(f"SELECT digit FROM {into} ORDER BY id")).scalars().all()
                right = float((np.array(answers) == known.truth[rows]).mean())
                found[into] = summary.cost_micros or 0, right
                print(f"{into:<10} {len(rows):,} rows  ${found[into][0] / 1e6:.4f}  accuracy {right:.4f}")
    cost = found["cascade"][0] / found["all_large"][0]
    loss = found["all_large"][1] - found["cascade"][1]
    print(f"cost {cost:.1%} of all-large (limit {MAX_COST:.0%}), {100 * loss:.2f} points lost (limit 1)")
    return [cost <= MAX_COST, loss <= MAX_LOSS]


def _trials() -> list[bool]:
    print(f"\nLearnt again {TRIALS:,} times, from rows drawn anew; what it does to all rows is then known")
    print(f"{'promise':<24} {'labels':>6} {'learnt':>6} {'broken':>6} {'limit':>6} {'mean cost':>9} {'mean loss':>9}")
    kept = []
    limit = int(binom.ppf(0.99, TRIALS, DELTA))
    for labels in (300, 500, 1_000):
        found = resampled(labels, TRIALS, seed=labels, max_loss=MAX_LOSS, stronger="large", delta=DELTA)
        broken = int((found.loss > MAX_LOSS).sum())
        kept.append(broken <= limit)
        _line("at most 1 point lost", labels, found.learnt, broken, limit, found.cost, found.loss)
    for labels in (300, 500, 1_000):
        found = resampled(labels, TRIALS, seed=labels, max_error=0.02, delta=DELTA)
        broken = int((found.error > 0.02).sum())
        kept.append(broken <= limit)
        _line("accepted: 2 % wrong", labels, found.learnt, broken, limit, found.cost, found.loss)
    return kept


def _line(promise: str, labels: int, learnt: int, broken: int, limit: int, cost: object, loss: object) -> None:
    means = [f"{np.mean(numbers):.3f}" if learnt else "-" for numbers in (cost, loss)]  # type: ignore[call-overload]
    print(f"{promise:<24} {labels:>6} {learnt:>6} {broken:>6} {limit:>6} {means[0]:>9} {means[1]:>9}")


if __name__ == "__main__":
    sys.exit(main())
