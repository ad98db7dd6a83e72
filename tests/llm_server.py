"""A scripted server that speaks OpenAI's two protocols, chat and responses, over a real socket: the tests' provider.

It answers each request by what ``answer`` says about the row in it, after ``latency`` seconds, unless the script has
something else in store for that request: 429 with Retry-After, 500, a hang, a dropped connection, truncated JSON,
wrong usage numbers. What it was asked, and what it would have charged, can be looked at afterwards.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

ROW = re.compile(r"<row>\n(.*?)\n</row>", re.DOTALL)


@dataclass(frozen=True)
class Reply:
    """Something else than a good answer.

    :param status: HTTP status.
    :param headers: more headers.
    :param body: bytes instead of an answer.
    :param usage: other usage numbers than the true ones, ``"absent"`` for none.
    :param text: the model's words instead of a good answer.
    :param finish_reason: why the model stopped.
    :param hang: accept the request and never answer.
    :param drop: close the connection without a word.
    :param cut: send only so many bytes of the body that was promised, and close.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    usage: Any = None
    text: str | None = None
    finish_reason: str = "stop"
    hang: bool = False
    drop: bool = False
    cut: int | None = None


GOOD = Reply()


def too_many(**headers: str) -> Reply:
    """429: come back in 50 ms, or when ``headers`` say."""
    body = json.dumps({"error": {"message": "slow down", "type": "tokens", "code": "rate_limit_exceeded"}})
    return Reply(429, {k.replace("_", "-"): v for k, v in (headers or {"retry_after_ms": "50"}).items()}, body.encode())


def broken(status: int = 500, code: str = "server_error") -> Reply:
    """An error of the provider's; its words quote the row, as words of providers do."""
    return Reply(status, {}, json.dumps({"error": {"message": "cannot do 'secret row'", "code": code}}).encode())


class LLMServer:
    """The server, in a thread of its own, until the ``with`` block ends.

    :param answer: row in, answer out: the fields to fill in.
    :param latency: seconds before each answer, in order.
    :param script: what to do with each request in order, good answers when it ends; or a function of the request body.
    :param logprob: log probability of each token of an answer, if it is asked for.
    """

    def __init__(
        self,
        answer: Callable[[dict[str, Any]], dict[str, Any]],
        *,
        latency: Iterable[float] = (),
        script: Iterable[Reply] | Callable[[dict[str, Any]], Reply] = (),
        logprob: Callable[[str], float] | None = None,
    ) -> None:
        self.answer = answer
        self.latency: Iterator[float] = iter(latency)
        self.script = script if callable(script) else _one_by_one(script)
        self.logprob = logprob
        self.requests: list[dict[str, Any]] = []
        """Bodies of the requests, in order."""
        self.times: list[float] = []
        """When they came, in seconds."""
        self.connections = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self.charged = {"requests": 0, "input_tokens": 0, "output_tokens": 0}
        """The true bill: every request that was answered, or that the model worked for."""
        self.url = ""
        self._ready = threading.Event()
        self._stop: asyncio.Event | None = None

    def __enter__(self) -> LLMServer:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The row in each request."""
        return [_row_of(request) for request in self.requests]

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._open: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()[:2]
        self.url = f"http://{host}:{port}/v1"
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in self._open:
            task.cancel()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            while await self._one_request(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(task)
            writer.close()

    async def _one_request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(re.search(r"content-length: (\d+)", head, re.IGNORECASE)[1])  # type: ignore[index]
        request = json.loads(await reader.readexactly(length))
        self.requests.append(request)
        self.times.append(self._loop.time())
        reply = self.script(request)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(next(self.latency, 0.0))
            if reply.hang:
                await reader.read(1)
                return False
            return await self._send(writer, request, reply)
        finally:
            self.in_flight -= 1

    async def _send(self, writer: asyncio.StreamWriter, request: dict[str, Any], reply: Reply) -> bool:
        if reply.drop:
            return False
        body = reply.body if reply.body is not None else json.dumps(self._completion(request, reply)).encode()
        headers = {"content-type": "application/json", "content-length": str(len(body)), **reply.headers}
        head = f"HTTP/1.1 {reply.status} scripted\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items())
        writer.write(head.encode() + b"\r\n" + body[: reply.cut])
        await writer.drain()
        return reply.cut is None

    def _completion(self, request: dict[str, Any], reply: Reply) -> dict[str, Any]:
        text = reply.text if reply.text is not None else json.dumps(self.answer(_row_of(request)))
        used = {"input_tokens": len(json.dumps(_said(request))) // 4, "output_tokens": 1 + len(text) // 4}
        self.charged["requests"] += 1
        for name, tokens in used.items():
            self.charged[name] += tokens
        make = self._response if "input" in request else self._chat
        completion = make(request, reply, text, used)
        if reply.usage == "absent":
            del completion["usage"]
        elif reply.usage is not None:
            completion["usage"] = reply.usage
        return completion

    def _chat(self, request: dict[str, Any], reply: Reply, text: str, used: dict[str, int]) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if tools := request.get("tools"):
            call = {"name": tools[0]["function"]["name"], "arguments": text}
            message["content"] = None
            message["tool_calls"] = [{"id": f"call_{len(self.requests)}", "type": "function", "function": call}]
        choice = {"index": 0, "finish_reason": reply.finish_reason, "message": message}
        if request.get("logprobs") and self.logprob is not None:
            choice["logprobs"] = {"content": self._tokens(text)}
        return {
            "id": f"chatcmpl-{len(self.requests)}",
            "object": "chat.completion",
            "created": 1,
            "model": request["model"],
            "choices": [choice],
            "usage": {
                "prompt_tokens": used["input_tokens"],
                "completion_tokens": used["output_tokens"],
                "total_tokens": sum(used.values()),
            },
        }

    def _response(self, request: dict[str, Any], reply: Reply, text: str, used: dict[str, int]) -> dict[str, Any]:
        n = len(self.requests)
        content = {"type": "output_text", "text": text, "annotations": []}
        if "message.output_text.logprobs" in (request.get("include") or ()) and self.logprob is not None:
            content["logprobs"] = self._tokens(text)
        message = {
            "id": f"msg_{n}",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [content],
        }
        if tools := request.get("tools"):
            call = {"call_id": f"call_{n}", "name": tools[0]["name"], "arguments": text}
            message = {"id": f"fc_{n}", "type": "function_call", "status": "completed", **call}
        return {
            "id": f"resp_{n}",
            "object": "response",
            "created_at": 1,
            "model": request["model"],
            "status": "completed",
            "output": [message],
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": {
                **used,
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": sum(used.values()),
            },
        }

    def _tokens(self, text: str) -> list[dict[str, Any]]:
        return [self._token(token) for token in re.findall(r"\w+|[^\w]", text)]

    def _token(self, token: str) -> dict[str, Any]:
        assert self.logprob is not None
        return {"token": token, "bytes": list(token.encode()), "logprob": self.logprob(token), "top_logprobs": []}


@contextmanager
def serve_in_another_process(latency: float, *, json_model: bool = False) -> Iterator[str]:
    """The address of a server that always takes so long, for benchmarks: it must not share our interpreter.

    :param latency: seconds of each answer.
    :param json_model: answer as an HTTP model of one row does, not as a language model.
    """
    import multiprocessing

    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_serve_until_closed, args=(theirs, latency, json_model)
    )
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send("stop")
        process.join(10)


def _serve_until_closed(pipe: Any, latency: float, json_model: bool) -> None:
    prediction = Reply(body=b'{"predictions": [{"kind": "late"}]}')
    script = repeat(prediction) if json_model else ()
    with LLMServer(lambda row: {"kind": "late"}, latency=repeat(latency), script=script) as server:
        pipe.send(server.url)
        pipe.recv()


def _one_by_one(script: Iterable[Reply]) -> Callable[[dict[str, Any]], Reply]:
    replies = iter(script)
    return lambda _: next(replies, GOOD)


def _said(request: dict[str, Any]) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = request.get("messages") or request["input"]
    return messages


def _row_of(request: dict[str, Any]) -> dict[str, Any]:
    for message in _said(request):
        if message.get("role") == "user" and (found := ROW.search(_text(message["content"]))):
            row: dict[str, Any] = json.loads(found[1])
            return row
    return {}


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
