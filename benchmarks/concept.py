"""Row-level concept drift against river's ADWIN: delay against false alarms, in one run.

``python -m benchmarks.concept calibrate`` fits the constants of ``stats/drift_type.py`` instead.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from airflow_provider_aiguard.stats.drift_type import fit_shapes
from airflow_provider_aiguard.stats.shiryaev_roberts import StreamDetector
from benchmarks._concept_series import TYPES, typed_series

RIVER = "river==0.26.1"
PEER = Path(__file__).with_name("_concept_peer.py")
BASELINE = 2_500
RUN_LENGTHS = (1e3, 3e3, 1e4, 3e4, 1e5, 3e5, 1e6)
DEFAULT = 1e5
FAST, SLOW, AT_EQUAL = 0.30, 0.15, 0.10
"""How much earlier than ADWIN's default an alarm has to come on abrupt and recurring streams and on slow ones, and how
much later it may come at equal false alarms."""

Array = npt.NDArray[np.float64]


def main() -> int:
    if "calibrate" in sys.argv[1:]:
        return calibrate()
    with tempfile.TemporaryDirectory() as name:
        streams, peer = measure_peer(Path(name))
    ours, seconds = measure_ours(streams)
    return report(streams, ours, peer, seconds)


def measure_peer(folder: Path) -> tuple[dict[str, Array], dict[str, Array]]:
    """Let river make the streams and ADWIN watch them, in an environment of its own."""
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", RIVER], check=True)
    subprocess.run([python, PEER, folder], check=True)
    return dict(np.load(folder / "streams.npz")), dict(np.load(folder / "adwin.npz"))


def measure_ours(streams: dict[str, Array]) -> tuple[dict[str, Array], float]:
    """First alarm by run length and stream, in rows after the change; ``inf`` if there was none."""
    started = time.perf_counter()
    found = {
        name: np.array([[first_alarm(bits, length, change_of(name)) for bits in rows] for length in RUN_LENGTHS])
        for name, rows in streams.items()
    }
    rows = len(RUN_LENGTHS) * sum(bits.size for bits in streams.values())
    return found, (time.perf_counter() - started) / rows


def change_of(name: str) -> int:
    """Row at which the change comes that has to be found: of a recurring stream, the new concept's second coming."""
    return BASELINE + 3_000 * ("recurring" in name)


def first_alarm(bits: Array, run_length: float, change: int) -> float:
    """Rows from the change to the alarm. After an earlier one the detector watches on with its baseline."""
    detector, begin = StreamDetector(run_length=run_length, baseline_rows=BASELINE), 0
    while (at := detector.update(bits[begin:])) is not None:
        begin += at + 1
        if begin > change:
            return begin - 1 - change
        detector.restart(keep_baseline=True)
    return np.inf


def report(streams: dict[str, Array], ours: dict[str, Array], peer: dict[str, Array], seconds: float) -> int:
    shapes = [name for name in streams if name != "unchanged"]
    rows = streams["unchanged"].shape[1]
    delays = {
        who: {shape: np.minimum(alarms[shape], rows - change_of(shape)).mean(axis=1) for shape in shapes}
        for who, alarms in (("ours", ours), ("ADWIN", peer))
    }
    false = {who: np.isfinite(alarms["unchanged"]).mean(axis=1) for who, alarms in (("ours", ours), ("ADWIN", peer))}
    unchanged = len(streams["unchanged"])
    print(f"Mean delay in rows; false alarms in {unchanged} unchanged streams of {rows - BASELINE:,} rows")
    print("\n| detector | setting | false alarms | " + " | ".join(shapes) + " |")
    print("|---|---|---|" + "---|" * len(shapes))
    for who, settings in (("ADWIN", peer["deltas"]), ("ours", RUN_LENGTHS)):
        for i, setting in enumerate(settings):
            cells = " | ".join(f"{delays[who][shape][i]:.0f}" for shape in shapes)
            print(f"| {who} | {setting:g} | {false[who][i]:.3f} | {cells} |")
    print(f"\nADWIN {peer['seconds'] * 1e6:.2f} us a row, one by one; ours {seconds * 1e6:.2f} us a row, in batches")
    return judge(delays, false, int(np.argmin(np.abs(peer["deltas"] - 0.002))))


def judge(delays: dict[str, dict[str, Array]], false: dict[str, Array], default: int) -> int:
    """Compare our default with ADWIN's, and with what ADWIN's curve gives at our false alarms.

    A delay is the mean over streams; an alarm that never comes counts as the rest of the stream.
    """
    mine, missed = RUN_LENGTHS.index(DEFAULT), []
    rates, order = np.sort(false["ADWIN"]) + np.arange(len(false["ADWIN"])) * 1e-9, np.argsort(false["ADWIN"])
    print("\n| stream | earlier than ADWIN's default | mark | at equal false alarms |\n|---|---|---|---|")
    for shape, ours in delays["ours"].items():
        adwin = delays["ADWIN"][shape]
        mark = FAST if shape.endswith(("abrupt", "recurring")) else SLOW
        saved = 1 - ours[mine] / adwin[default]
        later = ours[mine] / np.interp(false["ours"][mine], rates, adwin[order]) - 1
        print(f"| {shape} | {saved:.0%} | {mark:.0%} | {later:+.0%} |")
        missed += [f"{shape} {saved:.0%} < {mark:.0%}"] * bool(saved < mark)
        missed += [f"{shape} {later:+.0%} at equal false alarms > +{AT_EQUAL:.0%}"] * bool(later > AT_EQUAL)
    print("\nMissed: " + "; ".join(missed) if missed else "\nAll marks held.")
    return len(missed)


def calibrate() -> int:
    """Fit temperature and handicaps by maximum likelihood, and print them."""
    from scipy.optimize import minimize
    from scipy.special import logsumexp

    rng = np.random.default_rng(1)
    criteria, truth = [], []
    for i in range(2_400):
        kind, runs, labels = TYPES[i % 4], int(rng.integers(60, 201)), int(rng.choice([50, 100, 200, 500]))
        low, wobble = rng.uniform(0.05, 0.2), float(rng.choice([0, 0, 0.05, 0.1]))
        series = typed_series(rng, kind, runs, labels, low=low, high=low * rng.uniform(1.7, 2.5), wobble=wobble)
        fits = fit_shapes(series, [labels] * runs)
        criteria.append([fits[kind].criterion for kind in TYPES])
        truth.append(i % 4)
    scores = -np.array(criteria) / 2

    def loss(parameters: Array) -> float:
        logits = scores / np.exp(parameters[0]) + np.append(0, parameters[1:])
        return float(np.mean(logsumexp(logits, axis=1) - logits[np.arange(len(truth)), truth]))

    best = minimize(loss, np.zeros(len(TYPES)), method="Nelder-Mead", options={"maxiter": 4_000})
    print(f"temperature {np.exp(best.x[0]):.2f}, handicaps 0, " + ", ".join(f"{x:.1f}" for x in best.x[1:]))
    print(f"log loss {best.fun:.3f} (uncalibrated {loss(np.zeros(len(TYPES))):.3f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
