"""Each request to a provider: paced, metered, and its troubles told in our words."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic_ai import exceptions as ai
from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter, ModelRequest, ModelResponse
from pydantic_ai.models.wrapper import WrapperModel

from airflow_provider_aiguard.core.claims import Usage
from airflow_provider_aiguard.models.concurrency import Pace, Remedy, Trouble

if TYPE_CHECKING:
    from pydantic_ai.models import Model, ModelRequestParameters
    from pydantic_ai.settings import ModelSettings

log = logging.getLogger(__name__)

_BOUNDS = re.compile(r"<(?=\s*/?\s*row|\|)", re.IGNORECASE)

COMPLAINT = 2_000
"""Bytes of what the model is told about an answer that has to be repaired."""


class PacedModel(WrapperModel):
    """A pydantic-ai model whose requests go through a pace, repairs included, and are counted.

    :param wrapped: the model.
    :param pace: shared by all that call the same provider.
    """

    def __init__(self, wrapped: Model, pace: Pace) -> None:
        super().__init__(wrapped)
        self.pace = pace
        self.usage = Usage()

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """Send the request, again if that may help.

        :raises GaveUpError: if it was not answered.
        """
        shortened = _shortened(messages)
        most = _most_usage(shortened, model_settings, model_request_parameters)

        async def once() -> ModelResponse:
            # Counted before it is sent: whoever looks while it is under way must not see too little.
            self.usage += most
            try:
                response = await self.wrapped.request(shortened, model_settings, model_request_parameters)
            except BaseException as error:
                if not _may_be_billed(error):
                    self.usage -= most
                raise
            self.usage += _believed(response.usage, most) - most
            return response

        return await self.pace.call(once)


def explain(error: Exception) -> Trouble:
    """Tell what is wrong with a request. Words of the provider stay out: they may quote the row."""
    if isinstance(error, ai.FallbackExceptionGroup):
        # All models of the chain failed; what the last one said decides.
        return explain(error.exceptions[-1])
    for kind, reason, remedy in _TROUBLES:
        if isinstance(error, kind):
            return Trouble(reason, remedy, _detail(error), getattr(error, "retry_after", None))
    # An SDK stumbles over a response that it did not expect, such as one without choices. It was paid for; so would be
    # the next.
    return Trouble("bad_response", Remedy.NEVER, type(error).__name__)


# The first that fits, so subclasses come first.
_TROUBLES: tuple[tuple[type[Exception], str, Remedy], ...] = (
    (ai.ModelRateLimitError, "rate_limited", Remedy.LATER),
    (ai.ModelOverloadedError, "overloaded", Remedy.LATER),
    (ai.ModelQuotaExceededError, "quota_exceeded", Remedy.STOP),
    (ai.ModelAuthenticationError, "access_denied", Remedy.STOP),
    (ai.ModelNotFoundError, "model_not_found", Remedy.STOP),
    (ai.ModelContextWindowExceededError, "too_long", Remedy.NEVER),
    (ai.ModelRequestRejectedError, "refused", Remedy.NEVER),
    (ai.ModelTimeoutError, "timeout", Remedy.AGAIN),
    (ai.ModelRequestTimeout, "timeout", Remedy.AGAIN),
    (ai.ModelConnectionError, "unreachable", Remedy.AGAIN),
    (ai.ModelAPIError, "server_error", Remedy.AGAIN),
    (ai.UserError, "misconfigured", Remedy.STOP),
    (ai.UnexpectedModelBehavior, "bad_response", Remedy.AGAIN),
)


def _detail(error: Exception) -> str:
    if isinstance(error, ai.UserError):
        return str(error)
    said = [f"HTTP {error.status_code}"] if isinstance(error, ai.ModelHTTPError) else [type(error).__name__]
    words = (getattr(error, name, None) for name in ("provider_error_code", "provider_error_type"))
    said += [str(word)[:80] for word in words if word]
    return ", ".join(dict.fromkeys(said))


def _may_be_billed(error: BaseException) -> bool:
    """Whether the provider may have worked before the answer was lost."""
    if isinstance(error, ai.ModelConnectionError):
        return error.phase not in {"pool", "connect"}
    # Cancelled: our own timeout, or the task's end.
    return not isinstance(error, ai.ModelHTTPError)


def _believed(reported: Any, most: Usage) -> Usage:
    """What the provider says it used; the most it can be where it says nothing, or nonsense."""
    said = {"input_tokens": reported.input_tokens, "output_tokens": reported.output_tokens}
    for name, tokens in said.items():
        if not isinstance(tokens, int) or tokens <= 0:
            said[name] = getattr(most, name)
            log.debug("The provider reported %r %s; %d are counted.", tokens, name, said[name])
    return Usage(requests=1, **said)


def _most_usage(
    messages: list[ModelMessage], settings: ModelSettings | None, parameters: ModelRequestParameters
) -> Usage:
    # A token is at least a byte.
    size = len(ModelMessagesTypeAdapter.dump_json(messages))
    schemas = [tool.parameters_json_schema for tool in parameters.output_tools]
    if parameters.output_object is not None:
        schemas.append(parameters.output_object.json_schema)
    size += sum(len(json.dumps(schema)) for schema in schemas)
    return Usage(requests=1, input_tokens=size, output_tokens=int((settings or {}).get("max_tokens") or 0))


def _shortened(messages: list[ModelMessage]) -> list[ModelMessage]:
    """Bound complaints, which quote the answer they are about: a request must not cost more than was held for it.

    An answer may quote the row, so the bounds of a row are escaped. The first message is the row, which is never cut.
    """
    return [
        replace(message, parts=[_bounded(part) for part in message.parts])
        if i and isinstance(message, ModelRequest)
        else message
        for i, message in enumerate(messages)
    ]


def _bounded(part: Any) -> Any:
    content = _escaped(getattr(part, "content", None))
    text = (content if isinstance(content, str) else json.dumps(content, default=str)).encode()
    if len(text) > COMPLAINT:
        # The end closes what the beginning opened.
        start, end = text[: COMPLAINT - 100], text[-80:]
        content = f"{start.decode(errors='ignore')} … {end.decode(errors='ignore')}"
    return part if content is None else replace(part, content=content)


def _escaped(content: Any) -> Any:
    """Write what could be taken for the bounds of a row, or of a message, so that it cannot, in every text."""
    if isinstance(content, str):
        return _BOUNDS.sub(r"\\u003c", content)
    if isinstance(content, dict):
        return {key: _escaped(value) for key, value in content.items()}
    return type(content)(map(_escaped, content)) if type(content) in {list, tuple} else content
