"""``aiguard models`` on a file of labelled rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from airflow_provider_aiguard.cli.main import main
from airflow_provider_aiguard.core.calibration_map import CalibrationMap
from airflow_provider_aiguard.core.certificate import Certificate
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.inference.cascade import Cascade
from airflow_provider_aiguard.models.function import FunctionModel

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def labelled(tmp_path: Path) -> str:
    """Two thousand rows. The small model is right in 90 %, and knows where: above 0.9 in all of them."""
    path = tmp_path / "labelled.parquet"
    duckdb.sql(f"""
        COPY (SELECT i % 7 AS digit,
                     CASE WHEN i % 10 = 0 THEN 9 ELSE i % 7 END AS small,
                     CASE WHEN i % 5 = 0 THEN 0.6 ELSE 0.97 END AS small__confidence,
                     CASE WHEN i % 100 = 50 THEN 9 ELSE i % 7 END AS large
              FROM range(2000) AS t(i)) TO '{path}'
    """)
    return str(path)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code = main(["models", *words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_choose(labelled: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["choose", labelled, "--truth", "digit", "--model", "large=0.01", "--model", "small=0.001"]
    code, answer = run(capsys, *words, "--min-accuracy", "0.88")
    assert (code, answer["chosen"], answer["outcome"]) == (0, "small", "pass")
    code, answer = run(capsys, *words, "--min-accuracy", "0.95")
    assert (code, answer["chosen"]) == (0, "large")
    code, answer = run(capsys, *words, "--min-accuracy", "0.999")
    assert (code, answer["chosen"], answer["outcome"]) == (1, None, "breach")
    code, answer = run(capsys, *words, "--min-accuracy", "0.988")
    assert (code, answer["outcome"]) == (2, "undecided")
    code, answer = run(capsys, *words, "--min-accuracy", "0.999", "--if-unmet", "cheapest")
    assert (code, answer["chosen"]) == (0, "small")
    assert main(["models", *words, "--min-accuracy", "0.95"]) == 0
    shown = capsys.readouterr().out
    assert "model  USD a row  accuracy  at least" in shown
    assert "large is the cheapest that meets it" in shown


def test_accept_writes_a_certificate_that_a_cascade_takes(
    labelled: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made" / "certificate.json"
    words = ["accept", labelled, "--truth", "digit", "--column", "small"]
    code, answer = run(
        capsys, *words, "--stronger", "large", "--max-loss", "0.01", "--out", str(out), "--model-name", "small@1"
    )
    assert (code, answer["certificate"]["threshold"]) == (0, 0.7)
    learnt = Certificate.from_dict(json.loads(out.read_text()))
    models = [FunctionModel(print, outputs=["y"], name=name, version="1") for name in ("small", "large")]
    assert Cascade(models, accept=learnt).accept == (0.7,)
    code, answer = run(capsys, *words, "--max-error", "0.0001", "--out", str(out))
    assert (code, answer["outcome"]) == (2, "undecided")
    assert "more labels are needed" in answer["text"]
    # The older one must not be used on.
    with pytest.raises(ConfigurationError, match="No threshold of the model"):
        Cascade(models, accept=Certificate.from_dict(json.loads(out.read_text())))


def test_calibrate(labelled: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "calibration.json"
    words = ["calibrate", labelled, "--truth", "digit", "--column"]
    code, answer = run(capsys, *words, "small", "--out", str(out))
    assert (code, answer["calibration"]["labels"]) == (0, 2000)
    assert CalibrationMap.from_dict(json.loads(out.read_text())).slope > 1
    code, answer = run(capsys, *words, "large")
    assert (code, "0 labelled confidences" in answer["error"]) == (3, True)


def test_a_model_has_a_price(labelled: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="4"):
        main(["models", "choose", labelled, "--truth", "digit", "--model", "small", "--min-accuracy", "0.9"])
    assert "such as small=0.0001" in capsys.readouterr().err
