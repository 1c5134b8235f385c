"""The load generator sees what is lost and what is damaged, so that a table without either means something."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import trio

from scripts.bench_ import client, mock
from scripts.bench_.__main__ import table
from scripts.bench_.plan import Plan, plan_of
from scripts.bench_.scenarios import LOADS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@asynccontextmanager
async def mocking() -> AsyncIterator[str]:
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, mock.forgiving, 0)
        port = listeners[0].socket.getsockname()[1]
        yield f"http://127.0.0.1:{port}"
        nursery.cancel_scope.cancel()


async def load(url: str, capsys: pytest.CaptureFixture[str], *flags: str) -> dict[str, Any]:
    await client.main(client.options_of(["-url", url, "-settle", "0", *flags]))
    return dict(json.loads(capsys.readouterr().out))


@pytest.mark.parametrize(
    "flags", [(), ("-stream",), ("-stream", "-model", "bench-5chunks-2ms-60b"), ("-image-kb", "64")]
)
async def test_right_answers_are_counted_as_such(capsys: pytest.CaptureFixture[str], flags: tuple[str, ...]) -> None:
    async with mocking() as url:
        report = await load(url, capsys, "-n", "8", "-c", "2", *flags)
    assert (report["requests"], report["errors"], report["wrong_content"]) == (8, 0, 0)
    assert report["latency_ms"]["p50"] > 0


async def test_damage_and_loss_are_seen(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    async with mocking() as url:
        with monkeypatch.context() as patch:
            patch.setattr(mock, "plan_of", lambda model: Plan(chunks=plan_of(model).chunks - 1))
            report = await load(url, capsys, "-n", "3", "-stream")
        assert (report["requests"], report["wrong_content"]) == (0, 3)
        with monkeypatch.context() as patch:
            patch.setattr(
                mock, "chunk", lambda text: b"" if "[DONE]" in text else b"%x\r\n%s\r\n" % (len(text), text.encode())
            )
            report = await load(url, capsys, "-n", "3", "-stream")
        assert (report["requests"], report["truncated_streams"]) == (0, 3)


async def test_usage_of_a_process_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    import os

    async with mocking() as url:
        report = await load(url, capsys, "-n", "50", "-pid", str(os.getpid()))
    assert report["server"]["cpu_ms_per_request"] > 0
    assert report["server"]["pss_peak_mb"] > 5


def test_plans_are_read_from_model_names() -> None:
    assert plan_of("openai/bench-200chunks-5ms-44b-odds30") == Plan(chunks=200, pause_s=0.005, piece_bytes=44)
    assert plan_of("gpt-4o") == Plan()
    assert len({Plan(chunks=3).piece(number) for number in range(3)}) == 3
    assert all(len(plan_of(scenario.model).piece(7)) == plan_of(scenario.model).piece_bytes for scenario in LOADS)


def test_table_names_what_went_wrong() -> None:
    result = {
        "scenario": "S2 32 at once",
        "requests": 10,
        "requests_per_second": 5.0,
        "added_ms": 1.5,
        "cpu_ms_per_request": 2.0,
        "lost": 1,
        "damaged": 0,
        "error_kinds": {"503": 1},
        "books": "user 1 differs by 3",
        "told": "the end of its log",
    }
    text = table([result])
    assert "| S2 32 at once | 5.0 | 1.5 | 2.0 | - | 1 | 0 | - |" in text
    assert "THE BOOKS DIFFER: user 1 differs by 3" in text
    assert "{'503': 1}" in text
