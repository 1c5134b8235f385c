"""The composition root: everything is made here, once, and handed on by argument.

`build` makes a gateway that has not started; the process tree starts its services in order and closes them in
reverse. `prepare_databases` brings the schema up to date before anything is built.
"""

from __future__ import annotations

import shutil
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING, cast

import certifi
import trio

from adapters.providers.catalogue import load_catalogue
from adapters.transport.http1 import Http1Transport
from adapters.transport.proxy import parse_proxy
from adapters.transport.tls import client_context
from adapters.wires.table import make_wires
from adapters.wires.tokens import TokenKeeper
from adapters.wires.wired import Wires
from gateway.accounts.passwords import hash_password
from gateway.budgets.build import budgeted
from gateway.channels.probe import Prober
from gateway.cluster.build import Cluster, build_cluster
from gateway.counting.counter import Counter
from gateway.greeting import Greeting
from gateway.identity.outside import Outside
from gateway.ledger.outbox import Outbox
from gateway.ledger.presence import Presence
from gateway.ledger.reaper import Reaper
from gateway.ledger.retention import Retention
from gateway.ledger.writer import LedgerWriter
from gateway.lifecycle_types import App, Process, Service
from gateway.live.facts import surroundings_of
from gateway.live.live import Live
from gateway.management.app import create_management
from gateway.management.extension import installed_extensions
from gateway.management.landing import frontend_elsewhere
from gateway.metrics.build import Metrics
from gateway.notify.alerts import Alerts
from gateway.notify.notices import Notices
from gateway.notify.quota import QuotaReminder, ReservationWatch
from gateway.notify.root import RootNotifier
from gateway.notify.rules import AlertRules, Watch
from gateway.observe.bridge import LibraryLogging, statement_logger
from gateway.observe.build import build_journal
from gateway.observe.redact import redactor_of
from gateway.observe.slow import SlowStatements
from gateway.observe.tail import Tail
from gateway.playground.relays import InsideRelays
from gateway.recordings.recorder import MessageRecorder
from gateway.registry.accounts import AccountCache
from gateway.registry.registry import Registry
from gateway.relay.fetch import HttpImageFetcher
from gateway.relay.health import ChannelHealth
from gateway.relay.media.duration import Uploads
from gateway.relay.plane import RelayPlane
from gateway.relay.retry import RetryBudget
from gateway.relay.running import Running
from gateway.relay.shadow.build import shadows_of
from gateway.relay.shadow.shadows import Shadows
from gateway.relay.signed.book import DatabaseSignatures, SignatureBook
from gateway.relay.stored.book import DatabaseResponses, ResponseBook
from gateway.relay.stored.responses import Responses
from gateway.relay.stored.settler import BackgroundCharges, Settler
from gateway.relay.supervisor import RelayDeps
from gateway.services import Services
from gateway.site.about import product_version
from gateway.site.log_retention import LogRetention
from gateway.traffic.recorder import RequestRecorder
from gateway.traffic.sums import UsageSums
from storage.bootstrap import ensure_first_root
from storage.database import Database
from storage.dsn import parse_dsn
from storage.engines import EngineOptions
from storage.migrate import ensure_logs, migrate

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from gateway.budgets.ledger import BudgetedLedger
    from gateway.config.settings import Settings
    from gateway.lifecycle_types import AsgiApp
    from gateway.observe.journal import JournalService
    from gateway.observe.types import Journal
    from storage.migrations.step import MigrationReport

# Counting is CPU work beside the event loop: more threads than this would only fight for the same cores.
COUNTING_THREADS = 2


@dataclass(frozen=True, slots=True)
class Databases:
    """The main database, and the one that holds `logs`: the same object unless `LOG_SQL_DSN` is set."""

    main: Database
    logs: Database

    @property
    def are_apart(self) -> bool:
        """Whether logs travel to a database of their own."""
        return self.logs is not self.main

    def log_statements(self, journal: Journal) -> None:
        """Report every statement, without its values, from now on."""
        for database in {self.main, self.logs}:
            database.on_statement(statement_logger(journal))

    async def aclose(self) -> None:
        """Close all connections."""
        await self.main.aclose()
        if self.are_apart:
            await self.logs.aclose()


def open_databases(settings: Settings) -> Databases:
    """Return the databases that the settings name; connections are made on demand. Raises `DsnError`."""
    options = EngineOptions(
        pool_size=settings.db_pool_size,
        busy_timeout_ms=settings.sqlite_busy_timeout,
        max_lifetime_s=settings.sql_max_lifetime,
        secrets=settings.encryption_keys,
    )
    main = Database.open(parse_dsn(settings.sql_dsn, sqlite_path=settings.sqlite_path), options=options)
    if not settings.log_sql_dsn:
        return Databases(main, main)
    return Databases(main, Database.open(parse_dsn(settings.log_sql_dsn), options=options))


def prepare_databases(
    settings: Settings, progress: Callable[[int, int, str], None] | None = None
) -> MigrationReport | None:
    """Bring the schema up to date, make the first account, and report; a slave node leaves it to its master.

    Synchronous, and safe to run in several processes at once. Raises `StorageError`.
    """
    if not settings.is_master:
        return None
    databases = open_databases(settings)
    try:
        report = migrate(databases.main, progress)
        if databases.are_apart:
            ensure_logs(databases.logs)
        ensure_first_root(
            databases.main,
            hash_password=hash_password,
            access_token=settings.initial_root_access_token,
            token_key=settings.initial_root_token,
        )
        return report
    finally:
        databases.main.close()
        if databases.are_apart:
            databases.logs.close()


async def build(settings: Settings, process: Process, /) -> App:
    """Make a gateway for `process`. Starts nothing; what it opened is closed again if it raises."""
    databases = open_databases(settings)
    replica_id = uuid.uuid4().hex
    tls = await trio.to_thread.run_sync(client_context, certifi.where())
    redactor = redactor_of(settings)
    alerts = Alerts(settings, redactor, tls=tls) if settings.log_push_api else None
    tail, watch = Tail(redactor), Watch()
    lines = build_journal(
        stream=sys.stdout,
        redactor=redactor,
        debug=settings.debug,
        log_dir=Path(settings.log_dir) if settings.log_dir else None,
        only_one_file=settings.only_one_log_file,
        alerts=alerts.pusher if alerts is not None else None,
        tail=tail,
        watch=watch,
    )
    metrics = Metrics.make(worker=process.worker) if settings.enable_prometheus_metrics else None
    journal = metrics.counting(lines) if metrics is not None else lines
    defaults = {
        "awsclaude": {"base_url": settings.aws_endpoint_url_bedrock_runtime},
        "gemini": {"api_version": settings.gemini_version},
    }
    own_providers = Path(settings.providers_dir) if settings.providers_dir else None
    catalogue = await trio.to_thread.run_sync(load_catalogue, defaults, own_providers)
    counter = await Counter.load(trio.CapacityLimiter(COUNTING_THREADS))
    if settings.debug_sql:
        databases.log_statements(journal)
    slow = SlowStatements()
    databases.main.time_statements(slow.note)
    if databases.are_apart:
        databases.logs.time_statements(slow.note)
    cluster = build_cluster(settings, process, journal)
    transport = Http1Transport(tls=tls, proxy=parse_proxy(settings.relay_proxy))
    tokens = TokenKeeper()
    registry = Registry(
        database=databases.main,
        catalogue=catalogue,
        bus=cluster.bus,
        journal=journal,
        every_s=settings.sync_frequency,
    )
    services = Services(
        settings=settings,
        database=databases.main,
        log_database=databases.logs,
        registry=registry,
        accounts=AccountCache(database=databases.main, bus=cluster.bus),
        ledger=LedgerWriter(
            databases.main, replica_id=replica_id, journal=journal, logs_elsewhere=databases.are_apart
        ),
        bus=cluster.bus,
        windows=cluster.windows,
        journal=journal,
        transport=transport,
        wires=Wires(transport, tokens, make_wires(tokens)),
        catalogue=catalogue,
        running=Running(),
        phase=process.phase,
    )
    outside = Outside.of(services, tls=tls, is_leader=process.is_leader)
    quota = QuotaReminder(services, outside.courier)
    ledger, keeper = budgeted(services, ReservationWatch(services.ledger, quota))
    notices = Notices(root=RootNotifier(services, outside), quota=quota, budgets=keeper, alerts=alerts)
    recorder = RequestRecorder(databases.main, journal=journal)
    messages = MessageRecorder(databases.main, journal=journal)
    if metrics is not None:
        metrics.watch(
            services,
            version=product_version(),
            journal=lines,
            cluster=cluster,
            root=notices.root,
            alerts=alerts,
            messages=messages,
        )
    deps = _relay_deps(
        services, ledger, counter=counter, tls=tls, notices=notices, recorder=recorder, messages=messages
    )
    # Any process tests when somebody asks it to; only one of them does so by the clock.
    test_every_s = (settings.channel_test_frequency or 0) * 60 if process.is_leader else 0
    prober = Prober(services, every_s=test_every_s, notifier=notices.root)
    inside = InsideRelays(services, deps, catalogue=catalogue, phase=process.phase)
    live = Live.of(
        services,
        around=surroundings_of(process, cluster, lines, replica_id, slow),
        tail=tail,
        is_alone=not cluster.services,
    )
    plane = RelayPlane(
        # The same protocol in Quart's own words for it, which are narrower than ASGI's.
        cast(
            "AsgiApp",
            create_management(
                services,
                prober=prober,
                outside=outside,
                live=live,
                relays=inside,
                numbers=metrics.registry if metrics is not None else None,
                extensions=[] if frontend_elsewhere(settings) else installed_extensions(),
            ),
        ),
        deps=deps,
        catalogue=catalogue,
        phase=process.phase,
        trusted_proxies=settings.trusted_proxies,
    )
    rules = AlertRules(services, outside, watch, redactor)
    return App(
        asgi=plane,
        services=_in_order(
            services,
            deps,
            prober,
            [outside.courier, outside.releases, recorder, messages, *notices.services, rules, live.flow],
            cluster,
            lines,
            transport,
            tokens,
            process,
            databases,
            replica_id,
        ),
        running=services.running,
        journal=lines,
        close=databases.aclose,
    )


def _in_order(
    services: Services,
    deps: RelayDeps,
    prober: Prober,
    mail: list[Service],
    cluster: Cluster,
    lines: JournalService,
    transport: Http1Transport,
    tokens: TokenKeeper,
    process: Process,
    databases: Databases,
    replica_id: str,
) -> list[Service]:
    """Return the services as they are started; closing goes the other way, so the ledger flushes after relays."""
    main, journal = databases.main, services.journal
    presence = Presence(main, replica_id=replica_id, journal=journal)
    order: list[Service] = [lines, LibraryLogging(journal, debug=services.settings.debug)]
    order += [*cluster.services, presence]
    if process.is_leader and databases.are_apart:
        # Closed after the ledger, so that the last settlements' log rows still travel.
        order.append(Outbox(main, databases.logs, journal=journal))
    order.append(services.ledger)
    if process.is_leader:
        order.append(Reaper(main, replica_id=replica_id, journal=journal, logs_elsewhere=databases.are_apart))
        order += [Retention(main, journal=journal), UsageSums(main, databases.logs, journal=journal)]
    order += [services.registry, *mail, transport, tokens, deps.responses.book, prober]
    # What relays know by what they ask of it.
    order += [one for one in (deps.health, deps.shadows) if isinstance(one, ChannelHealth | Shadows)]
    if process.is_leader:
        order += [_settler(services, deps), LogRetention(services)]
        order.append(Greeting(services, lines, process=process, replica_id=replica_id, shared_state=cluster.label))
    return order


def _settler(services: Services, deps: RelayDeps) -> Settler:
    responses = deps.responses
    return Settler(responses.book, responses.charges, registry=services.registry, journal=services.journal)


def _relay_deps(
    services: Services,
    ledger: BudgetedLedger,
    *,
    counter: Counter,
    tls: ssl.SSLContext,
    notices: Notices,
    recorder: RequestRecorder,
    messages: MessageRecorder,
) -> RelayDeps:
    settings, journal = services.settings, services.journal
    book = ResponseBook(DatabaseResponses(services.database), journal=journal)
    charges = BackgroundCharges(
        book,
        ledger=ledger,
        prices=services.catalogue.prices,
        wires=services.wires,
        settings=settings,
        journal=journal,
    )
    return RelayDeps(
        settings=settings,
        registry=services.registry,
        accounts=services.accounts,
        ledger=ledger,
        prices=services.catalogue.prices,
        counter=counter,
        transport=services.transport,
        wires=services.wires,
        images=HttpImageFetcher(
            tls=tls,
            max_bytes=settings.max_inline_image_size_mb << 20,
            timeout_s=settings.user_content_request_timeout,
            allow_private=settings.fetch_allow_private,
            proxy_url=settings.user_content_request_proxy,
            journal=services.journal,
        ),
        windows=services.windows,
        health=ChannelHealth(
            registry=services.registry, settings=settings, journal=services.journal, notifier=notices.root
        ),
        budgets=ledger,
        budget=RetryBudget(),
        running=services.running,
        journal=services.journal,
        rng=SystemRandom(),
        responses=Responses(book, charges),
        signatures=SignatureBook(
            DatabaseSignatures(services.database), journal=journal, hours=settings.keep_signatures_hours
        ),
        uploads=Uploads(ffprobe=shutil.which("ffprobe")),
        recorder=recorder,
        messages=messages,
        shadows=shadows_of(services, counter),
    )
