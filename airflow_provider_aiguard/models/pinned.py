"""Model files that are what they were: read whole, and given out only if their sha256 is the pinned one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from airflow_provider_aiguard.core.errors import ConfigurationError, ModelIntegrityError
from airflow_provider_aiguard.core.run import ModelIdentity


class PinnedFile:
    """A file and the hash it must have.

    :param path: the file.
    :param sha256: its sha256 in hexadecimal.
    :raises ConfigurationError: if that is no sha256.
    """

    def __init__(self, path: str | Path, sha256: str) -> None:
        self.path = Path(path)
        self.sha256 = sha256.strip().lower()
        if len(self.sha256) != 64 or not set(self.sha256) <= set("0123456789abcdef"):
            raise ConfigurationError(f"sha256 of {str(path)!r} must be 64 hexadecimal characters; got {sha256!r}.")

    def identity(self, name: str | None, version: str | None, *asked: Sequence[str] | str | None) -> ModelIdentity:
        """Say who the model in the file is.

        :param name: its name; the file's stem if ``None``.
        :param version: its version; the first 12 characters of the hash if ``None``.
        :param asked: what else decides its answers, for the fingerprint, each in its place; ``None`` for the default.
        """
        more = f"+{json.dumps(asked)}" if any(part is not None for part in asked) else ""
        return ModelIdentity(
            name=name or self.path.stem, version=version or self.sha256[:12], fingerprint=self.sha256 + more
        )

    def read(self) -> bytes:
        """Give the bytes that were hashed: the file cannot change in between.

        :raises ModelIntegrityError: if the file is missing or is not the pinned one.
        """
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise ModelIntegrityError(f"Model file {str(self.path)!r} cannot be read: {error.strerror}.") from error
        actual = hashlib.sha256(content).hexdigest()
        if actual != self.sha256:
            raise ModelIntegrityError(
                f"Model file {str(self.path)!r} has sha256 {actual!r}, pinned is {self.sha256!r}. It was not loaded. "
                "If the new file is the right one, pin its sha256."
            )
        return content
