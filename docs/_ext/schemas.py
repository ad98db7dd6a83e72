"""Publishes the JSON Schemas of the package below ``schemas/``: there events say they are."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

SCHEMAS = Path(__file__).parents[2] / "airflow_provider_aiguard" / "lineage" / "schemas"


def publish(app: Sphinx, error: Exception | None) -> None:
    """Copy the schemas, byte by byte, if the pages are in HTML."""
    if error is None and app.builder.format == "html":
        shutil.copytree(SCHEMAS, Path(app.outdir) / "schemas", dirs_exist_ok=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Wait for the end of the build."""
    app.connect("build-finished", publish)
    return {"parallel_read_safe": True}
