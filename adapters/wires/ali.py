"""DashScope's own headers, which ask for streams, tasks and plugins; and its tasks, which are waited for.

Source: https://help.aliyun.com/zh/model-studio/text-to-image-v2-api-reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from adapters.formats.errors import FormatError
from adapters.formats.reading import load, member
from adapters.wires.exchange import MOST_BYTES, header, like, read_all, with_headers
from adapters.wires.framing import Given
from adapters.wires.waiting import cancel, wait_until_ready

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import JsonObject
    from adapters.transport.types import Transport, UpstreamRequest, UpstreamResponse
    from adapters.wires.types import Call

EVERY_S = 1.0
LONGEST_S = 300.0
_RUNNING = ("PENDING", "RUNNING", "SUSPENDED")


class AliAuthorizer:
    """Adds the headers; the key is in one already."""

    async def authorize(self, request: UpstreamRequest, call: Call, transport: Transport) -> UpstreamRequest:
        """See `adapters.wires.types.Authorizer`."""
        del transport  # nothing is asked for
        headers: list[tuple[bytes, bytes]] = []
        if call.streams:
            headers += [(b"accept", b"text/event-stream"), (b"x-dashscope-sse", b"enable")]
        if call.endpoint != "images_generations" and (plugin := call.account.setting("plugin")):
            headers.append((b"x-dashscope-plugin", plugin.encode()))
        return with_headers(request, *headers)


class AliTasks:
    """Has pictures made as tasks, which is the only way for most models. A task whose client left is cancelled."""

    async def send(self, request: UpstreamRequest, call: Call, transport: Transport) -> UpstreamResponse:
        """See `adapters.wires.types.Carrier`. The answer is the task's once it is over."""
        if call.endpoint != "images_generations":
            return await transport.send(request)
        created = await transport.send(with_headers(request, (b"x-dashscope-async", b"enable")))
        if created.status >= 300:
            return created
        try:
            body = await read_all(created, most=MOST_BYTES)
        finally:
            await created.aclose()
        task = _task_of(body)
        if not task:
            return Given(created.status, created.headers, body)
        url = f"{call.account.base_url}/api/v1/tasks/{quote(task, safe='')}"
        key = (b"authorization", header(request, b"authorization"))
        try:
            return await wait_until_ready(
                like(request, method="GET", url=url, headers=(key, (b"accept", b"application/json"))),
                transport,
                is_over=_is_over,
                every_s=EVERY_S,
                longest_s=LONGEST_S,
            )
        except BaseException:
            await cancel(like(request, url=f"{url}/cancel", headers=(key,)), transport)
            raise


def _output(answer: JsonObject) -> JsonObject:
    return member(answer, "output") or {}


def _task_of(body: bytes) -> str:
    """Return the task's name, empty if it is over, or was never begun."""
    try:
        output = _output(load(body))
    except FormatError:
        return ""
    task = output.get("task_id")
    return task if isinstance(task, str) and output.get("task_status", "PENDING") in _RUNNING else ""


def _is_over(answer: JsonObject) -> bool:
    return _output(answer).get("task_status") not in _RUNNING
