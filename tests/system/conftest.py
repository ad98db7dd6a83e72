"""Fixture ``marquez``: each test once against what a real Marquez answered, and once against a real one."""

from __future__ import annotations

import json
import os
import re
import uuid
from typing import TYPE_CHECKING

import pytest
from marquez_scene import NAMES, Scene, recorded

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def recording_from() -> str | None:
    """URL of the Marquez to record from; ``None`` to replay."""
    if not os.environ.get("MARQUEZ_RECORD"):
        return None
    NAMES.write_text(json.dumps({"seed": uuid.uuid4().hex[:8]}) + "\n", encoding="utf-8")
    return os.environ["MARQUEZ_URL"]


@pytest.fixture(params=["recorded", pytest.param("real", marks=pytest.mark.marquez)])
def marquez(request: pytest.FixtureRequest, recording_from: str | None) -> Iterator[Scene]:
    """A Marquez and names in it of one's own."""
    if request.param == "real":
        yield Scene(os.environ["MARQUEZ_URL"], uuid.uuid4().hex[:8], real=True)
        return
    name = re.sub(r"\[.*", "", request.node.name).removeprefix("test_")
    with recorded(name, recording_from) as scene:
        yield scene
