"""Alerts among the settings."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.admin_ui.browser import Reader

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
