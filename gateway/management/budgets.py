"""Budgets of users, tokens and groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from gateway.budgets import edits
from gateway.management import answers
from gateway.management.contract import NAMED, Answer, Area, Body
from gateway.management.guard import actor, author, for_role
from gateway.management.payloads import Int64, Payload, number_in_path
from gateway.management.queries import Query, Text
from gateway.management.shown.budgets import BudgetObject
from gateway.management.shown.envelope import Data, Done
from storage.records import Role
from storage.repositories.budgets import Budget

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from gateway.budgets.edits import Standing
    from gateway.services import Services

_SOFT = "From here on an alert is due, in quota units; 0: none."
_HARD = "From here on requests are refused, in quota units; 0: none. One of the two is needed."


class NewBudget(Payload):
    """A budget to be made."""

    kind: str = Field("", description="`user`, `token` or `group`.", examples=["token"])
    subject: str = Field("", description="The number of the user or token, or the group's name.", examples=["3"])
    period: str = Field("", description="`day`, `week` or `month`.", examples=["day"])
    soft_quota: Int64 = Field(0, description=_SOFT, examples=[400000])
    hard_quota: Int64 = Field(0, description=_HARD, examples=[500000])


class BudgetLimits(Payload):
    """Other limits for a budget."""

    id: Int64 = Field(0, description="Which budget.", examples=[1])
    soft_quota: Int64 = Field(0, description=_SOFT, examples=[400000])
    hard_quota: Int64 = Field(0, description=_HARD, examples=[500000])


class BudgetQuery(Query):
    """Whose budgets."""

    kind: Text = Field("", description="Only those of a `user`, a `token` or a `group`; with `subject`.")
    subject: Text = Field("", description="The number of the user or token, or the group's name.")


def blueprint(services: Services) -> Blueprint:
    """Return the routes."""
    area = Area("budgets", "Budgets")
    users = for_role(Role.USER)

    async def shown(budget: Budget) -> Response:
        found = await edits.standings(services, actor(), scopes=[budget.scope])
        return answers.data(next((_object(one) for one in found if one.budget.id == budget.id), None))

    @area.on("GET", "/api/budget/", users, Answer(Data[list[BudgetObject]], can_refuse=False), asks=BudgetQuery)
    async def list_budgets(asked: BudgetQuery) -> Response:
        """List budgets, with what is spent of them.

        Administrators see those of groups and of accounts of a lower role, root all; people see their own and those
        of their tokens.
        """
        scopes = [(asked.kind, asked.subject)] if asked.kind or asked.subject else None
        found = await edits.standings(services, actor(), scopes=scopes)
        return answers.data([_object(one) for one in found])

    @area.on("POST", "/api/budget/", users, Answer(Data[BudgetObject]), takes=Body(NewBudget, NAMED))
    async def create_budget(sent: NewBudget) -> Response:
        """Give a user, a token or a group a budget.

        Administrators do so for groups, for accounts of a lower role, and for these accounts' tokens; people for
        their own tokens. What was spent since the period began counts. Each may have one budget of each period, a
        token one of its owner's and one of an administrator's.
        """
        made = await edits.create_budget(
            services,
            author(),
            Budget(
                kind=sent.kind,
                subject=sent.subject,
                period=sent.period,
                soft_units=sent.soft_quota,
                hard_units=sent.hard_quota,
            ),
        )
        return await shown(made)

    @area.on("PUT", "/api/budget/", users, Answer(Data[BudgetObject]), takes=Body(BudgetLimits, NAMED))
    async def update_budget(sent: BudgetLimits) -> Response:
        """Change the limits of a budget.

        What is spent stays spent; a limit that moved is told again when it is passed.
        """
        changed = await edits.change_budget(
            services, author(), sent.id, soft_units=sent.soft_quota, hard_units=sent.hard_quota
        )
        return await shown(changed)

    @area.on("DELETE", "/api/budget/<budget_id>", users, Answer(Done))
    async def delete_budget(budget_id: str) -> Response:
        """Remove a budget."""
        await edits.delete_budget(services, author(), number_in_path(budget_id))
        return answers.done()

    return area.blueprint


def _object(one: Standing) -> dict[str, object]:
    budget = one.budget
    return {
        "id": budget.id,
        "kind": budget.kind,
        "subject": budget.subject,
        "name": one.subject.name,
        "owner": one.subject.owner,
        "period": budget.period,
        "soft_quota": budget.soft_units,
        "hard_quota": budget.hard_units,
        "imposed": budget.imposed,
        "spent_quota": one.spent,
        "left_quota": one.left,
        "renews_at": one.span.end,
        "created_at": budget.created_at,
    }
