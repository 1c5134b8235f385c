"""Counts are those that the original made, and counting never holds up the event loop."""

import base64
import subprocess
import sys
import time

import pytest
import tiktoken
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.formats.neutral.parts import Image, Text, ToolCall, ToolResult
from adapters.formats.neutral.requests import Message, Request, Tool
from gateway.counting.counter import INLINE_CHARS, Counter
from gateway.counting.encodings import CL100K, O200K, load_encoding
from gateway.counting.prompts import countable
from tests.counting.test_media import data_url, png, wav


@pytest.fixture(scope="module")
def counter() -> Counter:
    """One counter for all tests: loading takes its time."""

    async def load() -> Counter:
        return await Counter.load(trio.CapacityLimiter(1), encodings=(CL100K, O200K))

    return trio.run(load)


CHAT = "chat_completions"


@pytest.mark.parametrize(
    ("kind", "model", "value", "tokens"),
    [
        (
            CHAT,
            "gpt-4o-mini",
            [
                {"role": "system", "content": "You are terse."},
                {"role": "user", "content": "Name three primes.", "name": "alice"},
            ],
            21,
        ),
        (CHAT, "gpt-4o-mini", [{"role": "user", "content": "Say hello."}], 10),
        (CHAT, "gpt-4o-mini", [{"role": "user", "content": "Hi"}], 8),
        (CHAT, "gpt-4o", [{"role": "user", "content": "Tell me a story"}], 11),
        (
            CHAT,
            "gpt-4o",
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What is this?"},
                        {"type": "image_url", "image_url": {"url": data_url(png(700, 600))}},
                    ],
                }
            ],
            776,
        ),
        (CHAT, "gpt-3.5-turbo-0301", [{"role": "user", "content": "Hi", "name": "bob"}], 3 + 4 - 1 + 3),
        (CHAT, "veo-3.0", [{"role": "user", "content": "A film, please"}], 80),
        ("completions", "gpt-3.5-turbo-instruct", "Say this is a test", 5),
        ("completions", "davinci-002", [[1, 2, 3], [4]], 4),
        ("completions", "davinci-002", [1, 2, 3], 3),
        ("moderations", "omni-moderation-latest", "I want to hurt them.", 6),
        ("moderations", "omni-moderation-latest", [{"type": "text", "text": "I want to hurt them."}], 6),
        ("embeddings", "text-embedding-3-small", ["Say this is a test", "Say this is a test"], 10),
    ],
)
async def test_prompts_count_as_recorded(counter: Counter, kind: str, model: str, value: object, tokens: int) -> None:
    assert await counter.count_request(kind, model, value) == tokens


@pytest.mark.parametrize(
    ("model", "text", "tokens"), [("gpt-4o-mini", "2, 3 and 5.", 8), ("gpt-4o", "Once upon a", 3), ("gpt-4o", "", 0)]
)
async def test_answers_count_as_recorded(counter: Counter, model: str, text: str, tokens: int) -> None:
    assert await counter.count_text(model, text) == tokens


async def test_sound_counts_by_the_second(counter: Counter) -> None:
    part = {"type": "input_audio", "input_audio": {"data": base64.b64encode(wav(3)).decode(), "format": "wav"}}
    silent = await counter.count_request(CHAT, "gpt-4o", [{"role": "user", "content": []}])
    assert await counter.count_request(CHAT, "gpt-4o", [{"role": "user", "content": [part]}]) == silent + 30


async def test_approximate_counts_go_by_bytes(counter: Counter) -> None:
    assert await counter.count_text("gpt-4o", "é" * 50, approximate=True) == 38
    assert await counter.count_request(CHAT, "gpt-4o", [{"content": "x" * 100}], approximate=True) == 38 + 6


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["role", "content", "name", "text", "type", "image_url", "url", "input_audio", "data", "detail"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=30,
)


@settings(deadline=None)  # two cores, shared
@given(st.sampled_from([CHAT, "completions", "embeddings"]), st.sampled_from(["gpt-4o", "veo-2"]), json_values)
def test_no_shape_is_a_surprise(kind: str, model: str, value: object) -> None:
    assert countable(kind, model, value).tokens >= 0


async def test_a_lone_surrogate_is_counted(counter: Counter) -> None:
    assert await counter.count_text("gpt-4o", "\ud83d") > 0
    assert await counter.count_text("gpt-4o", "\ud83d" * 10, approximate=True) > 0


@pytest.mark.slow
async def test_a_long_text_is_counted_off_the_event_loop(counter: Counter) -> None:
    text = "中文" * 500_000
    await counter.count_text("gpt-4o", "warm up")
    longest = 0.0
    done = trio.Event()

    async def watch() -> None:
        nonlocal longest
        while not done.is_set():
            before = time.perf_counter()
            await trio.sleep(0.001)
            longest = max(longest, time.perf_counter() - before)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        started = time.perf_counter()
        assert await counter.count_text("gpt-4o", text) > 100_000
        took = time.perf_counter() - started
        done.set()
    assert longest < took / 2


@pytest.mark.slow
async def test_short_texts_need_no_thread() -> None:
    limiter = trio.CapacityLimiter(1)
    counter = await Counter.load(limiter)
    async with limiter:  # nobody else can have a thread now
        with trio.fail_after(1):
            assert await counter.count_text("gpt-4o", "word " * (INLINE_CHARS // 5)) > 0
        with trio.move_on_after(0.01) as scope:
            await counter.count_text("gpt-4o", "word " * INLINE_CHARS)
    assert scope.cancelled_caught


@pytest.mark.slow
async def test_each_encoding_is_loaded_once_however_many_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []

    def load(name: str) -> tiktoken.Encoding:
        loaded.append(name)
        return load_encoding(name)

    monkeypatch.setattr("gateway.counting.counter.load_encoding", load)
    counter = await Counter.load(trio.CapacityLimiter(4), encodings=[O200K])
    async with trio.open_nursery() as nursery:
        for model in ("gpt-4", "gpt-4o", "claude-3", "gpt-5"):
            nursery.start_soon(counter.count_text, model, "hello")
    assert sorted(loaded) == [CL100K, O200K]


@pytest.mark.slow
def test_counting_needs_neither_network_nor_the_other_tokeniser() -> None:
    script = """
import socket, sys
def refuse(*a, **k): raise AssertionError("network")
socket.socket.connect = refuse
from gateway.counting.encodings import load_encoding
assert load_encoding("o200k_base").encode_ordinary("hello") == [24912]
assert "bpe_openai" not in sys.modules
"""
    environment = {"TIKTOKEN_CACHE_DIR": "/nonexistent"}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment, timeout=60)


async def test_a_chat_is_counted_whatever_its_format(counter: Counter) -> None:
    asked = Message("user", [Text("What is the weather in Paris?")])
    called = Message("assistant", [ToolCall(id="1", name="weather", arguments='{"city":"Paris"}')])
    told = Message("user", [ToolResult(call_id="1", parts=[Text("Sunny")])])
    request = Request(format="anthropic", model="m", system=[Text("Be brief.")], messages=[asked, called, told])
    # 3 for the answer, 3 a message (the system prompt is one), then words and roles.
    assert await counter.count_chat("claude-sonnet-4", request) == 3 + 4 * 3 + 3 + (7 + 1) + (1 + 5 + 1) + (2 + 1)


async def test_tools_and_pictures_are_part_of_a_counted_prompt(counter: Counter) -> None:
    picture = Image(url=data_url(png(750, 1000)))
    bare = Request(format="anthropic", model="m", messages=[Message("user", [Text("Hi")])])
    shown = Request(format="anthropic", model="m", messages=[Message("user", [Text("Hi"), picture])])
    equipped = Request(format="anthropic", model="m", messages=bare.messages, tools=[Tool(name="weather")])
    plain = await counter.count_chat("claude-sonnet-4", bare)
    assert plain == 3 + 3 + 2
    assert await counter.count_chat("claude-sonnet-4", shown) == plain + 1000
    assert await counter.count_chat("claude-sonnet-4", equipped) == plain + 7 + 1
