"""Sphinx configuration. Nothing is fetched while the documentation is built."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent

# The parameter tables import the operators, and importing Airflow makes a folder: never the user's.
os.environ["AIRFLOW_HOME"] = str(HERE / "_build" / "airflow")
os.environ.pop("AIRFLOW_CONFIG", None)
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

project = "AI Guard for Apache Airflow"
author = "The AI Guard authors"
project_copyright = "The AI Guard authors. Apache-2.0"

extensions = ["myst_parser", "parameters", "schemas"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3
nitpicky = True

html_theme = "furo"
html_title = "AI Guard for Apache Airflow"
html_static_path = ["_static"]
html_show_sourcelink = False
html_copy_source = False
