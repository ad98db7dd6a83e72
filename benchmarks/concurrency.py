"""How much of the ideal rows x latency / concurrency is reached, with 64 requests in flight.

Over a real socket, against a provider in a process of its own that answers after half a second: the whole of it, from
the DataFrame through prompts, SDK, HTTP, JSON and validation to claims. And the pace alone, against a sleep.
"""

from __future__ import annotations

import asyncio
import logging
import time

import pandas as pd

from airflow_provider_aiguard import HttpModel, LanguageModel, Pacing
from airflow_provider_aiguard.models.concurrency import Pace, each
from tests.llm_server import serve_in_another_process

IN_FLIGHT = 64
ROWS = 64 * 20
MARK = 0.9


def main() -> None:
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    for name, latency, seconds in (
        ("pace alone, 5 ms", 0.005, pace_alone(0.005)),
        ("language model, 500 ms", 0.5, language_model(0.5)),
        ("language model, 1 s", 1.0, language_model(1.0)),
        ("HTTP model, one row a request, 100 ms", 0.1, http_model(0.1)),
    ):
        ideal = ROWS * latency / IN_FLIGHT
        share = ideal / seconds
        print(
            f"{name}: {ROWS} rows in {seconds:.2f} s, ideal {ideal:.2f} s: {share:.2f} of it "
            f"({'meets' if share >= MARK else 'misses'} {MARK})"
        )


def pace_alone(latency: float) -> float:
    async def run() -> float:
        pace = Pace(Pacing(in_flight=IN_FLIGHT), _raise)

        async def row(_: int) -> None:
            await pace.call(lambda: asyncio.sleep(latency))

        started = time.perf_counter()
        await each(row, range(ROWS), at_once=IN_FLIGHT)
        return time.perf_counter() - started

    return asyncio.run(run())


def language_model(latency: float) -> float:
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    with serve_in_another_process(latency) as url:
        model = LanguageModel(
            lambda: OpenAIChatModel("bench", provider=OpenAIProvider(base_url=url, api_key="key")),
            prompt="Classify: {text}",
            output_type=["late", "lost"],
            output="kind",
            pacing=Pacing(in_flight=IN_FLIGHT),
        )
        return _timed(model, pd.DataFrame({"text": ["my bag is late"] * ROWS}))


def http_model(latency: float) -> float:
    with serve_in_another_process(latency, json_model=True) as url:
        model = HttpModel(
            url, model="bench", outputs=["kind"], protocol="json", batch_size=1, pacing=Pacing(in_flight=IN_FLIGHT)
        )
        return _timed(model, pd.DataFrame({"text": ["my bag is late"] * ROWS}))


def _timed(model: LanguageModel | HttpModel, chunk: pd.DataFrame) -> float:
    model.predict(chunk[:IN_FLIGHT])  # imports, connections
    started = time.perf_counter()
    claims = model.predict(chunk)
    seconds = time.perf_counter() - started
    model.close()
    assert claims.failures == {}
    return seconds


def _raise(error: Exception) -> None:
    raise error


if __name__ == "__main__":
    main()
