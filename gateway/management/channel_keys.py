"""The keys of one channel, where it has several: list, add, remove, clear, test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from gateway.channels import edits, key_ring
from gateway.management import answers
from gateway.management.contract import NAMED, Answer, Area, Body
from gateway.management.guard import author, for_role
from gateway.management.payloads import Payload, number_in_path
from gateway.management.shown.channels import ChannelKey, TestResult
from gateway.management.shown.envelope import Data, Done
from storage.records import Role

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from gateway.channels.key_ring import KeyFacts
    from gateway.channels.probe import Prober
    from gateway.services import Services


class KeysPayload(Payload):
    """Keys to add."""

    keys: str = Field(description="One key a line.", examples=["sk-…\nsk-…"])


def blueprint(services: Services, prober: Prober) -> Blueprint:
    """Return the routes."""
    area = Area("channel_keys", "Channels")
    admins = for_role(Role.ADMIN)

    @area.on("GET", "/api/channel/<channel_id>/keys", admins, Answer(Data[list[ChannelKey]]))
    async def list_channel_keys(channel_id: str) -> Response:
        """List the keys that a channel uses in turn, without the keys themselves.

        Not the original's. A channel that has one key is listed with that one.
        """
        channel = await edits.read_channel(services, number_in_path(channel_id))
        return answers.data([_shown(one) for one in await key_ring.list_keys(services, channel)])

    @area.on("POST", "/api/channel/<channel_id>/keys", admins, Answer(Data[int]), takes=Body(KeysPayload, NAMED))
    async def add_channel_keys(sent: KeysPayload, channel_id: str) -> Response:
        """Give a channel further keys, which it uses in turn with those that it has, and return how many are new.

        Not the original's.
        """
        count = await key_ring.add_keys(services, author(), number_in_path(channel_id), sent.keys)
        return answers.data(count)

    @area.on("DELETE", "/api/channel/<channel_id>/keys/<key_id>", admins, Answer(Done))
    async def remove_channel_key(channel_id: str, key_id: str) -> Response:
        """Take a key away from a channel that has several.

        Not the original's.
        """
        await key_ring.remove_key(services, author(), number_in_path(channel_id), number_in_path(key_id))
        return answers.done()

    @area.on("POST", "/api/channel/<channel_id>/keys/<key_id>/clear", admins, Answer(Done))
    async def clear_channel_key(channel_id: str, key_id: str) -> Response:
        """Use a key again at once that rests or was refused.

        Not the original's.
        """
        await key_ring.clear_key(services, author(), number_in_path(channel_id), number_in_path(key_id))
        return answers.done()

    @area.on("POST", "/api/channel/<channel_id>/keys/<key_id>/test", admins, Answer(TestResult))
    async def test_channel_key(channel_id: str, key_id: str) -> Response:
        """Ask a channel for a short answer with one of its keys, and tell how it went.

        Not the original's. A key that is refused is left out from then on, one that works is used again.
        """
        result = await prober.test(number_in_path(channel_id), key_id=number_in_path(key_id))
        return answers.as_json(
            {
                "success": result.passed,
                "message": result.text,
                "modelName": result.model,
                "time": round(result.seconds, 3) if result.passed else 0,
            }
        )

    return area.blueprint


def _shown(one: KeyFacts) -> dict[str, object]:
    return {
        "id": one.id,
        "name": one.name,
        "first": one.is_first,
        "state": one.state,
        "rests": {model: round(seconds, 1) for model, seconds in one.rests.items()},
        "added_at": int(one.added_at),
        "refused_at": int(one.bad_at),
        "failed_at": int(one.failed_at),
        "failed_status": one.status,
        "error": one.error,
    }
