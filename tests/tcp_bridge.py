"""A port of this machine that leads to a Unix socket: the tests' PostgreSQL has none, and its users' have."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def tcp_bridge(path: str) -> Iterator[int]:
    """Give a port on 127.0.0.1 whose connections are those of the socket.

    :param path: of the Unix socket.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_accept, args=(server, path), daemon=True).start()
        yield server.getsockname()[1]


def _accept(server: socket.socket, path: str) -> None:
    with suppress(OSError):  # the server was closed
        while True:
            near, _ = server.accept()
            far = socket.socket(socket.AF_UNIX)
            far.connect(path)
            for pair in ((near, far), (far, near)):
                threading.Thread(target=_pump, args=pair, daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
