"""Adds to what a task of somebody else's tells of its lineage. Loaded while a task runs, if events are sent at all."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage

_FACETS = ("facets", "inputFacets", "outputFacets")


def ask_us_too(task: Any, ours: Callable[[], OperatorLineage[Any, Any] | None]) -> None:
    """Have the listener ask for ours beside what the task tells by itself, when it has succeeded.

    :param task: the running task.
    :param ours: what to add; ``None`` adds nothing.
    """
    from airflow.providers.openlineage.extractors.base import OL_METHOD_NAME_COMPLETE, DefaultExtractor
    from airflow.providers.openlineage.plugins.listener import get_openlineage_listener
    from airflow.providers.openlineage.utils.emission_policy import resolve_task_emission_policy

    manager = get_openlineage_listener().extractor_manager
    controls = resolve_task_emission_policy(task, task.dag_id, task.task_id)
    extractor = manager.get_extractor_class(task)
    # The extractor asks the method that the task had until now.
    theirs = getattr(task, OL_METHOD_NAME_COMPLETE, None)
    if extractor not in (None, DefaultExtractor):
        asked = extractor(task)
        # As the manager does it: what may not be sent is no argument of the extractors that users write.
        asked.source_code_enabled = controls.include_source_code
        theirs = asked.extract_on_complete
        # An extractor that is registered for a class goes before the method of a task of that class.
        manager.add_extractor(task.task_type, DefaultExtractor)

    def tell(task_instance: Any) -> Any:
        added = ours()
        if added is None:
            return theirs(task_instance) if theirs else None
        return _merged(_told_by_itself(task, task_instance, theirs, hooks=controls.hook_lineage), added)

    setattr(task, OL_METHOD_NAME_COMPLETE, tell)


def _told_by_itself(
    task: Any, task_instance: Any, theirs: Callable[..., Any] | None, *, hooks: bool
) -> OperatorLineage[Any, Any]:
    """What the listener would have had without us: the extractor's, else the hooks', else the inlets and outlets.

    :param hooks: whether the hooks are asked at all.
    """
    from airflow.providers.openlineage.extractors import OperatorLineage
    from airflow.providers.openlineage.plugins.listener import get_openlineage_listener
    from airflow.utils.state import TaskInstanceState

    told: OperatorLineage[Any, Any] = (theirs(task_instance) if theirs else None) or OperatorLineage()
    if told.inputs or told.outputs:
        return told
    manager = get_openlineage_listener().extractor_manager
    seen = manager.get_hook_lineage(task_instance, TaskInstanceState.SUCCESS) if hooks else None
    if seen is not None:
        return told.merge(seen)
    manager.extract_inlets_and_outlets(told, task, task_instance)
    return told


def _merged(told: OperatorLineage[Any, Any], added: OperatorLineage[Any, Any]) -> OperatorLineage[Any, Any]:
    from airflow.providers.openlineage.extractors import OperatorLineage

    return OperatorLineage(
        inputs=_union(told.inputs, added.inputs),
        outputs=_union(told.outputs, added.outputs),
        run_facets={**told.run_facets, **added.run_facets},
        job_facets={**told.job_facets, **added.job_facets},
    )


def _union(theirs: list[Any], ours: list[Any]) -> list[Any]:
    """Each dataset once; one that both name has the facets of both."""
    found: dict[tuple[str, str], Any] = {}
    for dataset in chain(ours, theirs):
        first = found.setdefault((dataset.namespace, dataset.name), dataset)
        for name in _FACETS if first is not dataset else ():
            if hasattr(first, name):
                setattr(first, name, {**(getattr(dataset, name, None) or {}), **(getattr(first, name) or {})})
    return list(found.values())
