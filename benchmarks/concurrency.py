"""How much of the ideal rows x latency / concurrency is reached, with 64 requests in flight.

Over a real socket, against a provider in a process of its own that answers after so long: the whole of it, from the
DataFrame through prompts, SDK, HTTP, JSON and validation to claims. And the pace alone, against a sleep. Beside each
stands what a bare client reaches against the same server in the same run: asyncio's sleep, pydantic-ai's agent,
aiohttp. A sleep ends late by the timer's rounding, so the pace is held to the bare sleep. Seconds include what else
the machine does; the CPU of a request hardly does, and tells what would fit: 64 in flight at a latency can only be
kept up if a request costs less than latency / 64.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from airflow_provider_aiguard import HttpModel, LanguageModel, Pacing
from airflow_provider_aiguard.models.concurrency import Pace, each
from tests.llm_server import serve_in_another_process

IN_FLIGHT = 64
ROWS = 64 * 20
MARK = 0.9
PACING = Pacing(in_flight=IN_FLIGHT)
CHUNK = pd.DataFrame({"text": ["my bag is late"] * ROWS})


@dataclass(frozen=True)
class Took:
    """What :data:`ROWS` rows took: seconds, and CPU seconds of this process."""

    seconds: float
    cpu: float

    def share(self, latency: float) -> float:
        """How much of the ideal was reached."""
        return ROWS * latency / IN_FLIGHT / self.seconds

    def told(self, latency: float) -> str:
        """Say so."""
        return f"{self.share(latency):.2f} of it, {1000 * self.cpu / ROWS:.2f} ms CPU a request"


def main() -> int:
    for name in ("httpx", "httpx2"):
        logging.getLogger(name).setLevel(logging.WARNING)
    held = True
    for name, latency, measure in (
        ("pace alone, 50 ms", 0.05, pace_alone),
        ("language model, 500 ms", 0.5, language_model),
        ("language model, 1 s", 1.0, language_model),
        ("HTTP model, one row a request, 100 ms", 0.1, http_model),
    ):
        ours, bare = measure(latency)
        least = MARK * (bare.share(latency) if measure is pace_alone else 1)
        reached = ours.share(latency) >= least
        held &= reached
        print(
            f"{name}: {ROWS} rows, ideal {ROWS * latency / IN_FLIGHT:.2f} s ({1000 * latency / IN_FLIGHT:.2f} ms a "
            f"request): {ours.told(latency)} ({'meets' if reached else 'misses'} {least:.2f}); "
            f"bare {bare.told(latency)}",
            flush=True,
        )
    return int(not held)


def pace_alone(latency: float) -> tuple[Took, Took]:
    async def run() -> tuple[Took, Took]:
        pace = Pace(PACING, _raise)
        ours = await _awaited(lambda _: pace.call(lambda: asyncio.sleep(latency)))
        return ours, await _awaited(lambda _: asyncio.sleep(latency))

    return asyncio.run(run())


def language_model(latency: float) -> tuple[Took, Took]:
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    with serve_in_another_process(latency) as url:

        def connected() -> OpenAIChatModel:
            return OpenAIChatModel("bench", provider=OpenAIProvider(base_url=url, api_key="key"))

        asks = {"prompt": "Classify: {text}", "output_type": ["late", "lost"], "output": "kind"}
        model = LanguageModel(connected, pacing=PACING, **asks)
        return _timed(model), asyncio.run(_bare_agent(connected(), model))


async def _bare_agent(connected: Any, model: LanguageModel) -> Took:
    from pydantic_ai import Agent

    agent = Agent(connected, output_type=model.form.schema, instructions=model.instructions)
    rows = model.prompt.rows(CHUNK)
    return await _awaited(lambda i: agent.run(rows[i]))


def http_model(latency: float) -> tuple[Took, Took]:
    with serve_in_another_process(latency, json_model=True) as url:
        model = HttpModel(url, model="bench", outputs=["kind"], protocol="json", batch_size=1, pacing=PACING)
        return _timed(model), asyncio.run(_bare_client(url))


async def _bare_client(url: str) -> Took:
    import aiohttp

    async with aiohttp.ClientSession() as session:

        async def ask(i: int) -> Any:
            async with session.post(url, json={"instances": [{"text": CHUNK["text"].iloc[i]}]}) as response:
                response.raise_for_status()
                return (await response.json())["predictions"][0]["kind"]

        return await _awaited(ask)


def _timed(model: LanguageModel | HttpModel) -> Took:
    model.predict(CHUNK[:IN_FLIGHT])  # imports, connections
    started, cpu = time.perf_counter(), time.process_time()
    claims = model.predict(CHUNK)
    took = Took(time.perf_counter() - started, time.process_time() - cpu)
    model.close()
    assert claims.failures == {}
    return took


async def _awaited(work: Callable[[int], Awaitable[Any]]) -> Took:
    await each(work, range(IN_FLIGHT), at_once=IN_FLIGHT)  # imports, connections
    started, cpu = time.perf_counter(), time.process_time()
    await each(work, range(ROWS), at_once=IN_FLIGHT)
    return Took(time.perf_counter() - started, time.process_time() - cpu)


def _raise(error: Exception) -> None:
    raise error


if __name__ == "__main__":
    sys.exit(main())
