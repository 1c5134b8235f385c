"""Alerts among the settings."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.admin_ui.browser import Reader, Site

pytestmark = pytest.mark.slow


def test_an_alert_is_made_tried_and_deleted_and_its_address_does_not_come_back(root: Reader, provider: str) -> None:
    page = root.page
    page.goto("/settings/alerts")
    expect(page.locator("main")).to_contain_text("No alerts yet")
    page.click("main .head .first")
    page.fill("#f-name", "Team")
    page.fill("#f-target", "nowhere")
    page.click("main form.stack button.first")
    expect(page.locator("#f-target-error")).to_contain_text("must begin with https://")
    page.fill("#f-target", f"{provider}/hook-secret")
    page.click("main form.stack button.first")
    expect(page.locator("#toasts")).to_contain_text("Alert Team was saved.")
    page.click("tbody summary")
    page.click("tbody >> text=Send a test")
    expect(page.locator("#toasts")).to_contain_text("The test was taken.")
    page.click("tbody td.name a")
    assert "hook-secret" not in page.content()
    assert root.violations() == []
    page.fill("#f-quiet", "5")
    page.click("main form.stack button.first")
    expect(page.locator("tbody tr")).to_contain_text("5 minutes")
    page.click("tbody summary")
    page.click("tbody >> text=Delete")
    page.locator("#dialog button.first").click()
    expect(page.locator("main")).to_contain_text("No alerts yet")
    root.complaints.clear()  # The browser notes the status 422.


def test_alerts_are_sorted_by_what_heads_say(site: Site, root: Reader, provider: str) -> None:
    page = root.page
    for name, quiet in (("zebra", "10"), ("Ant", "30"), ("mole", "20")):
        page.goto("/settings/alerts/new")
        page.fill("#f-name", name)
        page.fill("#f-target", f"{provider}/hook")
        page.fill("#f-quiet", quiet)
        page.click("main form.stack button.first")
        expect(page.locator("#toasts")).to_contain_text(f"Alert {name} was saved.")
    names = page.locator("tbody td.name")
    expect(names).to_have_text(["zebra", "Ant", "mole"])
    for head, found in (("Name", ["Ant", "mole", "zebra"]), ("Quiet time", ["zebra", "mole", "Ant"])):
        column = page.get_by_role("columnheader", name=head)
        column.get_by_role("link").click()
        expect(column).to_have_attribute("aria-sort", "ascending")
        expect(names).to_have_text(found)
    for _ in range(3):
        before = names.count()
        page.locator("tbody summary").first.click()
        page.locator("tbody tr").first.get_by_text("Delete").click()
        page.locator("#dialog button.first").click()
        expect(names).to_have_count(before - 1)
