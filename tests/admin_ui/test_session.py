"""What happens to a page when its session ends, or when a part of it cannot be had."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser, Route

from tests.admin_ui.browser import PASSWORD, Reader, Site, reader


def test_a_form_outlives_its_session(site: Site, browser: Browser) -> None:
    with reader(browser, site) as one:
        one.sign_in("user", PASSWORD)
        page = one.page
        page.goto("/tokens/new")
        page.fill("#f-name", "outlived")
        one.context.clear_cookies(name="session")
        page.click("form[data-guard] .sticky-foot button.first, form[data-guard] button.first")
        page.wait_for_selector("dialog[open] #f-username")
        assert one.violations() == []
        page.fill("dialog #f-username", "user")
        page.fill("dialog #f-password", "wrong")
        page.click("dialog button.first")
        page.wait_for_selector("dialog [role=alert]")
        page.fill("dialog #f-username", "user")
        page.fill("dialog #f-password", PASSWORD)
        page.click("dialog button.first")
        page.wait_for_selector("main:has-text('outlived')")
        names = [row["name"] for row in site.api("user", PASSWORD).get("/api/token/").json()["data"]]
        assert names.count("outlived") == 1


def test_somebody_else_who_signs_in_sends_no_form(site: Site, browser: Browser) -> None:
    with reader(browser, site) as one:
        one.sign_in("user", PASSWORD)
        page = one.page
        page.goto("/tokens/new")
        page.fill("#f-name", "not-mine")
        one.context.clear_cookies(name="session")
        page.click("form[data-guard] button.first")
        page.fill("dialog #f-username", "admin")
        page.fill("dialog #f-password", PASSWORD)
        page.click("dialog button.first")
        page.on("dialog", lambda dialog: dialog.accept())
        page.wait_for_url(site.url + "/")
        for name in ("user", "admin"):
            rows = site.api(name, PASSWORD).get("/api/token/").json()["data"]
            assert "not-mine" not in [row["name"] for row in rows]


def test_the_end_of_a_session_is_announced_and_can_be_put_off(root: Reader) -> None:
    page = root.page

    def ending(route: Route) -> None:
        answer = route.fetch()
        body = answer.text().replace('name="session-left" content="', 'name="session-left" content="121" data-was="')
        route.fulfill(response=answer, body=body)

    page.route("**/codes", ending)
    page.goto("/codes")
    page.wait_for_selector(".toast:has-text('two minutes')")
    page.click(".toast button:has-text('Stay')")
    page.wait_for_selector(".toast:has-text('You stay signed in')")


def test_a_part_that_fails_says_so_and_can_be_asked_again(
    site: Site, browser: Browser, states: dict[str, Any]
) -> None:
    with reader(browser, site, state=states["root"]) as one:
        page = one.page
        page.goto("/codes")
        page.route("**/codes?*", lambda route: route.fulfill(status=500, body="<main><h1>Broken</h1></main>"))
        page.fill("#toolbar input[type=search]", "spring")
        page.wait_for_selector("#list [role=alert]:has-text('Broken')")
        assert page.locator("#list tbody tr").count() >= 3
        assert one.violations() == []
        page.unroute("**/codes?*")
        page.click("#list [role=alert] button")
        page.wait_for_selector("#list .chip")


def test_breaches_of_the_policy_are_reported_and_counted(site: Site) -> None:
    client = site.api("user", PASSWORD)
    report = {"csp-report": {"document-uri": f"{site.url}/codes?q=secret", "blocked-uri": "inline"}}
    assert client.post("/csp-report", json=report).status_code == 204
    assert client.post("/csp-report", content=b"[]").status_code == 400
    assert client.post("/csp-report", content=b"x" * 9000).status_code == 413
    policy = client.get("/").headers["content-security-policy"]
    assert "report-uri /csp-report" in policy


def test_a_page_that_is_not_for_somebody_names_the_role(site: Site) -> None:
    for name, path, role in (("user", "/users", "administrators"), ("admin", "/system", "root")):
        answer = site.api(name, PASSWORD).get(path, headers={"Accept-Language": "en"})
        assert answer.status_code == 403
        assert f"This page is for {role}." in answer.text
