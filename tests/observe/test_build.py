"""A terminal gets lines for people, a pipe gets JSON, and files get JSON whatever standard output is."""

from __future__ import annotations

import json
import os
import pty
from pathlib import Path

import pytest

from gateway.observe.build import build_journal
from gateway.observe.redact import Redactor
from tests.observe.samples import PLAIN


@pytest.mark.parametrize("no_colour", ["", "1"])
async def test_terminal_gets_lines_for_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_colour: str
) -> None:
    monkeypatch.setenv("NO_COLOR", no_colour)
    monkeypatch.setenv("TERM", "xterm")
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as stream:
        journal = build_journal(stream=stream, redactor=Redactor(), log_dir=tmp_path)
        journal.relay(PLAIN)
        await journal.aclose()
        shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert "gpt-4o-mini → openai#3" in shown
    assert ("\x1b[" in shown) is not bool(no_colour)
    (file,) = tmp_path.iterdir()
    assert json.loads(file.read_text())["event"] == "relay"


async def test_pipe_gets_json_lines() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        journal = build_journal(stream=stream, redactor=Redactor())
        journal.relay(PLAIN)
        journal.event("debug", "x", "left out")
        await journal.aclose()
    (line,) = os.read(reading, 65536).splitlines()
    os.close(reading)
    assert json.loads(line)["model"] == "gpt-4o-mini"
