"""One browser, one gateway and one provider for all tests of the pages; each test has a window of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.admin_ui.browser import PASSWORD, Reader, Site, reader, running_browser, running_provider, running_site
from tests.admin_ui.traffic import send_traffic


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with running_browser() as running:
        yield running


@pytest.fixture(scope="session")
def provider() -> Iterator[str]:
    """The address of a provider that answers."""
    with running_provider() as address:
        yield address


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, browser: Browser, provider: str) -> Iterator[Site]:
    """A gateway with people, channels, tokens and codes. Root's password is `PASSWORD`, as is everybody's."""
    with running_site(tmp_path_factory.mktemp("site")) as running:
        furnish(running, provider)
        yield running


@pytest.fixture(scope="session")
def states(site: Site, browser: Browser) -> dict[str, Any]:
    """Cookies of somebody of each role."""
    return signed_in(site, browser)


def signed_in(site: Site, browser: Browser) -> dict[str, Any]:
    """Cookies of somebody of each role on a site that is furnished."""
    found: dict[str, Any] = {"nobody": None}
    for name in ("root", "admin", "user"):
        with reader(browser, site) as one:
            one.sign_in(name, PASSWORD)
            found[name] = one.context.storage_state()
    return found


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory, browser: Browser, provider: str) -> Iterator[Site]:
    """A site of its own after some requests, for the tests of one file."""
    with running_site(tmp_path_factory.mktemp("traffic")) as running:
        furnish(running, provider)
        send_traffic(running, provider)
        yield running


@pytest.fixture(scope="module")
def busy_states(traffic: Site, browser: Browser) -> dict[str, Any]:
    """Cookies of somebody of each role, there."""
    return signed_in(traffic, browser)


@pytest.fixture
def root(site: Site, browser: Browser, states: dict[str, Any]) -> Iterator[Reader]:
    """Root, signed in."""
    with reader(browser, site, state=states["root"]) as one:
        yield one
        assert one.complaints == []


def furnish(site: Site, provider: str) -> None:
    root = site.api("root", "123456")

    def call(method: str, path: str, body: dict[str, Any]) -> None:
        answer = root.request(method, path, json=body).json()
        assert answer["success"], (path, answer)

    def number_of(name: str) -> int:
        found = root.get("/api/user/search", params={"keyword": name}).json()["data"]
        return int(next(user["id"] for user in found if user["username"] == name))

    call("PUT", "/api/user/self", {"username": "root", "display_name": "Root", "password": PASSWORD})
    for name in ("admin", "user", "off"):
        call("POST", "/api/user/", {"username": name, "display_name": name.title(), "password": PASSWORD})
        call("POST", "/api/topup", {"user_id": number_of(name), "quota": 5_000_000})
    call("POST", "/api/user/manage", {"username": "admin", "action": "promote"})
    call("POST", "/api/user/manage", {"username": "off", "action": "disable"})
    for name, kind, models, status in (
        ("Answers", 1, "model-a,model-b", 1),
        ("Azure with a long name of many words", 3, "gpt-4o,gpt-4.1", 1),
        ("Off", 14, "claude-sonnet-4-5", 2),
        ("Fell out", 24, "gemini-2.5-pro", 3),
    ):
        call(
            "POST",
            "/api/channel/",
            {
                "type": kind,
                "name": name,
                "key": "sk-upstream-secret-1234",
                "base_url": provider,
                "models": models,
                "group": "default,vip",
                "status": status,
            },
        )
    for name in ("root", "user"):
        client = site.api(name, PASSWORD)
        for token, more in (("laptop", {"unlimited_quota": True}), ("small", {"remain_quota": 500_000})):
            assert client.post("/api/token/", json={"name": token, **more}).json()["success"]
    for kind, subject, period in (("group", "vip", "month"), ("user", str(number_of("user")), "week")):
        limits = {"soft_quota": 400_000_000, "hard_quota": 500_000_000}
        call("POST", "/api/budget/", {"kind": kind, "subject": subject, "period": period, **limits})
    call("POST", "/api/redemption/", {"name": "spring", "quota": 5_000_000, "count": 3})
