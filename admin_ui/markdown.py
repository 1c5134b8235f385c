"""An administrator's text as HTML that cannot harm readers.

one-api put such texts into pages as they were. Here Markdown is rendered with embedded HTML allowed, because old
texts are often HTML, and then cleaned: no scripts, no styles, no frames, no forms.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan", "scope"},
    "ol": {"start"},
}
_NAME = re.compile(r"`([^`]+)`")
_STRONG = re.compile(r"\*\*([^*]+)\*\*")


def rendered(text: str) -> Markup:
    """Return the text as safe HTML."""
    html = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable("table").render(text)
    clean = nh3.clean(
        html,
        attributes=_ATTRIBUTES,
        url_schemes={"https", "http", "mailto"},
        link_rel="noopener noreferrer nofollow",
        clean_content_tags={"script", "style"},
    )
    return Markup(clean)  # noqa: S704 - cleaned by nh3 above


def in_line(text: str) -> Markup:
    """Return one of our own sentences with its `names` and **warnings** as HTML; nothing else is marked up."""
    return Markup(_STRONG.sub(r"<strong>\1</strong>", _NAME.sub(r"<code>\1</code>", str(escape(text)))))  # noqa: S704 - escaped


def embedded_address(text: str) -> str:
    """Return the address, if the whole text is one to embed; only over TLS."""
    text = text.strip()
    if not text.startswith("https://") or any(c.isspace() for c in text):
        return ""
    return text if urlsplit(text).netloc else ""


def origin_of(address: str) -> str:
    """Return scheme and host of an address, for the content policy; empty for anything that is no web address."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}" if all(c.isalnum() or c in "-.:[]" for c in host) else ""
