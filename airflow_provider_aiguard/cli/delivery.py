"""``aiguard lineage replay|forget|status|doctor``: send what a backend lacks, where events stand, and what is wrong."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_aiguard.cli import Open
    from airflow_provider_aiguard.hooks.lineage import ConfiguredTransport
    from airflow_provider_aiguard.lineage.doctor import Finding
    from airflow_provider_aiguard.store.outbox import SetAside, Standing
    from airflow_provider_aiguard.store.store import Store

    Run = Callable[[argparse.Namespace, Store, ConfiguredTransport], tuple[int, dict[str, Any]]]

_SHOWN = 10


def add_delivery(inner: Any, common: argparse.ArgumentParser, open_store: Open) -> None:
    """Add the commands below ``aiguard lineage``.

    :param inner: where commands are added.
    :param common: options that all commands take.
    :param open_store: opens the store that the options name.
    """

    def add(name: str, run: Run, text: str) -> Any:
        made = inner.add_parser(name, parents=[common], help=text)
        made.set_defaults(run=lambda options: _with_store(run, options, open_store))
        return made

    replay = add("replay", _replay, "send the backend every event that it has not accepted")
    replay.add_argument("--url", help="another backend than the configured one; it is told no credentials")
    replay.add_argument("--all", action="store_true", help="also what it has accepted: it lost it")
    replay.add_argument("--set-aside", action="store_true", help="also what it did not take: it may take it now")
    replay.add_argument("--tags", action="store_true", help="set the tags of all that it has anew")
    forget = add("forget", _forget, "forget a backend that is no more, so that events need not be kept for it")
    forget.add_argument("--url", required=True, help="the backend, as 'aiguard lineage status' names it")
    add("status", _status, "what each backend was told, and what it does not take")
    add("doctor", _doctor, "look at configuration, backend, events and tags; say what to do")


def _with_store(run: Run, options: argparse.Namespace, opened: Open) -> tuple[int, dict[str, Any]]:
    from airflow_provider_aiguard.hooks.lineage import configured_transport

    configured = configured_transport()
    with _store_of(configured, options, opened) as store:
        return run(options, store, configured)


def _store_of(configured: ConfiguredTransport, options: argparse.Namespace, opened: Open) -> Store:
    """Open the store that the options name; where they name none, that of the transport."""
    from airflow_provider_aiguard.hooks.aiguard import DEFAULT_CONN_ID

    if configured.settings is None or options.store or options.conn_id != DEFAULT_CONN_ID:
        return opened(options)
    from airflow_provider_aiguard.store.store import open_store

    return open_store(configured.config().store)


def _replay(options: argparse.Namespace, store: Store, configured: ConfiguredTransport) -> tuple[int, dict[str, Any]]:
    from airflow_provider_aiguard.lineage.replay import replay

    config = configured.config(options.url)
    done = replay(store, config, again=options.all, set_aside=options.set_aside, tags=options.tags)
    return int(done.left > 0), {**done.to_dict(), "text": str(done)}


def _status(_options: argparse.Namespace, store: Store, configured: ConfiguredTransport) -> tuple[int, dict[str, Any]]:
    from airflow_provider_aiguard.lineage.local_spool import LocalSpool

    standings, aside, count = store.outbox.standing(), store.outbox.set_aside(_SHOWN), store.outbox.count()
    waiting = LocalSpool(configured.config().spool).lines()
    lines = [f"Events: {count}. In the local file of this host: {waiting}.", *map(_standing_line, standings)]
    lines += [_aside_line(one) for one in aside]
    answer = {
        "events": count, "local_file": waiting, "backends": [_plain(one) for one in standings],
        "set_aside": [asdict(one) for one in aside], "text": "\n".join(lines),
    }  # fmt: skip
    return 0, answer


def _forget(options: argparse.Namespace, store: Store, configured: ConfiguredTransport) -> tuple[int, dict[str, Any]]:
    from airflow_provider_aiguard.core.errors import ConfigurationError

    known = [standing.backend for standing in store.outbox.standing()]
    name = options.url if options.url in known else configured.config(options.url).backend_name
    if name not in known:
        raise ConfigurationError(
            f"No event was ever for {options.url!r}. Known backends: {', '.join(known) or 'none'}."
        )
    if name == configured.config().backend_name:
        raise ConfigurationError(
            f"{name!r} is the backend of the transport, which would know it again with the next event. Change 'url' of "
            "the transport first."
        )
    count = store.deliveries(name).forget()
    return 0, {"backend": name, "forgotten": count, "text": f"{name} is forgotten, and what became of {count} events."}


def _plain(standing: Standing) -> dict[str, Any]:
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in asdict(standing).items()}


def _standing_line(standing: Standing) -> str:
    told = f"{standing.accepted} accepted, {standing.due} due, {standing.set_aside} set aside, {standing.late} late"
    more = [f"oldest due since {standing.oldest_due:%Y-%m-%d %H:%M} UTC"] if standing.oldest_due else []
    more += [f"tags of {standing.tags_due} due"] if standing.tags_due else []
    if standing.failures:
        until = f", not asked until {standing.asleep_until:%H:%M:%S} UTC" if standing.asleep_until else ""
        more.append(f"{standing.failures} failures in a row{until}: {standing.reason}")
    return "; ".join([f"{standing.backend}: {told}", *more])


def _aside_line(one: SetAside) -> str:
    return f"set aside by {one.backend}: {one.event_type} of {one.job}, run {one.run_id}: {one.reason}"


def _doctor(options: argparse.Namespace, store: Store, configured: ConfiguredTransport) -> tuple[int, dict[str, Any]]:
    from airflow_provider_aiguard.lineage.doctor import examine

    findings = [*_of_airflow(configured, options), *examine(store, configured.config())]
    wrong = [finding for finding in findings if finding.to_do]
    lines = [_finding_line(finding) for finding in findings]
    lines.append(f"To do: {len(wrong)}." if wrong else "All is well.")
    return int(bool(wrong)), {"findings": [asdict(finding) for finding in findings], "text": "\n".join(lines)}


def _finding_line(finding: Finding) -> str:
    mark = "!! " if finding.to_do else "ok "
    return f"{mark}{finding.about}: {finding.found}" + (f"\n   -> {finding.to_do}" if finding.to_do else "")


def _of_airflow(configured: ConfiguredTransport, options: argparse.Namespace) -> list[Finding]:
    from airflow_provider_aiguard.hooks.lineage import TRANSPORT_CLASS
    from airflow_provider_aiguard.lineage.doctor import Finding

    about = "[openlineage] transport"
    setting = f'Set AIRFLOW__OPENLINEAGE__TRANSPORT to a JSON with "type": "{TRANSPORT_CLASS}" and a "url".'
    if configured.problem:
        return [Finding(about=about, found=f"cannot be read: {configured.problem}", to_do=setting)]
    if configured.settings is None:
        found = (
            f"is {configured.kind!r}, which loses events while the backend is away" if configured.kind else "is none"
        )
        return [Finding(about=about, found=found, to_do=setting)]
    if configured.disabled:
        to_do = "Remove 'disabled' of [openlineage], or OPENLINEAGE_DISABLED."
        return [Finding(about="[openlineage]", found="is disabled: no event is emitted", to_do=to_do)]
    return [Finding(about=about, found="is ours"), _same_store(configured, options)]


def _same_store(configured: ConfiguredTransport, options: argparse.Namespace) -> Finding:
    """Whether the transport's store is that of the operators."""
    from airflow_provider_aiguard.hooks.aiguard import AIGuardHook
    from airflow_provider_aiguard.lineage.doctor import Finding
    from airflow_provider_aiguard.store.location import place

    theirs, mine = place(AIGuardHook(options.conn_id).get_url()), place(configured.config().store)
    if theirs == mine:
        return Finding(about="store", found=f"transport and connection {options.conn_id!r} have the same")
    return Finding(
        about="store",
        found=f"the transport's is {mine}, that of connection {options.conn_id!r} is {theirs}",
        to_do="Set 'store' of the transport, or AIGUARD_STORE, to the URL of the connection.",
    )
