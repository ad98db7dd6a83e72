"""A language model labels rows. Offline until there is a connection ``labels``: then its provider is paid."""

# [START llm_labels]
from typing import Any

from airflow.sdk import dag
from airflow.sdk.exceptions import AirflowNotFoundException

from airflow_provider_aiguard import LanguageModel, Pacing, Table
from airflow_provider_aiguard.operators.inference import InferenceOperator


def provider() -> Any:
    """The model of the connection ``labels``, or pydantic-ai's test model: it says the first label, without a network.

    A DAG of yours has the connection, so that ``language_model("labels", prompt=…)`` is all it takes.
    """
    from airflow.providers.common.ai.hooks.pydantic_ai import PydanticAIHook
    from pydantic_ai.models.test import TestModel

    try:
        return PydanticAIHook.get_hook("labels").get_conn()
    except AirflowNotFoundException:
        return TestModel()


@dag(schedule=None, params={"month": 2}, tags=["aiguard"])
def example_llm_labels():
    InferenceOperator(
        task_id="label",
        rows=Table(
            "flights",
            "warehouse",
            key="flight_id",
            where="month = :month AND day = 1",
            parameters={"month": "{{ params.month }}"},
        ),
        into="flights_labelled_by_llm",
        outputs={"haul": ["short_haul", "long_haul"]},
        model=LanguageModel(
            provider,
            prompt="What kind of flight is one from {origin} to {dest}, {distance} miles?",
            output_type=["short_haul", "long_haul"],
            output="haul",
            model_settings={"max_tokens": 200},
            confidence="self_consistency",
            samples=3,
            pacing=Pacing(in_flight=8),
        ),
        max_reject_share=0.05,
    )


example_llm_labels()
# [END llm_labels]
