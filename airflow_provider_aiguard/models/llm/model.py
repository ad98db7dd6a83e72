"""A language model over the rows of a table."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Literal, get_args

from airflow_provider_aiguard.core.claims import CUT_OFF, Claims, Failure, Usage
from airflow_provider_aiguard.core.errors import ConfigurationError, ModelUnavailableError
from airflow_provider_aiguard.core.provenance import ConfidenceSource
from airflow_provider_aiguard.core.run import ModelIdentity
from airflow_provider_aiguard.models.concurrency import Pacing, Remedy, each
from airflow_provider_aiguard.models.llm.answer import AnswerForm
from airflow_provider_aiguard.models.llm.prompt import Prompt
from airflow_provider_aiguard.models.loop import LoopThread

if TYPE_CHECKING:
    import pandas as pd

    from airflow_provider_aiguard.models.llm.session import RowAnswer, Session

log = logging.getLogger(__name__)

Confidence = Literal["logprob", "self_consistency", "verbalised", "agreement"]

MAX_TOKENS = 1_024
"""Tokens of one answer, reasoning included, unless ``model_settings`` says otherwise: the unbounded cannot be held."""


class LanguageModel:
    """Asks a language model about each row and takes its typed answer for claims.

    The row is sent as data, apart from the instructions, and can neither end nor extend them. An answer that does not
    fit ``output_type`` goes back to the model once, with what is wrong with it; then the row is a reject.

    :param model: a pydantic-ai model, or what returns one; called on first use, when the task runs.
    :param prompt: what to do with a row, its columns in braces: ``"Classify the complaint: {description}"``. The model
        sees only the columns that are named.
    :param output_type: a pydantic model with a field for each output column; or the list of labels, or the Python type,
        of the one column ``output``.
    :param output: the output column, if ``output_type`` is labels or a type.
    :param system_prompt: who the model is, before the prompt.
    :param model_settings: pydantic-ai's ``ModelSettings``, such as ``{"temperature": 0}``. ``max_tokens`` is 1,024
        unless set; the SDK's own retries are off.
    :param confidence: where the confidence of each column comes from. ``"logprob"``: probability of the tokens of the
        value, where the provider gives them (OpenAI and servers like it; others get no confidence).
        ``"self_consistency"``: share of ``samples`` answers that say the same. ``"agreement"``: of this model and
        ``second``. ``"verbalised"``: the model is asked. ``None``: no confidence, which no gate lets pass.
    :param samples: answers a row for ``"self_consistency"``, each paid for.
    :param second: the other model, for ``"agreement"``.
    :param name: name of the model; by default the provider's, such as ``openai:gpt-5-mini``.
    :param version: version of the model; by default the first 12 characters of the fingerprint.
    :param pacing: how many requests at a time, how long, how often.
    """

    def __init__(
        self,
        model: Any,
        *,
        prompt: str,
        output_type: Any,
        output: str | None = None,
        system_prompt: str = "",
        model_settings: Mapping[str, Any] | None = None,
        confidence: Confidence | None = None,
        samples: int = 5,
        second: Any = None,
        name: str | None = None,
        version: str | None = None,
        pacing: Pacing | None = None,
    ) -> None:
        _check_confidence(confidence, samples, second)
        self.prompt = Prompt(prompt)
        self.form = AnswerForm(output_type, output=output, verbalised=confidence == "verbalised")
        self.instructions = self.prompt.instructions(system_prompt)
        self.settings = {"max_tokens": MAX_TOKENS, **(model_settings or {}), "max_retries": 0}
        self.confidence = None if confidence is None else ConfidenceSource(confidence)
        self.samples = samples if confidence == "self_consistency" else 1
        self.pacing = pacing or Pacing()
        self._models = [model] if second is None else [model, second]
        self._name, self._version = name, version
        self._identity: ModelIdentity | None = None
        self._loop = LoopThread()
        self._closing: AsyncExitStack | None = None
        self._session: Session | None = None
        self._answers: list[RowAnswer | Failure | None] = []
        self._asked: pd.DataFrame | None = None

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns the model sees."""
        return self.prompt.columns

    @property
    def at_once(self) -> int:
        """Rows that are asked about at the same time."""
        return self.pacing.in_flight

    @property
    def identity(self) -> ModelIdentity:
        """The provider's model, and the hash of everything it is told. Makes the pydantic-ai model if need be."""
        if self._identity is None:
            names = [f"{model.system}:{model.model_name}" for model in self._made()]
            fingerprint = self._fingerprint(names)
            self._identity = ModelIdentity(
                name=self._name or " & ".join(names),
                version=self._version or fingerprint[:12],
                fingerprint=fingerprint,
            )
        return self._identity

    def most_usage(self, chunk: pd.DataFrame) -> Usage:
        """The most that :meth:`predict` can use for these rows, for a hold: all requests tried and repaired in full."""
        from airflow_provider_aiguard.models.llm.session import most_usage

        schema = len(json.dumps(self.form.schema.model_json_schema()))
        sizes = [len(row.encode()) + len(self.instructions.encode()) + schema for row in self.prompt.rows(chunk)]
        asked = self.samples * len(self._models)
        return most_usage(sizes, max_tokens=int(self.settings["max_tokens"]), times=asked * self.pacing.tries)

    def predict(self, chunk: pd.DataFrame) -> Claims:
        """Ask about every row, many at a time.

        :raises ConfigurationError: if the provider refuses all requests, such as for a wrong key.
        :raises ModelUnavailableError: if the provider is away: no row was answered, and many in a row were given up.
        """
        session = self._opened()
        session.start()
        self._answers, self._asked = [], chunk
        asked = each(session.ask, self.prompt.rows(chunk), at_once=self.pacing.in_flight, answers=self._answers)
        claims = self._claims(session, self._loop.run(asked))
        if session.stopped is not None and len(claims.failures) == len(chunk):
            _raise_outage(str(self.identity), session.stopped)
        return claims

    def sent(self, chunk: pd.DataFrame) -> Usage:
        """Give the most that ``predict(chunk)`` has used so far."""
        return self._session.usage if self._session is not None and self._asked is chunk else Usage()

    def answered(self, chunk: pd.DataFrame) -> Claims | None:
        """Give the claims that ``predict(chunk)`` has made so far."""
        answers = list(self._answers)
        if self._session is None or self._asked is not chunk or not any(answers):
            return None
        return self._claims(self._session, [CUT_OFF if answer is None else answer for answer in answers])

    def _claims(self, session: Session, answers: Sequence[RowAnswer | Failure]) -> Claims:
        return Claims(
            values={c: [None if isinstance(a, Failure) else a.values[c] for a in answers] for c in self.form.columns},
            confidences={}
            if self.confidence is None
            else {
                c: [None if isinstance(a, Failure) else a.confidences[c] for a in answers] for c in self.form.columns
            },
            confidence_source=self.confidence,
            failures={i: answer for i, answer in enumerate(answers) if isinstance(answer, Failure)},
            usage=session.usage,
            latency=session.latency,
        )

    def close(self) -> None:
        """Close the connections to the provider and stop the thread they lived in."""
        try:
            if self._closing is not None:
                self._loop.run(self._closing.aclose())
        finally:
            self._closing = self._session = None
            self._loop.close()

    def _made(self) -> list[Any]:
        self._models = [_model_of(model) for model in self._models]
        return self._models

    def _opened(self) -> Session:
        from airflow_provider_aiguard.models.llm.session import Session

        if self._session is None:
            self._session = Session(
                self._made(),
                form=self.form,
                instructions=self.instructions,
                settings=self.settings,
                confidence=self.confidence,
                samples=self.samples,
                pacing=self.pacing,
            )
            self._closing = AsyncExitStack()
            self._loop.run(self._session.enter(self._closing))
        return self._session

    def _fingerprint(self, names: Sequence[str]) -> str:
        told = {
            "models": names,
            "instructions": self.instructions,
            "schema": self.form.schema.model_json_schema(),
            "settings": self.settings,
            "confidence": self.confidence,
            "samples": self.samples,
        }
        return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def _check_confidence(confidence: Any, samples: int, second: Any) -> None:
    if confidence not in (None, *get_args(Confidence)):
        raise ConfigurationError(f"confidence must be one of {get_args(Confidence)!r} or None; got {confidence!r}.")
    if confidence == "self_consistency" and samples < 2:
        raise ConfigurationError(f"self_consistency needs at least 2 samples to compare; got samples={samples!r}.")
    if (confidence == "agreement") != (second is not None):
        raise ConfigurationError("confidence='agreement' and second= belong together: agreement is that of two models.")


def _model_of(model: Any) -> Any:
    """The pydantic-ai model, made if it is not there yet."""
    from pydantic_ai.models import Model

    made = model if isinstance(model, Model) else model()
    if not isinstance(made, Model):
        raise ConfigurationError(f"model must be a pydantic-ai model, or return one; got {type(made).__name__}.")
    return made


def _raise_outage(model: str, trouble: Any) -> None:
    why = f"{trouble.reason} ({trouble.detail})" if trouble.detail else trouble.reason
    if trouble.remedy is Remedy.STOP:
        raise ConfigurationError(
            f"The provider of {model} refuses every request: {why}. Check the connection's key, address and model."
        )
    raise ModelUnavailableError(
        f"The provider of {model} is away: {why}. No row of the chunk was answered; earlier chunks are written. "
        "Retry the task later."
    )
