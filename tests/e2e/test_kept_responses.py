"""The official `openai` package fetches, cancels, deletes and goes on from responses, over restarts of the gateway."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import openai
import pytest
import trio

from tests.e2e.test_openai_client import in_thread, official
from tests.support.provider import Answer
from tests.support.world import MODEL, World, bearer, world

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

USAGE = {
    "input_tokens": 1000,
    "output_tokens": 200,
    "total_tokens": 1200,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens_details": {"reasoning_tokens": 0},
}
# gpt-4o-mini: 0.15 USD a million in, 0.60 out; 500,000 units a USD.
UNITS = 135
ONE = "/v1/responses/resp_1"


def response(status: str = "completed", **more: Any) -> dict[str, Any]:
    """A response as OpenAI tells it."""
    part = {"type": "output_text", "text": "Hi", "annotations": []}
    message = {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [part]}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_764_000_000,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": MODEL,
        "output": [message] if status == "completed" else [],
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": USAGE if status == "completed" else None,
        **more,
    }


async def begin(here: World) -> None:
    """Make a background response."""
    here.provider.script(Answer(body=response("queued", background=True)))
    async with official(here) as client:
        made = await in_thread(lambda: client.responses.create(model=MODEL, input="Hi", background=True))
    assert made.status == "queued"


async def test_a_response_is_fetched_gone_on_from_and_deleted_after_a_restart(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.provider.script(Answer(body=response()))
        async with official(here) as client:
            await in_thread(lambda: client.responses.create(model=MODEL, input="Hi"))
        await here.gateway.terminate()
        assert await here.gateway.wait() == 0
        await here.gateway.start()
        await here.log_in_again()
        async with official(here) as client:
            here.provider.script(Answer(body=response()), path=ONE)
            fetched = await in_thread(lambda: client.responses.retrieve("resp_1"))
            assert fetched.output_text == "Hi"
            items = {"object": "list", "data": [], "first_id": "", "last_id": "", "has_more": False}
            here.provider.script(Answer(body=items), path=f"{ONE}/input_items")
            assert (await in_thread(lambda: client.responses.input_items.list("resp_1"))).data == []
            here.provider.script(Answer(body=response(id="resp_2", previous_response_id="resp_1")))
            more = await in_thread(
                lambda: client.responses.create(model=MODEL, input="And?", previous_response_id="resp_1")
            )
            assert more.previous_response_id == "resp_1"
            here.provider.script(Answer(body={"id": "resp_1", "object": "response", "deleted": True}), path=ONE)
            await in_thread(lambda: client.responses.delete("resp_1"))
            with pytest.raises(openai.NotFoundError, match="resp_1"):
                await in_thread(lambda: client.responses.retrieve("resp_1"))
        await here.logs(2)
        await here.assert_charged(2 * UNITS)


async def test_a_response_opens_nothing_to_somebody_else(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        here.provider.script(Answer(body=response()))
        async with official(here) as client:
            await in_thread(lambda: client.responses.create(model=MODEL, input="Hi"))
        other = await here.root.add_token(name="other")
        got = await here.client.get(ONE, headers=bearer(other["key"]))
        assert (got.status_code, got.json()["error"]["code"]) == (404, "response_not_found")
        body = {"model": MODEL, "input": "And?", "previous_response_id": "resp_1"}
        got = await here.client.post("/v1/responses", json=body, headers=bearer(other["key"]))
        assert (got.status_code, got.json()["error"]["code"]) == (400, "previous_response_not_found")
        assert len(here.provider.requests) == 1


async def test_a_background_response_is_charged_once_though_nobody_fetches_it(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await begin(here)
        here.provider.script(Answer(body=response(background=True)), path=ONE)
        (log,) = await poll_logs(here)
        assert (log["quota"], log["prompt_tokens"], log["completion_tokens"]) == (UNITS, 1000, 200)
        await here.assert_charged(UNITS)
        here.provider.script(Answer(body=response(background=True)), path=ONE)
        await here.client.get(ONE, headers=bearer(here.key))
        await here.assert_charged(UNITS)


async def test_a_background_response_survives_the_process_and_is_charged_once(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await begin(here)
        await written_down(here)
        await here.gateway.kill()
        await here.gateway.start()
        await here.log_in_again()
        here.provider.script(Answer(body=response(background=True)), path=ONE)
        async with official(here) as client:
            fetched = await in_thread(lambda: client.responses.retrieve("resp_1"))
        assert fetched.status == "completed"
        # The reaper charged what was reserved; the true charge corrects it.
        await here.logs(2)
        await here.assert_charged(UNITS)


async def written_down(here: World) -> None:
    """Wait until the database knows what is still to be charged: the client has its answer a little before."""
    with trio.fail_after(40), closing(sqlite3.connect(here.gateway.folder / "one-api.db")) as database:
        while not database.execute("SELECT 1 FROM gw_responses WHERE pending IS NOT NULL").fetchall():
            await trio.sleep(0.05)


async def poll_logs(here: World) -> list[dict[str, Any]]:
    """Wait for the one log row that the settler writes."""
    with trio.fail_after(40):
        while not (rows := await here.root.logs()):
            await trio.sleep(0.2)
    return rows
