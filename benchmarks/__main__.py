"""``python -m benchmarks``: run every benchmark and say which limits held."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main() -> int:
    scripts = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith("_"))
    failed = [
        name for name in scripts if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode
    ]
    print(f"\nOver their limit: {', '.join(failed)}" if failed else "\nEvery limit held.")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
