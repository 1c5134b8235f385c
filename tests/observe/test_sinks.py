"""Log files: named by day, appended to, made anew when somebody moves them."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from gateway.observe.records import Event
from gateway.observe.sinks import DailyFiles, StreamSink, _whole_lines, log_file_name


def event(message: str) -> Event:
    return Event(time.time(), "info", "x", message, {})


def test_files_are_named_by_local_day() -> None:
    day = time.struct_time((2025, 3, 9, 0, 0, 0, 6, 68, 0))
    assert log_file_name(day, only_one=False) == "one-api-20250309.log"
    assert log_file_name(day, only_one=True) == "one-api.log"


def test_new_day_begins_a_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = DailyFiles(tmp_path / "made" / "when-missing")
    days = iter(
        [time.struct_time((2025, 3, 9, 23, 59, 59, 6, 68, 0)), time.struct_time((2025, 3, 10, 0, 0, 0, 0, 69, 0))]
    )
    monkeypatch.setattr("gateway.observe.sinks.time.localtime", lambda: next(days))
    files.write([event("one")])
    files.write([event("two"), event("three")])
    files.close()
    written = {path.name: path.read_text().count("\n") for path in (tmp_path / "made" / "when-missing").iterdir()}
    assert written == {"one-api-20250309.log": 1, "one-api-20250310.log": 2}


def test_moved_file_is_made_anew_and_existing_ones_are_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "one-api.log"
    path.write_text("from before\n")
    files = DailyFiles(tmp_path, only_one=True)
    files.write([event("a")])
    path.rename(tmp_path / "one-api.log.1")
    files.write([event("b")])
    files.close()
    assert (tmp_path / "one-api.log.1").read_text().startswith("from before\n")
    assert path.read_text().count("\n") == 1
    assert path.stat().st_mode & 0o007 == 0


def test_non_blocking_pipe_gets_everything() -> None:
    class Big:
        def render(self, records: object) -> bytes:
            del records
            return b"x" * 1_000_000

    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    sink = StreamSink(writing, Big())

    def write_and_close() -> None:
        sink.write([])
        os.close(writing)

    thread = threading.Thread(target=write_and_close)
    thread.start()
    assert sum(len(part) for part in iter(lambda: os.read(reading, 65536), b"")) == 1_000_000
    thread.join()
    os.close(reading)


def test_writes_to_a_pipe_are_whole_lines_that_do_not_mix() -> None:
    class Given:
        def render(self, records: object) -> bytes:
            del records
            return b"".join(b"%d" % (number % 10) * 900 + b"\n" for number in range(12)) + b"y" * 9_000 + b"\nz\n"

    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    StreamSink(writing, Given()).write([])
    os.close(writing)
    taken = b"".join(iter(lambda: os.read(reading, 65536), b""))
    os.close(reading)
    assert taken == Given().render(None)
    pieces = list(_whole_lines(taken, 4096))
    assert b"".join(pieces) == taken
    assert [len(piece) for piece in pieces] == [3604, 3604, 3604, 9001, 2]
