"""An open line to the provider: voters that are asked about one row at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pydantic_ai
from pydantic_ai import NativeOutput, PromptedOutput
from pydantic_ai import exceptions as ai
from pydantic_ai.messages import ModelResponse, TextPart

from airflow_provider_aiguard.core.claims import Failure, Usage
from airflow_provider_aiguard.core.latency import LatencySummary
from airflow_provider_aiguard.core.provenance import ConfidenceSource
from airflow_provider_aiguard.models.concurrency import GaveUpError, Pace, Pacing, Trouble, all_of
from airflow_provider_aiguard.models.llm.answer import AnswerForm
from airflow_provider_aiguard.models.llm.confidence import token_probabilities, vote
from airflow_provider_aiguard.models.llm.requests import COMPLAINT, PacedModel, explain
from airflow_provider_aiguard.models.llm.voter import Voter

if TYPE_CHECKING:
    from pydantic_ai.models import Model

# A task is never interactive; on its log the banner would be an error.
pydantic_ai.BANNER_ENABLED = False

OVERHEAD = 512
"""Tokens that providers add to a request: roles, tool names, wrapping of the schema."""


@dataclass(frozen=True)
class RowAnswer:
    """What was claimed about one row, by column.

    :param values: the values.
    :param confidences: numbers in [0, 1], ``None`` where the provider gave none. Empty if none were asked for.
    """

    values: Mapping[str, Any]
    confidences: Mapping[str, float | None]


@dataclass(frozen=True)
class _Lost:
    """No answer came: the model said nothing about the row, right or wrong."""

    failure: Failure


class Session:
    """Asks one or two models about rows, in one event loop, over connections that stay open.

    :param models: pydantic-ai models; each is asked ``samples`` times about a row.
    :param form: what they fill in.
    :param instructions: what they are told.
    :param settings: how they are set.
    :param confidence: where confidences come from.
    :param samples: see ``models``.
    :param pacing: limits; each model has a pace of its own.
    """

    def __init__(
        self,
        models: Sequence[Model],
        *,
        form: AnswerForm,
        instructions: str,
        settings: Mapping[str, Any],
        confidence: ConfidenceSource | None,
        samples: int,
        pacing: Pacing,
    ) -> None:
        self.form, self.confidence = form, confidence
        self.models = [PacedModel(model, Pace(pacing, explain)) for model in models]
        settings = dict(settings)
        if confidence is ConfidenceSource.LOGPROB:
            settings["openai_logprobs"] = True
        self.voters = [
            Voter(model, self._output(model), instructions=instructions, settings=settings, form=form)
            for model in self.models
        ] * samples
        self._rows = 0

    async def enter(self, stack: AsyncExitStack) -> None:
        """Open the connections; the stack closes them."""
        for model in self.models:
            await stack.enter_async_context(model)

    def start(self) -> None:
        """Begin a chunk: nothing used yet, outages forgotten."""
        self._rows = 0
        for model in self.models:
            model.usage = Usage()
            model.pace.reset()

    @property
    def usage(self) -> Usage:
        """What the chunk used so far; what is under way counts as the most it can be."""
        return sum((model.usage for model in self.models), Usage(rows=self._rows))

    @property
    def latency(self) -> LatencySummary:
        """How long the chunk's requests took so far."""
        return LatencySummary.of(call for model in self.models for call in model.pace.took)

    @property
    def stopped(self) -> Trouble | None:
        """Why nothing is sent any more, if so."""
        return next((model.pace.stopped for model in self.models if model.pace.stopped), None)

    async def ask(self, row: str) -> RowAnswer | Failure:
        """Ask about one row: once, or as often as there are voters."""
        self._rows += 1
        if len(self.voters) == 1:
            only = await self._ask(self.voters[0], row)
            return only.failure if isinstance(only, _Lost) else only
        answers = await all_of(self._ask(voter, row) for voter in self.voters)
        # A model that is away has no opinion: one that agrees with it cannot be told from one that does not.
        lost = [answer for answer in answers if isinstance(answer, _Lost)]
        if 2 * len(lost) > len(answers) or (lost and self.confidence is ConfidenceSource.AGREEMENT):
            return lost[0].failure
        given = [answer for answer in answers if not isinstance(answer, _Lost)]
        if all(isinstance(answer, Failure) for answer in given):
            return given[0]
        votes = [answer.values if isinstance(answer, RowAnswer) else None for answer in given]
        return RowAnswer(*vote(votes, self.form.columns))

    async def _ask(self, voter: Voter, row: str) -> RowAnswer | Failure | _Lost:
        try:
            answer, response = await voter.ask(row)
        except GaveUpError as error:
            return _Lost(Failure(error.trouble.reason, error.trouble.detail))
        except ai.ContentFilterError:
            return Failure("content_filter", "the provider withheld the answer")
        except ai.OutputTokenLimitExceeded:
            return Failure("truncated", "the answer was longer than max_tokens in model_settings")
        except ai.UnexpectedModelBehavior:
            return Failure("malformed", f"the answer did not fit {self.form.schema.__name__}, repaired once")
        return RowAnswer(self.form.values(answer), self._confidences(answer, response))

    def _confidences(self, answer: Any, response: ModelResponse) -> Mapping[str, float | None]:
        if self.confidence is ConfidenceSource.VERBALISED:
            return self.form.confidences(answer)
        if self.confidence is ConfidenceSource.LOGPROB:
            return token_probabilities(*_text_and_tokens(response), self.form.columns)
        return {}

    def _output(self, model: PacedModel) -> Any:
        if self.confidence is not ConfidenceSource.LOGPROB:
            return self.form.schema
        # Providers give probabilities for text, not for the arguments of a tool call.
        text_only = NativeOutput if model.profile.get("supports_json_schema_output") else PromptedOutput
        return text_only(self.form.schema)


def most_usage(sizes: Sequence[int], *, max_tokens: int, times: int) -> Usage:
    """The most that rows can use: each request tried and repaired as often as allowed, every answer at full length.

    :param sizes: bytes sent for each row. A token is at least a byte.
    :param max_tokens: tokens of an answer.
    :param times: first requests a row.
    """
    first = sum(sizes) + OVERHEAD * len(sizes)
    repair = first + (max_tokens + COMPLAINT) * len(sizes)
    return Usage(
        requests=2 * times * len(sizes),
        input_tokens=times * (first + repair),
        output_tokens=2 * times * max_tokens * len(sizes),
        rows=len(sizes),
    )


def _text_and_tokens(response: ModelResponse) -> tuple[str, Sequence[Mapping[str, Any]]]:
    """The written answer and its tokens: on the response for chat models, on its text for the Responses API."""
    for part in response.parts:
        if isinstance(part, TextPart):
            given = (response.provider_details or {}).get("logprobs") or (part.provider_details or {}).get("logprobs")
            return part.content, given or []
    return "", []
