"""The settings of a channel that its type has no field for, and the secrets among them."""

from __future__ import annotations

import json

from playwright.sync_api import expect

from tests.admin_ui.browser import PASSWORD, Reader, Site

AWS = {
    "region": "eu-west-1",
    "ak": "AKIDEXAMPLE",
    "sk": "very-secret",
    "custom_headers": {"X-Team": "very-secret-too"},
    "supported_endpoints": ["chat_completions"],
}


def test_further_settings_are_edited_and_secrets_stay_where_they_are(root: Reader, site: Site) -> None:
    client = site.api("root", PASSWORD)
    made = {"type": 33, "name": "Bedrock", "key": "k", "models": "qwen3-32b", "config": json.dumps(AWS)}
    client.post("/api/channel/", json=made)
    number = client.get("/api/channel/search", params={"keyword": "Bedrock"}).json()["data"][0]["id"]
    page = root.page
    page.goto(f"/channels/{number}/edit")
    assert "very-secret" not in page.content()
    page.click("summary >> text=Further settings")
    shown = json.loads(page.locator("#f-more_settings").input_value())
    assert shown == {"custom_headers": {"X-Team": ""}, "supported_endpoints": ["chat_completions"]}
    page.fill("#f-more_settings", '{"custom_headers": {"X-Team": "", "X-Two": "v"}}')
    page.click("main .sticky-foot button.first")
    expect(page.locator("#toasts")).to_contain_text("Channel Bedrock was saved.")
    stored = json.loads(client.get(f"/api/channel/{number}").json()["data"]["config"])
    assert stored == {
        "region": "eu-west-1",
        "ak": "AKIDEXAMPLE",
        "sk": "",
        "custom_headers": {"X-Team": "", "X-Two": ""},
    }
    page.goto(f"/channels/{number}/edit")
    page.click("summary >> text=Inference profiles")
    page.fill("#arn-model-1", "qwen3-32b")
    page.fill("#arn-of-1", "arn:aws:bedrock:eu-west-1:1:inference-profile/x")
    page.click("main .sticky-foot button.first")
    expect(page.locator("#toasts")).to_contain_text("Channel Bedrock was saved.")
    profiles = client.get(f"/api/channel/{number}").json()["data"]["inference_profile_arn_map"]
    assert json.loads(profiles) == {"qwen3-32b": "arn:aws:bedrock:eu-west-1:1:inference-profile/x"}
    page.goto(f"/channels/{number}/edit")
    page.click("summary >> text=Further settings")
    page.fill("#f-more_settings", '{"custom_headers": {"Host": "x"}}')
    page.click("main .sticky-foot button.first")
    expect(page.locator("#f-more_settings")).to_have_attribute("aria-invalid", "true")
    assert "Host cannot be set" in page.locator(".summary").inner_text()
    root.complaints.clear()  # The browser notes the status 422.
