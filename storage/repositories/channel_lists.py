"""Channels as lists show them: searched, filtered and sorted together, and what is known of the rows of a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, exists, func, not_, or_, select

from storage.audit_tables import gw_audit
from storage.channel_tables import gw_channel_labels as labels
from storage.channel_tables import gw_channel_tests as tests
from storage.records import Channel, ChannelStatus
from storage.repositories.audit import AuditRow
from storage.repositories.channel_secrets import opened
from storage.repositories.channels import SORTABLE
from storage.repositories.rows import as_id, contains, fetch_page, many, ordering, query
from storage.tables import abilities, channels

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection

    from storage.repositories.rows import Page, Sort

OWN: Final[Mapping[str, str]] = {
    "mapping": "model_mapping",
    "prompt": "system_prompt",
    "prices": "model_configs",
}
"""What a channel may have of its own, and the column that holds it."""
# Nothing, in the ways in which programs wrote it.
_NOTHING = ("", "{}", "null")


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedChannels:
    """Which channels. `text` is looked for in names, addresses, tags and notes, and if it is a number, in ids."""

    text: str = ""
    id: int | None = None
    status: int | None = None
    type: int | None = None
    group: str = ""
    """One of the groups that they serve."""
    model: str = ""
    """One of the models that they serve."""
    tag: str = ""
    own: str = ""
    """One of `OWN`."""
    untested_since: int = 0
    """Not tested at or after a moment (Unix seconds)."""
    among: Collection[int] | None = None
    """Only these."""
    troubled: Collection[int] | None = None
    """These, and those that went off by themselves."""


def channel_page(
    conn: Connection, wanted: WantedChannels, sort: Sort, page: Page | None
) -> tuple[list[Channel], int]:
    """Return one page of channels, and their number; unsorted, those that are tried first come first."""
    where = _where(wanted)
    rows, total = fetch_page(conn, channels, Channel, where=where, order=_order(conn, sort), page=page)
    return opened(conn, rows), total


def channel_ids(conn: Connection, wanted: WantedChannels, sort: Sort, limit: int) -> list[int]:
    """Return the ids of at most `limit` channels, in order."""
    found = select(channels.c.id).where(*_where(wanted)).order_by(*_order(conn, sort)).limit(limit)
    return list(conn.execute(found).scalars())


def channels_of(conn: Connection, ids: Sequence[int]) -> list[Channel]:
    """Return channels in the order of `ids`; those that are gone are missing."""
    found = opened(conn, many(conn, Channel, query(channels, Channel).where(channels.c.id.in_(list(ids)))))
    by_id = {channel.id: channel for channel in found}
    return [by_id[number] for number in ids if number in by_id]


def enabled_ids(conn: Connection) -> list[int]:
    """Return the channels that are on."""
    return list(conn.execute(select(channels.c.id).where(channels.c.status == ChannelStatus.ENABLED)).scalars())


def channel_counts(conn: Connection) -> dict[int, int]:
    """Return how many channels there are by state."""
    rows = conn.execute(select(channels.c.status, func.count()).group_by(channels.c.status))
    return {int(status or 0): int(number) for status, number in rows}


def tested_since(conn: Connection, seconds: int) -> int:
    """Return how many channels were tested at or after a moment."""
    wanted = select(func.count()).select_from(channels).where(channels.c.test_time >= seconds)
    return int(conn.execute(wanted).scalar_one())


def last_switches(conn: Connection, channel_ids: Sequence[int], actions: Sequence[str]) -> dict[int, AuditRow]:
    """Return the last entry of one of `actions` for each of some channels that has one."""
    if not channel_ids:
        return {}
    newest = (
        select(func.max(gw_audit.c.id))
        .where(
            gw_audit.c.kind == "channel",
            gw_audit.c.object_id.in_(list(channel_ids)),
            gw_audit.c.action.in_(list(actions)),
        )
        .group_by(gw_audit.c.object_id)
        .scalar_subquery()
    )
    found = many(conn, AuditRow, query(gw_audit, AuditRow).where(gw_audit.c.id.in_(newest)))
    return {row.object_id: row for row in found}


def failed_last_test(conn: Connection) -> list[int]:
    """Return the channels that are on and whose last test failed."""
    newest = select(func.max(tests.c.id)).group_by(tests.c.channel_id).scalar_subquery()
    wanted = (
        select(tests.c.channel_id)
        .join(channels, channels.c.id == tests.c.channel_id)
        .where(tests.c.id.in_(newest), tests.c.passed.is_(False), channels.c.status == ChannelStatus.ENABLED)
        .order_by(tests.c.channel_id)
    )
    return list(conn.execute(wanted).scalars())


def tiers(conn: Connection) -> dict[int, int]:
    """Return how many channels of each priority are on."""
    priority = func.coalesce(channels.c.priority, 0).label("tier")
    rows = conn.execute(
        select(priority, func.count()).where(channels.c.status == ChannelStatus.ENABLED).group_by("tier")
    )
    return {int(number): int(count) for number, count in rows}


def _where(wanted: WantedChannels) -> list[ColumnElement[bool]]:
    c = channels.c
    where: list[ColumnElement[bool]] = []
    if wanted.text:
        written = exists().where(
            labels.c.channel_id == c.id,
            or_(contains(labels.c.tag, wanted.text), contains(labels.c.note, wanted.text)),
        )
        matches: list[ColumnElement[bool]] = [
            contains(c.name, wanted.text),
            contains(c.base_url, wanted.text),
            written,
        ]
        number = as_id(wanted.text)
        if number is not None:
            matches.append(c.id == number)
        where.append(or_(*matches))
    for column, value in ((c.id, wanted.id), (c.status, wanted.status), (c.type, wanted.type)):
        if value is not None:
            where.append(column == value)
    if wanted.group or wanted.model:
        serves: list[ColumnElement[bool]] = [abilities.c.channel_id == c.id]
        if wanted.group:
            serves.append(abilities.c.group == wanted.group)
        if wanted.model:
            serves.append(abilities.c.model == wanted.model)
        where.append(exists().where(and_(*serves)))
    if wanted.tag:
        where.append(exists().where(labels.c.channel_id == c.id, labels.c.tag == wanted.tag))
    if wanted.own in OWN:
        column = c[OWN[wanted.own]]
        where += [column.is_not(None), not_(func.trim(column).in_(_NOTHING))]
    if wanted.untested_since:
        where.append(func.coalesce(c.test_time, 0) < wanted.untested_since)
    if wanted.among is not None:
        where.append(c.id.in_(list(wanted.among)))
    if wanted.troubled is not None:
        where.append(or_(c.status == ChannelStatus.AUTO_DISABLED, c.id.in_(list(wanted.troubled))))
    return where


def _order(conn: Connection, sort: Sort) -> list[ColumnElement[object]]:
    order = ordering(conn, channels, sort, allowed={name: channels.c[name] for name in SORTABLE})
    if sort.column in SORTABLE:
        return order
    first: ColumnElement[object] = func.coalesce(channels.c.priority, 0).desc()
    second: ColumnElement[object] = func.coalesce(channels.c.weight, 0).desc()
    return [first, second, channels.c.id.asc()]
