"""The site's logo as an upload: what it contains decides, it keeps its address, and it can do nothing by itself."""

from __future__ import annotations

import json
import random
from hashlib import sha256

import pytest

from gateway.accounts.refusals import Refused
from gateway.audit.author import Author
from gateway.site.logo import kind_of, read_logo, upload_logo
from storage.repositories.audit import AuditFilter, page
from storage.repositories.rows import Page
from storage.site_tables import MOST_BYTES
from tests.management.conftest import site, site_everywhere, sqlite
from tests.management.site import Site

__all__ = ["site", "site_everywhere", "sqlite"]

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(17)
SVG = b'<?xml version="1.0"?><!-- drawn --><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
BOSS = Author(id=1, username="root", role=100, address="::1", via="page")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
        (b"GIF89a" + bytes(10), "image/gif"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"\x00\x00\x01\x00\x01\x00" + bytes(16), "image/x-icon"),
        (SVG, "image/svg+xml"),
        (b"<svg>not of that namespace</svg>", ""),
        (b'<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>', ""),
        (SVG.decode().encode("utf-16"), ""),
        (b"<html><body>GIF89a</body></html>", ""),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", ""),
        (b"%PDF-1.7", ""),
        (b"\x89PNG\r\n\x1a\n", ""),
    ],
)
def test_a_picture_is_known_by_its_content(content: bytes, kind: str) -> None:
    assert kind_of(content) == kind


async def test_a_logo_has_its_hash_for_an_address_that_the_api_tells_and_the_audit_knows(site: Site) -> None:
    address = await upload_logo(site.services, BOSS, SVG)
    assert address == f"/logo/{sha256(SVG).hexdigest()}.svg"
    assert (await site.root.call("GET", "/api/status"))["logo"] == address
    rows, _total = await site.services.database.read(lambda conn: page(conn, AuditFilter(kind="option"), Page(0, 5)))
    assert [(row.object_name, json.loads(row.changes)) for row in rows] == [("Logo", {"Logo": ["", address]})]
    for wrong in (address.replace(".svg", ".png"), "/logo/x.svg", f"/logo/{'0' * 64}.svg"):
        assert await read_logo(site.services, wrong.removeprefix("/logo/")) is None


async def test_the_largest_logo_fits_and_the_last_few_stay(site_everywhere: Site) -> None:
    site = site_everywhere
    rng = random.Random(1)
    large = PNG + rng.randbytes(MOST_BYTES - len(PNG))
    contents = [large, *(PNG + bytes([number]) for number in range(3))]
    names = [(await upload_logo(site.services, BOSS, content)).removeprefix("/logo/") for content in contents[:1]]
    found = await read_logo(site.services, names[0])
    assert found is not None
    assert found.content == large
    names += [(await upload_logo(site.services, BOSS, content)).removeprefix("/logo/") for content in contents[1:]]
    there = [await read_logo(site.services, name) is not None for name in names]
    assert there == [False, True, True, True]
    # The same once more is no other one.
    await upload_logo(site.services, BOSS, contents[-1])
    assert [await read_logo(site.services, name) is not None for name in names] == there


@pytest.mark.parametrize(
    ("content", "why"), [(b"", "Choose"), (PNG + bytes(MOST_BYTES), "more than 200 KB"), (b"%PDF-1.7", "no picture")]
)
async def test_what_is_no_logo_is_refused(site: Site, content: bytes, why: str) -> None:
    with pytest.raises(Refused, match=why):
        await upload_logo(site.services, BOSS, content)
    assert (await site.root.call("GET", "/api/status"))["logo"] == ""
