"""What endpoints ask of the query: models like those of bodies, but nothing in an address is ever refused.

one-api reads what is no number as zero, and scripts send all kinds of things there; so every parameter has a
default that stands in for what cannot be read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from quart import request

from storage.repositories.rows import Page, Sort

if TYPE_CHECKING:
    from typing import Self

DEFAULT_SIZE = 10
_LARGEST = 2**63 - 1


def integer(value: object) -> int:
    """Return a parameter as a number; 0 when it is missing, no number, or too large."""
    text = value.strip() if isinstance(value, str) else ""
    if not text.lstrip("-").isascii() or not text.lstrip("-").isdigit() or len(text) > 20:
        return 0
    number = int(text)
    return number if abs(number) <= _LARGEST else 0


def _text(value: object) -> str:
    # No engine but SQLite takes NUL characters in texts.
    return value.replace("\x00", "") if isinstance(value, str) else ""


Number = Annotated[int, BeforeValidator(integer)]
"""A whole number; 0 when it is missing, no number, or too large."""
Text = Annotated[str, BeforeValidator(_text)]


class Query(BaseModel):
    """Parameters of an address. Unknown ones are ignored; of repeated ones the first counts."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    @classmethod
    def sent(cls) -> Self:
        """Read the request at hand."""
        return cls.model_validate(request.args.to_dict())


class Paging(Query):
    """Which page of a list."""

    p: Number = Field(0, description="The page, counted from 0.", examples=[0])
    size: Number = Field(
        0,
        description="Rows a page, 10 unless said otherwise and at most `MAX_ITEMS_PER_PAGE` (100).",
        examples=[20],
    )

    def page(self, most: int, *, default: int = DEFAULT_SIZE) -> Page:
        """Return which page the client wants; what is no positive number means the default."""
        return Page(max(self.p, 0), min(self.size if self.size > 0 else default, most))

    def page_if_named(self, most: int) -> Page | None:
        """Return which page the client wants, or `None` for everything when it names none."""
        return self.page(most) if self.model_fields_set & {"p", "size"} else None


class Listing(Paging):
    """Which page of a list, and in which order."""

    sort: Text = Field("", description="The column to sort by; newest first without it, or if there is none such.")
    order: Text = Field(
        "",
        description="`asc`, or anything else for descending. Without `sort` the name of a column is taken here, too.",
        examples=["desc"],
    )

    def sorting(self) -> Sort:
        """Return how the client wants the list sorted."""
        return Sort(self.sort, self.order == "asc", "" if self.order in ("asc", "desc") else self.order)


class Search(Listing):
    """Which rows of a list, and in which order."""

    keyword: Text = Field("", description="What the rows wanted begin with; everything when empty.")


class ChannelType(Query):
    """Which type of channel."""

    type: Text = Field("", description="The number of a channel's type.", examples=["1"])


class Keyword(Query):
    """What to look for."""

    keyword: Text = Field("", description="Part of the names wanted; everything when empty.")


class StatusOnly(Query):
    """Whether only the state of a thing is changed."""

    status_only: Text = Field(
        "", description="With any text here only `status` is written; the other members are left alone."
    )


class TurnstileProof(Query):
    """What Turnstile gave, where the site asks visitors for a proof."""

    turnstile: Text = Field("", description="The token of Turnstile; needed while `TurnstileCheckEnabled` is on.")
