"""A language model from an Airflow connection, through Airflow's own AI provider."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.models.llm.model import Confidence, LanguageModel

if TYPE_CHECKING:
    from airflow_provider_aiguard.models.concurrency import Pacing


def language_model(
    llm_conn_id: str = "pydanticai_default",
    *,
    prompt: str,
    output_type: Any,
    output: str | None = None,
    model_id: str | None = None,
    system_prompt: str = "",
    model_settings: Mapping[str, Any] | None = None,
    confidence: Confidence | None = None,
    samples: int = 5,
    second_conn_id: str | None = None,
    second_model_id: str | None = None,
    name: str | None = None,
    version: str | None = None,
    pacing: Pacing | None = None,
) -> LanguageModel:
    """Make a language model of the provider that a connection names. The connection is read when the task runs.

    Needs the extra ``llm``.

    :param llm_conn_id: connection of type ``pydanticai`` (or ``pydanticai_azure``, ``pydanticai_bedrock``,
        ``pydanticai_vertex``): API key, address and default model.
    :param prompt: what to do with a row, its columns in braces.
    :param output_type: a pydantic model, or the labels or the Python type of the column ``output``.
    :param output: the output column, if ``output_type`` is labels or a type.
    :param model_id: model, such as ``openai:gpt-5-mini``; by default the connection's.
    :param system_prompt: who the model is, before the prompt.
    :param model_settings: pydantic-ai's ``ModelSettings``.
    :param confidence: ``"logprob"``, ``"self_consistency"``, ``"agreement"``, ``"verbalised"`` or ``None``.
    :param samples: answers a row for ``"self_consistency"``.
    :param second_conn_id: connection of the other model for ``"agreement"``; by default the same.
    :param second_model_id: the other model for ``"agreement"``.
    :param name: name of the model; by default the provider's.
    :param version: version of the model; by default the first 12 characters of the fingerprint.
    :param pacing: how many requests at a time, how long, how often.
    """
    second = None
    if second_conn_id or second_model_id:
        second = partial(_connect, second_conn_id or llm_conn_id, second_model_id)
    return LanguageModel(
        partial(_connect, llm_conn_id, model_id),
        prompt=prompt,
        output_type=output_type,
        output=output,
        system_prompt=system_prompt,
        model_settings=model_settings,
        confidence=confidence,
        samples=samples,
        second=second,
        name=name,
        version=version,
        pacing=pacing,
    )


def _connect(llm_conn_id: str, model_id: str | None) -> Any:
    try:
        from airflow.providers.common.ai.hooks.pydantic_ai import PydanticAIHook
    except ImportError as error:
        raise ConfigurationError(
            f"Connection {llm_conn_id!r} needs Airflow's AI provider: pip install 'airflow-provider-aiguard[llm]' "
            f"({error})."
        ) from None
    return PydanticAIHook.get_hook(llm_conn_id, hook_params={"model_id": model_id}).get_conn()
