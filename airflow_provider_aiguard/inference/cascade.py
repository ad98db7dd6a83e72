"""Cheaper models first: which models, in which order, and when the next one is asked. Nothing is asked here."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, get_args

from airflow_provider_aiguard.core.calibration_map import CalibrationMap
from airflow_provider_aiguard.core.certificate import Certificate
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.money import parse_usd
from airflow_provider_aiguard.core.price import Price
from airflow_provider_aiguard.core.run import ModelIdentity
from airflow_provider_aiguard.models.concurrency import Pacing

if TYPE_CHECKING:
    from airflow_provider_aiguard.inference.plan import InferencePlan
    from airflow_provider_aiguard.models.base import Model

OnUncertified = Literal["fail", "escalate", "accept"]

MOST_ROWS = 10_000
"""Rows of a chunk: more would cost memory and gain no time."""

ROUNDS = 20
"""So often a model that asks about some rows at a time does so in a chunk. A chunk is held for as a whole, at the most
it can cost, and at its end the slowest row is waited for."""

NOTHING = math.inf
"""A threshold that no confidence reaches."""

EVERYTHING = -math.inf
"""A threshold that every answer reaches, also one without a confidence."""


@dataclass(frozen=True)
class Level:
    """One model of a cascade, with its price and its calibration.

    :param model: who makes the claims.
    :param price_per_row: USD for one row sent to it, as a string such as ``"0.0001"``; ``"0"`` declares a free model.
    :param price: USD for tokens and calls of a model that counts them, a ``Price``. Default: the listed price.
    :param calibration: turns its confidences into calibrated ones. Default: they are taken as they are.
    """

    model: Model
    price_per_row: str | int | Decimal | None = None
    price: Price | Literal["listed"] | None = None
    calibration: CalibrationMap | None = None

    def plan(self, plan: InferencePlan) -> InferencePlan:
        """Give what a step does with this model's price."""
        row = None if self.price_per_row is None else parse_usd(self.price_per_row, what="price_per_row")
        listed = row is None and counts_tokens(self.model)
        return replace(plan, price_per_row=row, price=self.price or ("listed" if listed else None))


class Cascade:
    """Asks the cheapest model first, and the next one about what it was not sure of.

    A row whose confidence passes goes no further; with several outputs, all that were asked for must pass. A missing
    confidence never passes. A row that a model fails on goes on, too. Each model has its own price, its own hold and
    its own work keys, so that each is paid once.

    :param models: the models, the cheapest first: each a model, or a ``Level`` that declares its price.
    :param accept: lowest confidence, in [0, 1], that goes no further: one number for all models but the last, or one
        for each of them. Or the ``Certificate`` that ``aiguard models accept`` learnt.
    :param reject_below: lowest confidence of the last model: rows below are rejects (reason ``not_confident``).
        Default: what it says stands.
    :param fallback: who answers if a model is away, or too dear for ``on_budget="cheaper"``: another model, or one of
        ``models``, whose answers then stand, however sure. Default: a model that is away fails the task.
    :param on_uncertified: what a certificate without a threshold means: ``"fail"`` (default), ``"escalate"`` every row
        to the last model, or ``"accept"`` what the cheapest says, because the quality cannot be met anyway.
    """

    def __init__(
        self,
        models: Sequence[Model | Level],
        *,
        accept: float | Sequence[float] | Certificate | None = None,
        reject_below: float | None = None,
        fallback: Model | Level | None = None,
        on_uncertified: OnUncertified = "fail",
    ) -> None:
        self.levels = tuple(map(_level, models))
        self.certificate = accept if isinstance(accept, Certificate) else None
        self.accept = _thresholds(accept, len(self.levels), on_uncertified)
        self.reject_below = None if reject_below is None else _threshold(reject_below, "reject_below")
        self._fallback = None if fallback is None else _level(fallback)

    @property
    def fallback(self) -> int | None:
        """Position of the fallback in :attr:`all`, ``None`` if there is none."""
        if self._fallback is None:
            return None
        return next((i for i, level in enumerate(self.levels) if self._fallback.model is level.model), len(self.levels))

    @property
    def all(self) -> tuple[Level, ...]:
        """The levels, and the fallback behind them if it is none of them."""
        apart = self.fallback == len(self.levels)
        return (*self.levels, self._fallback) if apart and self._fallback else self.levels

    @property
    def identity(self) -> ModelIdentity:
        """All models by name, and the hash of everything that decides the answers."""
        models = [level.model.identity for level in self.all]
        if len(models) == 1 and self.levels[0].calibration is None and self.reject_below is None:
            return models[0]
        decides: dict[str, Any] = {
            "models": [[model.name, model.version, model.fingerprint] for model in models],
            "calibrations": [level.calibration and level.calibration.to_dict() for level in self.all],
            "accept": [repr(threshold) for threshold in self.accept],
            "reject_below": self.reject_below,
            "fallback": self.fallback,
        }
        fingerprint = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()
        names = " > ".join(model.name for model in models[: len(self.levels)])
        spare = f" or {models[-1].name}" if len(models) > len(self.levels) else ""
        return ModelIdentity(name=names + spare, version=fingerprint[:12], fingerprint=fingerprint)

    @property
    def inputs(self) -> tuple[str, ...] | None:
        """The columns that the models name, if all of them name theirs."""
        named = [getattr(level.model, "inputs", None) for level in self.all]
        return None if None in named else tuple(dict.fromkeys(name for names in named for name in names or ()))

    @property
    def chunk_size(self) -> int:
        """Rows of a chunk, where the author says nothing: few, where a model asks about a few at a time."""
        return min([MOST_ROWS, *(ROUNDS * rows for level in self.all if (rows := _at_once(level.model)))])

    def plans(self, plan: InferencePlan) -> list[InferencePlan]:
        """Give what a step does for each model of :attr:`all`, with its price.

        :raises ConfigurationError: if the step has a price of its own.
        :raises PriceUnknownError: if a budget in USD is set and one of them has no price.
        """
        if plan.price is not None or plan.price_per_row is not None:
            raise ConfigurationError(
                f"The models of a cascade have prices of their own; the step has "
                f"{str(plan.price_per_row or plan.price)!r}. Declare each with Level(model, price_per_row=...)."
            )
        if plan.on_budget == "cheaper" and len(self.all) < 2:
            raise no_cheaper()
        plans = [level.plan(plan) for level in self.all]
        for one in plans:
            one.require_price()
        return plans

    def require_learnt_for(self) -> None:
        """Refuse a certificate that was learnt for another model.

        :raises ConfigurationError: if it was.
        """
        cheap = str(self.levels[0].model.identity)
        if self.certificate is not None and self.certificate.model not in ("", cheap):
            raise ConfigurationError(
                f"The certificate was learnt for {self.certificate.model!r}, the cascade begins with {cheap!r}. A new "
                "model or prompt needs a new one: aiguard models accept."
            )

    def close(self) -> None:
        """Close all models."""
        with ExitStack() as stack:
            for level in self.all:
                stack.callback(level.model.close)


def counts_tokens(model: Any) -> bool:
    """Whether a model is paid by the token."""
    return bool(getattr(model, "counts_tokens", hasattr(model, "most_usage")))


def _at_once(model: Model) -> int | None:
    """Rows that a model asks about at a time; ``None`` for one that takes a chunk as a whole."""
    rows: int | None = getattr(model, "at_once", None)
    return Pacing().in_flight if rows is None and counts_tokens(model) else rows


def routes(plan: InferencePlan, model: Model | Cascade) -> tuple[Cascade, list[InferencePlan]]:
    """Give who is asked, and what the step does for each of them.

    :param plan: what the step does.
    :param model: one model, whose price is the plan's, or a cascade.
    :raises ConfigurationError: if they do not go together.
    :raises PriceUnknownError: if a budget in USD is set and a model has no price.
    """
    if isinstance(model, Cascade):
        return model, model.plans(plan)
    require_no_other(plan)
    return Cascade([model]), [plan]


def require_no_other(plan: InferencePlan) -> None:
    """Refuse a plan that one model alone cannot fulfil.

    :raises ConfigurationError: if a cheaper one is to answer.
    :raises PriceUnknownError: if a budget in USD is set and there is no price.
    """
    if plan.on_budget == "cheaper":
        raise no_cheaper()
    plan.require_price()


def no_cheaper() -> ConfigurationError:
    """Make the error for a policy that needs two models."""
    return ConfigurationError("on_budget='cheaper' needs a cheaper model: a Cascade of two, or with a fallback=.")


def _level(model: Model | Level) -> Level:
    return model if isinstance(model, Level) else Level(model)


def _threshold(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ConfigurationError(f"{what} must be a confidence in [0, 1]; got {value!r}.")
    return float(value)


def _thresholds(accept: Any, levels: int, on_uncertified: str) -> tuple[float, ...]:
    """Give the threshold of each level but the last."""
    if on_uncertified not in get_args(OnUncertified):
        raise ConfigurationError(f"on_uncertified must be one of {get_args(OnUncertified)!r}; got {on_uncertified!r}.")
    if not levels:
        raise ConfigurationError("A cascade needs at least one model; got none.")
    if levels == 1:
        if accept is not None:
            raise ConfigurationError(
                f"accept={accept!r} says when the next model is not asked, and this cascade has one model. Leave it "
                "out; to reject what the last model is not sure of, give reject_below=."
            )
        return ()
    if isinstance(accept, Certificate):
        found = [_certified(accept, on_uncertified)]
    else:
        given = [accept] * (levels - 1) if isinstance(accept, int | float) else list(accept or ())
        found = [_threshold(value, "accept") for value in given]
    if len(found) != levels - 1:
        raise ConfigurationError(
            f"A cascade of {levels} models needs {levels - 1} thresholds, one for each model but the last; got "
            f"accept={accept!r}. Learn one with aiguard models accept."
        )
    return tuple(found)


def _certified(certificate: Certificate, on_uncertified: str) -> float:
    if certificate.threshold is not None:
        return _threshold(certificate.threshold, "The certificate's threshold")
    if on_uncertified == "fail":
        raise ConfigurationError(
            f"{certificate} Label more rows, or say what to do without one: on_uncertified='escalate' asks the last "
            "model about every row, 'accept' takes what the cheapest says."
        )
    return NOTHING if on_uncertified == "escalate" else EVERYTHING
