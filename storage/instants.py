"""Date-times of one-api (`abilities.suspend_until`) as Unix seconds, and back so that Go reads them.

PostgreSQL has a time stamp with zone. MySQL has a date-time without one, in the zone that the address's `loc`
names. SQLite has a text such as `2026-11-23 21:33:11.467732276+00:00`, with up to nanoseconds and any offset.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import tzinfo

    from storage.dsn import Dialect

_TEXT = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[ T](?P<time>\d\d:\d\d(?::\d\d)?)(?P<fraction>\.\d+)?\s*"
    r"(?P<zone>Z|UTC|(?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>\d\d))?(?:\s.*)?"
)


@dataclass(frozen=True, slots=True)
class Instants:
    """Reads and writes date-time columns of one database. `zone` `None` is the zone of this machine."""

    dialect: Dialect
    zone: tzinfo | None = UTC

    def read(self, value: object) -> float:
        """Return Unix seconds; 0.0 for NULL and for what is no date-time."""
        if isinstance(value, datetime):
            return (value if value.tzinfo else value.replace(tzinfo=self.zone)).timestamp()
        return _seconds(value) if isinstance(value, str) else 0.0

    def write(self, seconds: float) -> datetime | str | None:
        """Return the column's value for Unix seconds; NULL for 0."""
        if seconds <= 0:
            return None
        moment = datetime.fromtimestamp(seconds, UTC)
        if self.dialect == "sqlite":
            return moment.strftime("%Y-%m-%d %H:%M:%S.%f+00:00")
        if self.dialect == "mysql":
            return moment.astimezone(self.zone).replace(tzinfo=None)
        return moment


def _seconds(text: str) -> float:
    found = _TEXT.fullmatch(text.strip())
    if found is None:
        return 0.0
    try:
        moment = datetime.fromisoformat(f"{found['day']} {found['time']}")
    except ValueError:
        return 0.0
    offset = timedelta()
    if found["sign"]:
        offset = timedelta(hours=int(found["hours"]), minutes=int(found["minutes"]))
        offset = -offset if found["sign"] == "-" else offset
    return moment.replace(tzinfo=timezone(offset)).timestamp() + float(found["fraction"] or 0)
