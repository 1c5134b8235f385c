"""All providers, their models and their prices: read once, checked, and shared.

Rows lie in `rows/`, one TOML file per provider (`custom.toml` and `resellers.toml` hold several). A mistake
in a row stops the program at its start, with file, row and field named.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields, replace
from importlib import resources
from typing import TYPE_CHECKING

import msgspec

from adapters.formats.pictures.names import PAINTER_NAMES
from adapters.pricing.book import load_price_book
from adapters.providers.provider import ENDPOINTS, QUIRKS, SIGNED, SPOKEN_FORMATS, Provider
from adapters.providers.urls import DEFAULT_URLS, PATHS, placeholders
from adapters.wires.names import WIRE_NAMES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from adapters.pricing.book import PriceBook

FIRST_OWN_ID = 1000
"""From here on channel types are an operator's own; we never give one such a number."""

CUSTOM_OWNER = "custom"
"""Owner that is named for models that operators named themselves."""

_ROW_FIELDS = frozenset(field.name for field in fields(Provider))
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]+")


class CatalogueError(Exception):
    """A row of the catalogue is wrong. The message names file, row and field."""

    code = "catalogue"

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: {problem}")
        self.where = where
        self.problem = problem


class Catalogue:
    """Every provider we know. Immutable and safe to share between threads."""

    def __init__(self, providers: Iterable[Provider], prices: PriceBook) -> None:
        """Take `providers` that `load_catalogue` has checked."""
        self.prices = prices
        self.providers = tuple(sorted(providers, key=lambda p: p.id))
        self._by_id = {p.id: p for p in self.providers}
        self._by_key = {p.key: p for p in self.providers}
        owners: dict[str, dict[str, None]] = {}
        # OpenAI's table first, then those with a wire of their own, then the compatible ones: the last owner
        # of a name is the one that a query for the name alone is told.
        for p in sorted(self.providers, key=lambda p: (p.key != "openai", p.format == "openai_chat", p.id)):
            if not p.models_of and not p.unlisted:
                for model in (*p.models, *p.former_models):
                    owners.setdefault(model, {})[p.owner] = None
        self._owners = {model: tuple(names) for model, names in owners.items()}

    def provider(self, type_id: int) -> Provider | None:
        """Return the provider of a channel type, or `None` for a type we do not know."""
        return self._by_id.get(type_id)

    def by_key(self, key: str) -> Provider | None:
        """Return the provider called `key`, or `None`."""
        return self._by_key.get(key)

    def models(self) -> tuple[str, ...]:
        """Return the names of all models we know, sorted."""
        return tuple(sorted(self._owners))

    def owner_of(self, model: str) -> str | None:
        """Return the one owner to name for `model`, or `None` for a name we do not know."""
        owners = self._owners.get(model)
        return owners[-1] if owners else None

    def listed_owner(self, model: str, type_ids: Collection[int]) -> str | None:
        """Return the owner under which `model` is listed when channels of these types serve it.

        That is the channels' own, or whoever offers it. `None` for a name that is not listed: nobody knows it, and
        no channel's type has names of its own.
        """
        owners = self._owners.get(model, ())
        types = [p for i in type_ids if (p := self._by_id.get(i))]
        served_by = {p.lists_as or p.owner for p in types}
        own = [name for name in owners if name in served_by]
        if owners:
            return (own or owners)[-1]
        return CUSTOM_OWNER if any(p.own_names for p in types) else None


def load_catalogue(defaults: Mapping[str, Mapping[str, str]] | None = None, own: Path | None = None) -> Catalogue:
    """Read and check the rows and prices installed with this package (takes some 30 ms).

    `defaults`, by a provider's key, are settings that this installation gives to channels that leave them out.
    `own` is a folder with further rows, and with price tables in its folder `prices`.
    Raises `CatalogueError`, or `TableError` for a price table.
    """
    found: dict[str, tuple[str, Provider]] = {}
    ids: dict[int, str] = {}
    for where, provider in (*_installed_rows(), *_own_rows(own)):
        if provider.id in ids or provider.key in found:
            raise CatalogueError(where, f"id {provider.id} or key {provider.key} is taken")
        ids[provider.id] = provider.key
        given = {name: value for name, value in (defaults or {}).get(provider.key, {}).items() if value}
        found[provider.key] = (where, replace(provider, defaults={**provider.defaults, **given}))
    providers = [_with_models(where, provider, found) for where, provider in found.values()]
    # Operators may give models by the id that stands in the URL, which is what some providers call them.
    names = {p.id: {called: model for model, called in p.model_names.items()} for p in providers if p.escapes_models}
    families = {p.id: p.prices for p in providers}
    prices = load_price_book(families, own / "prices" if own else None, names=names)
    for where, provider in found.values():
        if provider.prices and not prices.has_table(provider.prices):
            raise CatalogueError(where, f"prices: there is no table {provider.prices}")
    return Catalogue(providers, prices)


def _installed_rows() -> Iterator[tuple[str, Provider]]:
    for entry in sorted((resources.files("adapters.providers") / "rows").iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".toml"):
            yield from read_rows(entry.name, entry.read_text("utf-8"))


def _own_rows(folder: Path | None) -> Iterator[tuple[str, Provider]]:
    if folder is None:
        return
    if not folder.is_dir():
        raise CatalogueError(str(folder), "there is no such folder")
    for path in sorted(folder.glob("*.toml")):
        for where, provider in read_rows(str(path), path.read_text("utf-8")):
            if provider.id < FIRST_OWN_ID:
                raise CatalogueError(where, f"id: providers of your own begin at {FIRST_OWN_ID}")
            yield where, provider


def read_rows(file_name: str, text: str) -> list[tuple[str, Provider]]:
    """Return the providers of one file, each with where it stands. Raises `CatalogueError`."""
    try:
        rows = tomllib.loads(text).get("provider", [])
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(file_name, str(error)) from error
    found = []
    for number, row in enumerate(rows, start=1):
        where = f"{file_name}, provider {row.get('key', number)}"
        unknown = sorted(row.keys() - _ROW_FIELDS)
        if unknown:
            raise CatalogueError(where, f"{unknown[0]}: unknown field")
        try:
            provider = msgspec.convert(row, Provider)
        except msgspec.ValidationError as error:
            raise CatalogueError(where, str(error)) from error
        _check(where, provider)
        found.append((where, provider))
    return found


def _check(where: str, p: Provider) -> None:
    for endpoint in p.endpoints:
        if endpoint not in ENDPOINTS:
            raise CatalogueError(where, f"endpoints: unknown name {endpoint}")
    for quirk in p.quirks - QUIRKS:
        raise CatalogueError(where, f"quirks: unknown name {quirk}")
    if p.credential != SIGNED and "{key}" not in p.credential:
        raise CatalogueError(where, "credential: has no {key}")
    for name in (p.credential_header, *p.headers):
        if not _HEADER_NAME.fullmatch(name):
            raise CatalogueError(where, f"headers: {name!r} is not a header name")
    if p.base_url and not p.base_url.startswith(("http://", "https://")):
        raise CatalogueError(where, "base_url: must begin with http:// or https://")
    settings = {"base_url", "path", "model", *p.config_fields, *p.defaults}
    own_base = p.defaults.get("base_url", "")
    if unknown := [name for name in placeholders(own_base) if name == "base_url" or name not in settings]:
        raise CatalogueError(where, f"defaults: {{{unknown[0]}}} is no setting of this provider")
    others = [template for paths in p.base_paths.values() for template in paths.values()]
    others.append(p.models_url)
    for template in (p.url or DEFAULT_URLS.get(p.format, ""), *p.paths.values(), *p.base_urls.values(), *others):
        unknown = [name for name in placeholders(template) if name not in settings]
        if unknown:
            raise CatalogueError(where, f"url: {{{unknown[0]}}} is no setting of this provider")
    for endpoint in (*p.paths, *p.stream_paths):
        if endpoint not in PATHS:
            raise CatalogueError(where, f"paths: unknown endpoint {endpoint}")
    for spoken in p.model_formats.values():
        if spoken not in SPOKEN_FORMATS:
            raise CatalogueError(where, f"model_formats: there is no codec for {spoken}")
    if p.pictures and p.pictures not in PAINTER_NAMES:
        raise CatalogueError(where, f"pictures: unknown name {p.pictures}")
    if p.wire and p.wire not in WIRE_NAMES:
        raise CatalogueError(where, f"wire: unknown name {p.wire}")


def _with_models(where: str, p: Provider, found: Mapping[str, tuple[str, Provider]]) -> Provider:
    if not p.models_of:
        return p
    if p.models_of not in found:
        raise CatalogueError(where, f"models_of: there is no provider {p.models_of}")
    other = found[p.models_of][1]
    return replace(p, models=other.models, former_models=other.former_models)
