"""A scripted HTTP endpoint over a real socket, for the tests of HTTP models."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Endpoint:
    """Answers each request by ``respond(body, path)``: a response body, or a pair of status and body.

    A body of bytes is sent as it is; a status of 0 closes the connection without a word.
    """

    def __init__(self, respond: Callable[[Any, str], Any]) -> None:
        self.respond = respond
        self.requests: list[Any] = []
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.connections = 0

    def __enter__(self) -> Endpoint:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Headers and body go out in two writes; with Nagle each answer would wait for an acknowledgement.
            disable_nagle_algorithm = True

            def setup(self) -> None:
                endpoint.connections += 1
                super().setup()

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"] or 0)) or "null")
                endpoint.requests.append(body)
                endpoint.paths.append(self.path)
                endpoint.headers.append({k.lower(): v for k, v in self.headers.items()})
                answer = endpoint.respond(body, self.path)
                status, answer, *more = answer if isinstance(answer, tuple) else (200, answer)
                if status == 0:
                    self.close_connection = True
                    return
                sent = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                for name, value in {"content-length": str(len(sent)), **(more[0] if more else {})}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(sent)

            do_GET = do_PUT = do_DELETE = do_POST  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.host, self.port = self.server.server_address[:2]
        self.url = f"http://{self.host}:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
