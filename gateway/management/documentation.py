"""`/api/openapi.json`, and the same as a page at `/api/docs`."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import trio
from pydantic import JsonValue
from quart import Response, request

from gateway.management.contract import Answer, Area
from gateway.management.guard import for_all
from gateway.openapi.document import DOCUMENT_PATH, PAGE_PATH, build_document
from gateway.openapi.page import render_page
from gateway.site.about import product_version

if TYPE_CHECKING:
    from collections.abc import Callable

    from quart import Blueprint

    from gateway.management.contract import Endpoint


@dataclass(frozen=True, slots=True)
class _Text:
    """Something that stays the same while the program runs."""

    plain: bytes
    zipped: bytes
    tag: str
    headers: dict[str, str]

    @classmethod
    def of(cls, content: bytes, content_type: str, **headers: str) -> _Text:
        """Return `content` in all its forms."""
        tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        told = {"Content-Type": content_type, "Cache-Control": "no-cache", "ETag": tag, **headers}
        return cls(content, gzip.compress(content, mtime=0), tag, told)

    def answer(self) -> Response:
        """Answer the request at hand."""
        if request.headers.get("If-None-Match") == self.tag:
            return Response(b"", status=304, headers=self.headers)
        # Compressed beforehand: half a megabyte would hold relays up for milliseconds.
        if "gzip" in request.headers.get("Accept-Encoding", "").lower():
            return Response(self.zipped, headers={**self.headers, "Content-Encoding": "gzip"})
        return Response(self.plain, headers=self.headers)


class _Library:
    """Both texts, made in a thread when one is asked for first."""

    def __init__(self, endpoints: Callable[[], list[Endpoint]]) -> None:
        self._endpoints = endpoints
        self._texts: tuple[_Text, _Text] | None = None
        self._turn = trio.Lock()

    async def texts(self) -> tuple[_Text, _Text]:
        """Return the document and the page."""
        async with self._turn:
            if self._texts is None:
                endpoints = self._endpoints()
                self._texts = await trio.to_thread.run_sync(lambda: _make(endpoints))
            return self._texts


def blueprint(endpoints: Callable[[], list[Endpoint]]) -> Blueprint:
    """Return the routes. `endpoints` is called once, when everything is declared."""
    area, library = Area("documentation", "Site"), _Library(endpoints)

    @area.on("GET", DOCUMENT_PATH, for_all(), Answer(dict[str, JsonValue], can_refuse=False))
    async def openapi_document() -> Response:
        """Return this document."""
        document, _ = await library.texts()
        return document.answer()

    @area.on("GET", PAGE_PATH, for_all(), Answer(str, can_refuse=False, media_type="text/html"))
    async def openapi_page() -> Response:
        """Show this document as a page."""
        _, page = await library.texts()
        return page.answer()

    return area.blueprint


def _make(endpoints: list[Endpoint]) -> tuple[_Text, _Text]:
    document = build_document(endpoints, version=product_version())
    page, policy = render_page(document, document_path=DOCUMENT_PATH)
    return (
        _Text.of(msgspec.json.encode(document), "application/json; charset=utf-8"),
        _Text.of(page.encode(), "text/html; charset=utf-8", **{"Content-Security-Policy": policy}),
    )
