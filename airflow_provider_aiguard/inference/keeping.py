"""Answers are kept while the model is still asked about more: whoever kills the worker has paid for them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from airflow_provider_aiguard.core.errors import StoreUnavailableError

T = TypeVar("T")

logger = logging.getLogger(__name__)

KEEP_SECONDS = 1.0
"""How long answers lie about before they are kept."""

LEAST_REST = 20
"""So many times as long as it kept, at least, a keeper rests: it takes 5 % of the interpreter's time at most."""


def keep_meanwhile(keep: Callable[[], None], call: Callable[[], T]) -> T:
    """Call, and keep what there is from time to time, until the call ends, in whatever way.

    :param keep: keeps what there is, in a thread of its own. If the store is away it is called again later.
    :param call: what takes long.
    """
    over = threading.Event()

    def watch() -> None:
        rest = KEEP_SECONDS
        while not over.wait(rest):
            started = time.monotonic()
            try:
                keep()
            except StoreUnavailableError as error:
                logger.warning("Answers are not kept yet, a killed worker would lose them: %s", error)
            rest = max(KEEP_SECONDS, LEAST_REST * (time.monotonic() - started))

    keeper = threading.Thread(target=watch, name="aiguard-keeper", daemon=True)
    try:
        keeper.start()
        return call()
    finally:
        over.set()
        if keeper.ident is not None:
            keeper.join()
