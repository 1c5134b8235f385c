"""Requests of every fate: answered, saved by another channel, refused by all, and for models that nobody has."""

from __future__ import annotations

import json
import time

import httpx2

from tests.admin_ui.browser import PASSWORD, Site
from tests.admin_ui.talk import key_of
from tests.support.tls import no_tls


def send_traffic(site: Site, provider: str) -> None:
    """Add two channels, and let root and a user send ten requests."""
    root = site.api("root", PASSWORD)
    # Whatever fails is left alone for a while, so each person has models of their own.
    models = [f"{kind}-{name}" for name in ("root", "user") for kind in ("rescued", "hopeless")]
    mapping = json.dumps({model: f"busy-{model}" for model in models})
    for name, served, mapped, priority in (
        ("Busy", models, mapping, 10),
        ("Rescue", [model for model in models if model.startswith("rescued")], "", 0),
    ):
        body = {
            "type": 50, "name": name, "key": "sk-x", "base_url": provider, "models": ",".join(served),
            "model_mapping": mapped, "priority": priority, "group": "default", "status": 1,
        }  # fmt: skip
        assert root.post("/api/channel/", json=body).json()["success"]
    assert root.put("/api/option/", json={"key": "RetryTimes", "value": "2"}).json()["success"]
    for number, name in ((1, "root"), (3, "user")):
        assert root.post("/api/topup", json={"user_id": number, "quota": 5_000_000}).json()["success"]
        for model, stream, status in (
            ("model-a", False, 200),
            ("model-a", True, 200),
            (f"rescued-{name}", False, 200),
            (f"hopeless-{name}", False, 429),
            ("nobody-has-this", False, 503),
        ):
            answer = ask(site, name, model, stream=stream)
            assert answer.status_code == status, answer.text
    time.sleep(1.2)  # Requests are stored half a second after they ended.


def ask(site: Site, name: str, model: str, *, stream: bool = False) -> httpx2.Response:
    """Send one request with somebody's token."""
    return httpx2.post(
        f"{site.url}/v1/chat/completions",
        headers={"Authorization": f"Bearer {key_of(site, name)}"},
        json={"model": model, "stream": stream, "messages": [{"role": "user", "content": "2+2"}]},
        trust_env=False,
        verify=no_tls(),
        timeout=30,
    )
