"""A control plane on a real socket over a real database, with a root account, for one test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, cast

import httpx2
import trio
from prometheus_client import CollectorRegistry
from quart import Quart

from adapters.providers.catalogue import Catalogue, load_catalogue
from adapters.transport.http1 import Http1Transport
from adapters.wires.table import make_wires
from adapters.wires.tokens import TokenKeeper
from adapters.wires.wired import Wires
from gateway.accounts.passwords import hash_password
from gateway.channels.probe import Prober
from gateway.cluster.local import LocalBus, LocalWindows
from gateway.cluster.subscriptions import Subscriptions
from gateway.config.settings import Settings
from gateway.identity.foreign import Endpoints
from gateway.identity.outside import Outside
from gateway.ledger.verify import verify
from gateway.ledger.writer import LedgerWriter
from gateway.lifecycle_types import AsgiApp, Phase
from gateway.management.app import create_management
from gateway.observe.types import Level, RelaySummary
from gateway.registry.accounts import AccountCache
from gateway.registry.registry import Registry
from gateway.relay.running import Running
from gateway.server.serve import serve
from gateway.server.sockets import open_listeners
from gateway.services import Services
from storage.bootstrap import ensure_first_root
from storage.database import Database
from tests.support.contract import contract_of
from tests.support.engines import FreshDatabase
from tests.support.tls import no_tls

PASSWORD = "password123"


@cache
def catalogue() -> Catalogue:
    """The catalogue, read once."""
    return load_catalogue()


@cache
def root_hash(text: str) -> str:
    """Root's password, hashed once."""
    return hash_password(text)


@dataclass
class Notes:
    """A journal that keeps what it is told."""

    events: list[tuple[str, str, dict[str, object]]] = field(default_factory=list)

    def relay(self, summary: RelaySummary) -> None:
        """Nothing is relayed here."""

    def event(self, level: Level, name: str, message: str, **fields: object) -> None:
        """Keep an event."""
        self.events.append((name, message, fields))

    def named(self, name: str) -> list[str]:
        """Messages of one kind."""
        return [message for event, message, _ in self.events if event == name]


@dataclass
class Person:
    """Somebody with a browser: cookies are kept and sent."""

    client: httpx2.AsyncClient

    async def send(self, method: str, path: str, **arguments: Any) -> httpx2.Response:
        """Send a request and return the answer as it is."""
        return await self.client.request(method, path, **arguments)

    async def call(self, method: str, path: str, **arguments: Any) -> Any:
        """Send a request that must succeed and return its data."""
        answer = await self.send(method, path, **arguments)
        body = answer.json()
        assert body.get("success") is True, (method, path, answer.status_code, body)
        return body.get("data")

    async def refused(self, method: str, path: str, **arguments: Any) -> str:
        """Send a request that must be refused and return why."""
        answer = await self.send(method, path, **arguments)
        body = answer.json()
        assert body.get("success") is False, (method, path, answer.status_code, body)
        return str(body["message"])

    async def login(self, name: str, password: str = PASSWORD) -> Any:
        """Sign in."""
        return await self.call("POST", "/api/user/login", json={"username": name, "password": password})


@dataclass
class Site:
    """The site, and who is on it."""

    url: str
    services: Services
    notes: Notes
    outside: Outside
    nursery: trio.Nursery
    app: Quart
    root: Person
    clients: list[httpx2.AsyncClient] = field(default_factory=list)

    def visitor(self, **arguments: Any) -> Person:
        """Return somebody new. With `event_hooks={}` their answers are not held to the document."""
        hooks = {"response": [contract_of(self.app).hold]}
        settings = {
            "base_url": self.url,
            "trust_env": False,
            "verify": no_tls(),
            "timeout": 20,
            "event_hooks": hooks,
            **arguments,
        }
        client = httpx2.AsyncClient(**settings)
        self.clients.append(client)
        return Person(client)

    async def user(self, name: str, *, role: str = "") -> Person:
        """Make an account, promote it if `role` is `admin`, and sign it in."""
        await self.root.call("POST", "/api/user/", json={"username": name, "password": PASSWORD})
        if role == "admin":
            await self.root.call("POST", "/api/user/manage", json={"username": name, "action": "promote"})
        person = self.visitor()
        await person.login(name)
        return person

    async def number_of(self, name: str) -> int:
        """Return the id of an account."""
        (found,) = [
            user
            for user in await self.root.call("GET", "/api/user/search", params={"keyword": name})
            if user["username"] == name
        ]
        return int(found["id"])

    async def token(self, person: Person, **members: Any) -> dict[str, Any]:
        """Make an API token."""
        return dict(await person.call("POST", "/api/token/", json={"name": "t", **members}))

    def registry_beside(self, database: Database | None = None) -> Registry:
        """Return the registry of another process, which its caller runs."""
        services = self.services
        return Registry(
            database=database or services.database,
            catalogue=services.catalogue,
            bus=services.bus,
            journal=services.journal,
            every_s=0,
        )

    async def books_add_up(self) -> None:
        """Fail with every balance that the ledger does not explain."""
        differences = await self.services.database.read(verify)
        assert differences == []


@asynccontextmanager
async def running_site(
    fresh: FreshDatabase, settings: Mapping[str, Any] | None = None, *, endpoints: Endpoints | None = None
) -> AsyncIterator[Site]:
    """Serve a control plane on `fresh`, which has all tables, until the block ends.

    `endpoints` are third parties that are not the real ones.
    """
    chosen = {"global_api_rate_limit": 0, "critical_rate_limit": 0, "global_web_rate_limit": 0, **(settings or {})}
    notes = Notes()
    database = fresh.open()
    # The thread limiter of the tests is not the site's: bootstrap is synchronous.
    await trio.to_thread.run_sync(lambda: ensure_first_root(database, hash_password=root_hash))
    transport = Http1Transport(tls=no_tls(), proxy=None)
    tokens = TokenKeeper()
    services = _services(Settings(**chosen), database, notes, transport, tokens)
    prober = Prober(services)
    outside = replace(Outside.of(services, tls=no_tls()), endpoints=endpoints or Endpoints())
    (listener,) = open_listeners(0, write_timeout_s=10, host="127.0.0.1")
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with trio.open_nursery() as nursery:
        await nursery.start(services.registry.run)
        await nursery.start(tokens.run)
        await nursery.start(prober.run)
        await nursery.start(outside.courier.run)
        app = create_management(services, prober=prober, outside=outside, numbers=CollectorRegistry())
        await nursery.start(
            lambda task_status: serve(
                cast("AsgiApp", app),
                [listener],
                settings=services.settings,
                phase=services.phase,
                journal=notes,
                task_status=task_status,
            )
        )
        site = Site(url, services, notes, outside, nursery, app, Person(httpx2.AsyncClient(verify=no_tls())))
        site.root = site.visitor()
        await site.root.login("root", "123456")
        try:
            yield site
        finally:
            with trio.move_on_after(5, shield=True):
                for client in site.clients:
                    await client.aclose()
                await transport.aclose()
            nursery.cancel_scope.cancel()
    database.close()


def _services(
    settings: Settings, database: Database, notes: Notes, transport: Http1Transport, tokens: TokenKeeper
) -> Services:
    bus = LocalBus(Subscriptions(notes))
    return Services(
        settings=settings,
        database=database,
        log_database=database,
        registry=Registry(database=database, catalogue=catalogue(), bus=bus, journal=notes, every_s=0),
        accounts=AccountCache(database=database, bus=bus),
        ledger=LedgerWriter(database, replica_id="test", journal=notes, logs_elsewhere=False),
        bus=bus,
        windows=LocalWindows(),
        journal=notes,
        transport=transport,
        wires=Wires(transport, tokens, make_wires(tokens)),
        catalogue=catalogue(),
        running=Running(),
        phase=Phase(),
    )
