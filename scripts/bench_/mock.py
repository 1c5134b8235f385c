"""A provider that answers at once: `python -m scripts.bench_.mock -listen 127.0.0.1:0`.

Only chat completions, only what the scenarios need; used where the faster tools are not at hand.
"""

from __future__ import annotations

import argparse
import json
import re
from functools import partial

import trio

from scripts.bench_.plan import Plan, plan_of

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\n%s\r\n\r\n"
_CHUNK = (
    'data: {"id":"chatcmpl-mock","object":"chat.completion.chunk","created":1700000000,"model":%s,'
    '"choices":[{"index":0,"delta":%s,"finish_reason":%s}]}\n\n'
)


async def serve(stream: trio.SocketStream) -> None:
    """Answer one connection until its client leaves."""
    waiting = b""
    while True:
        while b"\r\n\r\n" not in waiting:
            if not (data := await stream.receive_some()):
                return
            waiting += data
        head, _, body = waiting.partition(b"\r\n\r\n")
        match = _LENGTH.search(head)
        parts, missing = [body], (int(match[1]) if match else 0) - len(body)
        while missing > 0:
            parts.append(await stream.receive_some())
            missing -= len(parts[-1])
            if not parts[-1]:
                return
        waiting = b""
        request = json.loads(b"".join(parts))
        plan = plan_of(request["model"])
        if request.get("stream"):
            await answer_stream(stream, request, plan)
        else:
            await answer_whole(stream, request, plan)


async def answer_whole(stream: trio.SocketStream, request: dict[str, object], plan: Plan) -> None:
    """Send the answer in one piece."""
    message = {"role": "assistant", "content": plan.text()}
    body = json.dumps(
        {
            "id": "chatcmpl-mock",
            "object": "chat.completion",
            "created": 1700000000,
            "model": request["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": usage(plan),
        }
    ).encode()
    await stream.send_all(_HEAD % (b"application/json", b"Content-Length: %d" % len(body)) + body)


async def answer_stream(stream: trio.SocketStream, request: dict[str, object], plan: Plan) -> None:
    """Send the answer as events, each as a chunk of its own; without a pause they share a write."""
    name = json.dumps(request["model"])
    out = [_HEAD % (b"text/event-stream", b"Transfer-Encoding: chunked")]
    started = trio.current_time()
    for number in range(plan.chunks):
        if plan.pause_s:
            await stream.send_all(b"".join(out))
            out.clear()
            await trio.sleep_until(started + number * plan.pause_s)
        out.append(chunk(_CHUNK % (name, json.dumps({"content": plan.piece(number)}), "null")))
    out.append(chunk(_CHUNK % (name, "{}", '"stop"')))
    options = request.get("stream_options")
    if isinstance(options, dict) and options.get("include_usage"):
        last = {"id": "chatcmpl-mock", "object": "chat.completion.chunk", "choices": [], "usage": usage(plan)}
        out.append(chunk(f"data: {json.dumps(last)}\n\n"))
    out += [chunk("data: [DONE]\n\n"), b"0\r\n\r\n"]
    await stream.send_all(b"".join(out))


def usage(plan: Plan) -> dict[str, int]:
    """Return the usage of an answer: always 11 in, pieces + 1 out."""
    return {"prompt_tokens": 11, "completion_tokens": plan.chunks + 1, "total_tokens": plan.chunks + 12}


def chunk(text: str) -> bytes:
    """Frame `text` as one chunk of a body."""
    data = text.encode()
    return b"%x\r\n%s\r\n" % (len(data), data)


async def forgiving(stream: trio.SocketStream) -> None:
    """Serve a connection; clients may leave at any time."""
    async with stream:
        try:
            await serve(stream)
        except trio.BrokenResourceError:
            return


async def main(address: str) -> None:
    """Listen and say where."""
    host, _, port = address.rpartition(":")
    listeners = await trio.open_tcp_listeners(int(port), host=host, backlog=2048)
    bound = listeners[0].socket.getsockname()
    print(f"mock listening on {bound[0]}:{bound[1]}", flush=True)
    await trio.serve_listeners(forgiving, listeners)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-listen", default="127.0.0.1:0")
    trio.run(partial(main, parser.parse_args().listen))
