"""What the drift guard promises against what it does, by simulation, as tests/validity/test_drift.py holds it."""

from __future__ import annotations

import sys
import time

from benchmarks import _drift as draw

REPETITIONS = 400


def main() -> int:
    started = time.process_time()
    kept = [
        *_unchanged(),
        *_power(20_000, 10_000, (0.95, 0.95, 0.95, 0.95)),
        *_power(10_000, 10_000, (0.98, 0.98, 0.98, 0.85)),
        *_trifle(),
        *_batches(),
        *_clusters(),
    ]
    print(f"\n{time.process_time() - started:.0f} CPU s")
    return int(not all(kept))


def _unchanged() -> list[bool]:
    print("Thirty unchanged columns of ten shapes (<= .05 each; 200 rows: undecided)")
    kept = []
    for n in (200, 1_000, 10_000, 100_000, 1_000_000):
        found = draw.false_alarms(n, n, REPETITIONS)
        rows = found.breach, found.breach + found.undecided
        kept.append(rows[0] <= 0.05 * REPETITIONS and (rows[1] <= 0.05 * REPETITIONS or n == 200))
        print(f"  {n:>9,}   {found}")
    return kept


def _power(n: int, m: int, least: tuple[float, ...]) -> list[bool]:
    found = draw.power(n, m, REPETITIONS)
    print(f"\nFound among 34 columns, {m:,} rows against {n:,}")
    for (name, share), mark in zip(found.items(), least, strict=True):
        print(f"  {name:16} {share:.3f}   (>= {mark:g})")
    return [share >= mark for share, mark in zip(found.values(), least, strict=True)]


def _trifle() -> list[bool]:
    alarms, significant = draw.trifles(1_000_000, REPETITIONS)
    print(f"\nShift of .01 sd at 1,000,000 rows: alarms {alarms:.3f} (<= .01); by p-values alone {significant:.3f}")
    return [alarms <= 0.01]


def _batches() -> list[bool]:
    print("\nEight batches of 1,000,000 rows that wobble by .05 sd, 30 columns")
    calm, shifted = draw.trailing_rates("Gaussian", REPETITIONS), draw.trailing_rates("Gaussian", REPETITIONS, shift=10)
    print(f"  Gaussian wobble          {calm}   (<= .05)")
    print(f"  shifted by ten wobbles   found {shifted.breach / REPETITIONS:.3f}   (>= .95)")
    print(f"  t3 wobble                {draw.trailing_rates('t with 3 df', REPETITIONS)}   (breaks it)")
    print(f"  one batch as reference   {draw.pooled_rates(60)}   (breaks it)")
    return [calm.breach + calm.undecided <= 0.05 * REPETITIONS, shifted.breach >= 0.95 * REPETITIONS]


def _clusters() -> list[bool]:
    print("\nUnchanged, rows in clusters of five equal ones")
    kept = []
    for n in (10_000, 100_000):
        found = draw.clustered_rates(n, 5, REPETITIONS, known=True)
        kept.append(found.breach <= 0.05 * REPETITIONS)
        print(f"  {n:>9,} with cluster=      {found}   (<= .05)")
    print(f"     10,000 without it         {draw.clustered_rates(10_000, 5, 60, known=False)}   (breaks it)")
    return kept


if __name__ == "__main__":
    sys.exit(main())
