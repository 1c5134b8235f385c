"""The configuration as a file, on its pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.admin_ui.browser import PASSWORD, Site, reader

pytestmark = pytest.mark.slow


def test_a_file_is_planned_and_applied_without_scripts(
    site: Site, browser: Browser, states: dict[str, Any], tmp_path: Path
) -> None:
    with reader(browser, site, state=states["root"], script=False) as one:
        page = one.page
        page.goto("/settings/file")
        with page.expect_download() as download:
            page.click("text=Download the file")
        text = download.value.path().read_text("utf-8")
        assert "sk-upstream" not in text
        changed = tmp_path / "changed.yaml"
        new = "- {name: From a file, type: openai, models: [model-c], key: sk-typed-into-the-file}\n"
        changed.write_text(text.replace("TopUpLink: ''", "TopUpLink: https://pay.example") + new, "utf-8")
        page.set_input_files("#f-file", changed)
        page.click("text=Show the plan")
        expect(page.locator("main h2").first).to_have_text("1 to add, 1 to change, 0 to remove")
        expect(page.locator(".steps-of-plan")).to_contain_text("https://pay.example")
        assert "sk-typed-into-the-file" not in page.content()
        page.click("main form button.first")
        assert "2 things were added, changed or removed." in one.toast()
        client = site.api("root", PASSWORD)
        found = client.get("/api/channel/search", params={"keyword": "From a file"}).json()["data"]
        assert [channel["models"] for channel in found] == ["model-c"]
        client.delete(f"/api/channel/{found[0]['id']}")
        client.put("/api/option/", json={"key": "TopUpLink", "value": ""})
        page.goto("/audit?kind=config")
        expect(page.locator("tbody tr").first).to_contain_text("applied from a file")


def test_what_is_wrong_with_a_file_is_told_with_its_place(
    site: Site, browser: Browser, states: dict[str, Any]
) -> None:
    with reader(browser, site, state=states["root"]) as one:
        page = one.page
        page.goto("/settings/file")
        page.fill("#f-text", "settings: {Nothing: 1}\nchannels: [{name: X}]")
        page.click("text=Show the plan")
        expect(page.locator("main .summary")).to_contain_text("settings.Nothing is no setting")
        expect(page.locator("main .summary")).to_contain_text("channels[0] (X): a new channel needs type and models")
        expect(page.locator("#f-text")).to_have_value("settings: {Nothing: 1}\nchannels: [{name: X}]")
