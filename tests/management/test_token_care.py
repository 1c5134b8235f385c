"""Tokens thrown away and taken back, renewed with an overlap, and told of, on each engine where that matters."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from gateway.accounts import token_care, token_facts, tokens
from gateway.accounts.refusals import NotFound, Refused
from gateway.accounts.tokens import TokenEdit
from gateway.audit.author import Author
from gateway.ledger.retention import TRASH_MS
from storage.people_tables import gw_token_keys
from storage.records import Role, Token, User
from storage.repositories import token_extras, users
from storage.repositories.audit import AuditFilter, page
from storage.repositories.people_lists import TokenFilter, token_page
from storage.repositories.rows import Page, Sort
from tests.management.site import Site


async def account(site: Site, name: str) -> User:
    found = await site.services.database.read(lambda conn: users.by_name(conn, name))
    assert found is not None
    return found


def acting(user: User) -> Author:
    return Author(id=user.id, username=user.username, role=user.role, address="203.0.113.5", via="page")


async def own_token(site: Site, owner: User, **edit: object) -> Token:
    return await tokens.create_token(site.services, acting(owner), replace(TokenEdit(name="t"), **edit))  # type: ignore[arg-type]


async def actions(site: Site, token_id: int) -> list[str]:
    wanted = AuditFilter(kind="token", object_id=token_id)
    rows, _total = await site.services.database.read(lambda conn: page(conn, wanted, Page(0, 20)))
    return [row.action for row in rows[::-1]]


async def test_a_token_that_was_thrown_away_comes_back_as_it_was(site_everywhere: Site) -> None:
    site, services = site_everywhere, site_everywhere.services
    await site.user("mia")
    mia = await account(site, "mia")
    token = await own_token(site, mia, remain_quota=700, note="for the lab")
    await token_care.throw_away(services, acting(mia), token.id)
    assert await services.accounts.by_key(token.key) is not None, "it is switched off, not gone"
    with pytest.raises(NotFound):
        await tokens.read_token(services, mia, token.id)
    back = await token_care.take_back(services, acting(mia), token.id)
    assert (back.status, back.remain_quota, back.key) == (token.status, 700, token.key)
    assert await token_facts.note_of(services, mia, token.id) == "for the lab"
    assert await actions(site, token.id) == ["token.create", "token.delete", "token.restore"]
    await site.books_add_up()


async def test_what_lies_in_the_bin_is_deleted_for_good_and_leaves_the_books(site_everywhere: Site) -> None:
    site, services = site_everywhere, site_everywhere.services
    await site.user("mia")
    mia = await account(site, "mia")
    token = await own_token(site, mia, remain_quota=700)
    await token_care.throw_away(services, acting(mia), token.id)
    later = int(time.time() * 1000) + TRASH_MS
    emptied = await services.database.write(
        lambda conn: token_extras.empty_trash(conn, before_ms=later, now_ms=later, limit=10)
    )
    assert emptied == 1
    with pytest.raises(Refused):
        await token_care.take_back(services, acting(mia), token.id)
    await site.books_add_up()


async def test_nobody_takes_another_person_s_token_out_of_the_bin(site: Site) -> None:
    await site.user("mia")
    await site.user("eve")
    mia, eve = await account(site, "mia"), await account(site, "eve")
    token = await own_token(site, mia)
    await token_care.throw_away(site.services, acting(mia), token.id)
    with pytest.raises(NotFound):
        await token_care.take_back(site.services, acting(eve), token.id)
    with pytest.raises(NotFound):
        await tokens.read_token(site.services, mia, token.id)


async def test_a_former_key_opens_the_same_token_until_its_time_is_over(site_everywhere: Site) -> None:
    site, services = site_everywhere, site_everywhere.services
    await site.user("mia")
    mia = await account(site, "mia")
    token = await own_token(site, mia, remain_quota=700)
    renewed = await token_care.renew_key(services, acting(mia), token.id, overlap_h=2)
    assert renewed.key != token.key
    for key in (token.key, renewed.key):
        found = await services.accounts.by_key(key)
        assert found is not None
        assert (found.token.id, found.token.remain_quota) == (token.id, 700)
    (former,) = await token_care.former_keys(services, mia, token.id)
    assert former.until == pytest.approx(time.time() + 7200, abs=30)
    stored = await services.database.read(lambda conn: conn.execute(gw_token_keys.select()).all())
    assert token.key not in str(stored)
    await token_care.end_former_keys(services, acting(mia), token.id)
    assert await services.accounts.by_key(token.key) is None
    assert await services.accounts.by_key(renewed.key) is not None
    await site.books_add_up()


async def test_a_key_without_overlap_ends_at_once_and_only_owners_renew(site: Site) -> None:
    await site.user("mia")
    mia, root = await account(site, "mia"), await account(site, "root")
    token = await own_token(site, mia)
    with pytest.raises(NotFound):
        await token_care.renew_key(site.services, acting(root), token.id, overlap_h=0)
    with pytest.raises(Refused):
        await token_care.renew_key(site.services, acting(mia), token.id, overlap_h=10_000)
    await token_care.renew_key(site.services, acting(mia), token.id, overlap_h=0)
    assert await site.services.accounts.by_key(token.key) is None


async def test_administrators_change_tokens_of_lower_roles_and_no_others(site: Site) -> None:
    await site.user("mia")
    await site.user("boss", role="admin")
    await site.user("peer", role="admin")
    mia, boss, peer = [await account(site, name) for name in ("mia", "boss", "peer")]
    low, high = await own_token(site, mia), await own_token(site, peer)
    edit = TokenEdit(status=2)
    changed = await tokens.update_token(site.services, acting(boss), low.id, edit, status_only=True, others=True)
    assert changed.status == 2
    with pytest.raises(NotFound):
        await tokens.update_token(site.services, acting(boss), high.id, edit, status_only=True, others=True)
    with pytest.raises(NotFound):
        await tokens.update_token(site.services, acting(boss), low.id, edit, status_only=True)
    with pytest.raises(NotFound):
        await tokens.reveal_key(site.services, acting(boss), low.id)
    assert boss.role == Role.ADMIN


async def test_tokens_are_found_by_what_they_are_shown_as(site_everywhere: Site) -> None:
    site, now = site_everywhere, int(time.time())
    await site.user("mia")
    mia = await account(site, "mia")
    made_of: dict[str, dict[str, object]] = {
        "fine": {"unlimited_quota": True},
        "off": {"remain_quota": 5},
        "over": {"remain_quota": 5, "expired_time": now - 10},
        "empty": {"remain_quota": 0},
        "narrow": {"remain_quota": 5, "models": "gpt-4o,gpt-4.1", "expired_time": now + 3 * 86_400},
    }
    for name, edit in made_of.items():
        made = await own_token(site, mia, name=name, **edit)
        if name == "off":
            await tokens.update_token(site.services, acting(mia), made.id, TokenEdit(status=2), status_only=True)
    everything, ours = set(made_of), TokenFilter(now_s=now, user_id=mia.id)
    for wanted, expected in (
        (replace(ours, status=1), {"fine", "narrow"}),
        (replace(ours, status=2), {"off"}),
        (replace(ours, status=3), {"over"}),
        (replace(ours, status=4), {"empty"}),
        (replace(ours, model="gpt-4o"), everything),
        (replace(ours, model="gpt-4"), everything - {"narrow"}),
        (replace(ours, expires_before=now + 7 * 86_400), {"narrow"}),
        (replace(ours, text="ARR"), {"narrow"}),
        (replace(ours, is_unused=True), everything),
    ):
        found, total = await site.services.database.read(
            lambda conn: token_page(conn, wanted, Sort(), Page(0, 50))  # noqa: B023
        )
        assert {token.name for token in found} - {"default"} == expected
        assert total == len(found)


@pytest.mark.parametrize(
    ("agent", "program"),
    [
        ("OpenAI/Python 1.99.1", "OpenAI/Python"),
        ("claude-cli/1.0.3 (external, cli)", "claude-cli"),
        ("curl/8.5.0", "curl"),
        ("Mozilla/5.0 (X11; Linux x86_64)", "Mozilla"),
        ("python-httpx/0.28", "python-httpx"),
        ("", ""),
    ],
)
def test_a_program_is_called_as_it_calls_itself(agent: str, program: str) -> None:
    assert token_facts.program_of(agent) == program
