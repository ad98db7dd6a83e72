"""What a DAG file pays for importing our doors: user CPU after ``airflow.sdk``, median of 10 fresh processes."""

from __future__ import annotations

import statistics
import subprocess
import sys

from airflow_provider_aiguard.get_provider_info import get_provider_info

LIMIT_MS = 20.0
RUNS = 10

PROGRAM = """
import resource, sys
from airflow.sdk import BaseOperator, BaseSensorOperator, dag, task
before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
__import__({module!r})
print((resource.getrusage(resource.RUSAGE_SELF).ru_utime - before) * 1000)
"""


def modules() -> list[str]:
    info = get_provider_info()
    groups = info["operators"] + info["sensors"]
    return [name for group in groups for name in group["python-modules"]] + [
        "airflow_provider_aiguard.decorators.inference"
    ]


def milliseconds(module: str) -> float:
    program = PROGRAM.format(module=module)
    runs = [
        float(
            subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()[
                -1
            ]
        )
        for _ in range(RUNS)
    ]
    return statistics.median(runs)


def main() -> int:
    print(f"Import of a door, user CPU after airflow.sdk, median of {RUNS} (limit {LIMIT_MS:g} ms)")
    over = 0
    for module in modules():
        cost = milliseconds(module)
        over += cost > LIMIT_MS
        print(f"  {cost:6.1f} ms  {module}")
    return int(over > 0)


if __name__ == "__main__":
    sys.exit(main())
