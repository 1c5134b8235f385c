"""Pictures of the site, by what they contain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from storage.repositories.rows import insert_unless_there
from storage.site_tables import gw_pictures

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One file as it was uploaded."""

    digest: str
    content_type: str
    content: bytes


def put(conn: Connection, picture: Picture, *, now_ms: int, kept: int) -> None:
    """Store a picture; of all, the last `kept` stay."""
    c = gw_pictures.c
    # One that comes again is the newest again.
    conn.execute(delete(gw_pictures).where(c.digest == picture.digest))
    values = {"digest": picture.digest, "content_type": picture.content_type, "content": picture.content}
    insert_unless_there(conn, insert(gw_pictures).values(values | {"created_at": now_ms}))
    digests = conn.execute(select(c.digest).order_by(c.created_at.desc(), c.digest)).scalars().all()
    old = [digest for digest in digests if digest != picture.digest][kept - 1 :]
    if old:
        conn.execute(delete(gw_pictures).where(c.digest.in_(old)))


def by_digest(conn: Connection, digest: str) -> Picture | None:
    """Return a picture."""
    c = gw_pictures.c
    row = conn.execute(select(c.digest, c.content_type, c.content).where(c.digest == digest)).first()
    return None if row is None else Picture(digest=row[0], content_type=row[1], content=bytes(row[2]))
