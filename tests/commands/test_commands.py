"""check, migrate and ledger verify on real databases, and what they answer when something is wrong."""

from __future__ import annotations

import gc
import io
import os
import socket
from pathlib import Path

import bcrypt
import pytest
from rich.console import Console
from sqlalchemy import text

from gateway.commands import check, config, ledger, migrate, secrets
from gateway.commands.databases import main_database
from gateway.commands.terminal import Terminal
from gateway.config.settings import Loaded, load_settings
from storage.records import LogRow
from storage.repositories.ledger_ops import Settle
from storage.repositories.ledger_parked import park
from tests.support.engines import FreshDatabase


class Heard(Terminal):
    """A terminal that remembers."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        console = Console(file=self.stream, width=400, highlight=False, markup=False)
        super().__init__(out=console, err=console)

    @property
    def said(self) -> str:
        return self.stream.getvalue()


@pytest.fixture
def terminal() -> Heard:
    return Heard()


def loaded_for(database: FreshDatabase, **more: str) -> Loaded:
    return load_settings({**database.environment(), "LOG_DIR": "", **more})


def execute(loaded: Loaded, statement: str, **values: object) -> None:
    with main_database(loaded.settings) as opened:
        opened.write_sync(lambda conn: conn.execute(text(statement), values))


@pytest.mark.slow
def test_migrate_makes_an_empty_database_ready_and_then_finds_nothing_to_do(fresh, terminal):
    loaded = loaded_for(fresh)
    assert migrate.run(loaded, terminal, only_look=False) == 0
    assert "tables made: " in terminal.said
    again = Heard()
    assert migrate.run(loaded, again, only_look=False) == 0
    assert "Nothing to do" in again.said


@pytest.mark.slow
def test_a_dry_run_lists_what_is_pending_and_changes_nothing(fresh, terminal):
    loaded = loaded_for(fresh)
    for _ in range(2):
        assert migrate.run(loaded, terminal, only_look=True) == 0
    assert terminal.said.count("pending: ") >= 2 or terminal.said.count("would be made") == 2
    if fresh.sqlite_path:
        assert not Path(fresh.sqlite_path).exists()


@pytest.mark.slow
def test_ledger_verify_prints_each_difference_and_fails_until_it_is_accepted(fresh, terminal):
    loaded = loaded_for(fresh)
    migrate.run(loaded, Heard(), only_look=False)
    assert ledger.verify(loaded, terminal, accept=False) == 0
    assert "0 differences" in terminal.said

    group = "`group`" if fresh.engine == "mysql" else '"group"'
    execute(
        loaded,
        f"INSERT INTO users (id, username, password, role, status, quota, used_quota, request_count, {group}, aff_code)"
        " VALUES (7, 'stranger', 'x', 1, 1, 500, 0, 0, 'default', 'abcd')",
    )
    wrong = Heard()
    assert ledger.verify(loaded, wrong, accept=False) == 1
    assert "user 7" in wrong.said
    assert "+500" in wrong.said

    assert ledger.verify(loaded, Heard(), accept=True) == 0
    assert ledger.verify(loaded, Heard(), accept=False) == 0


def test_ledger_verify_makes_no_database(tmp_path, terminal):
    path = tmp_path / "none.db"
    loaded = load_settings({"SQLITE_PATH": str(path)})
    assert ledger.verify(loaded, terminal, accept=False) == 1
    assert "no database" in terminal.said
    assert not path.exists()


@pytest.mark.slow
def test_check_connects_tells_what_is_pending_and_hides_secrets(fresh, terminal):
    loaded = loaded_for(fresh, SESSION_SECRET="hunter2-hunter2", PORT="4000")
    assert check.run(loaded, terminal, show_all=False) == 0
    assert "PORT" in terminal.said
    assert "4000" in terminal.said
    assert "hunter2" not in terminal.said
    assert "pending" in terminal.said or "will be made" in terminal.said


@pytest.mark.slow
def test_check_warns_of_the_password_that_everybody_knows(fresh, terminal):
    loaded = loaded_for(fresh)
    migrate.run(loaded, Heard(), only_look=False)
    statement = (
        "INSERT INTO users (id, username, password, role, status, quota) VALUES (1, 'root', :password, 100, 1, 0)"
    )
    execute(loaded, statement, password=bcrypt.hashpw(b"123456", bcrypt.gensalt(4)).decode())
    assert check.run(loaded, terminal, show_all=False) == 0
    assert "root still has the password" in terminal.said

    execute(
        loaded, "UPDATE users SET password = :password", password=bcrypt.hashpw(b"other", bcrypt.gensalt(4)).decode()
    )
    later = Heard()
    assert check.run(loaded, later, show_all=False) == 0
    assert "still has the password" not in later.said


def test_check_shows_every_setting_on_demand(tmp_path, terminal):
    loaded = load_settings({"SQLITE_PATH": str(tmp_path / "x.db"), "LOG_DIR": ""})
    assert check.run(loaded, terminal, show_all=True) == 0
    assert "STREAM_HEARTBEAT_SEC" in terminal.said
    assert "(no effect)" in terminal.said


def test_check_fails_for_a_database_that_does_not_answer(terminal):
    with closed_port() as port:
        loaded = load_settings({"SQL_DSN": f"root:hunter2@tcp(127.0.0.1:{port})/db", "LOG_DIR": ""})
        assert check.run(loaded, terminal, show_all=False) == 1
    assert "wrong" in terminal.said
    assert "hunter2" not in terminal.said


# coredis leaves channels open when it cannot connect, and Python says so when it collects them: here, not later.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_check_fails_for_a_redis_that_does_not_answer(tmp_path, terminal):
    with closed_port() as port:
        loaded = load_settings(
            {
                "SQLITE_PATH": str(tmp_path / "x.db"),
                "REDIS_CONN_STRING": f"redis://:hunter2@127.0.0.1:{port}",
                "LOG_DIR": "",
            }
        )
        assert check.run(loaded, terminal, show_all=False) == 1
    gc.collect()
    assert "Redis: no answer" in terminal.said
    assert "hunter2" not in terminal.said


def test_check_fails_for_an_sqlite_file_that_cannot_be_made(tmp_path, terminal):
    loaded = load_settings({"SQLITE_PATH": str(tmp_path / "no/such/folder/x.db"), "LOG_DIR": ""})
    assert check.run(loaded, terminal, show_all=False) == 1


def test_check_fails_for_a_log_dir_that_is_no_folder(tmp_path, terminal):
    file = tmp_path / "file"
    file.touch()
    loaded = load_settings({"SQLITE_PATH": str(tmp_path / "x.db"), "LOG_DIR": os.fspath(file / "logs")})
    assert check.run(loaded, terminal, show_all=False) == 1
    assert "LOG_DIR" in terminal.said


def test_check_names_what_is_wrong_with_own_providers(tmp_path, terminal):
    own = tmp_path / "providers"
    own.mkdir()
    loaded = load_settings({"SQLITE_PATH": str(tmp_path / "new.db"), "LOG_DIR": "", "PROVIDERS_DIR": str(own)})
    assert check.run(loaded, terminal, show_all=False) == 0
    assert "of your own: none" in terminal.said
    (own / "mine.toml").write_text('[[provider]]\nid = 1000\nkey = "mine"\n')
    assert check.run(loaded, terminal, show_all=False) == 1
    assert "mine.toml, provider mine: Object missing required field" in terminal.said


def test_check_explains_the_default_of_trusted_proxies_and_only_that(tmp_path, terminal):
    environ = {"SQLITE_PATH": str(tmp_path / "x.db"), "LOG_DIR": ""}
    check.run(load_settings(environ), terminal, show_all=False)
    assert "NAT" in terminal.said
    for value in ("", "10.1.2.3"):
        quiet = Heard()
        check.run(load_settings({**environ, "TRUSTED_PROXIES": value}), quiet, show_all=False)
        assert "NAT" not in quiet.said


def closed_port() -> HeldPort:
    return HeldPort()


class HeldPort:
    """A port that is taken but refuses connections, so that nobody else gets it meanwhile."""

    def __enter__(self) -> int:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        port: int = self._socket.getsockname()[1]
        return port

    def __exit__(self, *_: object) -> None:
        self._socket.close()


@pytest.mark.slow
def test_ledger_parked_writes_what_was_refused_when_it_can(fresh, terminal):
    loaded = loaded_for(fresh)
    migrate.run(loaded, Heard(), only_look=False)
    assert ledger.parked(loaded, Heard(), retry=False) == 0
    refused = Settle(
        request_id="q1", user_id=1, token_id=0, channel_id=0, units=12, counted=True, log=LogRow(quota=12), trace=None
    )
    with main_database(loaded.settings) as opened:
        opened.write_sync(
            lambda conn: park(conn, refused, error="the disk was full", now_ms=1, outbox=False, with_money=False)
        )
    assert ledger.parked(loaded, terminal, retry=False) == 1
    assert "q1  12 units" in terminal.said
    assert "the disk was full" in terminal.said
    assert ledger.parked(loaded, Heard(), retry=True) == 0
    assert ledger.parked(loaded, Heard(), retry=False) == 0
    assert ledger.verify(loaded, Heard(), accept=False) == 0


@pytest.mark.slow
def test_secrets_are_encrypted_and_stored_in_plain_text_again(fresh, terminal):
    loaded = loaded_for(fresh, ENCRYPTION_KEYS="k" * 40)
    migrate.run(loaded, Heard(), only_look=False)
    execute(loaded, "INSERT INTO channels (id, name, type, status) VALUES (7, 'c', 1, 1)")
    column = "`key`" if fresh.engine == "mysql" else '"key"'
    execute(loaded, f"UPDATE channels SET {column} = 'sk-one' WHERE id = 7")

    def stored() -> str:
        with main_database(loaded.settings) as opened:
            return opened.read_sync(lambda conn: conn.execute(text(f"SELECT {column} FROM channels")).scalar_one())

    assert secrets.run(loaded, terminal, seal=True) == 0
    assert terminal.said == "1 channels encrypted\n"
    assert "sk-one" not in stored()
    assert secrets.run(loaded, Heard(), seal=False) == 0
    assert stored() == "sk-one"


def test_secrets_need_a_secret(fresh, terminal):
    assert secrets.run(loaded_for(fresh), terminal, seal=True) == 1
    assert "ENCRYPTION_KEYS is not set" in terminal.said


def test_config_is_exported_planned_and_applied_once_it_is_wanted(fresh, terminal, tmp_path):
    loaded = loaded_for(fresh)
    migrate.run(loaded, Heard(), only_look=False)
    file = tmp_path / "gateway.yaml"
    assert config.export(loaded, terminal, file=str(file)) == 0
    assert config.plan(loaded, terminal, file=str(file), prune=True) == 0
    assert "Nothing to change." in terminal.said
    file.write_text("settings: {RetryTimes: 3}\nchannels: [{name: EU, type: openai, models: [m]}]\n")
    unasked = Heard()
    assert config.apply(loaded, unasked, file=str(file), prune=False, is_sure=False) == 1
    assert "~ setting RetryTimes\n    RetryTimes: 0 -> 3" in unasked.said
    assert "+ channel EU  (has no key" in unasked.said
    assert "Plan: 1 to add, 1 to change, 0 to remove." in unasked.said
    assert config.apply(loaded, Heard(), file=str(file), prune=False, is_sure=True) == 0
    again = Heard()
    assert config.plan(loaded, again, file=str(file), prune=False) == 0
    assert again.said == "Nothing to change.\n"


def test_config_that_does_not_fit_is_told_and_changes_nothing(fresh, terminal, tmp_path):
    loaded = loaded_for(fresh)
    migrate.run(loaded, Heard(), only_look=False)
    file = tmp_path / "gateway.yaml"
    file.write_text("settings: {Nothing: 3}\n")
    assert config.apply(loaded, terminal, file=str(file), prune=False, is_sure=True) == 1
    assert "settings.Nothing is no setting" in terminal.said
    file.write_text("settings: [\n")
    assert config.plan(loaded, terminal, file=str(file), prune=False) == 1
    assert "line 2, column 1" in terminal.said
    assert config.plan(loaded, terminal, file=str(tmp_path / "none.yaml"), prune=False) == 1
