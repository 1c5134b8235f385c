"""Texts in the reader's language.

English is the language of the source, so only other languages have catalogues: TOML files under
`translations/<language>/`, in which an English text stands beside its translation. Plural texts are looked up by
their plural form. Texts of services that carry values are patterns: `{x}` stands for anything.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from quart import g

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCE = "en"
LANGUAGES: dict[str, str] = {"en": "English", "zh": "简体中文"}

_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_ENDS = "\"')”’）"  # noqa: RUF001
"""Signs after which a sentence still lacks its full stop."""
_PLACE = re.compile(r"\\\{[a-z_]*\\\}")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The texts of one language."""

    language: str
    texts: Mapping[str, str]
    patterns: tuple[tuple[re.Pattern[str], str], ...] = ()

    def text(self, english: str) -> str:
        """Return the translation of a text of ours, or the text itself."""
        return self.texts.get(english, english)

    def message(self, english: str) -> str:
        """Return the translation of what a service said, values included."""
        found = self.texts.get(english)
        if found is not None:
            return found
        for pattern, translation in self.patterns:
            match = pattern.fullmatch(english)
            if match is not None:
                return translation.format(*match.groups())
        return english


def load_catalogues() -> dict[str, Catalogue]:
    """Read all catalogues that are installed with this package."""
    return {language: load_catalogue(language) for language in LANGUAGES}


def load_catalogue(language: str) -> Catalogue:
    """Read one language. Of several translations of one text the first counts; a test holds that they agree."""
    texts: dict[str, str] = {}
    patterns: list[tuple[re.Pattern[str], str]] = []
    if language != SOURCE:
        folder = resources.files("admin_ui") / "translations" / language
        # A language whose catalogue is not written yet shows the English texts.
        for entry in sorted(folder.iterdir() if folder.is_dir() else (), key=lambda e: e.name):
            if not entry.name.endswith(".toml"):
                continue
            content = tomllib.loads(entry.read_text("utf-8"))
            for english, translation in content.pop("patterns", {}).items():
                expression = _PLACE.sub("(.+)", re.escape(english))
                patterns.append((re.compile(expression, re.DOTALL), translation))
            for english, translation in content.items():
                texts.setdefault(english, translation)
    return Catalogue(language, texts, tuple(patterns))


def choose_language(chosen: str, accepted: str, default: str = SOURCE) -> str:
    """Return the language that somebody chose, else the first of an `Accept-Language` header that we have."""
    if chosen in LANGUAGES:
        return chosen
    wanted: list[tuple[float, int, str]] = []
    for position, part in enumerate(accepted.split(",")[:20]):
        name, _sep, quality = part.strip().partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            weight = 0.0
        wanted.append((-weight, position, name.split("-")[0].lower()))
    for _weight, _position, name in sorted(wanted):
        if name in LANGUAGES:
            return name
    return default


def _(english: str, /, **values: object) -> str:
    """Return a text in the reader's language, with `{name}` replaced by values. Only within a request."""
    text = _catalogue().text(english)
    return text.format(**values) if values else text


def _n(one: str, many: str, n: int, /, **values: object) -> str:
    """Return the text for `n` things; `{n}` is the number."""
    catalogue = _catalogue()
    english = one if n == 1 and catalogue.language == SOURCE else many
    return catalogue.text(english).format(n=f"{n:,}", **values)


def mark(english: str) -> str:
    """Name a text that is translated later, where it is shown."""
    return english


def said(english: str) -> str:
    """Return what a service said, in the reader's language."""
    return _catalogue().message(english)


def told(english: str) -> str:
    """Return what a service said in the reader's language, as a sentence of its own.

    Services say it as programs get it, where it may be a part of a longer text.
    """
    return as_sentence(said(english))


def as_sentence(text: str) -> str:
    """Return a text that begins with a capital and ends with a full stop; names, addresses and quotations stay."""
    text = text.strip()
    first, last = text.split(" ", 1)[0].rstrip(",:;"), text.rsplit(" ", 1)[-1]
    if first.isascii() and first.isalpha() and first.islower():
        text = text[0].upper() + text[1:]
    is_whole = not last or not (last[-1].isalnum() or last[-1] in _ENDS)
    return text if is_whole or "/" in last else text + ("。" if _CHINESE.search(text) else ".")


def _catalogue() -> Catalogue:
    catalogue: Catalogue = g.catalogue
    return catalogue
