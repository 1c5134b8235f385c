"""Which entries of the log somebody asks for, and what that means for `logs` and for `gw_requests`.

`logs` tells of everything that was charged and of much that is no request; `gw_requests` of each request of a month,
charged or not, and how it ended. What only the latter knows is looked for there alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, or_, select

from storage.records import LogType
from storage.repositories.rows import contains
from storage.tables import logs
from storage.traffic_tables import gw_requests

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

# Of rows that must be looked at one by one, no more than this: about a fifth of a second.
SEARCHED = 100_000
_DAY_S = 86_400
_FIRST_ERROR = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which entries are wanted; zero, empty and `None` mean any. Times in Unix seconds, `until` not included."""

    type: int = 0
    user_id: int | None = None
    username: str = ""
    token_name: str = ""
    model: str = ""
    channel_id: int = 0
    since: int = 0
    until: int = 0
    text: str = ""
    """In the content of an entry, or in the error of a request that was not charged."""
    content: str = ""
    """In the content of an entry alone."""
    error: str = ""
    """In the error of a request alone."""
    id: str = ""
    """Of a request or a trace."""
    request_ids: tuple[str, ...] | None = None
    """Of these requests alone, as a search elsewhere found them."""
    least_units: int = 0
    most_units: int | None = None
    least_ms: int = 0
    is_stream: bool | None = None
    least_first_ms: int = 0
    status: int = 0
    """A code, or of a class its first digit."""
    endpoints: tuple[str, ...] = ()
    group: str = ""
    session: str = ""
    has_failed: bool = False
    is_retried: bool | None = None

    @property
    def only_requests(self) -> bool:
        """Whether something is asked that only `gw_requests` knows."""
        return bool(
            self.has_failed
            or self.is_retried is not None
            or self.status
            or self.endpoints
            or self.group
            or self.session
            or self.error
            or self.least_first_ms
            or self.request_ids is not None
        )

    @property
    def fits_nothing(self) -> bool:
        """Whether what is asked excludes itself: a request's fate, and what only other entries have."""
        return self.only_requests and (self.type not in (0, LogType.CONSUME) or bool(self.content))

    @property
    def is_slow_to_find(self) -> bool:
        """Whether requests that fit may be rare, and no index leads to them."""
        is_indexed = (
            self.session or self.id or self.request_ids is not None or self.user_id or self.channel_id
            or self.has_failed or self.error or self.status in (4, 5) or self.status >= _FIRST_ERROR
        )  # fmt: skip
        return self.only_requests and not is_indexed

    @property
    def wants_failures(self) -> bool:
        """Whether a request that was not charged can be meant."""
        return self.type in (0, LogType.CONSUME) and not self.least_units and not self.content


def log_conditions(conn: Connection, asked: Asked) -> list[ColumnElement[bool]]:
    """Return what entries of `logs` must meet."""
    c = logs.c
    where: list[ColumnElement[bool]] = []
    if asked.type:
        where.append(c.type == asked.type)
    if asked.user_id is not None:
        where.append(c.user_id == asked.user_id)
    if asked.username:
        where.append(c.username == asked.username)
    if asked.token_name:
        where.append(c.token_name == asked.token_name)
    if asked.model:
        where.append(c.model_name == asked.model)
    if asked.channel_id:
        where.append(c.channel_id == asked.channel_id)
    if asked.since:
        where.append(c.created_at >= asked.since)
    if asked.until:
        where.append(c.created_at < asked.until)
    if asked.least_units:
        where.append(c.quota >= asked.least_units)
    if asked.most_units is not None:
        where.append(c.quota <= asked.most_units)
    if asked.least_ms:
        where.append(c.elapsed_time >= asked.least_ms)
    if asked.is_stream is not None:
        where.append(c.is_stream.is_(asked.is_stream))
    if asked.id:
        where.append(_has_id(asked.id))
    texts = [text for text in (asked.text, asked.content) if text]
    if texts:
        where += [contains(c.content, text) for text in texts]
        newest = conn.execute(select(func.max(c.id))).scalar() or 0
        where.append(c.id > newest - SEARCHED)
    return where


def _has_id(text: str) -> ColumnElement[bool]:
    """Match a trace id, or a request id: those are in no index, but begin with the time."""
    try:
        begun = datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return logs.c.trace_id == text
    # Of any zone, and relays may take their time.
    around = logs.c.created_at.between(int(begun) - _DAY_S, int(begun) + 2 * _DAY_S)
    return or_(and_(logs.c.request_id == text, around), logs.c.trace_id == text)


def request_conditions(asked: Asked) -> list[ColumnElement[bool]]:
    """Return what rows of `gw_requests` must meet."""
    c = gw_requests.c
    where: list[ColumnElement[bool]] = []
    if asked.has_failed or asked.status >= _FIRST_ERROR or asked.status in (4, 5) or asked.error:
        # A request with an error failed, and there is an index of those.
        where.append(c.failed.is_(True))
    if asked.is_retried is not None:
        where.append(c.attempts > 1 if asked.is_retried else c.attempts <= 1)
    if asked.user_id is not None:
        where.append(c.user_id == asked.user_id)
    if asked.username:
        where.append(c.username == asked.username)
    if asked.token_name:
        where.append(c.token_name == asked.token_name)
    if asked.model:
        where.append(or_(c.model == asked.model, c.sent_model == asked.model))
    if asked.channel_id:
        where.append(c.channel_id == asked.channel_id)
    if asked.since:
        where.append(c.finished_at >= asked.since * 1000)
    if asked.until:
        where.append(c.finished_at < asked.until * 1000)
    if asked.least_units:
        where.append(c.units >= asked.least_units)
    if asked.most_units is not None:
        where.append(c.units <= asked.most_units)
    if asked.least_ms:
        where.append(c.duration_ms >= asked.least_ms)
    if asked.least_first_ms:
        where.append(c.first_ms >= asked.least_first_ms)
    if asked.is_stream is not None:
        where.append(c.is_stream.is_(asked.is_stream))
    if asked.endpoints:
        where.append(c.endpoint.in_(asked.endpoints))
    if asked.group:
        where.append(c.user_group == asked.group)
    if asked.session:
        where.append(c.session == asked.session)
    if asked.status:
        where.append(_has_status(asked.status))
    if asked.request_ids is not None:
        where.append(c.request_id.in_(asked.request_ids))
    if asked.id:
        where.append(or_(c.request_id == asked.id, c.trace_id == asked.id))
    where += [contains(c.error, text) for text in (asked.text, asked.error) if text]
    return where


def _has_status(status: int) -> ColumnElement[bool]:
    c = gw_requests.c
    return c.status == status if status >= 100 else c.status.between(status * 100, status * 100 + 99)
