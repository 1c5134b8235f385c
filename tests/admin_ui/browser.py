"""A gateway in a process, a provider that answers, and real browsers to look at it with."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.support.engines import migrated_sqlite
from tests.support.tls import no_tls

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PASSWORD = "a-new-secret"
START_LIMIT_S = 120.0
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text("utf-8")


def chromium() -> str:
    """Where Chromium is; without it the test is skipped, or fails where CI promised it.

    The shell without a window's frame is the same engine, and opens windows three times as fast.
    """
    for name in ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    if os.environ.get("CI") == "true":
        pytest.fail("no Chromium is installed")
    pytest.skip("no Chromium is installed (Debian, Ubuntu: apt install chromium)")


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Chromium until the block ends."""
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class _Provider(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer({"object": "list", "data": [{"id": "model-b"}, {"id": "model-a"}]})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))) or b"{}")
        if str(asked.get("model", "")).startswith("busy"):
            self._answer({"error": {"message": "Rate limit reached", "type": "requests"}}, status=429)
            return
        if "refused" in (self.headers.get("Authorization") or ""):
            self._answer({"error": {"message": "Incorrect API key", "type": "invalid_request_error"}}, status=401)
            return
        if self.path.endswith("/responses"):
            self._respond(is_stream=bool(asked.get("stream")))
            return
        if asked.get("stream"):
            self._stream(is_endless=asked.get("model") == "model-b")
            return
        self._answer(
            {
                "id": "x",
                "object": "chat.completion",
                "created": 1,
                "model": "model-a",
                "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "4"}}],
                "usage": {"prompt_tokens": 8, "completion_tokens": 1, "total_tokens": 9},
            }
        )

    def _respond(self, *, is_stream: bool) -> None:
        """Answer in the format of Responses."""
        text = {"type": "output_text", "text": "word0 word1 word2 ", "annotations": []}
        item = {"id": "m", "type": "message", "role": "assistant", "status": "completed", "content": [text]}
        usage = {"input_tokens": 8, "output_tokens": 3, "total_tokens": 11}
        whole = {
            "id": "r",
            "object": "response",
            "status": "completed",
            "model": "m",
            "output": [item],
            "usage": usage,
        }
        if not is_stream:
            self._answer(whole)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        place = {"item_id": "m", "output_index": 0, "content_index": 0}
        self._event({"type": "response.created", "response": {**whole, "status": "in_progress", "output": []}})
        self._event({"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}})
        self._event({"type": "response.content_part.added", **place, "part": {**text, "text": ""}})
        self._event({"type": "response.output_text.delta", **place, "delta": text["text"]})
        self._event({"type": "response.output_text.done", **place, "text": text["text"]})
        self._event({"type": "response.output_item.done", "output_index": 0, "item": item})
        self._event({"type": "response.completed", "response": whole})
        self.close_connection = True

    def _stream(self, *, is_endless: bool) -> None:
        """Say a few words, or one after another until somebody hangs up."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        with suppress(OSError):
            for number in range(10_000 if is_endless else 3):
                self._event({"choices": [{"index": 0, "delta": {"content": f"word{number} "}}]})
                time.sleep(0.1 if is_endless else 0)
            self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
            self._event({"choices": [], "usage": {"prompt_tokens": 8, "completion_tokens": 3}})
            self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def _event(self, data: object) -> None:
        self.wfile.write(b"data: " + json.dumps(data).encode() + b"\n\n")
        self.wfile.flush()

    def _answer(self, body: object, status: int = 200) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""


@contextmanager
def running_provider() -> Iterator[str]:
    """A provider with two models; its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Provider)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Site:
    """A running gateway."""

    url: str
    process: subprocess.Popen[bytes]
    clients: list[httpx2.Client] = field(default_factory=list)

    def api(self, name: str, password: str) -> httpx2.Client:
        """A client of the management API, signed in."""
        client = httpx2.Client(base_url=self.url, trust_env=False, verify=no_tls(), timeout=30)
        self.clients.append(client)
        answer = client.post("/api/user/login", json={"username": name, "password": password}).json()
        assert answer["success"], answer
        # Whatever language somebody chose in a test before.
        client.cookies.set("lang", "en")
        return client


@contextmanager
def running_site(folder: Path, **settings: str) -> Iterator[Site]:
    """The real program on SQLite in `folder` until the block ends, with `settings` of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    if not (folder / "one.db").exists():
        (folder / "one.db").write_bytes(migrated_sqlite())
    environment = {
        "PATH": os.environ["PATH"],
        "PORT": str(port),
        "SQLITE_PATH": str(folder / "one.db"),
        "DISABLE_COOKIE_SECURE": "true",
        "CRITICAL_RATE_LIMIT": "0",
        "GLOBAL_API_RATE_LIMIT": "0",
        "GLOBAL_WEB_RATE_LIMIT": "0",
        "LOG_DIR": "",
        "SESSION_SECRET": "0123456789abcdef",
        **settings,
    }
    with (folder / "out.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway.cli", "serve"], cwd=folder, env=environment, stdout=log, stderr=log
        )
    site = Site(f"http://127.0.0.1:{port}", process)
    try:
        deadline = time.monotonic() + START_LIMIT_S
        while True:
            assert process.poll() is None, (folder / "out.log").read_text()
            assert time.monotonic() < deadline, (folder / "out.log").read_text()
            with suppress(httpx2.HTTPError):
                if httpx2.get(f"{site.url}/api/status", trust_env=False, verify=no_tls()).status_code == 200:
                    break
            time.sleep(0.05)
        yield site
    finally:
        for client in site.clients:
            client.close()
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass
class Reader:
    """Somebody with a browser window. `complaints` collects script errors, console errors and policy violations."""

    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)

    def sign_in(self, name: str, password: str) -> None:
        """Use the sign-in page."""
        self.page.goto("/login")
        self.page.fill("#f-username", name)
        self.page.fill("#f-password", password)
        self.page.click("button.first")
        self.page.wait_for_url(lambda url: "/login" not in url)

    def toast(self) -> str:
        """The messages on the page, once there are any: forms look at their session before they are sent."""
        with suppress(PlaywrightTimeout):
            self.page.locator("#toasts .toast").first.wait_for(timeout=5000)
        return self.page.locator("#toasts").inner_text()

    def scrolls_sideways(self) -> bool:
        """Whether the page is wider than the window. Not by `innerWidth`: a phone widens that with the page."""
        size = self.page.viewport_size
        return size is not None and int(self.page.evaluate("document.documentElement.scrollWidth")) > size["width"]

    def violations(self) -> list[str]:
        """What axe finds wrong with the page."""
        self.page.evaluate(AXE)
        # Sheets are fetched again for one rule alone, which is off: that takes as long as all others together.
        found = self.page.evaluate(
            "async () => (await axe.run(document, {resultTypes: ['violations'], preload: false})).violations"
            ".map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 120) + ' ' + n.failureSummary).join(' | '))"
        )
        return [str(each) for each in found]


@contextmanager
def reader(
    browser: Browser,
    site: Site,
    *,
    width: int = 1440,
    language: str = "en",
    theme: str = "light",
    script: bool = True,
    state: Any = None,
) -> Iterator[Reader]:
    """Open a window of its own, with cookies of its own or those of `state`."""
    context = browser.new_context(
        base_url=site.url,
        viewport={"width": width, "height": 900},
        has_touch=width < 700,
        is_mobile=width < 700,
        java_script_enabled=script,
        storage_state=state,
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.set_default_timeout(10_000)
    context.add_cookies([{"name": n, "value": v, "url": site.url} for n, v in (("lang", language), ("theme", theme))])
    page = context.new_page()
    one = Reader(context, page)
    page.on("console", lambda m: one.complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: one.complaints.append(str(e)))
    page.on("request", lambda r: None if r.url.startswith((site.url, "data:")) else one.complaints.append(r.url))
    yield one
    context.close()
