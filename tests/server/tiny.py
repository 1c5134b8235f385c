"""A small gateway for tests: the real process tree around an application of a few lines.

`python -m tests.server.tiny` reads its settings from the variable TINY (JSON) and prints `ready PID PORT`.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import trio

from gateway.cluster.build import build_cluster
from gateway.lifecycle_types import App, Process
from gateway.relay.running import Running, RunningRelay
from gateway.workers import Program, start

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.cluster.types import Bus, Windows


@dataclass(frozen=True, kw_only=True)
class TinySettings:
    port: int = 0
    workers: int = 1
    client_write_timeout_sec: float = 60
    drain_delay_sec: float = 0
    shutdown_timeout_sec: float = 20
    uses_redis: bool = False
    redis_conn_string: str = ""
    redis_master_name: str = ""
    redis_password: str = ""
    fail: str = ""
    """`build`, `service`, or `late`: what goes wrong."""
    slow_close_s: float = 0


class Lines:
    """A journal that prints JSON lines to standard error."""

    def relay(self, summary: object) -> None:
        raise NotImplementedError

    def event(self, level: str, name: str, message: str, **fields: object) -> None:
        sys.stderr.write(json.dumps({"level": level, "name": name, "message": message, **fields}) + "\n")
        sys.stderr.flush()

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()
        await trio.sleep_forever()

    async def aclose(self) -> None:
        pass


@dataclass
class Books:
    """A service that says when it starts and closes."""

    name: str
    settings: TinySettings

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        if self.settings.fail == "service" and self.name == "second":
            raise RuntimeError("no disk")
        say(f"started {self.name}")
        task_status.started()
        if self.settings.fail == "late" and self.name == "second":
            raise RuntimeError("disk gone")
        await trio.sleep_forever()

    async def aclose(self) -> None:
        await trio.sleep(self.settings.slow_close_s)
        say(f"closed {self.name}")


@dataclass
class TinyApp:
    process: Process
    bus: Bus
    windows: Windows
    running: Running = field(default_factory=Running)
    seen: list[str] = field(default_factory=list)
    sent: int = 0
    """Pieces of all streams."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
        handler = getattr(self, "get_" + scope["path"].strip("/"))
        await handler(query, receive, send)

    async def answer(self, send: Any, body: str, status: int = 200) -> None:
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body.encode()})

    async def get_status(self, query: dict[str, str], receive: Any, send: Any) -> None:
        await self.answer(send, self.process.phase.state, 200 if self.process.phase.is_ready else 503)

    async def get_pid(self, query: dict[str, str], receive: Any, send: Any) -> None:
        await self.answer(send, f"{os.getpid()} {self.process.worker} {self.process.is_leader}")

    async def get_secret(self, query: dict[str, str], receive: Any, send: Any) -> None:
        await self.answer(send, os.environ.get("SESSION_SECRET", ""))

    async def get_running(self, query: dict[str, str], receive: Any, send: Any) -> None:
        await self.answer(send, str(len(self.running)))

    async def get_sent(self, query: dict[str, str], receive: Any, send: Any) -> None:
        await self.answer(send, str(self.sent))

    async def get_publish(self, query: dict[str, str], receive: Any, send: Any) -> None:
        self.bus.publish("account", query["payload"])
        await self.answer(send, "ok")

    async def get_seen(self, query: dict[str, str], receive: Any, send: Any) -> None:
        await self.answer(send, json.dumps(self.seen))

    async def get_hit(self, query: dict[str, str], receive: Any, send: Any) -> None:
        allowed = await self.windows.hit(query["key"], limit=int(query["limit"]), window_s=60)
        await self.answer(send, str(allowed))

    async def get_crash(self, query: dict[str, str], receive: Any, send: Any) -> None:
        raise RuntimeError("a bug")

    async def get_stream(self, query: dict[str, str], receive: Any, send: Any) -> None:
        """Events with pauses, as a relay; what it is told at the end is its last event."""
        await self.relay(receive, send, pieces=int(query["n"]), pause_s=float(query["pause"]), size=1)

    async def get_flood(self, query: dict[str, str], receive: Any, send: Any) -> None:
        """More than any socket buffers, without a pause."""
        await self.relay(receive, send, pieces=1_000_000, pause_s=0, size=64 * 1024)

    async def relay(self, receive: Any, send: Any, *, pieces: int, pause_s: float, size: int) -> None:
        await receive()
        relay = RunningRelay(
            request_id=os.urandom(8).hex(), user="", started_at=trio.current_time(), scope=trio.CancelScope()
        )
        with self.running.entered(relay):
            await send({"type": "http.response.start", "status": 200, "headers": []})
            with relay.scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self.leave_when_gone, receive, nursery.cancel_scope)
                    for _ in range(pieces):
                        await send(
                            {
                                "type": "http.response.body",
                                "body": b"data: " + b"x" * size + b"\n\n",
                                "more_body": True,
                            }
                        )
                        self.sent += 1
                        await trio.sleep(pause_s)
                    nursery.cancel_scope.cancel()
            last = relay.end_reason or "[DONE]"
            await send({"type": "http.response.body", "body": f"data: {last}\n\n".encode()})

    async def leave_when_gone(self, receive: Any, scope: trio.CancelScope) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        scope.cancel()


async def build(settings: TinySettings, process: Process) -> App:
    if settings.fail == "build":
        raise RuntimeError("no database")
    journal = Lines()
    cluster = build_cluster(settings, process, journal)
    app = TinyApp(process, bus=cluster.bus, windows=cluster.windows)
    cluster.bus.subscribe("account", app.seen.append)

    def announce(addresses: Sequence[str]) -> None:
        say(f"ready {os.getpid()} {addresses[0].rpartition(':')[2]}")

    async def close() -> None:
        say("closed storage")

    return App(
        asgi=app,
        services=[*cluster.services, Books("first", settings), Books("second", settings)],
        running=app.running,
        journal=journal,
        on_ready=announce,
        close=close,
    )


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def prepare() -> None:
    say("prepared")


def main() -> int:
    settings = TinySettings(**json.loads(os.environ["TINY"]))
    command = [sys.executable, "-m", "tests.server.tiny"]
    program = Program(settings=settings, build=build, prepare=prepare, open_journal=Lines, command=command)
    return start(program, os.environ)


if __name__ == "__main__":
    sys.exit(main())
