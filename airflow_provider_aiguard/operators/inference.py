"""Run a model over the rows of a table and write its claims with provenance and confidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator

from airflow_provider_aiguard.core.budget import Budget
from airflow_provider_aiguard.core.duration import parse_duration
from airflow_provider_aiguard.core.errors import BudgetExceededError, ConfigurationError
from airflow_provider_aiguard.core.money import MICROS_PER_DOLLAR, parse_usd
from airflow_provider_aiguard.core.outputs import parse_outputs
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.verdict import CheckResult, Outcome, Severity, Verdict
from airflow_provider_aiguard.operators.base import airflow_errors, count, publish, table_spec
from airflow_provider_aiguard.operators.lineage import LineageMixin, extra_links, fields_of, step_lineage, written_by

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_aiguard.core.budget import BudgetWarning
    from airflow_provider_aiguard.core.price import Price
    from airflow_provider_aiguard.core.run import InferenceSummary, RunIdentity, RunState
    from airflow_provider_aiguard.hooks.sources import AirflowSources
    from airflow_provider_aiguard.inference.cascade import Cascade
    from airflow_provider_aiguard.inference.plan import Fill, InferencePlan, OnBudget
    from airflow_provider_aiguard.models.base import Model


class InferenceOperator(LineageMixin, BaseOperator):
    """Runs a model over rows and writes its claims, each labelled with provenance, confidence and run.

    Rows are read in key order, a chunk at a time; values and their companion columns are written in one statement
    and one transaction a chunk, by key. A task that is killed and retried ends with the table of an undisturbed run.

    The summary (rows, rejects, cost, confidence by column) is the return value.

    :param rows: table to read, with its key. Its name, ``where`` and ``parameters`` are templated; values from
        outside belong into ``parameters`` only.
    :param into: table to write: created if missing, its companion columns added if they are. The same table as
        ``rows`` fills in place. A plain name is a table on the connection of ``rows``.
    :param outputs: columns the model writes: names, or a mapping of name to type (``bool``, ``int``, ``float``,
        ``str``, ``Decimal``, ``date``, ``datetime``) or to the list of allowed labels.
    :param model: who makes the claims: a model, or a ``Cascade`` of several, the cheapest first.
    :param inputs: columns the model sees. Default: those that a language model's prompt names; for another model all
        but the key, the outputs and companion columns.
    :param fill: ``"all"`` (default) infers every row; ``"missing"`` only those where an output is NULL, and labels
        the values that were there ``observed``.
    :param carry: columns copied from ``rows`` into ``into``. Default: those that the ``where`` of ``into`` names, so
        that it can be filtered alike.
    :param budget: budget, or several, that the price of a chunk is held against before the model is called. A
        refused hold fails the task without a retry.
    :param price_per_row: USD for one row sent to the model, as a string such as ``"0.0001"``. Needed with a budget in
        USD, unless the model counts tokens; ``"0"`` declares a free model. Templated.
    :param price: USD for tokens and calls of a model that counts them, a ``Price``. Default: the listed price of the
        model (genai-prices, extra ``llm``); an unlisted one is refused.
    :param on_budget: what happens when a budget runs short. ``"fail"`` (default): the task, at the first hold that is
        refused. ``"stop"``: no more is asked; the rest is counted as ``not_processed``. ``"sample"``: a random share of
        the rest is asked, as large as can be paid, the same rows in every try. ``"cheaper"``: of a cascade, a cheaper
        model answers what a dearer one would have.
    :param on_budget_warning: an Airflow notifier, or several, or functions: called with the task's context and
        ``budget_warning`` in it, once each window of a budget passes 50, 80 and 100 % of its limit. What they raise
        is logged.
    :param reuse: how old an answer of another task or DAG run may be to be used again for an equal row: ``"30d"``,
        ``"12h"``. Default: none. Equal rows of one table, and the retries of this task, are always paid for once if
        the model has a price or counts tokens, or a budget counts tokens or calls.
    :param store_results: whether answers are kept in the store for that, encrypted with Airflow's Fernet key. Without
        them a retry pays again. Default ``True``.
    :param max_reject_share: share of rows, in [0, 1], that the model may fail on before the task fails. Default 0:
        any rejected row fails the task, after the good rows are written.
    :param chunk_size: rows read, inferred and written at a time. It bounds memory, what is held from a budget at a
        time, and what a crash can cost. Default: 10,000, but for a model that asks about some rows at a time (a
        language or HTTP model) 20 times as many as are in flight, if that is fewer; of a cascade, the smallest of its
        models'.
    :param conn_id: connection of tables that name none.
    :param aiguard_conn_id: connection of the store.
    """

    template_fields: Sequence[str] = ("rows", "into", "price_per_row")
    template_fields_renderers: ClassVar[dict[str, str]] = {"rows": "json", "into": "json"}
    operator_extra_links = extra_links()
    ui_color = "#d9ebe4"

    def __init__(
        self,
        *,
        rows: Table | str,
        into: Table | str,
        outputs: Sequence[str] | Mapping[str, Any],
        model: Model | Cascade | None = None,
        inputs: Sequence[str] | None = None,
        fill: Fill = "all",
        carry: Sequence[str] | None = None,
        budget: Budget | Sequence[Budget] | None = None,
        price_per_row: str | None = None,
        price: Price | None = None,
        on_budget: OnBudget = "fail",
        on_budget_warning: Callable[[Context], Any] | Sequence[Callable[[Context], Any]] = (),
        reuse: str | timedelta | None = None,
        store_results: bool = True,
        max_reject_share: float = 0.0,
        chunk_size: int | None = None,
        conn_id: str | None = None,
        aiguard_conn_id: str = "aiguard_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.rows = table_spec(rows, conn_id=conn_id)
        self.into = table_spec(into, conn_id=conn_id or self.rows["conn_id"], key=self.rows["key"])
        self.outputs = outputs
        self.model = model
        self.inputs = inputs
        self.fill = fill
        self.carry = carry
        self.budget = budget
        self.price_per_row = price_per_row
        self.price = price
        self.on_budget = on_budget
        self.on_budget_warning = on_budget_warning
        self.reuse = reuse
        self.store_results = store_results
        self.max_reject_share = max_reject_share
        self.chunk_size = chunk_size
        self.conn_id = conn_id
        self.aiguard_conn_id = aiguard_conn_id
        self._executing = False
        # Bad arguments are import errors of the DAG file, not failures at 3 a.m.
        self._check_arguments()

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the model over the rows."""
        from airflow_provider_aiguard.hooks.identity import identity_of
        from airflow_provider_aiguard.hooks.sources import AirflowSources

        with airflow_errors(), AirflowSources(self.aiguard_conn_id) as sources:
            plan, identity = self._plan(), identity_of(context)
            self._executing = True
            sources.store.ledger.on_warning = partial(self._warn, context)
            try:
                summary = self._run(plan, self._model(context), sources, identity)
            except BudgetExceededError as refusal:
                verdict = _refusal(plan, refusal)
                if self.build_lineage:
                    self.build_lineage = partial(self.build_lineage, refusal=verdict)
                sources.store.verdicts.record(identity, verdict)
                publish(verdict, context)
                raise
            finally:
                self._executing = False
            if shortage := _shortage(plan, summary):
                sources.store.verdicts.record(identity, shortage)
                publish(shortage, context)
        self._announce(summary, context)
        return summary.to_dict()

    def on_kill(self) -> None:
        """Stop at once, through ``finally``: the task runner would otherwise carry on until it is killed for good."""
        if self._executing:
            from airflow.sdk.exceptions import AirflowTaskTerminated

            raise AirflowTaskTerminated("The task was asked to stop.")

    def _warn(self, context: Context, warning: BudgetWarning) -> None:
        told = (self.on_budget_warning,) if callable(self.on_budget_warning) else self.on_budget_warning
        for notify in told:
            # A copy: a notifier renders its templates into itself, and would say the first level again.
            copy(notify)({**context, "budget_warning": warning})  # type: ignore[typeddict-unknown-key]  # rendered

    def lineage_inputs(self) -> list[Table]:
        """The rows' table."""
        return [Table.from_dict(self.rows)]

    def _check_arguments(self) -> None:
        from airflow_provider_aiguard.inference.cascade import routes

        plan = self._plan()
        if self.model is None:
            raise ConfigurationError("InferenceOperator needs a model=, such as SklearnModel(...).")
        routes(plan, self.model)

    def _model(self, context: Context) -> Model | Cascade:  # noqa: ARG002
        return self.model  # type: ignore[return-value]  # checked when the operator was made

    def _plan(self) -> InferencePlan:
        from airflow_provider_aiguard.inference.cascade import counts_tokens
        from airflow_provider_aiguard.inference.plan import InferencePlan

        budgets = (self.budget,) if isinstance(self.budget, Budget) else tuple(self.budget or ())
        # A template is rendered before execution; while the DAG is parsed, any price will do.
        templated = isinstance(self.price_per_row, str) and "{{" in self.price_per_row
        price = "0" if templated else self.price_per_row
        listed = price is None and counts_tokens(self.model)
        # A prompt names what it needs: rows that are alike in that are the same work.
        inputs = getattr(self.model, "inputs", None) if self.inputs is None else self.inputs
        return InferencePlan(
            rows=Table.from_dict(self.rows),
            into=Table.from_dict(self.into),
            outputs=parse_outputs(self.outputs),
            inputs=None if inputs is None else tuple(inputs),
            fill=self.fill,
            carry=None if self.carry is None else tuple(self.carry),
            chunk_size=self.chunk_size,
            max_reject_share=self.max_reject_share,
            price_per_row=None if price is None else parse_usd(price, what="price_per_row"),
            price=self.price or ("listed" if listed else None),
            reuse=None if self.reuse is None else parse_duration(self.reuse, what="reuse"),
            store_results=self.store_results,
            budgets=budgets,
            on_budget=self.on_budget,
        )

    def _run(
        self, plan: InferencePlan, model: Model | Cascade, sources: AirflowSources, identity: RunIdentity
    ) -> InferenceSummary:
        from airflow_provider_aiguard.core.run import RunState
        from airflow_provider_aiguard.inference.engine import run_inference

        source, target = sources.engine(plan.rows.conn_id), sources.engine(plan.into.conn_id)
        state = RunState.FAILED
        try:
            summary = run_inference(plan, model, source=source, target=target, store=sources.store, identity=identity)
            state = RunState.SUCCESS
        finally:
            self._remember_lineage(plan, sources, identity, state)
        return summary

    def _remember_lineage(
        self, plan: InferencePlan, sources: AirflowSources, identity: RunIdentity, state: RunState
    ) -> None:
        try:
            self.build_lineage = self._lineage_builder(plan, sources, identity, state)
        except Exception:
            self.log.warning("The lineage of this run could not be gathered.", exc_info=True)

    def _lineage_builder(
        self, plan: InferencePlan, sources: AirflowSources, identity: RunIdentity, state: RunState
    ) -> partial[Any]:
        from airflow_provider_aiguard.core.run import RunState
        from airflow_provider_aiguard.hooks.identity import task_url
        from airflow_provider_aiguard.hooks.sources import dataset_name
        from airflow_provider_aiguard.inference.columns import StepColumns
        from airflow_provider_aiguard.tables.columns import read_columns

        target, source = dataset_name(plan.into), dataset_name(plan.rows)
        self.show_lineage(target, source)
        with sources.connect(plan.rows.conn_id) as read, sources.connect(plan.into.conn_id) as write:
            source_columns = read_columns(read, plan.rows)
            target_columns = read_columns(write, plan.into) if state is RunState.SUCCESS else {}
            columns = StepColumns.of(plan, read, write)
        return partial(
            step_lineage,
            sources.store.runs.get(identity.run_id).summary,
            source=source,
            source_fields=fields_of(source_columns),
            target=target,
            target_fields=fields_of(target_columns),
            input_columns=columns.inputs,
            copied_columns=(*columns.key_types, *columns.carry),
            state=state,
            budgets=tuple(map(sources.store.budgets.applying, plan.budgets)),
            run_url=task_url(identity),
            written_by=written_by(plan.rows, source, sources, identity),
        )

    def _announce(self, summary: InferenceSummary, context: Context) -> None:
        tags = {"model": summary.model.name}
        count("aiguard.rows", summary.rows, tags)
        if summary.cost_micros is not None:
            count("aiguard.cost", summary.cost_micros / MICROS_PER_DOLLAR, tags)
        for asset in self.outlets:
            context["outlet_events"][asset].extra = {"aiguard": _asset_extra(summary)}
        self.log.info(
            "Wrote %d inferred rows into %s in %.1f s (%.1f s in the model), %d rejected, %d not processed",
            summary.inferred, summary.target, summary.seconds, summary.model_seconds, summary.rejects,
            summary.not_processed,
        )  # fmt: skip


def _refusal(plan: InferencePlan, error: BudgetExceededError) -> Verdict:
    check = CheckResult(check="budget.hold", outcome=Outcome.BREACH, message=str(error))
    return Verdict(guard="budget", subject=", ".join(b.name for b in plan.budgets), checks=(check,))


def _shortage(plan: InferencePlan, summary: InferenceSummary) -> Verdict | None:
    """What a budget's policy left out or made cheaper; it does not fail the task."""
    cheaper = summary.degraded.get("budget", 0)
    if not cheaper and not summary.not_processed:
        return None
    message = (
        f"The budget ran short, on_budget={plan.on_budget!r}: of {summary.rows:,} rows {summary.not_processed:,} are "
        f"not processed and {cheaper:,} were answered by a cheaper model."
    )
    check = CheckResult(check="budget.short", outcome=Outcome.BREACH, severity=Severity.WARN, message=message)
    return Verdict(guard="budget", subject=", ".join(b.name for b in plan.budgets), checks=(check,))


def _asset_extra(summary: InferenceSummary) -> dict[str, Any]:
    return {
        "run_id": summary.run_id,
        "model": str(summary.model),
        "rows": summary.rows,
        "rejects": summary.rejects,
        "columns": {
            name: {"provenance": dict(column.provenance), "mean_confidence": column.confidence.mean}
            for name, column in summary.columns.items()
        },
    }
