"""What a person sees: lines that fit, say the same without colour, and cannot take over the terminal."""

from __future__ import annotations

import io
import re

import pytest
from rich.cells import cell_len

from gateway.observe.console import COLUMNS, Console, Terminal
from gateway.observe.progress import migration_progress
from gateway.observe.records import Event, Relayed, Started, StartUp
from tests.observe.samples import PLAIN, summary

ANSI = re.compile(r"\x1b\[[0-9;]*m")
FACTS = StartUp(
    version="1.2.3",
    addresses=("http://0.0.0.0:3000",),
    database="postgres://gateway:***@db/one",
    replica="host-7",
    workers=2,
    channels=12,
    models=80,
    warnings=("root still has the password 123456; change it",),
)


def show(
    *records: Event | Relayed | Started, width: int = 100, colour: bool = False, encoding: str = "utf-8"
) -> list[str]:
    console = Console(Terminal(width=lambda: width, colour=colour, encoding=encoding))
    return console.render(records).decode(encoding).splitlines()


AWKWARD: list[Event | Relayed | Started] = [
    Relayed(0, PLAIN),
    Relayed(0, summary(user="张三" * 10, model="模型" * 40, channel="通道#1")),
    Relayed(0, summary(user="u" * 60, model="m" * 200, units=5 * 10**14, prompt_tokens=10**9, duration_s=123456.7)),
    Relayed(0, summary(status=502, outcome="upstream_failed", attempts=3, error="e" * 500, first_content_s=None)),
    Event(0, "info", "relay.retry", "openai#3 answered 429, trying azure#4 " + "x" * 300, {"attempt": 2}),
]


@pytest.mark.parametrize("width", [100, 119, 120, 200])
def test_no_line_about_a_relay_is_wider_than_the_terminal(width: int) -> None:
    for line in show(*AWKWARD, width=width):
        assert cell_len(line) <= width, line


def test_line_carries_what_a_person_looks_for() -> None:
    heading, line = show(Relayed(0, PLAIN), width=140)
    for name in COLUMNS[1:]:
        assert name in heading
    for text in (
        "90123456",
        "alice",
        "gpt-4o-mini → openai#3",
        "200",
        "0.42s",
        "3.10s",
        "1234",
        "310",
        "900",
        "$0.004210",
    ):
        assert text in line


def test_columns_stand_under_their_heading() -> None:
    heading, first, second = show(Relayed(0, PLAIN), Relayed(0, summary(user="张三", units=1)), width=120)
    assert heading.index("model") == first.index("gpt-4o-mini")
    assert heading.endswith("cost")
    assert cell_len(heading) == cell_len(first) == cell_len(second)


def test_colour_adds_nothing_but_colour() -> None:
    plain = show(*AWKWARD, Started(0, FACTS), Event(0, "error", "x.y", "z", {"a": 1}))
    coloured = show(*AWKWARD, Started(0, FACTS), Event(0, "error", "x.y", "z", {"a": 1}), colour=True)
    assert not any("\x1b" in line for line in plain)
    assert any("\x1b" in line for line in coloured)
    assert [ANSI.sub("", line) for line in coloured] == plain


def test_trouble_is_marked_without_colour() -> None:
    lines = show(
        Relayed(0, summary(status=429, outcome="refused", error="rate limit exceeded")),
        Relayed(0, summary(status=500, outcome="upstream_failed")),
        Relayed(0, summary(outcome="client_gone")),
    )
    assert [line[0] for line in lines if line[0] != " "] == ["!", "✗", "~"]
    assert "↳ refused: rate limit exceeded" in lines[2]


def test_text_of_strangers_cannot_draw_on_the_terminal() -> None:
    evil = "gpt\x1b[2J\r\nroot logged in\x07\u202e"
    lines = show(Relayed(0, summary(model=evil, user=evil, error=evil)), Event(0, "info", "a.b", evil, {"f": evil}))
    assert len(lines) == 4
    assert all(line.isprintable() for line in lines)


def test_traceback_is_kept_line_by_line() -> None:
    lines = show(Event(0, "error", "bug", "boom", {"traceback": "Traceback\n  File x\nValueError: y", "n": 1}))
    assert lines[0].startswith("✗ ")
    assert lines[0].endswith("bug  boom  n=1")
    assert lines[1:] == ["  | Traceback", "  |   File x", "  | ValueError: y"]


def test_panel_tells_where_it_serves_and_warns() -> None:
    lines = show(Started(0, FACTS), width=100)
    text = "\n".join(lines)
    for fact in (
        "1.2.3",
        "http://0.0.0.0:3000",
        "postgres://gateway:***@db/one",
        "host-7, 2 workers",
        "12 channels",
        "123456",
    ):
        assert fact in text
    assert all(cell_len(line) <= 100 for line in lines)


def test_terminal_without_unicode_gets_plain_signs() -> None:
    lines = show(Relayed(0, summary(status=500, outcome="upstream_failed")), Started(0, FACTS), encoding="ascii")
    assert "gpt-4o-mini > openai#3" in lines[1]
    assert lines[1].startswith("x ")
    assert "?" not in "".join(lines)


def test_progress_without_a_terminal_is_a_line_per_tenth() -> None:
    out = io.StringIO()
    with migration_progress(out, on_terminal=False) as report:
        for done in range(1, 101):
            report("copy logs", done, 100)
    assert len(out.getvalue().splitlines()) == 11
    assert out.getvalue().endswith("copy logs 100/100\n")


def test_progress_on_a_terminal_is_a_bar_that_goes_away() -> None:
    out = io.StringIO()
    with migration_progress(out, on_terminal=True) as report:
        report("copy logs", 3, 10)
        report("copy logs", 10, 10)
    assert isinstance(out.getvalue(), str)
