"""Requests that run while a page is looked at."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.admin_ui.browser import PASSWORD, Site
from tests.support.tls import no_tls

ENDLESS = "model-b"
"""The provider of these tests streams this model until somebody hangs up."""


@dataclass
class Talk:
    """One streamed request, read in a thread of its own."""

    body: bytearray = field(default_factory=bytearray)
    request_id: str = ""
    begun: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def ended_by(self) -> str:
        """The code of the error event that ended the answer."""
        assert self.over.wait(20)
        last = [line for line in self.body.decode().splitlines() if line.startswith("data: {")][-1]
        return str(json.loads(last[6:]).get("error", {}).get("code"))


def key_of(site: Site, name: str) -> str:
    """The key of somebody's token without limits."""
    tokens = site.api(name, PASSWORD).get("/api/token/?p=0&size=100").json()["data"]
    key = next(token["key"] for token in tokens if token["name"] == "laptop")
    return f"sk-{key.removeprefix('sk-')}"


@contextmanager
def talking(site: Site, key: str, model: str = ENDLESS) -> Iterator[Talk]:
    """A streamed request that has begun to be answered; its client leaves at the end of the block."""
    talk = Talk()
    leave = threading.Event()

    def run() -> None:
        body: dict[str, Any] = {"model": model, "stream": True, "messages": [{"role": "user", "content": "hi"}]}
        with httpx2.Client(base_url=site.url, trust_env=False, verify=no_tls(), timeout=30) as client:
            headers = {"Authorization": f"Bearer {key}"}
            with (
                suppress(httpx2.HTTPError),
                client.stream("POST", "/v1/chat/completions", headers=headers, json=body) as r,
            ):
                talk.request_id = r.headers["x-oneapi-request-id"]
                for data in r.iter_bytes():
                    talk.body += data
                    talk.begun.set()
                    if leave.is_set():
                        break
        talk.begun.set()
        talk.over.set()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert talk.begun.wait(20)
        assert talk.body.startswith(b"data: {"), talk.body
        yield talk
    finally:
        leave.set()
        thread.join(20)
