"""What our expectations share: ask the guard's own question about the batch, and show the answer in Data Docs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from great_expectations.compatibility import pydantic
from great_expectations.expectations.expectation import BatchExpectation, render_suite_parameter_string
from great_expectations.render.components import (
    LegacyDiagnosticRendererType,
    LegacyRendererType,
    RenderedStringTemplateContent,
)
from great_expectations.render.renderer.renderer import renderer

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.verdict import Outcome, Verdict
from airflow_provider_aiguard.expectations.batch import BatchSources

if TYPE_CHECKING:
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.execution_engine.execution_engine import ExecutionEngine
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    from airflow_provider_aiguard.guards.questions.base import Question

_MARKS = {Outcome.PASS: "passed", Outcome.BREACH: "breached", Outcome.UNDECIDED: "undecided"}


class GuardExpectation(BatchExpectation, ABC):
    """A guard as an expectation. Great Expectations has two outcomes: undecided is no success there.

    Its result has what the checks saw as ``observed_value`` and the verdict under ``details.aiguard``.
    """

    @abstractmethod
    def question(self, table: Table) -> Question:
        """The guard's question about the batch.

        :param table: the batch.
        """

    @classmethod
    @abstractmethod
    def sentence(cls, kwargs: dict[str, Any]) -> str:
        """What is expected, in one sentence.

        :param kwargs: the expectation's arguments.
        """

    @property
    def store_name(self) -> str:
        """Where the store is, for a batch that no task of ours asks about."""
        return "aiguard_default"

    @pydantic.root_validator(skip_on_failure=True)
    def _limits_are_valid(cls, values: dict[str, Any]) -> dict[str, Any]:  # noqa: N805  pydantic's
        cls.check(values)
        return values

    @classmethod
    def check(cls, values: dict[str, Any]) -> None:
        """Refuse arguments that the guard would.

        :raises ConfigurationError: naming the argument.
        """

    def _validate(
        self,
        metrics: dict[str, Any],  # noqa: ARG002
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG002
        execution_engine: ExecutionEngine[Any] | None = None,
    ) -> dict[str, Any]:
        if execution_engine is None:
            raise ConfigurationError(f"{type(self).__name__} needs an execution engine with a batch.")
        with BatchSources(execution_engine, self.store_name) as sources:
            verdict = self.question(sources.table).ask(sources, sources.identity)
        return {
            "success": verdict.outcome is Outcome.PASS,
            "result": {"observed_value": _observed(verdict), "details": {"aiguard": verdict.to_dict()}},
        }

    @classmethod
    def _prescriptive_template(cls, renderer_configuration: Any) -> Any:
        renderer_configuration.template_str = _escaped(cls.sentence(renderer_configuration.kwargs or {}))
        return renderer_configuration

    @classmethod
    @renderer(renderer_type=LegacyRendererType.PRESCRIPTIVE)
    @render_suite_parameter_string
    def _prescriptive_renderer(
        cls,
        configuration: ExpectationConfiguration | None = None,
        result: ExpectationValidationResult | None = None,
        runtime_configuration: dict[str, Any] | None = None,
    ) -> list[RenderedStringTemplateContent]:
        config: Any = configuration or (result.expectation_config if result else None)
        styling = (runtime_configuration or {}).get("styling")
        text = _escaped(cls.sentence(config.kwargs if config else {}))
        return [
            RenderedStringTemplateContent(
                content_block_type="string_template",
                string_template={"template": text, "params": {}, "styling": styling},
            )
        ]

    @classmethod
    @renderer(renderer_type=LegacyDiagnosticRendererType.OBSERVED_VALUE)
    def _diagnostic_observed_value_renderer(
        cls,
        configuration: ExpectationConfiguration | None = None,  # noqa: ARG003
        result: ExpectationValidationResult | None = None,
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG003
    ) -> str:
        found = (result.result if result else None) or {}
        return str(found.get("observed_value") or "--")


def _observed(verdict: Verdict) -> str:
    """The outcome and what each check saw, worst first."""
    order = (Outcome.BREACH, Outcome.UNDECIDED, Outcome.PASS)
    checks = sorted(verdict.checks, key=lambda check: order.index(check.outcome))
    seen = "; ".join(check.message for check in checks[:_SHOWN])
    more = f" (and {len(checks) - _SHOWN} more)" if len(checks) > _SHOWN else ""
    return f"{_MARKS[verdict.outcome]}: {seen or 'nothing could be checked'}{more}"


_SHOWN = 5


def _escaped(text: str) -> str:
    """A sentence as a template without parameters."""
    return text.replace("$", "$$")
