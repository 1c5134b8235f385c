"""Start the small gateway as a process and talk to it over sockets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import trio

from tests.support.tls import no_tls

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[2]


@dataclass
class TinyProcess:
    process: trio.Process
    port: int = 0
    lines: list[str] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    stderr: str = ""
    news: trio.Event = field(default_factory=trio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self.process.pid

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    async def wait_line(self, start: str, count: int = 1) -> list[str]:
        while len(found := [line for line in self.lines if line.startswith(start)]) < count:
            await self.news.wait()
        return found

    async def wait_event(self, name: str, count: int = 1) -> list[dict[str, Any]]:
        while len(found := [event for event in self.errors if event["name"] == name]) < count:
            await self.news.wait()
        return found

    async def exit_code(self) -> int:
        with trio.fail_after(20):
            return await self.process.wait()

    def heard(self) -> None:
        self.news.set()
        self.news = trio.Event()

    async def read_stdout(self) -> None:
        rest = ""
        async for data in self.process.stdout:  # type: ignore[union-attr]
            *whole, rest = (rest + data.decode()).split("\n")
            self.lines += whole
            self.heard()

    async def read_stderr(self) -> None:
        rest = ""
        async for data in self.process.stderr:  # type: ignore[union-attr]
            self.stderr += data.decode()
            *whole, rest = (rest + data.decode()).split("\n")
            self.errors += [json.loads(line) for line in whole if line.startswith("{")]
            self.heard()


@asynccontextmanager
async def tiny(*, wait_ready: int = 1, **settings: Any) -> AsyncIterator[TinyProcess]:
    """Run the small gateway with `settings` until the block ends; it must not outlive the block."""
    process = await trio.lowlevel.open_process(
        [sys.executable, "-m", "tests.server.tiny"],
        env={**os.environ, "TINY": json.dumps(settings), "PYTHONWARNINGS": "error"},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    it = TinyProcess(process)
    try:
        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(it.read_stdout)
                nursery.start_soon(it.read_stderr)
                if wait_ready:
                    with trio.fail_after(20):
                        it.port = int((await it.wait_line("ready", wait_ready))[0].split()[2])
                yield it
                if process.returncode is None:
                    process.terminate()
                    with trio.move_on_after(5):
                        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()
        for pipe in (process.stdout, process.stderr):
            await pipe.aclose()  # type: ignore[union-attr]


@asynccontextmanager
async def client(it: TinyProcess) -> AsyncIterator[httpx2.AsyncClient]:
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(base_url=it.url, timeout=30, limits=limits, trust_env=False, verify=no_tls()) as c:
        yield c
