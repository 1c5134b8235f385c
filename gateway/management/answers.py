"""The three shapes of an answer: the envelope, the error object of key-authenticated routes, the unknown route."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import trio
from quart import Response, request

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.accounts.refusals import Refused

JSON_TYPE = "application/json; charset=utf-8"

# The texts of one-api that it shows in Chinese to Chinese clients; everything else is English.
_CHINESE = {
    "invalid parameter": "无效的参数",
    "Invalid input, please check your input": "无效的输入，请检查您的输入",  # noqa: RUF001
}


def as_json(body: object, status: int = 200) -> Response:
    """Answer with any JSON value."""
    return Response(msgspec.json.encode(body), status=status, content_type=JSON_TYPE)


async def large_data(make: Callable[[], object]) -> Response:
    """Answer with data that takes long to make and to write, without holding up anybody else."""

    def whole() -> bytes:
        return msgspec.json.encode({"success": True, "message": "", "data": make()})

    return Response(await trio.to_thread.run_sync(whole), content_type=JSON_TYPE)


def done(message: str = "") -> Response:
    """Answer that it was done, without data."""
    return as_json({"success": True, "message": message})


def data(value: object) -> Response:
    """Answer with data in the envelope."""
    return as_json({"success": True, "message": "", "data": value})


def page(rows: list[object], total: int) -> Response:
    """Answer with one page of a list and the number of rows without paging."""
    return as_json({"success": True, "message": "", "data": rows, "total": total})


def refusal(refused: Refused) -> Response:
    """Answer why it was not done."""
    body: dict[str, object] = {"success": False, "message": translated(refused.message)}
    if refused.has_data:
        body["data"] = refused.data
    return as_json(body, refused.status)


def failure(message: str, status: int) -> Response:
    """Answer that we failed; `message` holds no internals."""
    return as_json({"success": False, "message": message}, status)


def no_such_route() -> Response:
    """Answer for unknown paths, known paths with another method, and those without their trailing slash."""
    message = f"Invalid URL ({request.method} {request.path})"
    error = {"message": message, "type": "invalid_request_error", "param": "", "code": ""}
    return as_json({"error": error}, 404)


def translated(message: str) -> str:
    """Return the text in the client's language."""
    if request.headers.get("Accept-Language", "").lower().startswith("zh"):
        return _CHINESE.get(message, message)
    return message
