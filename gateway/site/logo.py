"""The site's logo as a file of its own: checked by what it contains, kept in the database, named by its hash."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from gateway.accounts.clock import now_ms
from gateway.accounts.refusals import Refused
from gateway.accounts.transactions import commit
from gateway.registry.options import Options
from gateway.site.option_edits import note_options
from storage.repositories import options, pictures
from storage.repositories.pictures import Picture
from storage.site_tables import MOST_BYTES

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.audit.author import Author
    from gateway.services import Services

FOLDER: Final = "/logo/"
TYPES: Final = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/x-icon": "ico",
    "image/svg+xml": "svg",
}
# Some that were there before stay, for pages that are still open and for going back.
_KEPT: Final = 3
_NAME: Final = re.compile(r"([0-9a-f]{64})\.([a-z]{3,4})", re.ASCII)
_SVG_ROOT: Final = "{http://www.w3.org/2000/svg}svg"


async def upload_logo(services: Services, author: Author, content: bytes) -> str:
    """Make a picture the site's logo, and return its address, which becomes the option `Logo`. Raises `Refused`."""
    if not content:
        raise Refused("Choose a picture.")
    if len(content) > MOST_BYTES:
        raise Refused(f"the picture has more than {MOST_BYTES // 1024} KB")
    kind = kind_of(content)
    if not kind:
        raise Refused("this is no picture in PNG, WebP, JPEG, GIF, ICO or SVG")
    digest = hashlib.sha256(content).hexdigest()
    address = f"{FOLDER}{digest}.{TYPES[kind]}"

    def work(conn: Connection) -> None:
        moment = now_ms()
        before = Options.from_rows(options.everything(conn)).text("Logo")
        pictures.put(conn, Picture(digest=digest, content_type=kind, content=content), now_ms=moment, kept=_KEPT)
        if before != address:
            options.put(conn, "Logo", address, now_ms=moment)
            note_options(conn, author, {"Logo": before}, {"Logo": address})

    await commit(services, work)
    await services.registry.refresh()
    return address


async def read_logo(services: Services, name: str) -> Picture | None:
    """Return the picture of an address that `upload_logo` returned, `name` being its last part."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    picture = await services.database.read(lambda conn: pictures.by_digest(conn, found[1]))
    return picture if picture is not None and TYPES.get(picture.content_type) == found[2] else None


def kind_of(content: bytes) -> str:
    """Return the media type that a file's content shows, whatever it is called; empty for no picture of ours."""
    if content.startswith(b"\x89PNG\r\n\x1a\n") and content[12:16] == b"IHDR":
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    if content.startswith(b"\x00\x00\x01\x00") and content[4:6] != b"\x00\x00":
        return "image/x-icon"
    return "image/svg+xml" if _is_svg(content) else ""


def _is_svg(content: bytes) -> bool:
    """Whether this is SVG that declares no entities, which could be made to grow without end."""
    if b"\x00" in content or b"<!ENTITY" in content:
        return False
    try:
        return ET.fromstring(content).tag == _SVG_ROOT  # noqa: S314 - nothing declares entities
    except (ET.ParseError, ValueError, LookupError):
        return False
