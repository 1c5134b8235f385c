"""The page `docs/providers.md`, made from the catalogue, so that it says what the program does."""

from __future__ import annotations

from dataclasses import fields
from itertools import groupby
from typing import TYPE_CHECKING

from adapters.providers.provider import SIGNED
from adapters.providers.urls import DEFAULT_URLS, PATHS
from gateway.channels.balances import has_balance
from gateway.channels.provider_words import EXAMPLE, FORMATS, INTRODUCTION, QUIRK_WORDS, STYLE_WORDS, WIRE_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adapters.providers.catalogue import Catalogue
    from adapters.providers.provider import Provider

_OWN = frozenset(("id", "key", "name", "colour", "base_url", "models", "former_models", "models_of"))
"""What providers may differ in and still share a section."""


def as_markdown(catalogue: Catalogue) -> str:
    """Return the page."""
    parts = [INTRODUCTION, _overview(catalogue), "\n## Type by type\n"]
    # Resellers, whose rows say the same, come together under the first of them.
    sections: dict[tuple[object, ...], list[Provider]] = {}
    for provider in catalogue.providers:
        sections.setdefault(_likeness(provider), []).append(provider)
    parts += [_section(providers) for providers in sections.values()]
    return "".join([*parts, EXAMPLE])


def _likeness(provider: Provider) -> tuple[object, ...]:
    return tuple(repr(getattr(provider, field.name)) for field in fields(provider) if field.name not in _OWN)


def _overview(catalogue: Catalogue) -> str:
    lines = [
        "\n| type | provider | base URL | asked in | models | balance |\n|---|---|---|---|---|---|\n",
        *(
            f"| {p.id} | {p.name} | {_base(p)} | {_formats(p)} | {len(p.models) or ''} | "
            f"{'yes' if has_balance(p) else ''} |\n"
            for p in catalogue.providers
            if not p.hidden
        ),
    ]
    return "".join(lines)


def _base(provider: Provider) -> str:
    if provider.base_url:
        return f"`{provider.base_url}`"
    return f"`{provider.defaults['base_url']}`" if "base_url" in provider.defaults else "the channel's own"


def _formats(provider: Provider) -> str:
    names = list(dict.fromkeys((*provider.model_formats.values(), provider.format)))
    return ", ".join(FORMATS.get(name, name) for name in names)


def _section(providers: list[Provider]) -> str:
    first = providers[0]
    title = ", ".join(f"{p.id} {p.name}" for p in providers)
    items = [*_address(providers), *_key(first), *_settings(first), *_peculiarities(first), *_offers(providers)]
    if first.lacks:
        items.insert(0, f"**Not served yet**: {first.lacks}.")
    return "".join([f"\n### {title}\n\n", *(f"- {item}\n" for item in items)])


def _address(providers: list[Provider]) -> Iterator[str]:
    first = providers[0]
    if len(providers) > 1:
        yield "Base URLs: " + ", ".join(f"{_base(p)} ({p.id})" for p in providers) + "."
    else:
        yield f"Base URL: {_base(first)}{', which a channel must name' if first.base_url_required else ''}."
    if first.endpoints:
        yield f"Asked in {_formats(first)}; chats at `{_chat_url(first)}`."
        yield "Endpoints: " + ", ".join(
            f"`{name}`" for name in PATHS if name in first.endpoints and name != "rich_chat"
        )


def _chat_url(provider: Provider) -> str:
    template = provider.url or DEFAULT_URLS.get(provider.format, "{base_url}/{path}")
    path = provider.paths.get("chat_completions") or PATHS["chat_completions"]
    if "{base_url}" in path:
        return path
    return template.replace("{path}", path)


def _key(provider: Provider) -> Iterator[str]:
    note = f": {provider.key_note}" if provider.key_note else ""
    if provider.credential == SIGNED:
        yield f"Key: `{provider.key_format}`{note}."
    else:
        sent = provider.credential.replace("{key}", provider.key_format)
        yield f"Key: `{provider.key_format}`{note}; sent as `{provider.credential_header}: {sent}`."


def _settings(provider: Provider) -> Iterator[str]:
    for name, meaning in provider.config_fields.items():
        default = f" (default `{provider.defaults[name]}`)" if name in provider.defaults else ""
        yield f"Setting `{name}`: {meaning}{default}."


def _peculiarities(p: Provider) -> Iterator[str]:
    if p.wire:
        yield WIRE_WORDS.get(p.wire, p.wire) + "."
    for quirk in sorted(p.quirks):
        yield QUIRK_WORDS.get(quirk, quirk) + "."
    for spoken, beginnings in groupby(
        sorted(p.model_formats, key=lambda name: p.model_formats[name]), p.model_formats.get
    ):
        models = ", ".join(f"`{name}…`" for name in beginnings)
        yield f"Models {models} are asked in {FORMATS.get(spoken or '', spoken)}."
    for beginning, paths in p.model_paths.items():
        yield f"Models `{beginning}…` are asked at " + ", ".join(f"`{path}`" for path in paths.values()) + "."
    for part, template in p.base_urls.items():
        yield f"With a base URL that holds `{part}`: `{template}`."
    for name, value in p.headers.items():
        yield f"Header `{name}: {value}`, unless the client sends its own."
    for name, added in p.adds.items():
        yield f"Chats get the member `{name}`: `{str(added).lower()}`, unless the client sends its own."
    if p.reasoning_style in STYLE_WORDS:
        yield STYLE_WORDS[p.reasoning_style] + "."
    if p.reasoning_history:
        yield f"Earlier thoughts go back in `{p.reasoning_history}`."
    if p.cache_marks:
        yield "Takes Claude's `cache_control` on parts of messages."
    if p.refuses:
        yield "Refuses " + ", ".join(f"`{name}`" for name in p.refuses) + "."


def _offers(providers: list[Provider]) -> Iterator[str]:
    p = providers[0]
    if p.models:
        former = f", and {len(p.former_models)} that it had once" if p.former_models else ""
        yield f"Models: {len(p.models)}{former}{'; names of your own are listed, too' if p.own_names else ''}."
    yield f"Prices: table `{p.prices}`, then the shared ones." if p.prices else "Prices: the shared tables."
    asked = [q for q in providers if has_balance(q)]
    if asked:
        yield "Balance: can be asked for" + (
            f" ({', '.join(str(q.id) for q in asked)})." if len(providers) > 1 else "."
        )
