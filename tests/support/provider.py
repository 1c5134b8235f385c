"""A mock provider: OpenAI's wire format on a real socket, which misbehaves on order.

    async with provider() as p:
        p.script(failure(429, headers=(("Retry-After", "1"),)))      # for the next request, whatever it is
        p.script(Answer(cut_after=3), model="gpt-4o")                # for the next one for this model
        p.standing(Answer(pause_s=0.1), path="/v1/completions")      # for all from now on that no script is for
        ...                                                          # send requests to p.url
        assert p.requests[0].json["model"] == "gpt-4o"
        await p.requests[0].wait_gone()                              # its client has left before the end

It speaks the wires of other providers, too: see `tests.support.wires.stage`.

By hand: `python -m tests.support.provider --port 8001`.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httptools
import trio

from tests.support.provider_answers import Answer, Tokens, failure, sse
from tests.support.provider_wire import Received, RequestParser, reset, send_answer

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

__all__ = ["Answer", "Provider", "Received", "Tokens", "failure", "provider", "sse"]


@dataclass(frozen=True, kw_only=True)
class _Rule:
    answer: Answer
    path: str | None
    model: str | None

    def is_for(self, request: Received) -> bool:
        return self.path in {None, request.path} and self.model in {None, request.model}


@dataclass(eq=False)
class Provider:
    """A running mock provider."""

    url: str = ""
    """`http://127.0.0.1:PORT`, without `/v1`."""
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    """How many were ever opened."""
    open_connections: int = 0
    running: int = 0
    most_running: int = 0
    responder: Callable[[Received], Answer] | None = None
    """Answers what neither a script nor a standing answer is for."""
    _scripts: list[_Rule] = field(default_factory=list)
    _standing: list[_Rule] = field(default_factory=list)
    _changed: trio.Event = field(default_factory=trio.Event)

    def script(self, *answers: Answer, path: str | None = None, model: str | None = None) -> None:
        """Answer the next requests (for this path, for this model) so, each once."""
        self._scripts += [_Rule(answer=answer, path=path, model=model) for answer in answers]

    def standing(self, answer: Answer, *, path: str | None = None, model: str | None = None) -> None:
        """Answer all requests (for this path, for this model) so that no script is for. The last call wins."""
        self._standing.insert(0, _Rule(answer=answer, path=path, model=model))

    async def wait_requests(self, count: int, timeout_s: float = 5.0) -> None:
        """Wait until `count` requests have come in all."""
        with trio.fail_after(timeout_s):
            while len(self.requests) < count:
                await self._changed.wait()

    async def wait_closed(self, timeout_s: float = 5.0) -> None:
        """Wait until no connection is open."""
        with trio.fail_after(timeout_s):
            while self.open_connections:
                await self._changed.wait()

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Serve one connection."""
        number = self.connections
        self.connections += 1
        self.open_connections += 1
        try:
            async with trio.open_nursery() as nursery:
                parsed, requests = trio.open_memory_channel[Received](0)
                nursery.start_soon(self._read, stream, number, parsed, nursery.cancel_scope)
                async for request in requests:
                    if not await self._answer(stream, request):
                        break
                nursery.cancel_scope.cancel()
        finally:
            self.open_connections -= 1
            self._notify()
            with trio.move_on_after(1, shield=True):
                await stream.aclose()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    async def _read(
        self,
        stream: trio.abc.Stream,
        number: int,
        parsed: trio.MemorySendChannel[Received],
        connection: trio.CancelScope,
    ) -> None:
        """Read requests, and notice when the client leaves in the middle of an answer."""
        current: Received | None = None
        parser = RequestParser()
        try:
            while data := await stream.receive_some(65536):
                parser.feed(bytes(data))
                if parser.is_complete:
                    current = parser.request(number)
                    parser = RequestParser()
                    self.requests.append(current)
                    self._notify()
                    await parsed.send(current)
        except (trio.BrokenResourceError, trio.ClosedResourceError, httptools.HttpParserError):
            pass
        if current is not None and not current.is_answered:
            current.gone_at = trio.current_time()
            current.gone.set()
        connection.cancel()

    async def _answer(self, stream: trio.abc.Stream, request: Received) -> bool:
        """Answer one request; whether the connection can go on."""
        answer = self._choose(request)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            is_whole = await send_answer(stream, answer, request)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return False
        finally:
            self.running -= 1
        if not is_whole and answer.reset:
            reset(stream)
        return is_whole and not answer.close

    def _choose(self, request: Received) -> Answer:
        for rule in self._scripts:
            if rule.is_for(request):
                self._scripts.remove(rule)
                return rule.answer
        for rule in self._standing:
            if rule.is_for(request):
                return rule.answer
        return self.responder(request) if self.responder is not None else Answer()


@asynccontextmanager
async def provider(tls: ssl.SSLContext | None = None) -> AsyncIterator[Provider]:
    """Run a mock provider on a free port of 127.0.0.1; with `tls`, over TLS as `localhost`."""
    mock = Provider()
    async with trio.open_nursery() as nursery:
        await nursery.start(_listen, mock, "127.0.0.1", 0, tls)
        yield mock
        nursery.cancel_scope.cancel()


async def _listen(
    mock: Provider,
    host: str,
    port: int,
    tls: ssl.SSLContext | None = None,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    listeners = await trio.open_tcp_listeners(port, host=host)
    address = listeners[0].socket.getsockname()
    mock.url = f"https://localhost:{address[1]}" if tls else f"http://{address[0]}:{address[1]}"
    task_status.started()
    if tls is None:
        await trio.serve_listeners(mock.serve, listeners)
    else:
        await trio.serve_listeners(mock.serve, [trio.SSLListener(listener, tls) for listener in listeners])


async def _serve_by_hand(host: str, port: int, answer: Answer) -> None:
    mock = Provider()
    mock.standing(answer)
    async with trio.open_nursery() as nursery:
        await nursery.start(_listen, mock, host, port)
        sys.stdout.write(f"mock provider at {mock.url}\n")
        sys.stdout.flush()


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A mock provider in OpenAI's format. Any key is taken.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: a free one, which is printed")
    parser.add_argument("--text", default="Hello from the provider.", help="what it answers, one word a piece")
    parser.add_argument("--pause", type=float, default=0.05, help="seconds between two pieces of a stream")
    options = parser.parse_args()
    pieces = tuple(word + " " for word in options.text.split())
    try:
        trio.run(_serve_by_hand, options.host, options.port, Answer(pieces=pieces, pause_s=options.pause))
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
