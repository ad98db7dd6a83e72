"""``python -m airflow_provider_aiguard.demo``: see :mod:`airflow_provider_aiguard.demo.year`."""

from __future__ import annotations

import argparse
from pathlib import Path

from airflow_provider_aiguard.demo.house import furnish

parser = argparse.ArgumentParser(
    prog="aiguard-demo", description="A year of flights, a model that rots, guards that notice."
)
parser.add_argument("--folder", type=Path, default=Path(".demo"), help="everything is kept here (default: %(default)s)")
parser.add_argument("--dags", type=Path, default=Path("dags"), help="folder of the example DAGs (default: %(default)s)")
parser.add_argument(
    "--months", type=int, nargs="+", default=list(range(2, 13)), help="months to run (default: 2 to 12)"
)
options = parser.parse_args()

# Before Airflow is imported: it reads its configuration once.
furnish(options.folder.absolute(), options.dags.absolute())

from airflow_provider_aiguard.demo.year import run_year  # noqa: E402

run_year(options.folder.absolute(), options.months)
