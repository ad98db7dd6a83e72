from __future__ import annotations

import functools
import inspect

import pytest
from airflow.sdk import DAG, task

from airflow_provider_aiguard import Table
from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.decorators.inference import DecoratedInferenceOperator, inference_task

people = Table("people", "rows", key="id")
arguments = {"rows": people, "into": "out", "outputs": ["late"]}


def operator_of(function, *args, **kwargs):
    with DAG("d", schedule=None):
        return inference_task(**arguments)(function)(*args, **kwargs).operator


def test_airflow_knows_it_by_its_name():
    made = task.inference(**arguments)(lambda batch: batch)
    assert made.operator_class is DecoratedInferenceOperator


def test_the_chunk_is_hidden_and_the_rest_is_bound_when_the_dag_is_read():
    def score(batch, threshold, *, scale=2):
        """Score."""

    operator = operator_of(score, threshold=3)
    assert operator.op_kwargs == {"threshold": 3}
    assert list(inspect.signature(operator.python_callable).parameters) == ["threshold", "scale"]
    assert operator.task_id == "score"
    assert operator.python_callable.__doc__ == "Score."


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [((), {}, "missing a required argument: 'threshold'"), ((1, 2), {}, "too many positional"),
     ((), {"threshold": 1, "colour": 2}, "unexpected keyword argument 'colour'")],
)  # fmt: skip
def test_wrong_arguments_are_errors_of_the_dag_file(args, kwargs, message):
    with pytest.raises(TypeError, match=message):
        operator_of(lambda batch, threshold: None, *args, **kwargs)


def test_a_function_without_a_chunk_is_an_error():
    def score():
        pass

    with pytest.raises(
        ConfigurationError, match=r"'score' takes no parameter. Its first one is the chunk: def score\(batch\)"
    ):
        inference_task(**arguments)(score)


def test_a_model_beside_the_function_is_an_error():
    with pytest.raises(ConfigurationError, match="takes no model=: the function is the model"), DAG("d", schedule=None):
        inference_task(**arguments, model=object())(lambda batch: None)()


def test_an_unknown_argument_is_an_error():
    with pytest.raises(TypeError, match="min_confidense"), DAG("d", schedule=None):
        inference_task(**arguments, min_confidense=1)(lambda batch: None)()


def test_bad_arguments_are_errors_of_the_dag_file():
    with pytest.raises(ConfigurationError, match="fill must be one of"), DAG("d", schedule=None):
        inference_task(**{**arguments, "fill": "some"}, task_id="t")(lambda batch: None)()


def test_templates_of_both_parents_are_rendered():
    fields = DecoratedInferenceOperator.template_fields
    assert {"op_args", "op_kwargs", "rows", "into", "price_per_row"} <= set(fields)
    assert len(fields) == len(set(fields))


def test_the_model_is_called_with_chunk_arguments_and_context():
    seen = []

    def score(batch, threshold, ds, *, scale=2):
        seen.append((batch, threshold, ds, scale))
        return {"late": [True]}

    operator = operator_of(score, 3)
    model = operator._model({"ds": "2026-01-01", "ti": None})
    model.predict("the chunk")
    assert seen == [("the chunk", 3, "2026-01-01", 2)]


def test_name_and_version_of_the_model():
    def score(batch):
        pass

    with DAG("d", schedule=None):
        named = inference_task(**arguments, model_name="rule", model_version="7", confidence_source="verbalised")(
            score
        )()
        plain = inference_task(**arguments)(score)()
    assert str(named.operator._model({}).identity) == "rule@7"
    assert named.operator._model({}).confidence_source == "verbalised"
    identity = plain.operator._model({}).identity
    assert (identity.name, identity.version) == ("score", identity.fingerprint[:12])


def test_the_fingerprint_is_that_of_the_functions_code():
    def make(sign):
        if sign > 0:

            def score(batch):
                return {"late": batch > 0}
        else:

            def score(batch):
                return {"late": batch < 0}

        return score

    prints = [operator_of(make(sign))._model({}).identity.fingerprint for sign in (1, 1, -1)]
    assert prints[0] == prints[1] != prints[2]


def test_a_decorated_function_runs_with_its_decorator():
    def shout(function):
        @functools.wraps(function)
        def louder(batch):
            return {"late": [f"{v}!" for v in function(batch)["late"]]}

        return louder

    @shout
    def score(batch):
        return {"late": ["yes"]}

    assert operator_of(score)._model({}).predict(None).values == {"late": ["yes!"]}
