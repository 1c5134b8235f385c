"""The running program with budgets: spent through it, refused in every format by every process, told, counted again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
import trio

from tests.support.world import World, bearer, chat_body, world

pytestmark = pytest.mark.slow

FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/v1/chat/completions", chat_body()),
    "messages": ("/v1/messages", chat_body(max_tokens=20)),
    "gemini": (
        "/v1beta/models/gpt-4o-mini:generateContent",
        {"contents": [{"role": "user", "parts": [{"text": "Say hello."}]}]},
    ),
}


async def _refused(w: World, name: str) -> Any:
    """Ask until every worker has heard of it; new connections may meet either."""
    path, body = FORMATS[name]
    in_a_row = 0
    with trio.fail_after(20):
        while in_a_row < 6:
            async with w.gateway.client() as client:
                answer = await client.post(path, json=body, headers=bearer(w.key))
            in_a_row = in_a_row + 1 if answer.status_code == 429 else 0
    return answer


async def test_a_spent_budget_is_refused_by_every_worker_until_it_is_raised(tmp_path: Path) -> None:
    async with world(tmp_path, env={"WORKERS": 2}) as w:
        await w.root.call("POST", "/api/budget/", json={"kind": "user", "subject": str(w.user_id), "period": "day", "soft_quota": 1, "hard_quota": 2})  # fmt: skip
        (own,) = await w.owner.call("GET", "/api/budget/")
        assert (own["spent_quota"], own["imposed"]) == (0, True)
        assert (await w.chat()).status_code == 200
        charged = len(w.provider.requests)
        chat, messages, gemini = [await _refused(w, name) for name in FORMATS]
        assert 0 < int(chat.headers["retry-after"]) <= 86_400
        assert chat.json()["error"]["code"] == "budget_exhausted"
        assert messages.json()["error"]["type"] == "rate_limit_error"
        assert gemini.json()["error"]["status"] == "RESOURCE_EXHAUSTED"
        assert "the daily budget of the user alice" in gemini.json()["error"]["message"]
        await _official_clients_give_up(w)
        # Requests of other workers may have slipped through in the first two seconds, and all of them were charged.
        (own,) = await w.owner.call("GET", "/api/budget/")
        spent = w.quota - (await w.owner.myself())["quota"]
        assert own["spent_quota"] == spent
        assert own["left_quota"] == 0
        assert len(w.provider.requests) - charged <= 12
        # Told by whichever process looks at the books first.
        for event in ("budget.soft", "budget.hard"):
            assert len(await w.gateway.wait_line(event)) == 1
        await w.root.call("PUT", "/api/budget/", json={"id": own["id"], "hard_quota": 10_000_000})
        with trio.fail_after(20):
            while (await w.chat()).status_code != 200:
                await trio.sleep(0.1)
        await w.gateway.terminate()
        assert await w.gateway.wait() == 0
        refused = [line for line in w.gateway.lines if line["event"] == "relay" and line["status"] == 429]
        assert {line["units"] for line in refused} == {0}
        # Each of the two asked once, and did not try again.
        assert [line["token_name"] for line in refused].count("official") == 2
        await w.gateway.assert_books_balance()


async def _official_clients_give_up(w: World) -> None:
    key = str((await w.owner.add_token(name="official"))["key"])
    asked: list[Any] = [{"role": "user", "content": "Hi"}]
    async with openai.AsyncOpenAI(api_key=key, base_url=f"{w.gateway.url}/v1") as one:
        with pytest.raises(openai.RateLimitError) as refused:
            await one.chat.completions.create(model="gpt-4o-mini", messages=asked)
    assert refused.value.code == "budget_exhausted"
    async with anthropic.AsyncAnthropic(api_key=key, base_url=w.gateway.url) as other:
        with pytest.raises(anthropic.RateLimitError):
            await other.messages.create(model="gpt-4o-mini", max_tokens=9, messages=asked)
