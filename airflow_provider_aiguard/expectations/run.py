"""Run a suite or a checkpoint on a table, quietly: no progress bars, nothing on disk, no project."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import great_expectations as gx
import sqlalchemy as sa
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)

from airflow_provider_aiguard.core.errors import ConfigurationError
from airflow_provider_aiguard.core.expectations import ExpectationEvidence, ExpectationsEvidence
from airflow_provider_aiguard.expectations.datasource import AIGuardDatasource
from airflow_provider_aiguard.expectations.engine import TableExecutionEngine
from airflow_provider_aiguard.expectations.results import COUNTS_ONLY, evidence_of
from airflow_provider_aiguard.tables.columns import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from great_expectations.core import ExpectationSuite, ExpectationValidationResult
    from great_expectations.core.batch_definition import BatchDefinition
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext


def run_suite(
    engine: TableExecutionEngine, suite: ExpectationSuite, parameters: Mapping[str, Any] | None = None
) -> ExpectationsEvidence:
    """Ask whether the table keeps a suite.

    :param engine: the table.
    :param suite: what is expected.
    :param parameters: values of the suite's ``$PARAMETER``s.
    """
    with quiet():
        batch = _batch_definition(engine).get_batch()
        results = batch.validate(suite, result_format=COUNTS_ONLY, expectation_parameters=dict(parameters or {}))
        return _evidence(engine, results.results)


def run_checkpoint(
    engine: TableExecutionEngine,
    checkpoint: Callable[[BatchDefinition[Any]], gx.Checkpoint],
    parameters: Mapping[str, Any] | None = None,
) -> ExpectationsEvidence:
    """Run a checkpoint with its actions.

    :param engine: the table.
    :param checkpoint: makes the checkpoint from the batch definition of the table.
    :param parameters: values of the suites' ``$PARAMETER``s.
    :raises ConfigurationError: if it returns something else.
    """
    with quiet():
        made = checkpoint(_batch_definition(engine))
        if not isinstance(made, gx.Checkpoint):
            raise ConfigurationError(
                f"checkpoint must be a function that takes a batch definition and returns a Great Expectations "
                f"Checkpoint; it returned {type(made).__name__}."
            )
        _keep(made)
        done = made.run(expectation_parameters=dict(parameters or {}))
        return _evidence(engine, [result for run in done.run_results.values() for result in run.results])


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Great Expectations' log lines out: what it logs of an exception may hold values of rows."""
    logger = logging.getLogger("great_expectations")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)


def context() -> EphemeralDataContext:
    """A project that lives in memory and sends nothing."""
    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    made: EphemeralDataContext = gx.get_context(mode="ephemeral", project_config=config)
    return made


def _batch_definition(engine: TableExecutionEngine) -> BatchDefinition[Any]:
    source = AIGuardDatasource(name="aiguard")
    source.use(engine)
    project = context()
    project.add_datasource(datasource=source)
    name = engine.table.full_name
    asset: Any = source.add_rows_asset(name)  # type: ignore[attr-defined]  # made by Great Expectations, from the type
    definition: BatchDefinition[Any] = asset.add_batch_definition_whole_table(name)
    return definition


def _keep(checkpoint: gx.Checkpoint) -> None:
    """Put what a checkpoint is made of into the project, where it does not run without."""
    for definition in checkpoint.validation_definitions:
        project: Any = definition.data_source.data_context
        if definition.suite.id is None:
            project.suites.add(definition.suite)
        if definition.id is None:
            project.validation_definitions.add(definition)


def _evidence(engine: TableExecutionEngine, results: Iterable[ExpectationValidationResult]) -> ExpectationsEvidence:
    expectations = tuple(evidence_of(result, engine.dialect_name) for result in results)
    rows, present = _counts(engine, expectations)
    return ExpectationsEvidence(rows=rows, present=present, expectations=expectations)


def _counts(engine: TableExecutionEngine, found: tuple[ExpectationEvidence, ...]) -> tuple[int, dict[str, int]]:
    """Rows, and values that are not NULL of the columns that were named, in one statement."""
    names = sorted({column for one in found for column in one.columns if column in engine.columns})
    rows = rows_of(engine.table, [engine.columns[name] for name in names] or engine.columns.values()).subquery()
    counted = sa.select(sa.func.count(), *(sa.func.count(rows.c[name]) for name in names)).select_from(rows)
    with engine.get_connection() as connection:
        total, *present = connection.execute(counted).one()
    return total, dict(zip(names, present, strict=True))
