"""Where a request goes: the upstream URL of a provider, a channel's base URL and settings, endpoint and model."""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING
from urllib.parse import quote

from adapters.providers.channel_config import endpoint_url
from adapters.providers.provider import PROFILES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.providers.provider import Provider

DEFAULT_URLS = {
    "openai_chat": "{base_url}/v1/{path}",
    "anthropic": "{base_url}/v1/messages",
}
"""By format, for rows that have no `url`."""

PATHS = {
    "chat_completions": "chat/completions",
    "completions": "completions",
    "embeddings": "embeddings",
    "moderations": "moderations",
    "images_generations": "images/generations",
    "images_edits": "images/edits",
    "audio_speech": "audio/speech",
    "audio_transcriptions": "audio/transcriptions",
    "audio_translations": "audio/translations",
    "rerank": "rerank",
    "responses": "responses",
    "messages": "messages",
    "realtime": "realtime",
    "videos": "videos",
    "rich_chat": "chat/completions",
    "count_tokens": "",
    "embed_content": "",
}

# Model names may hold these as they are: `@cf/meta/llama-3`, `anthropic/claude:beta`.
_SAFE_IN_MODEL = "@/:"


class UrlError(Exception):
    """No URL can be made: the channel lacks a setting, or the provider the endpoint. The message says which."""

    code = "channel_misconfigured"


def upstream_url(
    provider: Provider,
    base_url: str,
    endpoint: str,
    model: str,
    config: Mapping[str, object],
    *,
    streams: bool = False,
) -> str:
    """Return the URL for `endpoint` and `model` (as the provider names it). Raises `UrlError`.

    An empty `base_url` means the provider's own. `config` holds the channel's settings.
    """
    if endpoint not in provider.endpoints:
        raise UrlError(f"{provider.name} does not offer {endpoint}")
    base = (base_url or provider.base_url or _own_base(provider, config, model)).strip().rstrip("/")
    if not base:
        raise UrlError(f"a channel of type {provider.name} needs a base URL")
    if "://" not in base:
        base = f"https://{base}"
    safe = "" if provider.escapes_models else _SAFE_IN_MODEL
    called = quote(_name(provider, config, model), safe=safe)
    if own := endpoint_url(config, endpoint):
        return (base + own if own.startswith("/") else own).replace("{model}", called)
    template = provider.url or DEFAULT_URLS.get(provider.format, "")
    for part, other in provider.base_urls.items():
        if part in base:
            template = other
    path = provider.paths.get(endpoint) or PATHS.get(endpoint, "")
    for part, paths in provider.base_paths.items():
        if part in base:
            path = paths.get(endpoint, path)
    if streams:
        path = provider.stream_paths.get(endpoint, path)
    for beginning, paths in provider.model_paths.items():
        if model.startswith(beginning):
            path = paths.get(endpoint, path)
    if "{base_url}" in path:
        template = path
    values = {"base_url": base, "path": path, "model": called}
    for name in placeholders(template):
        if name not in values:
            values[name] = quote(_setting(provider, config, name, model), safe="")
    return template.format_map(values)


def models_url(provider: Provider, base_url: str, config: Mapping[str, object]) -> str:
    """Return where the provider lists its models. Raises `UrlError`, also where there is no such list."""
    base = (base_url or provider.base_url).strip().rstrip("/")
    template = provider.models_url
    if not template:
        template = provider.url or DEFAULT_URLS.get(provider.format, "")
        if "{path}" not in template or "{model}" in template:
            raise UrlError(f"{provider.name} has no list of models that can be asked for")
        if template.startswith("{base_url}/v1/") and base.endswith("/v1"):
            # Relays would not reach it either, but the list tells that the rest is right.
            base = base.removesuffix("/v1")
    if not base:
        raise UrlError(f"a channel of type {provider.name} needs a base URL")
    values = {"base_url": base, "path": "models"}
    for name in placeholders(template):
        if name not in values:
            values[name] = quote(_setting(provider, config, name, ""), safe="")
    return template.format_map(values)


def placeholders(template: str) -> list[str]:
    """Return the names that `template` has to be filled with."""
    return [name for _, name, _, _ in Formatter().parse(template) if name]


def _name(provider: Provider, config: Mapping[str, object], model: str) -> str:
    """Return what the URL calls `model`."""
    profiles = config.get(PROFILES)
    profile = profiles.get(model) if isinstance(profiles, dict) else None
    if isinstance(profile, str) and profile:
        return profile
    return provider.model_names.get(model) or (model.lower() if provider.lowers_models else model)


def _own_base(provider: Provider, config: Mapping[str, object], model: str) -> str:
    """Return the base URL where neither channel nor row have one; it may depend on the channel's settings."""
    template = provider.defaults.get("base_url", "")
    for name, urls in provider.setting_urls.items():
        template = urls.get(_setting(provider, config, name, model), template)
    values = {name: quote(_setting(provider, config, name, model), safe="") for name in placeholders(template)}
    return template.format_map(values)


def _setting(provider: Provider, config: Mapping[str, object], name: str, model: str) -> str:
    for beginning, settings in provider.model_defaults.items():
        if model.startswith(beginning) and name in settings:
            return settings[name]
    usual = next((found for start, found in provider.model_settings.items() if model.startswith(start)), {})
    value = config.get(name) or usual.get(name) or provider.defaults.get(name)
    if not value:
        raise UrlError(f"a channel of type {provider.name} needs the setting {name}")
    return str(value)
