"""One who is asked about a row: as an agent asks, but without the agent where the first answer will do.

pydantic-ai's agent decides what a model is sent: a tool, or native or prompted JSON, as the model's profile wants it.
But it takes more of the CPU than the rest of a request. So its first request is noted and repeated with other rows. A
plain answer that fits is taken; with any other the agent goes on as if it had asked itself, and repairs it or gives up.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError
from pydantic_ai import Agent, ModelRetry
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart, ToolCallPart, UserPromptPart
from pydantic_ai.models.wrapper import WrapperModel

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_ai.models import Model, ModelRequestParameters
    from pydantic_ai.settings import ModelSettings

    from airflow_provider_aiguard.models.llm.answer import AnswerForm


class Voter:
    """Asks one model about rows.

    :param model: the model.
    :param output: what an agent takes for ``output_type``: the form's schema, maybe as native or prompted JSON.
    :param instructions: what the model is told.
    :param settings: how it is set.
    :param form: what it fills in.
    """

    def __init__(self, model: Model, output: Any, *, instructions: str, settings: Any, form: AnswerForm) -> None:
        self._model, self._form = model, form
        self._agent: Agent[object, Any] = Agent(
            model, output_type=output, instructions=instructions, model_settings=settings, retries=1, name="aiguard"
        )
        self._agent.output_validator(self._checked)
        self._noted: _Noted | None = None

    async def ask(self, row: str) -> tuple[BaseModel, ModelResponse]:
        """Ask about a row, twice if the first answer does not fit.

        :raises UnexpectedModelBehavior: if the second does not fit either.
        :raises GaveUpError: if there was none.
        """
        if self._noted is None:
            return await self._by_agent(row, _Relay(self._model))
        request = replace(self._noted.request, parts=[UserPromptPart(row)], run_id=None, conversation_id=None)
        response = await self._model.request([request], self._noted.settings, self._noted.parameters)
        answer = self._plain(response, self._noted.parameters)
        return await self._by_agent(row, _Relay(self._model, response)) if answer is None else (answer, response)

    async def _by_agent(self, row: str, relay: _Relay) -> tuple[BaseModel, ModelResponse]:
        result = await self._agent.run(row, model=relay)
        self._noted = relay.noted
        return result.output, result.response

    def _checked(self, answer: Any) -> Any:
        if problem := self._form.problem(answer):
            raise ModelRetry(problem)
        return answer

    def _plain(self, response: ModelResponse, parameters: ModelRequestParameters) -> BaseModel | None:
        """Read an answer that is the form filled in and nothing else; ``None`` if it is anything more, or less."""
        if response.state != "complete" or len(response.parts) != 1:
            return None
        (part,), tools = response.parts, {tool.name for tool in parameters.output_tools}
        try:
            if isinstance(part, ToolCallPart) and part.tool_name in tools:
                given = part.args
            else:
                given = part.content if isinstance(part, TextPart) else None
            if isinstance(given, str):
                answer = self._form.schema.model_validate_json(given)
            else:
                answer = self._form.schema.model_validate(given)
        except ValidationError:
            return None
        return None if self._form.problem(answer) else answer


class _Noted(NamedTuple):
    """What an agent sends first."""

    request: ModelRequest
    settings: ModelSettings | None
    parameters: ModelRequestParameters


class _Relay(WrapperModel):
    """Stands between an agent and the model: notes its first request, and answers it if the answer is there already."""

    def __init__(self, wrapped: Model, answer: ModelResponse | None = None) -> None:
        super().__init__(wrapped)
        self.noted: _Noted | None = None
        self._answer = answer

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        if self.noted is None:
            (first,) = messages
            assert isinstance(first, ModelRequest)  # noqa: S101  an agent begins with what it asks
            self.noted = _Noted(first, model_settings, model_request_parameters)
            if self._answer is not None:
                return self._answer
        return await self.wrapped.request(messages, model_settings, model_request_parameters)
