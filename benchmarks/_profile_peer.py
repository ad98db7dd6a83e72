"""Runs in a peer's own environment: drift of 15 columns as its documentation shows it, in CPU seconds."""

import sys
import time
from pathlib import Path

import pandas as pd


def evidently(reference, current):
    from evidently import Report
    from evidently.presets import DataDriftPreset

    return lambda: Report([DataDriftPreset()]).run(current(), reference()).dict()


def nannyml(reference, current):
    import nannyml as nml

    def run():
        before = reference()
        calculator = nml.UnivariateDriftCalculator(column_names=list(before.columns), chunk_number=10)
        return calculator.fit(before).calculate(current()).to_df()

    return run


def main():
    name, folder, rows = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    readers = [lambda side=side: pd.read_parquet(folder / f"{side}-{rows}.parquet") for side in ("before", "after")]
    run = globals()[name](*readers)
    cpu, wall = time.process_time(), time.perf_counter()
    run()
    print(time.process_time() - cpu, time.perf_counter() - wall)


if __name__ == "__main__":
    main()
