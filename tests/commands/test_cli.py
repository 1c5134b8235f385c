"""The command line as a real process: calls, help, exit codes, and that nothing is opened before all is well."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.config.settings import SPECS

WATCHED = """
import os, sys
def hook(event, arguments):
    if event in {"socket.bind", "sqlite3.connect", "socket.connect"}:
        os.write(2, f"OPENED {event}\\n".encode())
        os._exit(99)
sys.addaudithook(hook)
from gateway.cli import main
sys.exit(main(sys.argv[1:]))
"""
"""The program under an eye that ends it when it opens a port, a connection or a database."""


def call(
    folder: Path, *arguments: str, environ: dict[str, str] | None = None, watched: bool = False
) -> subprocess.CompletedProcess[str]:
    program = ["-c", WATCHED] if watched else ["-m", "gateway.cli"]
    inherited = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, *program, *arguments],
        cwd=folder,
        env={**inherited, "HOME": str(folder), **(environ or {})},
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.slow
@pytest.mark.parametrize("command", [[], ["--port", "0"], ["check"], ["ledger", "verify"]])
def test_a_wrong_configuration_exits_2_before_anything_is_opened(tmp_path, command):
    environ = {"WORKERS": "many", "SQL_DSN": "mysql://root:hunter2@h/db", "THEME": "pink"}
    done = call(tmp_path, *command, environ=environ, watched=True)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    for part in (
        "WORKERS: read 'many', expected a whole number from 1",
        "SQL_DSN: read (hidden)",
        "THEME: read 'pink'",
    ):
        assert part in done.stderr
    assert "hunter2" not in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_eye_of_the_test_above_sees_what_is_opened(tmp_path):
    done = call(tmp_path, "migrate", watched=True)
    assert done.returncode == 99
    assert "OPENED sqlite3.connect" in done.stderr


@pytest.mark.slow
def test_a_dotenv_file_in_the_working_directory_is_read(tmp_path):
    (tmp_path / ".env").write_text("PORT=none\n", encoding="utf-8")
    done = call(tmp_path, "check")
    assert done.returncode == 2
    assert "PORT: read 'none'" in done.stderr


@pytest.mark.parametrize("arguments", [["frob"], ["serve", "--frob"], ["--frob"], ["ledger"], ["migrate", "now"]])
def test_a_call_that_is_not_understood_exits_2(arguments, capsys):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert "usage: one-api" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--help"], ["serve", "check", "migrate", "ledger", "version", "exit codes"]),
        (["serve", "--help"], [*(f"  {spec.name}  (" for spec in SPECS), "--port", "--log-dir"]),
        (["check", "--help"], ["--all", "Redis"]),
        (["migrate", "--help"], ["--dry-run", "one-api can still open it"]),
        (["ledger", "--help"], ["verify", "parked"]),
        (["secrets", "--help"], ["seal", "open", "ENCRYPTION_KEYS"]),
        (["ledger", "verify", "--help"], ["--accept", "difference"]),
        (["version", "--help"], ["version"]),
    ],
)
def test_every_command_explains_itself_whatever_the_configuration(arguments, words, capsys, monkeypatch):
    monkeypatch.setenv("PORT", "wrong")
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 0
    said = capsys.readouterr()
    assert said.err == ""
    for word in words:
        assert word in said.out


@pytest.mark.parametrize("arguments", [["version"], ["--version"], ["serve", "--version"], ["-version"]])
def test_the_version_is_that_of_the_package(arguments, capsys):
    assert main(arguments) == 0
    assert capsys.readouterr().out == f"one-api {version('one-api')}\n"
