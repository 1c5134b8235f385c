"""Recorded messages of single requests."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING

from gateway.management import answers
from gateway.management.contract import Answer, Area
from gateway.management.guard import author, for_role
from gateway.management.shown.envelope import Data, Done
from gateway.management.shown.messages import RecordedMessages
from gateway.recordings import access
from storage.records import Role

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from gateway.recordings.access import Recorded
    from gateway.services import Services

_UNSHOWN = ("user_id", "token_id", "content")


def blueprint(services: Services) -> Blueprint:
    """Return the routes."""
    area = Area("messages", "Recorded messages")
    users = for_role(Role.USER)

    looking = for_role(Role.USER, changes=True)

    @area.on("GET", "/api/messages/<request_id>", looking, Answer(Data[RecordedMessages], also=(404,)))
    async def read_recorded_messages(request_id: str) -> Response:
        """Return what was said with a token whose messages are recorded.

        For the owner and root, and for administrators only if root permits it. That somebody else than the owner
        looked is written to the audit log.
        """
        return answers.data(_shown(await access.read_messages(services, author(), request_id)))

    @area.on("DELETE", "/api/messages/<request_id>", users, Answer(Done, also=(404,)))
    async def delete_recorded_messages(request_id: str) -> Response:
        """Delete what was recorded of a request, for its owner and for administrators."""
        await access.delete_messages(services, author(), request_id)
        return answers.done()

    return area.blueprint


def _shown(recorded: Recorded) -> dict[str, object]:
    row, content = recorded.row, recorded.content
    facts = {field.name: getattr(row, field.name) for field in fields(row) if field.name not in _UNSHOWN}
    return facts | {
        "request": _json(content.request),
        "answer": _json(content.answer),
        "error": content.error,
    }


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
