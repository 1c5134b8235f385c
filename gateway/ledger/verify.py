"""`one-api ledger verify`: whether the books add up, and how an operator accepts what does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.repositories.ledger_proof import Difference, book_differences, read_differences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

__all__ = ["Difference", "accept_differences", "difference_table", "verify"]

_HEAD = ("account", "expected", "found", "difference", "remark")


def verify(conn: Connection) -> list[Difference]:
    """Return each balance that is not opening + ledger - reserved; reads only, may run beside a serving gateway."""
    return read_differences(conn)


def accept_differences(conn: Connection, *, at_ms: int, note: str = "accepted by an operator") -> list[Difference]:
    """Explain each difference by a `correction` row, or an `opening` if the account had none, and return them.

    Balances are left as they are. Run it in one write transaction, and not twice at the same time on a server:
    both would explain the same difference.
    """
    differences = read_differences(conn)
    book_differences(conn, differences, at_ms=at_ms, note=note)
    return differences


def difference_table(differences: Sequence[Difference]) -> str:
    """Return the differences as an aligned table for a terminal, in quota units; one line if there are none."""
    if not differences:
        return "The ledger adds up: 0 differences."
    lines = [_HEAD]
    for item in differences:
        remark = "" if item.opened else "no opening row: made outside of this program"
        lines.append((f"{item.kind} {item.id}", str(item.expected), str(item.found), f"{item.difference:+d}", remark))
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if 0 < column < len(_HEAD) - 1 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
