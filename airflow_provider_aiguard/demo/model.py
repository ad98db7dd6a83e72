"""The demo's model: gradient-boosted trees that know January."""

from __future__ import annotations

import hashlib
import os
import pickle
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.errors import ModelIntegrityError
from airflow_provider_aiguard.demo.flights import FEATURES

if TYPE_CHECKING:
    import pandas as pd

FOLDER_VARIABLE = "AIGUARD_DEMO_FOLDER"
"""Environment variable with the folder that holds the model and the warehouse."""


def train(flights: pd.DataFrame, folder: Path) -> str:
    """Fit a classifier of ``late`` on January's flights, pickle it into ``folder`` and return its sha256."""
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    january = flights[(flights["month"] == 1) & flights["late"].notna()]
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    encode = make_column_transformer((codes, ["carrier", "origin", "dest"]), remainder="passthrough")
    model = make_pipeline(encode, HistGradientBoostingClassifier(max_iter=60, random_state=2013))
    model.fit(january[FEATURES], january["late"].astype(bool))
    content = pickle.dumps(model)
    digest = hashlib.sha256(content).hexdigest()
    (folder / "late.pkl").write_bytes(content)
    (folder / "late.sha256").write_text(digest)
    return digest


@cache
def load() -> Any:
    """Load the model that :func:`train` left in the demo's folder.

    :raises ModelIntegrityError: if it is not that model.
    """
    folder = Path(os.environ.get(FOLDER_VARIABLE, ".demo"))
    content = (folder / "late.pkl").read_bytes()
    if hashlib.sha256(content).hexdigest() != (folder / "late.sha256").read_text():
        raise ModelIntegrityError(f"The model in {str(folder)!r} is not the one that was trained. Run the demo again.")
    return pickle.loads(content)  # noqa: S301
