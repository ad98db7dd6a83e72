from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from airflow_provider_aiguard.core.errors import ConfigurationError, ModelIntegrityError
from airflow_provider_aiguard.models.pinned import PinnedFile


def test_the_pinned_bytes_are_given_out_and_no_others(tmp_path: Path) -> None:
    path = tmp_path / "m"
    path.write_bytes(b"weights")
    file = PinnedFile(path, f" {hashlib.sha256(b'weights').hexdigest().upper()} ")
    assert file.read() == b"weights"
    path.write_bytes(b"others")
    with pytest.raises(ModelIntegrityError, match=r"pinned is '[0-9a-f]{64}'. It was not loaded"):
        file.read()
    path.unlink()
    with pytest.raises(ModelIntegrityError, match="cannot be read: No such file"):
        file.read()


@pytest.mark.parametrize("wrong", ["", "abc", "g" * 64])
def test_a_pin_is_a_sha256(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match="must be 64 hexadecimal characters"):
        PinnedFile("m", wrong)
