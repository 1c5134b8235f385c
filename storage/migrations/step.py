"""What a revision is given, and what it reports back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from storage.dsn import Dialect


@dataclass(slots=True, kw_only=True)
class MigrationReport:
    """What a migration did. All empty and `before == after`: there was nothing to do."""

    before: str | None = None
    """Revision that was found; `None` for an empty database and for one that one-api left."""
    after: str | None = None
    created_tables: list[str] = field(default_factory=list)
    added_columns: list[str] = field(default_factory=list)
    """As `table.column`."""
    added_indexes: list[str] = field(default_factory=list)
    widened_columns: list[str] = field(default_factory=list)
    removed_duplicates: int = 0
    """Rows of `user_request_costs` that stood for a request twice."""
    converted_channels: list[int] = field(default_factory=list)
    """Channels whose old price columns were read into `model_configs`."""
    skipped_channels: dict[int, str] = field(default_factory=dict)
    """Channels whose price columns cannot be read, and why. They keep what they have."""
    opened_accounts: int = 0
    """Users, limited tokens and channels whose books were opened."""

    @property
    def is_adoption(self) -> bool:
        """Whether a database that one-api had filled was taken over."""
        return self.before is None and self.after is not None and "users" not in self.created_tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The connection that a revision works on, and its way to say how far it is."""

    connection: Connection
    dialect: Dialect
    report: MigrationReport
    progress: Callable[[int, int, str], None]
    """`progress(done, total, what)`."""
    now_ms: int
