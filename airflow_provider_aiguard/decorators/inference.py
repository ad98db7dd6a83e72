"""``@task.inference``: the function body is the model."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk.bases.decorator import DecoratedOperator, TaskDecorator, determine_kwargs, task_decorator_factory

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.outputs import parse_outputs
from airflow_provider_aiguard.operators.inference import InferenceOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_aiguard.models.base import Model


class DecoratedInferenceOperator(DecoratedOperator, InferenceOperator):
    """Calls the decorated function with one chunk at a time, as a pandas DataFrame of the input columns.

    The function returns the values, or a pair of values and confidences, by output column; see
    :class:`~airflow_provider_aiguard.models.function.FunctionModel`. Its first parameter is the chunk; further ones are
    ordinary TaskFlow arguments and can be mapped with ``expand``.

    It takes the arguments of :class:`~airflow_provider_aiguard.operators.inference.InferenceOperator` except ``model``:

    :param model_name: name of the model. Default: the function's name.
    :param model_version: version of the model. Default: the first characters of the code's hash. Needed where answers
        are paid for once and an argument of the function is no plain value.
    :param confidence_source: how the confidences are made. Default ``"probability"``.
    """

    template_fields: Sequence[str] = (*DecoratedOperator.template_fields, *InferenceOperator.template_fields)
    template_fields_renderers: ClassVar[dict[str, str]] = {
        **DecoratedOperator.template_fields_renderers,
        **InferenceOperator.template_fields_renderers,
    }
    custom_operator_name = "@task.inference"

    def __init__(
        self,
        *,
        model_name: str | None = None,
        model_version: str | None = None,
        confidence_source: str = "probability",
        **kwargs: Any,
    ) -> None:
        if "model" in kwargs:
            raise ConfigurationError(
                "@task.inference takes no model=: the function is the model. Use InferenceOperator."
            )
        super().__init__(**kwargs)
        self.model_name = model_name
        self.model_version = model_version
        self.confidence_source = confidence_source

    def _check_arguments(self) -> None:
        from airflow_provider_aiguard.inference.cascade import require_no_other

        # The function is the model.
        require_no_other(self._plan())

    def _lineage_builder(self, *run: Any) -> functools.partial[Any]:
        from airflow.providers.openlineage import conf

        # Airflow's own switch: [openlineage] disable_source_code.
        source = self.get_python_source() if conf.is_source_enabled() else None  # type: ignore[no-untyped-call]
        return functools.partial(super()._lineage_builder(*run), source_code=source)

    def _model(self, context: Context) -> Model:
        from airflow_provider_aiguard.decorators.fingerprint import code_hash, fingerprint
        from airflow_provider_aiguard.models.function import FunctionModel

        # One level only: decorators of the author's own are part of the model.
        function = self.python_callable.__wrapped__  # type: ignore[attr-defined]  # see _without_chunk
        arguments = determine_kwargs(self.python_callable, self.op_args, {**context, **self.op_kwargs})
        bound = inspect.signature(self.python_callable).bind(*self.op_args, **arguments)
        bound.apply_defaults()
        code = code_hash(function)
        strict = self._plan().pays_once and self.model_version is None

        @functools.wraps(function)
        def predict(chunk: Any) -> Any:
            return function(chunk, *self.op_args, **arguments)

        return FunctionModel(
            predict,
            outputs=[o.name for o in parse_outputs(self.outputs)],
            name=self.model_name,
            version=self.model_version or code[:12],
            confidence_source=self.confidence_source,
            fingerprint=fingerprint(code, bound, context, strict=strict),
        )


def inference_task(python_callable: Callable[..., Any] | None = None, **kwargs: Any) -> TaskDecorator:
    """Make a task out of a function that makes claims about chunks of rows.

    :param python_callable: the function; its first parameter is the chunk.
    """
    if python_callable is None:
        return functools.partial(inference_task, **kwargs)  # type: ignore[return-value]
    return task_decorator_factory(
        python_callable=_without_chunk(python_callable),
        multiple_outputs=False,
        decorated_operator_class=DecoratedInferenceOperator,
        **kwargs,
    )


def _without_chunk(function: Callable[..., Any]) -> Callable[..., Any]:
    # Airflow binds the signature when the DAG is parsed, and nobody has a chunk then.
    signature = inspect.signature(function)
    if not signature.parameters:
        raise ConfigurationError(
            f"Function {function.__name__!r} takes no parameter. Its first one is the chunk: "
            f"def {function.__name__}(batch)."
        )

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    call.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])  # type: ignore[attr-defined]
    return call
