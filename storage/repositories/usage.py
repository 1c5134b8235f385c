"""Sums of use and what they are asked by; `usage_rows` reads them from the log, `usage_rolled` what was summed up.

Use is a `Sums` by bucket and key, all else a number. Buckets are counted from a moment in steps of equal length;
whoever wants days of a calendar asks for hours and adds them up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import and_, bindparam, case, or_

from storage.traffic_tables import gw_requests

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from sqlalchemy import ColumnElement, Connection, Label

QUARTER, HOUR, DAY = 900, 3600, 86_400
KINDS = ("model", "user", "channel", "token", "group", "format", "provider")
"""What sums can be told apart by."""
HOURLY = ("model", "user", "channel", "group", "format", "provider")
"""Those of which there are sums by hour; of the others there are by day."""
LOGGED = ("model", "user", "channel", "token")
"""Those that the log itself knows."""

APART_S = 900
"""How far apart a charge and the end of its request may be noted, at most."""
LEAST_TOKENS = 20
"""Streams of fewer say nothing of a speed."""

_LEFT = ("client_gone", "cancelled", "drained")
# What a provider says of a request that is wrong in itself, whoever is asked.
_OWN_FAULT = (400, 404, 405, 409, 413, 415, 422)


class Sums(NamedTuple):
    """How much there was of everything. A tuple, since a page adds up tens of thousands of them."""

    requests: int = 0
    units: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    """A part of those of the answer. This and the next are known only where requests are, not just charges."""
    saved_units: int = 0
    """What more it would have cost without what was read from caches."""
    upstream_units: int = 0
    """What the same use costs at the providers' list prices, where that is known."""
    margin_units: int = 0
    """What more than that was charged for the same use; below 0: less."""

    @property
    def unlisted_units(self) -> int:
        """What was charged for use whose list price is not known."""
        return self.units - self.upstream_units - self.margin_units

    def __add__(self, other: Sums) -> Sums:  # type: ignore[override]  # not longer, but larger
        """Return both together."""
        a, b, c, d, e, r, s, k, m = self
        f, g, h, i, j, t, u, l, n = other  # noqa: E741 - as many letters as there are members
        return Sums(a + f, b + g, c + h, d + i, e + j, r + t, s + u, k + l, m + n)

    def __sub__(self, other: Sums) -> Sums:
        """Return what is left without the other."""
        a, b, c, d, e, r, s, k, m = self
        f, g, h, i, j, t, u, l, n = other  # noqa: E741 - as above
        return Sums(a - f, b - g, c - h, d - i, e - j, r - t, s - u, k - l, m - n)


SUMMED = (
    "requests",
    "units",
    "prompt_tokens",
    "completion_tokens",
    "cached_tokens",
    "reasoning_tokens",
    "saved_units",
    "upstream_units",
    "margin_units",
)
"""The columns of tables of sums, in the order of `Sums`."""


# As division has it, so that a difference on its left stands in brackets.
AS_TIGHT = 8

Spans = Sequence[tuple[int, int]]
"""From when to before when (Unix seconds). What lies around what was summed up is asked for at once."""
Cells = dict[tuple[int, str], Sums]
"""By bucket and key. Without buckets the bucket is 0, without keys the key is empty."""
Counts = dict[tuple[int, str], int]
"""The same of what is only counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Only:
    """Whose use counts; zero and empty mean anybody's."""

    user_id: int = 0
    token_name: str = ""
    model: str = ""
    channel_id: int = 0
    channels: frozenset[int] | None = None
    """Any of these: those of a provider."""
    group: str = ""
    format: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """What is asked for, by the names of these members: which statement answers."""
        return tuple(name for name in _MEMBERS if getattr(self, name) not in (0, "", None))

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out."""
        return not (self.user_id or self.token_name or self.model or self.channel_id) and self.is_logged_of_all

    @property
    def is_logged_of_all(self) -> bool:
        """Whether it asks for nothing but what one key of the log can be."""
        return self.channels is None and self.is_logged

    @property
    def is_logged(self) -> bool:
        """Whether the log alone can tell what fits."""
        return not (self.group or self.format)


_MEMBERS = ("user_id", "token_name", "model", "channel_id", "channels", "group", "format")


@dataclass(frozen=True, slots=True)
class Buckets:
    """Steps of `step` seconds from `start` (Unix seconds) on; `step` 0: all in one."""

    start: int = 0
    step: int = 0


_ALL_IN_ONE = Buckets()
_ANYBODY = Only()


# --- what statements are made of -------------------------------------------------------------------------
#
# To put a statement together takes SQLAlchemy longer than most engines need to answer it, and a page has dozens. So
# each is made once for each shape of a question; moments, filters and keys are bound to it by these names.


def bound(
    spans: Spans, buckets: Buckets = _ALL_IN_ONE, only: Only = _ANYBODY, keys: Sequence[Any] | None = None
) -> dict[str, Any]:
    """Return what a question is about, by the names that statements have for it."""
    times: dict[str, int] = {}
    for number, (since, until) in enumerate(spans):
        times |= {
            f"since{number}": since,
            f"until{number}": until,
            f"since{number}_ms": since * 1000,
            f"until{number}_ms": until * 1000,
            f"since{number}_near": (since - APART_S) * 1000,
            f"until{number}_near": (until + APART_S) * 1000,
        }
    return {
        **times,
        "first_bucket": buckets.start,
        "bucket_s": buckets.step,
        "first_bucket_ms": buckets.start * 1000,
        "bucket_ms": buckets.step * 1000,
        "keys": list(keys) if keys is not None else [],
        **{f"only_{name}": getattr(only, name) for name in _MEMBERS if name != "channels"},
        "only_channels": list(only.channels or ()),
    }


def within(column: ColumnElement[int], spans: int, unit: str = "") -> ColumnElement[bool]:
    """Match moments in as many spans; `unit`: seconds, `_ms`, or `_near`: milliseconds, and a while around it."""
    return or_(
        *(
            and_(column >= bindparam(f"since{number}{unit}"), column < bindparam(f"until{number}{unit}"))
            for number in range(spans)
        )
    )


def fitting(columns: Mapping[str, ColumnElement[Any]], names: Iterable[str]) -> list[ColumnElement[bool]]:
    """Return conditions that leave only what fits members of `Only`, for those that `columns` has."""
    where: list[ColumnElement[bool]] = []
    for name in names:
        if name in columns and name == "channels":
            where.append(columns[name].in_(bindparam("only_channels", expanding=True)))
        elif name in columns:
            where.append(columns[name] == bindparam(f"only_{name}"))
    return where


def bucket(dialect: str, column: ColumnElement[int], *, unit: str = "") -> Label[Any]:
    """Return the number of the bucket of a moment, for a statement that is bound later; `unit`: `_ms` or seconds."""
    divide = (column - bindparam(f"first_bucket{unit}")).op(_sign(dialect), precedence=AS_TIGHT)
    return divide(bindparam("bucket_ms" if unit else "bucket_s")).label("bucket")


def _sign(dialect: str) -> str:
    # Integer division is `/` on whole numbers of SQLite and PostgreSQL, and DIV on MySQL.
    return "DIV" if dialect in ("mysql", "mariadb") else "/"


def fault_of() -> ColumnElement[str]:
    """Return whose fault it was that a request failed: `left`, `client` or `upstream`."""
    c = gw_requests.c
    own = or_(
        and_(c.outcome.in_(("refused", "quota")), c.status < 500),
        and_(c.outcome == "upstream_failed", c.status.in_(_OWN_FAULT)),
    )
    return case((c.outcome.in_(_LEFT), "left"), (own, "client"), else_="upstream")


def bucket_of(conn: Connection, column: ColumnElement[int], buckets: Buckets, *, unit: int = 1) -> ColumnElement[int]:
    """Return the number of the bucket of a moment; `unit`: how many of the column make a second."""
    divide = (column - buckets.start * unit).op(_sign(conn.dialect.name), precedence=AS_TIGHT)
    return divide(buckets.step * unit)
