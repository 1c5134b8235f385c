"""Telling owners that their quota runs low."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from sqlalchemy import update

from gateway.accounts.preferences import choose_looks
from gateway.notify.quota import QuotaReminder
from storage.repositories.users import set_unlimited
from storage.tables import users
from tests.identity.conftest import set_options
from tests.management.site import Site
from tests.support.mailbox import Mailbox


@asynccontextmanager
async def _running(site: Site) -> AsyncIterator[QuotaReminder]:
    reminder = QuotaReminder(site.services, site.outside.courier, every_s=0.02)
    async with trio.open_nursery() as nursery:
        await nursery.start(reminder.run)
        yield reminder
        nursery.cancel_scope.cancel()


async def _user(site: Site, name: str) -> int:
    await site.user(name)
    number = await site.number_of(name)
    body = {"id": number, "username": name, "display_name": name, "email": f"{name}@example.com"}
    await site.root.call("PUT", "/api/user/", json=body)
    return number


async def _spend(site: Site, reminder: QuotaReminder, user_id: int, *, left: int) -> None:
    """Bring a balance to `left` and let the reminder see it."""
    await site.services.database.write(
        lambda conn: conn.execute(update(users).where(users.c.id == user_id).values(quota=left))
    )
    reminder.reserved(user_id)
    # Two rounds: one may have been under way.
    await trio.sleep(0.15)


async def test_a_balance_that_falls_below_the_threshold_is_told_once_each_time(site: Site, box: Mailbox) -> None:
    await set_options(site, QuotaRemindThreshold=1000, TopUpLink="https://shop.example.com/")
    number = await _user(site, "anna")
    async with _running(site) as reminder:
        await _spend(site, reminder, number, left=1000)
        for left in (999, 500, 100):
            await _spend(site, reminder, number, left=left)
        assert len(await box.wait(1)) == 1
        await _spend(site, reminder, number, left=5000)
        await _spend(site, reminder, number, left=900)
        mails = await box.wait(2)
    assert [mail.to for mail in mails] == [["anna@example.com"]] * 2
    assert mails[0].message["Subject"] == "One API: your quota is running low"
    assert "https://shop.example.com/" in mails[0].text
    assert "0.001998 quota left" in mails[0].text


async def test_another_process_does_not_tell_it_again(site: Site, box: Mailbox) -> None:
    number = await _user(site, "anna")
    async with _running(site) as one, _running(site) as other:
        await _spend(site, one, number, left=10)
        await _spend(site, other, number, left=5)
        # One that saw the account with enough in between tells it, whoever told it before.
        await _spend(site, other, number, left=50_000)
        await _spend(site, one, number, left=7)
        await box.wait(2)
        await trio.sleep(0.1)
    assert len(box.deliveries) == 2


async def test_an_empty_balance_is_told_in_other_words(site: Site, box: Mailbox) -> None:
    await set_options(site, QuotaRemindThreshold=0)
    number = await _user(site, "anna")
    async with _running(site) as reminder:
        await _spend(site, reminder, number, left=0)
        (mail,) = await box.wait(1)
    assert mail.message["Subject"] == "One API: your quota is used up"


async def test_nobody_without_an_address_or_banned_is_written_to(site: Site, box: Mailbox) -> None:
    number = await _user(site, "anna")
    await site.root.call("POST", "/api/user/manage", json={"username": "anna", "action": "disable"})
    async with _running(site) as reminder:
        await _spend(site, reminder, number, left=1)
        await _spend(site, reminder, 1, left=1)
    assert box.deliveries == []


async def test_a_reminder_is_in_the_owner_s_language_else_in_the_site_s(site: Site, box: Mailbox) -> None:
    await set_options(site, QuotaRemindThreshold=1000, DefaultLanguage="zh")
    first, second = await _user(site, "anna"), await _user(site, "bert")
    await choose_looks(site.services, second, {"lang": "en"})
    async with _running(site) as reminder:
        await _spend(site, reminder, first, left=10)
        await _spend(site, reminder, second, left=10)
        mails = {mail.to[0]: mail for mail in await box.wait(2)}
    assert mails["anna@example.com"].message["Subject"] == "One API 额度即将用尽"
    assert "0.000020 额度" in mails["anna@example.com"].text
    assert mails["bert@example.com"].message["Subject"] == "One API: your quota is running low"


async def test_an_unlimited_account_never_has_little(site: Site, box: Mailbox) -> None:
    free, poor = await _user(site, "anna"), await _user(site, "bert")
    await site.services.database.write(lambda conn: set_unlimited(conn, free, True, now_ms=1))
    async with _running(site) as reminder:
        await _spend(site, reminder, free, left=0)
        await _spend(site, reminder, poor, left=0)
        assert [mail.to for mail in await box.wait(1)] == [["bert@example.com"]]
