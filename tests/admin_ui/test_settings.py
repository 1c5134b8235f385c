"""Settings: seen before they are saved, saved whole, told of by whom, and nothing secret comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from admin_ui.i18n import load_catalogue
from admin_ui.views.option_sections import SECTIONS
from gateway.config.settings import SPECS
from gateway.registry.option_specs import OPTION_SPECS
from tests.admin_ui.browser import PASSWORD, Reader, Site, reader, running_site
from tests.admin_ui.conftest import furnish, signed_in
from tests.support.tls import no_tls

pytestmark = pytest.mark.slow

SAVE = "#settings-form .sticky-foot button.first"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, provider: str) -> Iterator[Site]:
    """A site of its own: other tests shall not meet these settings."""
    with running_site(tmp_path_factory.mktemp("settings"), IDLE_TIMEOUT_SEC="7") as running:
        furnish(running, provider)
        yield running


@pytest.fixture(scope="module")
def own_states(own: Site, browser: Browser) -> dict[str, Any]:
    """Cookies there."""
    return signed_in(own, browser)


@pytest.fixture
def root(own: Site, browser: Browser, own_states: dict[str, Any]) -> Iterator[Reader]:
    """Root, signed in there."""
    with reader(browser, own, state=own_states["root"]) as one:
        yield one
        assert one.complaints == []


def options(site: Site) -> dict[str, str]:
    """What is in force."""
    return {row["key"]: row["value"] for row in site.api("root", PASSWORD).get("/api/option/").json()["data"]}


def put(site: Site, key: str, value: str) -> dict[str, Any]:
    """Set an option over the API."""
    answer: dict[str, Any] = site.api("root", PASSWORD).put("/api/option/", json={"key": key, "value": value}).json()
    return answer


def test_every_option_that_counts_has_a_place_with_a_title_and_help() -> None:
    shown = [setting for section in SECTIONS for setting in section.settings]
    # Stored prices of old; nothing reads them.
    assert {setting.key for setting in shown} == OPTION_SPECS.keys() - {"ModelRatio", "CompletionRatio"}
    assert [setting.key for setting in shown if not setting.title] == []
    names = {spec.name for spec in SPECS}
    assert {name for section in SECTIONS for name in section.variables} <= names


def test_what_changes_is_shown_before_it_is_saved_and_saved_with_one_audit_entry(root: Reader, own: Site) -> None:
    page = root.page
    page.goto("/settings/general")
    page.fill("#f-SystemName", "Gate")
    page.fill("#f-Footer", "one\ntwo")
    expect(page.locator("#unsaved")).to_have_text("2 changed, not saved yet")
    page.click(SAVE)
    dialog = page.locator("#dialog")
    expect(dialog).to_contain_text("One API")
    expect(dialog.locator("ins").first).to_have_text("Gate")
    expect(dialog.locator(".diff-lines ins")).to_have_text(["one", "two"])
    assert options(own)["SystemName"] == "One API"
    dialog.locator("button.first").click()
    page.wait_for_url("**/settings/general")
    assert "2 settings were saved." in root.toast()
    assert options(own)["SystemName"] == "Gate"
    page.goto("/audit?kind=option")
    expect(page.locator("tbody tr").first).to_contain_text("SystemName")
    expect(page.locator("tbody tr").first).to_contain_text("Footer")
    page.goto("/settings/general")
    setting = page.locator("[data-setting]", has=page.locator("#f-SystemName"))
    expect(setting).to_contain_text("Default: One API")
    expect(setting).to_contain_text("Changed by root")
    setting.locator("text=Reset…").click()
    page.locator("#dialog button.first").click()
    expect(page.locator("#toasts")).to_contain_text("has its default again")
    assert options(own)["SystemName"] == "One API"


def test_an_uploaded_logo_is_shown_by_all_pages_and_can_do_nothing(root: Reader, own: Site) -> None:
    page = root.page
    page.goto("/settings/general")
    page.click("text=Upload a logo")
    drawing = (
        b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><script>x</script><path d="M0 0h1v1z"/></svg>'
    )
    page.set_input_files("#f-file", {"name": "logo.png", "mimeType": "image/png", "buffer": drawing})
    page.click("main form.form button.first")
    page.wait_for_url("**/settings/general**")
    address = options(own)["Logo"]
    expect(page.locator(".rail .brand img")).to_have_attribute("src", address)
    assert page.evaluate("document.querySelector('.rail .brand img').naturalWidth") > 0
    answer = httpx2.get(own.url + address, trust_env=False, verify=no_tls())
    assert (answer.status_code, answer.content) == (200, drawing)
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert "immutable" in answer.headers["Cache-Control"]
    assert {"default-src 'none'", "sandbox"} <= set(answer.headers["Content-Security-Policy"].split("; "))
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "set-cookie" not in answer.headers
    page.goto("/settings/general/logo")
    page.set_input_files("#f-file", {"name": "logo.png", "mimeType": "image/png", "buffer": b"%PDF-1.7"})
    page.click("main form.form button.first")
    expect(page.locator("#f-file-error")).to_contain_text("no picture")
    assert put(own, "Logo", "")["success"]
    root.complaints.clear()  # The browser notes the status 422.


def test_the_site_s_theme_accent_and_language_count_for_whoever_chose_none(
    root: Reader, own: Site, browser: Browser
) -> None:
    page = root.page
    page.goto("/settings/general")
    page.select_option("#f-DefaultTheme", "dark")
    page.select_option("#f-Accent", "plum")
    page.select_option("#f-DefaultLanguage", "zh")
    page.click(SAVE)
    expect(page.locator("#dialog ins")).to_have_text(["Dark", "Plum", "简体中文"])
    page.locator("#dialog button.first").click()
    expect(page.locator("#toasts")).to_contain_text("3 settings were saved.")
    link = "getComputedStyle(document.querySelector('a.button.first, button.first')).backgroundColor"
    with reader(browser, own) as stranger:
        stranger.page.context.clear_cookies()
        stranger.page.set_extra_http_headers({"Accept-Language": "fr"})
        stranger.page.goto("/login")
        expect(stranger.page.locator("html")).to_have_attribute("data-theme", "dark")
        expect(stranger.page.locator("html")).to_have_attribute("lang", "zh-CN")
        # Plum as it is in the dark theme.
        assert stranger.page.evaluate(link) == "rgb(240, 155, 203)"
        stranger.page.click(".gate-foot [name=theme]")
        expect(stranger.page.locator("html")).to_have_attribute("data-theme", "light")
        stranger.page.click(".gate-foot [value=en]")
        expect(stranger.page.locator("html")).to_have_attribute("lang", "en")
        assert stranger.complaints == []
    for key in ("DefaultTheme", "Accent", "DefaultLanguage"):
        assert put(own, key, OPTION_SPECS[key].default)["success"]
    assert "must be one of" in put(own, "Accent", "red")["message"]


def test_a_group_that_is_in_use_stays_and_a_new_one_is_added(root: Reader, own: Site) -> None:
    page = root.page
    page.goto("/settings/money")
    rows = page.locator("#f-GroupRatio tbody tr")
    expect(rows.nth(0).locator("[name=group_name]")).to_have_attribute("readonly", "")
    expect(rows.nth(0)).to_contain_text("4")
    page.locator("[name=group_name]").nth(3).fill("partners")
    page.locator("[name=group_ratio]").nth(3).fill("0.8")
    page.fill("#f-QuotaPerUnit", "0")
    page.click(SAVE)
    expect(page.locator("#f-QuotaPerUnit")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("[name=group_name]").nth(3)).to_have_value("partners")
    assert "partners" not in options(own)["GroupRatio"]
    page.fill("#f-QuotaPerUnit", "500000")
    page.click(SAVE)
    expect(page.locator("#dialog ins")).to_have_text("partners: 0.8")
    page.locator("#dialog button.first").click()
    expect(page.locator("#toasts")).to_contain_text("1 setting was saved.")
    assert json.loads(options(own)["GroupRatio"])["partners"] == 0.8
    refused = put(own, "GroupRatio", '{"default": 1, "partners": 1}')
    assert refused["message"] == "The group vip is in use: 0 accounts and 4 channels belong to it"
    root.complaints.clear()  # The browser notes the status 422.


def test_secrets_are_written_and_never_read(root: Reader, own: Site) -> None:
    page = root.page
    page.goto("/settings/robots")
    page.fill("#f-TurnstileSecretKey", "very-secret")
    page.click(SAVE)
    expect(page.locator("#dialog")).to_contain_text("Set")
    assert "very-secret" not in page.content()
    page.locator("#dialog button.first").click()
    expect(page.locator("#toasts")).to_contain_text("1 setting was saved.")
    assert "very-secret" not in page.content()
    setting = page.locator("[data-setting]", has=page.locator("#f-TurnstileSecretKey"))
    expect(setting.locator(".state")).to_have_text("Set")
    setting.locator("text=Remove…").click()
    page.locator("#dialog button.first").click()
    expect(page.locator("#toasts")).to_contain_text("has its default again")
    expect(setting.locator(".state")).to_have_text("Not set")


def test_without_scripts_the_question_is_a_page_and_editing_goes_on(
    own: Site, browser: Browser, own_states: dict[str, Any]
) -> None:
    with reader(browser, own, state=own_states["root"], script=False) as one:
        page = one.page
        page.goto("/settings/money")
        page.fill("#f-QuotaForNewUser", "2.5")
        page.click(SAVE)
        expect(page.locator("main h1")).to_have_text("Save these settings?")
        expect(page.locator("main .differences")).to_contain_text("$2.50")
        page.click("text=Go on editing")
        expect(page.locator("#f-QuotaForNewUser")).to_have_value("2.5")
        page.click(SAVE)
        page.click("main button.first")
        assert "1 setting was saved." in one.toast()
    assert options(own)["QuotaForNewUser"] == "1250000"


def test_two_who_change_the_same_setting_are_told_and_choose(root: Reader, own: Site) -> None:
    page = root.page
    page.goto("/settings/general")
    page.fill("#f-Notice", "mine")
    put(own, "Notice", "theirs")
    put(own, "About", "also new, but not touched here")
    page.click(SAVE)
    dialog = page.locator("#dialog")
    expect(dialog).to_contain_text("Somebody else saved some of these")
    expect(dialog.locator(".differences > li")).to_have_count(1)
    dialog.locator("text=Theirs: theirs").click()
    dialog.locator("button.first").click()
    expect(page.locator("#toasts")).to_contain_text("Nothing was changed.")
    assert options(own)["Notice"] == "theirs"
    assert options(own)["About"].startswith("also new")


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("ChatLink", "javascript:alert(1)", "ChatLink must begin with https:// or http://"),
        ("StatusPageChannels", '{"one": "A"}', "JSON object of channel numbers"),
        ("LogRetentionDays", "-1", "must be between 0 and 36500"),
    ],
)
def test_rules_hold_over_the_api_as_well(own: Site, key: str, value: str, why: str) -> None:
    answer = put(own, key, value)
    assert not answer["success"]
    assert why in answer["message"]


def test_a_search_finds_settings_of_all_sections_and_variables(root: Reader) -> None:
    page = root.page
    page.goto("/settings/general")
    page.fill("[data-search]", "silence")
    page.press("[data-search]", "Enter")
    row = page.locator(".found li", has_text="IDLE_TIMEOUT_SEC")
    expect(row).to_contain_text("Relay")
    expect(row).to_contain_text("7")
    page.fill("[data-search]", "SMTPPort")
    page.press("[data-search]", "Enter")
    page.click(".found a")
    page.wait_for_url("**/settings/mail#f-SMTPPort")
    page.goto("/settings/relay")
    expect(page.locator("#v-IDLE_TIMEOUT_SEC")).to_contain_text("Default: 300")
    page.goto("/settings?q=nothing-like-it")
    expect(page.locator("main")).to_contain_text("No setting is called that")


def test_a_text_is_shown_as_it_will_look_and_harmless(root: Reader) -> None:
    page = root.page
    page.goto("/settings/general")
    page.fill("#f-About", "**bold** <script>alert(1)</script>")
    page.locator("[data-preview]", has_text="About page").click()
    expect(page.locator("#dialog .prose strong")).to_have_text("bold")
    assert page.locator("#dialog .prose script").count() == 0
    page.locator("#dialog [data-cancel]").click()
    expect(page.locator("#f-About")).to_have_value("**bold** <script>alert(1)</script>")
    page.locator("#f-About").evaluate("field => field.form.dataset.clean = ''")


class _Answering(BaseHTTPRequestHandler):
    document: ClassVar[dict[str, Any]] = {}

    def do_GET(self) -> None:
        content = json.dumps(self.document).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.do_GET()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""


@contextmanager
def answering(document: dict[str, Any]) -> Iterator[str]:
    """A server that answers everything with `document`."""
    handler = type("Handler", (_Answering,), {"document": document})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_wechat_is_tried_with_a_code_and_signs_nobody_in(root: Reader, own: Site) -> None:
    page = root.page
    with answering({"success": True, "data": "wx-17"}) as address:
        for key, value in (("WeChatServerAddress", address), ("WeChatAuthEnabled", "true")):
            assert put(own, key, value)["success"]
        page.goto("/settings/providers")
        page.click("text=Try WeChat")
        page.fill("#dialog #f-code", "123456")
        page.click("#dialog button.first")
        expect(page.locator(".settings-body > .banner")).to_contain_text("wx-17")
    page.goto("/settings/providers/wechat")
    page.fill("#f-code", "123456")
    page.click("main button.first")
    expect(page.locator("#f-code-error")).to_contain_text("cannot be reached")
    for key, value in (("WeChatAuthEnabled", "false"), ("WeChatServerAddress", "")):
        assert put(own, key, value)["success"]
    root.complaints.clear()  # The browser notes the status 422.


def test_a_newer_version_is_told_to_root_once_somebody_wants_to_know(
    root: Reader, own: Site, browser: Browser, own_states: dict[str, Any]
) -> None:
    page = root.page
    page.goto("/settings/system")
    expect(page.locator("main .system-facts")).to_contain_text("Release check")
    with answering({"tag_name": "v99.9"}) as address:
        page.goto("/settings/releases")
        page.check("#f-ReleaseCheckEnabled")
        page.fill("#f-ReleaseCheckAddress", f"{address}/latest")
        page.click(SAVE)
        page.locator("#dialog button.first").click()
        expect(page.locator("#toasts")).to_contain_text("2 settings were saved.")
        for _ in range(50):
            page.goto("/settings/system")
            if page.locator("main .system-facts", has_text="Newer: v99.9").count():
                break
        expect(page.locator("main > .banner")).to_contain_text("A newer version is out: v99.9.")
    with reader(browser, own, state=own_states["admin"]) as admin:
        admin.page.goto("/")
        expect(admin.page.locator("main > .banner")).to_have_count(0)
    assert put(own, "ReleaseCheckEnabled", "false")["success"]


def test_endpoints_are_read_from_a_provider_s_document(root: Reader, own: Site) -> None:
    names = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint")
    page = root.page
    with answering({name: f"https://id.example/{name}" for name in names}) as address:
        page.goto("/settings/providers")
        page.fill("#f-OidcWellKnown", f"{address}/.well-known/openid-configuration")
        page.click("text=Fetch endpoints")
        expect(page.locator("#f-OidcTokenEndpoint")).to_have_value("https://id.example/token_endpoint")
    page.fill("#f-OidcWellKnown", "http://127.0.0.1:1/")
    page.click("text=Fetch endpoints")
    expect(page.locator("#f-OidcWellKnown-error")).to_contain_text("cannot be reached")
    assert options(own).get("OidcTokenEndpoint", "") == ""
    root.complaints.clear()  # The browser notes the status 422.


def test_a_message_is_sent_as_a_test_and_failures_are_told(root: Reader, own: Site) -> None:
    page = root.page
    page.goto("/settings/mail")
    page.locator("button[form=test-message]").click()
    expect(page.locator("#toasts .bad")).to_contain_text("No address of Message Pusher is set.")
    with answering({"success": True}) as address:
        put(own, "MessagePusherAddress", address)
        page.locator("button[form=test-message]").click()
        expect(page.locator("#toasts")).to_contain_text("Message Pusher took the test.")
    page.goto("/settings/mail/test")
    page.fill("#f-to", "somebody@example.com")
    page.click("main button.first")
    expect(page.locator("#f-to-error")).to_contain_text("not configured")
    root.complaints.clear()  # The browser notes the status 422.


def test_call_back_addresses_are_shown_and_a_sign_in_is_tried_without_signing_in(root: Reader, own: Site) -> None:
    put(own, "ServerAddress", own.url)
    page = root.page
    page.goto("/settings/providers")
    expect(page.locator(".secret-line code").first).to_have_text(f"{own.url}/oauth/github")
    page.click("text=Try GitHub")
    expect(page.locator("#toasts .bad")).to_contain_text("did not turn on login")
    put(own, "GitHubClientId", "id")
    put(own, "GitHubOAuthEnabled", "true")
    with httpx2.Client(base_url=own.url, trust_env=False, verify=no_tls()) as client:
        for cookie in page.context.cookies():
            client.cookies.set(cookie["name"], cookie["value"], domain="127.0.0.1")
        sent = client.get("/settings/providers/try/github", headers={"Sec-Fetch-Site": "same-origin"})
        assert sent.headers["location"].startswith("https://github.com/login/oauth/authorize?")
        state = sent.headers["location"].split("state=")[1].split("&")[0]
        back = client.get("/oauth/github", params={"state": state, "error": "access_denied"})
        assert back.headers["location"] == "/settings/providers"
        told = client.get("/settings/providers", headers={"Accept-Language": "en"}).text
        assert "Sign-in with github does not work yet" in told
        assert "access_denied" in told


def test_variables_of_sections_are_explained_in_chinese() -> None:
    texts = load_catalogue("zh").texts
    known = {spec.name: spec.variable for spec in SPECS}
    shown = [known[name] for section in SECTIONS for name in section.variables]
    assert [text for one in shown for text in (one.meaning, one.unit) if text and not texts.get(text)] == []
