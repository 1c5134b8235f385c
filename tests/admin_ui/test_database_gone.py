"""Pages while the database cannot be reached: each says so in its frame, and comes back by itself."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from playwright.sync_api import Browser

from tests.admin_ui.browser import PASSWORD, reader, running_site
from tests.admin_ui.conftest import furnish
from tests.support.engines import fresh_database

PATHS = ["/", "/requests", "/channels", "/tokens", "/settings/general", "/models", "/login"]


class _Door:
    """Passes connections on to a server, until it is shut."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener: socket.socket | None = None
        self._open: list[socket.socket] = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def open(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen()
        self._listener = listener
        threading.Thread(target=self._serve, args=(listener,), daemon=True).start()

    def shut(self) -> None:
        if self._listener is not None:
            # Wakes whoever waits in accept().
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._open.clear()

    def _serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _address = listener.accept()
                far = socket.create_connection(self._target)
                self._open += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)


@contextmanager
def _opened(host: str, port: int) -> Iterator[_Door]:
    door = _Door(host, port)
    door.open()
    try:
        yield door
    finally:
        door.shut()


@pytest.mark.slow
def test_pages_say_that_the_database_is_gone_and_come_back(
    tmp_path_factory: pytest.TempPathFactory, browser: Browser, provider: str
) -> None:
    folder = tmp_path_factory.mktemp("gone")
    with fresh_database("postgresql", folder) as database:
        url = database.dsn.url
        with _opened(url.host or "127.0.0.1", url.port or 5432) as door:
            address = re.sub(r"@[^/]+/", f"@127.0.0.1:{door.port}/", database.text)
            with running_site(folder, SQL_DSN=address) as site, reader(browser, site) as one:
                furnish(site, provider)
                one.sign_in("root", PASSWORD)
                door.shut()
                wrong = []
                for path in PATHS:
                    began = time.monotonic()
                    answer = one.page.goto(path)
                    assert answer is not None
                    if answer.status not in (200, 503) or time.monotonic() - began > 20:
                        wrong.append(f"{path}: status {answer.status} after {time.monotonic() - began:.0f} s")
                    if one.page.locator("main h1").count() != 1:
                        wrong.append(f"{path}: no heading")
                    if answer.status == 503:
                        wrong += [f"{path}: {text}" for text in one.violations()]
                assert wrong == []
                door.open()
                deadline = time.monotonic() + 30
                while one.page.goto("/channels").status != 200:  # type: ignore[union-attr]
                    assert time.monotonic() < deadline
                assert one.page.locator("h1").inner_text() == "Channels"
