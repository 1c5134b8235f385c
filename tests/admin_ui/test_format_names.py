"""Formats have one name each, on whichever page they are told."""

from __future__ import annotations

import re

import pytest

from tests.admin_ui.browser import PASSWORD, Site

PAGES = (
    "/requests",
    "/live",
    "/overview/table?chart=by&by=format",
    "/cost?by=format",
    "/overview",
    "/playground",
    "/routing",
    "/channels/1/test",
    "/welcome",
)


@pytest.mark.slow
def test_each_format_has_the_same_name_on_all_pages(site: Site) -> None:
    client = site.api("root", PASSWORD)
    strange: dict[str, set[str]] = {}
    named: dict[str, int] = {}
    for path in PAGES:
        text = re.sub(r"<[^>]+>", "\n", client.get(path).text)
        for name in ("OpenAI Chat Completions", "OpenAI Responses", "Claude Messages"):
            named[name] = named.get(name, 0) + text.count(name)
            text = text.replace(name, "")
        found = set(
            re.findall(r"OpenAI Chat\b|Chat Completions|\w+ \(OpenAI\)|\w+ \(Claude\)|Anthropic Messages", text)
        )
        if found:
            strange[path] = found
    assert strange == {}
    assert all(named.values()), named
