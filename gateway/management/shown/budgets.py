"""Budgets and how they stand."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.management.shown.envelope import Shown


class BudgetObject(Shown):
    """A budget, and what is spent of it in the running period."""

    id: int = Field(examples=[3])
    kind: Literal["user", "token", "group"]
    subject: str = Field(description="The number of the user or token, or the group's name.", examples=["7"])
    name: str = Field(description="What the user, token or group is called.", examples=["laptop"])
    owner: str = Field(description="Whose it is: the user's name, empty for a group.", examples=["alice"])
    period: Literal["day", "week", "month"] = Field(description="Of the calendar, in UTC; weeks begin on Monday.")
    soft_quota: int = Field(description="From here on an alert is due, in quota units; 0: none.", examples=[400000])
    hard_quota: int = Field(description="From here on requests are refused, in quota units; 0: none.")
    imposed: bool = Field(description="An administrator set it; the owner of the token cannot change it.")
    spent_quota: int = Field(description="What was charged since the period began, in quota units.")
    left_quota: int | None = Field(description="What may still be spent; `null` without a hard limit.")
    renews_at: int = Field(description="When the next period begins, in Unix seconds.")
    created_at: int = Field(description="Unix milliseconds.")
