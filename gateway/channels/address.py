"""What is odd about the address of a channel before anybody is asked there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.providers.urls import UrlError, upstream_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.providers.provider import Provider


def doubles_version(provider: Provider, base_url: str, config: Mapping[str, object]) -> bool:
    """Say whether requests would go to an address that says `/v1` twice, which no provider has."""
    for endpoint in ("chat_completions", "messages"):
        try:
            if "/v1/v1/" in upstream_url(provider, base_url, endpoint, "model", config):
                return True
        except UrlError:
            continue
    return False
