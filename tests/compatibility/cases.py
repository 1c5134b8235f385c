"""What every client must be able to do with every provider."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel, ConfigDict

from tests.compatibility.clients.chat import ChatTalk
from tests.compatibility.clients.talk import Failed, Tool, Wishes
from tests.support.wires.said import Call, Fails, Said, Used

if TYPE_CHECKING:
    from tests.compatibility.clients.talk import Talk
    from tests.compatibility.house import House, Upstream

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
WEATHER = Tool(
    name="weather",
    description="The weather in a city.",
    parameters={
        "type": "object",
        "properties": {"city": {"type": "string", "description": "Its name."}},
        "required": ["city"],
        "additionalProperties": False,
    },
)
TIME = replace(WEATHER, name="time", description="The time in a city.")
ROME = Call(id="call_rome", name="weather", arguments={"city": "Rome"})
OSLO = Call(id="call_oslo", name="time", arguments={"city": "Oslo"})


class Place(BaseModel):
    """A place."""

    model_config = ConfigDict(extra="forbid")

    city: str
    country: str


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One client over one provider."""

    here: House
    upstream: Upstream
    client: type[Talk]

    def talk(self, **wishes: object) -> Talk:
        """Begin a conversation."""
        if wishes.get("thinks") and self.client is ChatTalk and self.wire == "responses":
            # Chat shows no thoughts of its own; what it knows as effort does not ask for them.
            wishes["summarises"] = True
        return self.client(self.here.url, self.here.key, Wishes(model=self.upstream.model, **wishes))  # type: ignore[arg-type]

    @property
    def wire(self) -> str:
        return self.upstream.wire


Case = Callable[[Cell], None]


def text(cell: Cell) -> None:
    """A question, instructions, an answer."""
    cell.here.stage.will(Said(text=("Hello", " there.")))
    talk = cell.talk(system="Be brief.", limit=100)
    reply = talk.say("Say hello.")
    assert reply.text == "Hello there."
    assert reply.stop == talk.stops["stop"]
    assert reply.model == cell.upstream.model
    assert reply.used == Used()
    asked = cell.here.stage.last
    assert (asked.system, asked.turns[0].text, asked.limit) == ("Be brief.", "Say hello.", 100)
    assert not asked.is_stream
    assert talk.dropped == []


def stream(cell: Cell) -> None:
    """The same as a stream."""
    cell.here.stage.will(Said(text=("Grüße", " aus", " 東京 🗼", ".")))
    talk = cell.talk(system="Be brief.", streams=True)
    reply = talk.say("Say hello.")
    assert reply.text == "Grüße aus 東京 🗼."
    assert reply.stop == talk.stops["stop"]
    assert reply.used == Used()
    assert cell.here.stage.last.is_stream
    assert talk.dropped == []


def turns(cell: Cell) -> None:
    """A second question, with the first answer in front of it."""
    cell.here.stage.will(Said(text=("Blue.",)), Said(text=("Azzurro.",)))
    talk = cell.talk()
    talk.say("A colour?")
    assert talk.say("In Italian?").text == "Azzurro."
    told = [(turn.role, turn.text) for turn in cell.here.stage.last.turns]
    assert told == [("user", "A colour?"), ("assistant", "Blue."), ("user", "In Italian?")]
    assert talk.dropped == []


def _tools(cell: Cell, *, streams: bool) -> None:
    cell.here.stage.will(Said(text=("Let me look.",), calls=(ROME,)), Said(text=("Sunny in Rome.",)))
    talk = cell.talk(tools=(WEATHER,), streams=streams)
    reply = talk.say("The weather in Rome?")
    assert (reply.text, reply.stop) == ("Let me look.", talk.stops["calls"])
    assert [(call.name, call.arguments) for call in reply.calls] == [("weather", {"city": "Rome"})]
    (name,) = cell.here.stage.last.tools
    assert name == "weather"
    assert cell.here.stage.last.tools[name]["required"] == ["city"]
    reply = talk.tell(reply.calls, ["sunny"])
    assert reply.text == "Sunny in Rome."
    asked = cell.here.stage.last
    assert [(call.name, call.arguments) for call in asked.calls] == [("weather", {"city": "Rome"})]
    assert [(result.call_id, result.text) for result in asked.results] == [(asked.calls[0].id, "sunny")]
    assert asked.turns[1].text == "Let me look."


def tools(cell: Cell) -> None:
    """A tool is called, and the result told in a second turn."""
    _tools(cell, streams=False)


def tools_stream(cell: Cell) -> None:
    """The same in streams."""
    _tools(cell, streams=True)


def _parallel(cell: Cell, *, streams: bool) -> None:
    cell.here.stage.will(Said(calls=(ROME, OSLO)), Said(text=("Sunny in Rome, noon in Oslo.",)))
    talk = cell.talk(tools=(WEATHER, TIME), streams=streams)
    reply = talk.say("The weather in Rome, the time in Oslo?")
    assert [(call.name, call.arguments) for call in reply.calls] == [
        ("weather", {"city": "Rome"}),
        ("time", {"city": "Oslo"}),
    ]
    assert len({call.id for call in reply.calls}) == 2
    assert talk.tell(reply.calls, ["sunny", "noon"]).text == "Sunny in Rome, noon in Oslo."
    asked = cell.here.stage.last
    assert [call.name for call in asked.calls] == ["weather", "time"]
    assert [(result.call_id, result.text) for result in asked.results] == [
        (asked.calls[0].id, "sunny"),
        (asked.calls[1].id, "noon"),
    ]


def parallel_tools(cell: Cell) -> None:
    """Two tools at once; results in one turn."""
    _parallel(cell, streams=False)


def parallel_tools_stream(cell: Cell) -> None:
    """The same in streams, where providers mix the pieces."""
    _parallel(cell, streams=True)


def image(cell: Cell) -> None:
    """A picture in the question."""
    cell.here.stage.will(Said(text=("A dot.",)))
    talk = cell.talk()
    assert talk.say("What is this?", PNG).text == "A dot."
    assert cell.here.stage.last.images == [PNG]
    assert cell.here.stage.last.turns[0].text == "What is this?"


def _structured(cell: Cell, *, streams: bool) -> None:
    cell.here.stage.will(Said(text=('{"city": "Rome",', ' "country": "Italy"}')))
    talk = cell.talk(shape=Place, streams=streams)
    reply = talk.say("Where is the Colosseum?")
    if reply.parsed is not None:
        assert reply.parsed == Place(city="Rome", country="Italy")
    assert Place.model_validate_json(reply.text) == Place(city="Rome", country="Italy")
    schema = cell.here.stage.last.schema
    assert set(schema["properties"]) == {"city", "country"}
    assert set(schema["required"]) == {"city", "country"}


def structured(cell: Cell) -> None:
    """An answer of a wanted shape, which the client parses."""
    _structured(cell, streams=False)


def structured_stream(cell: Cell) -> None:
    """The same as a stream."""
    _structured(cell, streams=True)


def _thinking(cell: Cell, *, streams: bool) -> None:
    cell.here.stage.will(Said(thoughts=("Let me", " see."), text=("42.",), used=Used(answer=3, thoughts=7)))
    talk = cell.talk(thinks=True, streams=streams)
    reply = talk.say("The answer?")
    assert (reply.text, reply.thoughts) == ("42.", "Let me see.")
    # Converse does not tell what thoughts took.
    assert reply.used == (Used(answer=10) if cell.wire == "converse" else Used(answer=3, thoughts=7))
    assert cell.here.stage.last.thinks


def thinking(cell: Cell) -> None:
    """The model is asked to think, and its thoughts and their tokens are told apart."""
    _thinking(cell, streams=False)


def thinking_stream(cell: Cell) -> None:
    """The same as a stream."""
    _thinking(cell, streams=True)


def _thinking_tools(cell: Cell, *, streams: bool) -> None:
    stage = cell.here.stage
    stage.will(Said(thoughts=("I need", " the weather."), calls=(ROME,)), Said(text=("Sunny.",)))
    talk = cell.talk(thinks=True, tools=(WEATHER,), streams=streams)
    reply = talk.say("The weather in Rome?")
    assert reply.thoughts == "I need the weather."
    assert talk.tell(reply.calls, ["sunny"]).text == "Sunny."
    assert stage.refused == []
    assert stage.last.thinks
    if cell.wire == "gemini":
        assert "weather" in stage.last.thoughts
    elif cell.wire in ("bedrock", "claude", "responses"):
        assert stage.last.thoughts == ["I need the weather."]


def thinking_tools(cell: Cell) -> None:
    """Thoughts in front of a call come back to the provider with its own signature."""
    _thinking_tools(cell, streams=False)


def thinking_tools_stream(cell: Cell) -> None:
    """The same in streams."""
    _thinking_tools(cell, streams=True)


def _cached(cell: Cell, *, streams: bool) -> None:
    used = Used(fresh=100, cached=2000, written=300, answer=20, thoughts=5)
    cell.here.stage.will(Said(text=("Hi.",), used=used))
    reply = cell.talk(streams=streams).say("Hi?")
    if cell.wire == "gemini" or cell.client.name.startswith("google-genai"):
        # Google tells nothing of what was written: it is part of the prompt.
        used = replace(used, fresh=400, written=0)
    if cell.wire == "converse":
        used = replace(used, answer=25, thoughts=0)
    assert reply.used == used


def cached(cell: Cell) -> None:
    """Tokens read from a cache and written to it, and those of thoughts, stand where the client looks for them."""
    _cached(cell, streams=False)


def cached_stream(cell: Cell) -> None:
    """The same in streams."""
    _cached(cell, streams=True)


def _stops(cell: Cell, *, streams: bool) -> None:
    stage = cell.here.stage
    stage.will(Said(text=("One, two",), stop="length"))
    talk = cell.talk(streams=streams, limit=20)
    assert talk.say("Count.").stop == talk.stops["length"]
    stage.will(Said(text=("No.",), stop="refusal"))
    talk = cell.talk(streams=streams)
    assert talk.say("Something bad?").stop == talk.stops["refusal"]


def stops(cell: Cell) -> None:
    """The limit of tokens was reached; the provider refused."""
    _stops(cell, streams=False)


def stops_stream(cell: Cell) -> None:
    """The same in streams."""
    _stops(cell, streams=True)


def stop_sequence(cell: Cell) -> None:
    """Words at which the model stops."""
    cell.here.stage.will(Said(text=("One, two",), stop="stop_sequence", stop_sequence="three"))
    talk = cell.talk(stops=("three",))
    reply = talk.say("Count.")
    asked = cell.here.stage.last
    if cell.wire == "responses":
        # There is no such member; the client is told so.
        assert talk.dropped == [{"openai chat": "stop", "anthropic": "stop_sequences"}.get(talk.name, GEMINI_STOPS)]
        return
    assert asked.stops == ["three"]
    assert reply.text == "One, two"
    if cell.wire == "claude":
        assert reply.stop == talk.stops["stop_sequence"]


GEMINI_STOPS = "generationConfig.stopSequences"


def _error(status: int) -> Case:
    def case(cell: Cell) -> None:
        for streams in (False, True):
            cell.here.stage.will(Fails(status=status, message="The mock provider was told to fail."))
            talk = cell.talk(streams=streams)
            with pytest.raises(Failed) as raised:
                talk.say("Hi?")
            assert (raised.value.status, raised.value.kind) == (status, talk.errors[status])
            if status != 429:  # that one has words of ours: it means that all channels are busy
                assert "The mock provider was told to fail." in str(raised.value)

    case.__doc__ = f"The provider fails with {status}: the client raises its own exception for that, with its words."
    return case


def _cut(cell: Cell, how: str) -> None:
    cell.here.stage.will(Said(text=("One, two", ", three."), cut=how))  # type: ignore[arg-type]
    talk = cell.talk(streams=True)
    with pytest.raises(Failed) as raised:
        talk.say("Count.")
    assert raised.value.kind == talk.errors[0]


def cut(cell: Cell) -> None:
    """The provider's stream breaks, or ends before its end: the client raises."""
    _cut(cell, "broken")
    _cut(cell, "ended")


CASES: Mapping[str, Case] = MappingProxyType(
    {
        "text": text,
        "stream": stream,
        "second turn": turns,
        "tools": tools,
        "tools, streamed": tools_stream,
        "parallel tools": parallel_tools,
        "parallel tools, streamed": parallel_tools_stream,
        "image in": image,
        "structured output": structured,
        "structured output, streamed": structured_stream,
        "thinking": thinking,
        "thinking, streamed": thinking_stream,
        "thinking and tools": thinking_tools,
        "thinking and tools, streamed": thinking_tools_stream,
        "cached usage": cached,
        "cached usage, streamed": cached_stream,
        "stop reasons": stops,
        "stop reasons, streamed": stops_stream,
        "stop sequences": stop_sequence,
        "error 400": _error(400),
        "error 401": _error(401),
        "error 429": _error(429),
        "error 500": _error(500),
        "stream cut": cut,
    }
)
