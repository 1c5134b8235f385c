"""The real program as a process, for tests that need to see it start, serve, drain and die.

    async with running_gateway(tmp_path, provider.url) as gateway:
        root = await gateway.login()
        await root.add_channel(base_url=provider.url, models=["m"])
        token = await root.add_token()
        ...
        await gateway.terminate()
        assert await gateway.wait() == 0
        await gateway.assert_books_balance()

The process must not outlive the block. Its JSON lines are kept (`gateway.lines`), and shown when a test fails.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx2
import trio

from tests.support.engines import migrated_sqlite
from tests.support.tls import no_tls

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from tests.support.engines import FreshDatabase

START_LIMIT_S = 90.0
EXIT_LIMIT_S = 40.0
CALL_LIMIT_S = 30.0

ROOT_NAME, ROOT_PASSWORD = "root", "123456"

CALM = {
    "DISABLE_COOKIE_SECURE": "true",
    "CRITICAL_RATE_LIMIT": "0",
    "GLOBAL_API_RATE_LIMIT": "0",
    "GLOBAL_RELAY_RATE_LIMIT": "0",
    "GLOBAL_WEB_RATE_LIMIT": "0",
    "LOG_DIR": "",
    "SESSION_SECRET": "0123456789abcdef",
}
"""What tests set unless they say otherwise: no rate limits, no log files, sessions that outlive a restart."""


class Session:
    """Somebody who is logged in, and the management calls that tests make. Failures are assertions."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self.client = client

    async def call(self, method: str, path: str, **arguments: Any) -> Any:
        """Make a management call and return its `data`."""
        answer = await self.client.request(method, path, **arguments)
        body = answer.json()
        assert answer.status_code == 200, (method, path, answer.status_code, body)
        assert body.get("success", True), (method, path, body)
        return body.get("data", body)

    async def option(self, key: str, value: object) -> None:
        """Set an option."""
        await self.call("PUT", "/api/option/", json={"key": key, "value": str(value)})

    async def add_channel(
        self, *, base_url: str, models: list[str], name: str = "mock", key: str = "sk-upstream-key", **more: Any
    ) -> int:
        """Make an OpenAI-compatible channel for group `default`; return its number."""
        body = {
            "type": 1,
            "name": name,
            "key": key,
            "base_url": base_url,
            "models": ",".join(models),
            "group": "default",
            **more,
        }
        await self.call("POST", "/api/channel/", json=body)
        newest = await self.call("GET", "/api/channel/?p=0&size=1")
        return int(newest[0]["id"])

    async def channel(self, number: int) -> dict[str, Any]:
        """Read a channel."""
        return dict(await self.call("GET", f"/api/channel/{number}"))

    async def add_user(self, name: str, *, quota: int, password: str = "password123") -> int:
        """Make a common user with `quota` units; return their number."""
        await self.call("POST", "/api/user/", json={"username": name, "password": password, "display_name": name})
        (user,) = [u for u in await self.call("GET", f"/api/user/search?keyword={name}") if u["username"] == name]
        number = int(user["id"])
        await self.call(
            "PUT", "/api/user/", json={"id": number, "username": name, "display_name": name, "quota": quota}
        )
        return number

    async def user(self, number: int) -> dict[str, Any]:
        """Read a user."""
        return dict(await self.call("GET", f"/api/user/{number}"))

    async def myself(self) -> dict[str, Any]:
        """Read the user who is logged in."""
        return dict(await self.call("GET", "/api/user/self"))

    async def add_token(self, *, name: str = "test", quota: int | None = None, **more: Any) -> dict[str, Any]:
        """Make a token of the user who is logged in, unlimited without `quota`; return it with its key."""
        limits = {"unlimited_quota": quota is None, "remain_quota": quota or 0, "expired_time": -1}
        token = dict(await self.call("POST", "/api/token/", json={"name": name, **limits, **more}))
        if not token["key"].startswith("sk-"):
            token["key"] = f"sk-{token['key']}"
        return token

    async def token(self, number: int) -> dict[str, Any]:
        """Read a token of the user who is logged in."""
        return dict(await self.call("GET", f"/api/token/{number}"))

    async def logs(self, **filters: Any) -> list[dict[str, Any]]:
        """Read all log rows that match, newest first; consumption unless `type` says otherwise."""
        rows: list[dict[str, Any]] = []
        while True:
            query = {"type": 2, "p": len(rows) // 100, "size": 100, **filters}
            page = await self.call("GET", "/api/log/", params=query) or []
            rows += page
            if len(page) < 100:
                return rows

    async def cost(self, request_id: str) -> dict[str, Any]:
        """Read the cost row of a request."""
        return dict(await self.call("GET", f"/api/cost/request/{request_id}"))

    async def trace(self, log_id: int) -> dict[str, Any]:
        """Read the trace of a log row."""
        return dict(await self.call("GET", f"/api/trace/log/{log_id}"))


@dataclass
class Gateway:
    """The process and its surroundings."""

    folder: Path
    environment: dict[str, str]
    port: int
    nursery: trio.Nursery
    process: trio.Process | None = None
    lines: list[dict[str, Any]] = field(default_factory=list)
    """JSON lines of standard output, over all runs."""
    stray: list[str] = field(default_factory=list)
    """Other lines of standard output, and standard error."""
    _clients: list[httpx2.AsyncClient] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it serves, without a path."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process number (the parent's, when there are several workers)."""
        assert self.process is not None
        return self.process.pid

    async def start(self) -> None:
        """Start the process and wait until it is ready."""
        self.process = await trio.lowlevel.open_process(
            [sys.executable, "-m", "gateway.cli", "serve"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.folder,
            env=self.environment,
            # Its own group: a worker's parent that was killed must not leave workers behind.
            start_new_session=True,
        )
        self.nursery.start_soon(self._listen, self.process)
        with trio.move_on_after(START_LIMIT_S):
            while await self.status() != 200:
                assert self.process.poll() is None, f"exited with {self.process.returncode}: {self.told()}"
                await trio.sleep(0.05)
            return
        raise AssertionError(f"not ready within {START_LIMIT_S} s: {self.told()}")

    async def status(self) -> int:
        """Return what `/api/status` answers, 0 for no connection."""
        try:
            async with httpx2.AsyncClient(trust_env=False, verify=no_tls(), timeout=5) as client:
                return (await client.get(f"{self.url}/api/status")).status_code
        except httpx2.HTTPError:
            return 0

    def client(self, **arguments: Any) -> httpx2.AsyncClient:
        """Return a client of this gateway that is closed with it."""
        settings = {
            "base_url": self.url,
            "trust_env": False,
            "verify": no_tls(),
            "timeout": CALL_LIMIT_S,
            **arguments,
        }
        client = httpx2.AsyncClient(**settings)
        self._clients.append(client)
        return client

    async def login(self, name: str = ROOT_NAME, password: str = ROOT_PASSWORD) -> Session:
        """Log in and return the session."""
        session = Session(self.client())
        await session.call("POST", "/api/user/login", json={"username": name, "password": password})
        return session

    async def terminate(self) -> None:
        """Send SIGTERM."""
        os.kill(self.pid, signal.SIGTERM)
        await trio.lowlevel.checkpoint()

    async def kill(self) -> None:
        """Kill the process and its workers at once, and wait until they are gone."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        await self.wait()

    async def wait(self) -> int:
        """Return the exit code."""
        assert self.process is not None
        with trio.move_on_after(EXIT_LIMIT_S):
            return await self.process.wait()
        raise AssertionError(f"did not exit within {EXIT_LIMIT_S} s: {self.told()}")

    async def wait_line(self, event: str, count: int = 1) -> list[dict[str, Any]]:
        """Return the lines of `event` once there are `count`."""
        with trio.move_on_after(CALL_LIMIT_S):
            while len(found := [line for line in self.lines if line["event"] == event]) < count:
                await trio.sleep(0.01)
            return found
        raise AssertionError(f"{len(found)} lines of {event}, not {count}: {self.told()}")

    async def command(self, *arguments: str) -> tuple[int, str]:
        """Run `one-api ARGUMENTS` in the same surroundings; return exit code and output."""
        with trio.fail_after(60):
            done = await trio.run_process(
                [sys.executable, "-m", "gateway.cli", *arguments],
                capture_stdout=True,
                stderr=subprocess.STDOUT,
                check=False,
                cwd=self.folder,
                env=self.environment,
            )
        return done.returncode, done.stdout.decode()

    async def ledger_verify(self) -> tuple[int, str]:
        """Run `one-api ledger verify`."""
        return await self.command("ledger", "verify")

    async def assert_books_balance(self) -> None:
        """Fail with the differences that `ledger verify` prints, if any."""
        code, text = await self.ledger_verify()
        assert code == 0, text

    def told(self) -> str:
        """Return the end of what the process printed."""
        return "\n".join([json.dumps(line) for line in self.lines[-20:]] + self.stray[-60:])

    async def aclose(self) -> None:
        """Close clients and end the process, by force if it does not go."""
        for client in self._clients:
            await client.aclose()
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            # A second signal: what tests left running need not be waited for.
            with trio.move_on_after(0.5):
                await self.process.wait()
            if self.process.poll() is None:
                self.process.terminate()
            with trio.move_on_after(10):
                await self.process.wait()
        await self.kill()

    async def _listen(self, process: trio.Process) -> None:
        assert process.stdout is not None
        rest = b""
        async for data in process.stdout:
            *whole, rest = (rest + data).split(b"\n")
            for line in whole:
                self._heard(line.decode(errors="replace"))
        if rest:
            self._heard(rest.decode(errors="replace"))

    def _heard(self, line: str) -> None:
        if line.startswith("{"):
            try:
                self.lines.append(json.loads(line))
                return
            except ValueError:
                pass
        self.stray.append(line)


@asynccontextmanager
async def running_gateway(
    folder: Path,
    *,
    database: FreshDatabase | None = None,
    env: Mapping[str, object] | None = None,
    start: bool = True,
) -> AsyncIterator[Gateway]:
    """Run the program in `folder` until the block ends.

    `database` is a fresh one of any engine, else SQLite in `folder`. `env` comes on top of `CALM`.
    """
    if database is not None:
        where = database.environment()
    else:
        file = folder / "one-api.db"
        if not file.exists():
            file.write_bytes(migrated_sqlite())
        where = {"SQLITE_PATH": str(file)}
    port = free_port()
    inherited = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    given = {name: str(value) for name, value in (env or {}).items()}
    environment = {**inherited, "HOME": str(folder), "PORT": str(port), **CALM, **where, **given}
    async with trio.open_nursery() as nursery:
        gateway = Gateway(folder=folder, environment=environment, port=port, nursery=nursery)
        try:
            if start:
                await gateway.start()
            yield gateway
        finally:
            with trio.move_on_after(30, shield=True):
                await gateway.aclose()
        nursery.cancel_scope.cancel()


def free_port() -> int:
    """Return a port that was free a moment ago. The process keeps it over restarts, so it cannot choose itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
