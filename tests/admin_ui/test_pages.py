"""Every page, for every role, in both languages and themes, at three widths: whole, clean, accessible, small."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser

from tests.admin_ui import budget
from tests.admin_ui.browser import Site, reader
from tests.admin_ui.budget import first_visit
from tests.admin_ui.looks import LOOKS, name_of, take_picture
from tests.support.tls import no_tls

PAGES: dict[str, list[str]] = {
    "nobody": ["/", "/login", "/register", "/reset", "/user/reset?email=a@b.c&token=x", "/about", "/login/wechat"],
    "user": [
        "/",
        "/tokens",
        "/tokens/new",
        "/tokens/2",
        "/tokens/2/edit",
        "/budgets",
        "/topup",
        "/profile",
        "/profile/2fa",
        "/profile/delete",
        "/chat",
        "/models",
        "/models/model-a",
        "/requests",
        "/live",
        "/playground",
        "/status",
    ],
    "admin": ["/channels", "/users", "/codes", "/budgets", "/audit", "/routing", "/live"],
    "root": [
        "/",
        "/requests",
        "/requests/delete",
        "/live",
        "/playground",
        "/audit",
        "/audit?kind=option&range=1h&who=program",
        "/system",
        "/system?view=database",
        "/system?view=tasks",
        "/system?view=log",
        "/system?view=settings",
        "/settings/system",
        "/settings/file",
        "/settings/alerts",
        "/settings/alerts/new",
        "/routing",
        "/routing?model=model-a&draw=1",
        "/routing?model=claude-sonnet-4-5",
        "/routing?model=model-a&token=1&channel=1",
        "/models/model-a?in=1000&cached=200&out=50",
        "/channels",
        "/channels?q=nothing-like-this",
        "/channels?status=2",
        "/channels?view=attention",
        "/channels?view=tiers&has=prices",
        "/channels/1/testing-model",
        "/channels/new",
        "/channels/1",
        "/channels/1/edit",
        "/channels/1/models",
        "/channels/1/requests",
        "/channels/1/keys",
        "/channels/1/history",
        "/channels/2/edit",
        "/channels/1/test",
        "/channels/1/delete",
        "/channels/delete-disabled",
        "/channels/test?since=1",
        "/models?of=all",
        "/tokens",
        "/users",
        "/users/new",
        "/users/2",
        "/users/3",
        "/users/2/edit",
        "/users/2/topup",
        "/codes",
        "/codes/new",
        "/codes/1",
        "/budgets",
        "/budgets/new?kind=group",
        "/budgets/new?kind=user&subject=3&name=user&next=/users/3",
        "/budgets/1/edit",
        "/budgets/1/delete",
        "/settings/general",
        "/settings/general/logo",
        "/settings/sign-in",
        "/settings/providers",
        "/settings/providers/wechat",
        "/settings/robots",
        "/settings/mail",
        "/settings/money",
        "/settings/relay",
        "/settings/channels",
        "/settings/status",
        "/settings/logs",
        "/settings/releases",
        "/settings/mail/test",
        "/settings/money/reset/QuotaPerUnit",
        "/settings?q=mail",
        "/profile",
        "/nothing/here",
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("look", LOOKS, ids=name_of)
@pytest.mark.parametrize("role", PAGES)
def test_pages_are_whole(
    site: Site, browser: Browser, states: dict[str, Any], role: str, look: tuple[int, str, str]
) -> None:
    width, language, theme = look
    wrong: list[str] = []
    with reader(browser, site, width=width, language=language, theme=theme, state=states[role]) as one:
        for path in PAGES[role]:
            one.complaints.clear()
            answer = one.page.goto(path)
            assert answer is not None
            expected = 404 if path == "/nothing/here" else 200
            if answer.status != expected:
                wrong.append(f"{path}: status {answer.status}")
            complaints = [text for text in one.complaints if "404" not in text or expected != 404]
            wrong += [f"{path}: {text}" for text in complaints]
            if one.scrolls_sideways():
                wrong.append(f"{path}: scrolls sideways")
            if one.page.locator("h1").count() != 1:
                wrong.append(f"{path}: {one.page.locator('h1').count()} first headings")
            wrong += [f"{path}: {text}" for text in one.violations()]
            take_picture(one, path, role=role, look=look)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "path",
    [
        "/login",
        "/channels",
        "/channels/1",
        "/channels/1/edit",
        "/users",
        "/tokens",
        "/settings/money",
        "/playground",
        "/audit",
        "/routing?model=model-a",
        "/models?of=all",
        "/models/model-a?in=1000&out=50",
        "/status",
    ],
)
def test_first_visit_is_within_budget(site: Site, browser: Browser, states: dict[str, Any], path: str) -> None:
    visit = first_visit(browser, site, path, state=states["nobody" if path == "/login" else "root"])
    assert 0 < visit.sent < budget.BYTES
    assert visit.painted_ms < budget.PAINT_MS
    assert visit.shifted < budget.SHIFT


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        ("user", "/channels", 403),
        ("user", "/users", 403),
        ("user", "/routing", 403),
        ("user", "/audit", 403),
        ("admin", "/system", 403),
        ("admin", "/system/bundle.json", 403),
        ("admin", "/system/events", 403),
        ("user", "/audit/export.csv", 403),
        ("user", "/settings/general", 403),
        ("admin", "/settings/general", 403),
        ("admin", "/users/1", 404),
        ("user", "/channels/1/test", 403),
    ],
)
def test_pages_say_who_may_not_see_them(
    site: Site, browser: Browser, states: dict[str, Any], role: str, path: str, status: int
) -> None:
    with reader(browser, site, state=states[role]) as one:
        answer = one.page.goto(path)
        assert answer is not None
        assert answer.status in (status, 400)
        assert one.page.locator("main h1").count() == 1
        assert one.page.locator("[role=alert]").count() >= 1


def test_visitors_are_sent_to_sign_in_and_back(site: Site, browser: Browser) -> None:
    with reader(browser, site) as one:
        one.page.goto("/users?role=1")
        assert "/login?next=%2Fusers%3Frole%3D1" in one.page.url
        one.page.fill("#f-username", "root")
        one.page.fill("#f-password", "a-new-secret")
        one.page.click("button.first")
        one.page.wait_for_url("**/users?role=1")


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:1"])
def test_sign_in_leads_to_no_other_site(site: Site, target: str) -> None:
    with httpx2.Client(base_url=site.url, trust_env=False, verify=no_tls()) as client:
        page = client.get("/login", params={"next": target}).text
        assert 'name="next" value="/"' in page


def test_files_are_kept_for_a_year_and_pages_not_at_all(site: Site) -> None:
    with httpx2.Client(base_url=site.url, trust_env=False, verify=no_tls()) as client:
        page = client.get("/login")
        assert page.headers["cache-control"] == "no-store"
        assert "'unsafe" not in page.headers["content-security-policy"]
        sheet = page.text.split('rel="stylesheet" href="')[1].split('"')[0]
        found = client.get(sheet)
        assert "immutable" in found.headers["cache-control"]
        assert found.headers["content-encoding"] == "gzip"
        older = client.get(sheet.replace(sheet.split("/")[2], "0123456789ab"))
        assert older.status_code == 200
        assert older.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("old", "new"), [("/channels/edit/1", "/channels/1/edit"), ("/redemptions", "/codes"), ("/dashboard", "/")]
)
def test_old_addresses_lead_to_new_ones(site: Site, old: str, new: str) -> None:
    with httpx2.Client(base_url=site.url, trust_env=False, verify=no_tls()) as client:
        assert client.get(old).headers["location"] == new


def test_a_form_without_its_token_changes_nothing(site: Site) -> None:
    client = site.api("root", "a-new-secret")
    answer = client.post("/users/2/disable", data={"next": "/users"}, headers={"Accept-Language": "en"})
    assert answer.status_code == 400
    assert client.get("/api/user/2").json()["data"]["status"] == 1
