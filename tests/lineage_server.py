"""A backend of lineage over a real socket that keeps the state of runs as Marquez does, and can be in a bad mood.

Moods: ``well``; ``garbage`` (bytes that are no HTTP); ``hangs`` (reads, never answers); ``deaf`` (the same, but it
takes the event); ``drips`` (one byte of the
answer after the other); a status such as ``500`` or ``422``. A killed backend refuses connections; it keeps its state.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

TERMINAL = {"COMPLETE", "FAIL", "ABORT"}


class LineageServer:
    """Knows runs by their id, as the last event that it read left them."""

    def __init__(self) -> None:
        self.mood: str | int = "well"
        self.refuses: Callable[[dict[str, Any]], int] = lambda _event: 0
        """Status for an event that is not taken; 0 takes it."""
        self.events: list[dict[str, Any]] = []
        self.runs: dict[str, list[str]] = {}
        """Types of the events of each run, in the order in which they were read."""
        self.requests = 0
        self.is_marquez = True
        """Whether it has Marquez's REST API; its datasets and jobs are unknown then."""
        self.tell: Callable[[str], Any] = lambda _request: None
        """What it says to a question; ``None`` for what it does not know."""
        self.asked: list[str] = []
        """Request lines that were not events."""
        self.heads: list[str] = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._listener: socket.socket | None = None
        self._connections: list[socket.socket] = []
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def name(self) -> str:
        """What the store knows it by."""
        return f"{self.url}/api/v1/lineage"

    def __enter__(self) -> LineageServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        self.mood = "well"
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(128)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def kill(self) -> None:
        """Refuse connections, and break off those that are open."""
        self.mood = "killed"
        listener, self._listener = self._listener, None
        if listener is not None:
            # Closing alone leaves the thread that waits in accept with the socket.
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
                connection.close()
            self._connections.clear()

    def state(self) -> dict[str, str]:
        """State of each run."""
        return {run_id: types[-1] for run_id, types in self.runs.items()}

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError, ValueError), connection, connection.makefile("rb") as reader:
            while self._answer(connection, reader):
                pass

    def _answer(self, connection: socket.socket, reader: Any) -> bool:
        head = [reader.readline().decode()]
        while head[-1].strip():
            head.append(reader.readline().decode())
        if not head[0].strip():
            return False
        length = next((int(line.split(":")[1]) for line in head if line.lower().startswith("content-length")), 0)
        body = reader.read(length)
        self.requests += 1
        self.heads.append("".join(head))
        if self.mood == "garbage":
            connection.sendall(b"\x00\xff\x13 this is no HTTP \xfe\r\n\r\n")
            return False
        if self.mood in ("hangs", "deaf"):
            if self.mood == "deaf":
                self._take(head[0], body)
            time.sleep(30)
            return False
        if self.mood == "drips":
            for _ in range(300):
                connection.sendall(b"H")
                time.sleep(0.1)
            return False
        if head[0].startswith("GET "):
            status, text = self._tell(head[0])
        else:
            status = self.mood if isinstance(self.mood, int) else self._take(head[0], body)
            text = b'{"code": %d, "message": "in a mood"}' % status if status >= 400 else b""
        connection.sendall(
            b"HTTP/1.1 %d .\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
            % (status, len(text), text)
        )
        return True

    def _tell(self, request: str) -> tuple[int, bytes]:
        self.asked.append(request.strip())
        if self.is_marquez and request.startswith("GET /api/v1/tags"):
            return 200, b'{"tags": []}'
        told = self.tell(request)
        return (404, b"{}") if told is None else (200, json.dumps(told).encode())

    def _take(self, request: str, body: bytes) -> int:
        if not request.startswith("POST /api/v1/lineage "):
            return 404
        event = json.loads(body)
        if not event:
            return 422
        status = self.refuses(event)
        if status:
            return status
        with self._lock:
            self.events.append(event)
            if "run" in event:
                self.runs.setdefault(event["run"]["runId"], []).append(event["eventType"])
        return 201
