"""A load generator: `python -m scripts.bench_.client -url … -key … -c 32 -t 5`; prints its report as JSON.

Closed loop: each of `-c` workers sends its next request when the last is answered. Every byte of every answer is
checked. It takes more CPU than the Go tool that it stands in for, so rates are lower; what the gateway uses per
request is measured all the same.
"""

from __future__ import annotations

import argparse
import base64
import json
import statistics
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import trio

from scripts.bench_.plan import plan_of
from scripts.bench_.processes import usage_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class BrokenAnswer(Exception):
    """The connection ended within an answer."""


class Connection:
    """One kept-alive connection, just enough HTTP/1.1 for answers of gateways."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._buffer = bytearray()

    async def head(self) -> tuple[int, bytes]:
        """Read a head; return status and headers in lower case."""
        head = await self._until(b"\r\n\r\n")
        return int(head[9:12]), head.lower()

    async def body(self, head: bytes) -> AsyncIterator[bytes]:
        """Read a body piece by piece."""
        if b"transfer-encoding: chunked" in head:
            while size := int((await self._until(b"\r\n")).split(b";")[0], 16):
                yield (await self._exactly(size + 2))[:-2]
            await self._until(b"\r\n")
        else:
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
            yield await self._exactly(length)

    async def _until(self, end: bytes) -> bytes:
        while (at := self._buffer.find(end)) < 0:
            await self._more()
        return self._take(at + len(end))[: -len(end)]

    async def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            await self._more()
        return self._take(size)

    async def _more(self) -> None:
        data = await self.stream.receive_some(65536)
        if not data:
            raise BrokenAnswer
        self._buffer += data

    def _take(self, size: int) -> bytes:
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data


def _chat(data: bytes) -> tuple[str, bool]:
    if data == b"[DONE]":
        return "", True
    choices = json.loads(data).get("choices")
    return (choices[0]["delta"].get("content") or "" if choices else ""), False


def _anthropic(data: bytes) -> tuple[str, bool]:
    event = json.loads(data)
    delta = event.get("delta") if event["type"] == "content_block_delta" else None
    return (delta.get("text", "") if delta else ""), event["type"] == "message_stop"


def _responses(data: bytes) -> tuple[str, bool]:
    if data == b"[DONE]":
        return "", True
    event = json.loads(data)
    kind = event["type"]
    return (event["delta"] if kind == "response.output_text.delta" else ""), kind == "response.completed"


PATHS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages", "responses": "/v1/responses"}
READERS = {"openai": _chat, "anthropic": _anthropic, "responses": _responses}
"""What one event of a stream says: its text, and whether it is the last."""


@dataclass
class Tally:
    """What was seen."""

    latencies: list[float] = field(default_factory=list)
    firsts: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    chunks: int = 0
    truncated: int = 0
    wrong: int = 0
    sent: int = 0


@dataclass
class Load:
    """The load as ordered."""

    options: argparse.Namespace
    body: bytes
    tally: Tally = field(default_factory=Tally)

    def request(self) -> bytes:
        """Return the request, head and body."""
        where = urlsplit(self.options.url)
        head = (
            f"POST {PATHS[self.options.api]} HTTP/1.1\r\nHost: {where.netloc}\r\n"
            f"Authorization: Bearer {self.options.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body

    async def worker(self, number: int, ends_at: float) -> None:
        """Send one request after another on one connection."""
        options = self.options
        await trio.sleep(options.ramp * number / options.c)
        connection: Connection | None = None
        warm = options.warm
        try:
            while trio.current_time() < ends_at and (not options.n or warm or self.tally.sent < options.n):
                self.tally.sent += not warm
                try:
                    with trio.fail_after(options.timeout):
                        if connection is None:
                            where = urlsplit(options.url)
                            assert where.hostname, options.url
                            connection = Connection(await trio.open_tcp_stream(where.hostname, where.port or 80))
                        await self.exchange(connection, counts=not warm)
                except (OSError, BrokenAnswer, trio.BrokenResourceError, trio.TooSlowError) as error:
                    if isinstance(error, BrokenAnswer):
                        self.tally.truncated += 1
                    else:
                        self.tally.errors[type(error).__name__] += 1
                    if connection is not None:
                        connection.stream.socket.close()
                    connection = None
                warm = max(warm - 1, 0)
        finally:
            if connection is not None:
                connection.stream.socket.close()

    async def exchange(self, connection: Connection, *, counts: bool) -> None:
        """Make one request and check its answer."""
        tally, streamed = self.tally, self.options.stream
        started = trio.current_time()
        await connection.stream.send_all(self.request())
        status, head = await connection.head()
        first = 0.0
        text: list[str] = []
        rest = b""
        is_done = not streamed
        async for data in connection.body(head):
            first = first or trio.current_time()
            if not streamed:
                rest += data
                continue
            *events, rest = (rest + data).split(b"\n\n")
            for event in events:
                piece, ends = READERS[self.options.api](event.rpartition(b"data: ")[2])
                is_done = is_done or ends
                if piece:
                    text.append(piece)
        if status != 200:
            tally.errors[str(status)] += 1
            return
        if not streamed:
            text.append(json.loads(rest)["choices"][0]["message"]["content"])
        if not is_done:
            tally.truncated += 1
        elif "".join(text) != plan_of(self.options.model).text():
            tally.wrong += 1
        elif counts:
            tally.latencies.append(trio.current_time() - started)
            tally.firsts.append(first - started)
            tally.chunks += len(text)


def body_of(options: argparse.Namespace) -> bytes:
    """Return the request's body."""
    content: object = "Tell me something that fills pages."
    if options.image_kb:
        image = base64.b64encode(bytes(options.image_kb * 1024)).decode()
        picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image}"}}
        content = [{"type": "text", "text": content}, picture]
    messages = [{"role": "user", "content": content}]
    body: dict[str, Any] = {"model": options.model, "stream": options.stream}
    if options.api == "anthropic":
        body |= {"messages": messages, "max_tokens": 4096}
    elif options.api == "responses":
        body |= {"input": messages}
    else:
        body |= {"messages": messages}
        if options.stream:
            body |= {"stream_options": {"include_usage": True}}
    return json.dumps(body).encode()


async def main(options: argparse.Namespace) -> None:
    """Run the load and print the report."""
    load = Load(options, body_of(options))
    before = usage_of(options.pid) if options.pid else None
    watched: list[float] = []
    started = trio.current_time()
    async with trio.open_nursery() as nursery:
        if options.pid:
            nursery.start_soon(watch_memory, options.pid, watched)
        ends_at = started + (options.t or 3600)
        async with trio.open_nursery() as crew:
            for number in range(options.c):
                crew.start_soon(load.worker, number, ends_at)
        seconds = trio.current_time() - started
        nursery.cancel_scope.cancel()
    await trio.sleep(options.settle)
    tally = load.tally
    report: dict[str, Any] = {
        "requests": len(tally.latencies),
        "requests_per_second": round(len(tally.latencies) / seconds, 2),
        "errors": sum(tally.errors.values()) + tally.truncated + tally.wrong,
        "error_kinds": dict(tally.errors),
        "truncated_streams": tally.truncated,
        "wrong_content": tally.wrong,
        "chunks": tally.chunks,
        "latency_ms": spread(tally.latencies),
        "ttft_ms": spread(tally.firsts),
    }
    if before is not None:
        after = usage_of(options.pid)
        cpu = after.cpu_s - before.cpu_s
        report["server"] = {
            "cpu_s": round(cpu, 3),
            "cpu_ms_per_request": round(cpu * 1e3 / max(len(tally.latencies), 1), 3),
            "cpu_us_per_chunk": round(cpu * 1e6 / max(tally.chunks, 1), 1),
            "pss_start_mb": round(before.pss_mb, 1),
            "pss_peak_mb": round(max([after.pss_mb, *watched]), 1),
        }
    print(json.dumps(report, indent=1))


async def watch_memory(pid: int, seen: list[float]) -> None:
    """Note the memory of `pid` twice a second, in a thread, since it reads the maps of a whole process."""
    while True:
        usage = await trio.to_thread.run_sync(usage_of, pid)
        seen.append(usage.pss_mb)
        await trio.sleep(0.5)


def spread(values: list[float]) -> dict[str, float]:
    """Return the middle and the ends of `values`, in milliseconds."""
    if not values:
        return {}
    ordered = sorted(value * 1e3 for value in values)
    return {
        "min": round(ordered[0], 3),
        "p50": round(statistics.median(ordered), 3),
        "p99": round(ordered[int(len(ordered) * 0.99)], 3),
        "max": round(ordered[-1], 3),
    }


def options_of(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line; names as those of the Go tool."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-url", required=True)
    parser.add_argument("-key", default="sk-bench")
    parser.add_argument("-model", default="bench-8chunks-40b")
    parser.add_argument("-stream", action="store_true")
    parser.add_argument("-api", choices=tuple(PATHS), default="openai", help="other than openai: streams only")
    parser.add_argument("-c", type=int, default=1)
    parser.add_argument("-n", type=int, default=0)
    parser.add_argument("-t", type=float, default=0.0)
    parser.add_argument("-warm", type=int, default=0)
    parser.add_argument("-ramp", type=float, default=0.0)
    parser.add_argument("-timeout", type=float, default=60.0)
    parser.add_argument("-settle", type=float, default=0.3)
    parser.add_argument("-pid", type=int, default=0)
    parser.add_argument("-image-kb", type=int, default=0)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    trio.run(main, options_of())
