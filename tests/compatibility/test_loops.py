"""Loops of tools and thoughts go on over five steps, whichever provider takes the next one.

The providers refuse thoughts that they did not sign, and calls without their signature, so that a lost or foreign one
fails the test.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.compatibility.cases import WEATHER
from tests.compatibility.clients.chat import ChatTalk
from tests.compatibility.clients.claude import ClaudeTalk
from tests.compatibility.clients.gemini import GeminiTalk
from tests.compatibility.clients.responses import ResponsesTalk
from tests.compatibility.clients.talk import Wishes
from tests.compatibility.house import UPSTREAMS, House
from tests.support.wires.said import Call, Said

if TYPE_CHECKING:
    from tests.compatibility.clients.talk import Reply, Talk
    from tests.support.wires.said import Asked

pytestmark = pytest.mark.slow

CLIENTS: tuple[type[Talk], ...] = (ChatTalk, ResponsesTalk, ClaudeTalk, GeminiTalk)
MODELS = {upstream.wire: upstream.model for upstream in UPSTREAMS}
ORDERS = (
    ("claude", "responses", "gemini", "claude", "gemini"),
    ("gemini", "chat", "claude", "gemini", "responses"),
    ("responses", "claude", "responses", "gemini", "claude"),
    ("chat", "gemini", "gemini", "chat", "claude"),
    ("claude", "claude", "claude", "claude", "claude"),
    ("gemini", "gemini", "gemini", "gemini", "gemini"),
    ("responses", "responses", "responses", "responses", "responses"),
)


class Forgetful(ChatTalk):
    """As most programs use Chat: they send back what the format has names for, and nothing else."""

    name = "openai chat, forgetful"

    def _send(self) -> Reply:
        reply = super()._send()
        message = self.turns[-1]
        self.turns[-1] = {
            "role": "assistant",
            "content": message.content,
            "tool_calls": [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.function.name, "arguments": call.function.arguments},
                }
                for call in message.tool_calls or ()
            ],
        }
        return reply


def came_back(asked: Asked, wire: str, steps: list[int]) -> bool:
    """Whether what `wire` signed in earlier `steps` came back to it, all of it, and in its order."""
    if wire == "gemini":
        return [name for name in asked.thoughts if name == WEATHER.name] == [WEATHER.name for _ in steps]
    if wire in ("claude", "responses"):
        return asked.thoughts == [f"Thought {step}." for step in steps]
    return True


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("order", ORDERS, ids="-".join)
@pytest.mark.parametrize("client", [*CLIENTS, Forgetful], ids=lambda client: client.name)
def test_a_loop_goes_on_with_whichever_provider(
    here: House, client: type[Talk], order: tuple[str, ...], streams: bool
) -> None:
    wishes = Wishes(model="", streams=streams, thinks=True, tools=(WEATHER,))
    talk = client(here.url, here.key, wishes)
    reply: Reply | None = None
    thought_at: list[int] = []
    for step, wire in enumerate(order):
        talk.wishes = replace(wishes, model=MODELS[wire], summarises=wire == "responses")
        call = Call(id=f"call_{secrets.token_hex(8)}", name="weather", arguments={"city": f"c{step}"})
        here.stage.will(Said(thoughts=("Thought", f" {step}."), calls=(call,)))
        reply = talk.say("The weather everywhere?") if reply is None else talk.tell(reply.calls, [f"r{step}"])
        asked = here.stage.last
        assert here.stage.refused == []
        assert [call.arguments for call in asked.calls] == [{"city": f"c{before}"} for before in range(step)]
        assert came_back(asked, wire, [before for before in thought_at if order[before] == wire])
        # Claude cannot think on in a loop whose last step another model made.
        if asked.thinks or wire != "claude":
            thought_at.append(step)
    assert reply is not None
    here.stage.will(Said(text=("Sunny.",)))
    assert talk.tell(reply.calls, ["r5"]).text == "Sunny."
    assert here.stage.refused == []
