"""Telling root."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from gateway.channels.probe import Order, Prober
from gateway.notify.root import RootNotifier
from tests.identity.conftest import set_options
from tests.management.site import Site
from tests.support.mailbox import Mailbox
from tests.support.provider import failure, provider
from tests.support.third_parties import ThirdParties


@asynccontextmanager
async def _running(site: Site) -> AsyncIterator[RootNotifier]:
    notifier = RootNotifier(site.services, site.outside)
    async with trio.open_nursery() as nursery:
        await nursery.start(notifier.run)
        yield notifier
        await notifier.aclose()
        nursery.cancel_scope.cancel()


async def _give_root_an_address(site: Site) -> None:
    body = {"id": 1, "username": "root", "display_name": "Root", "email": "root@example.com"}
    await site.root.call("PUT", "/api/user/", json=body)


async def test_message_pusher_is_told_where_there_is_one(site: Site, others: ThirdParties, box: Mailbox) -> None:
    await _give_root_an_address(site)
    await set_options(site, MessagePusherAddress=f"{others.url}/push", MessagePusherToken="push-token")
    async with _running(site) as notifier:
        notifier.tell_root("channel a#1 was switched off", "it answered 401")
    assert others.pushes == [
        {
            "title": "channel a#1 was switched off",
            "description": "it answered 401",
            "content": "it answered 401",
            "token": "push-token",
        }
    ]
    assert box.deliveries == []


async def test_a_mail_goes_out_when_there_is_no_message_pusher_or_it_refuses(
    site: Site, others: ThirdParties, box: Mailbox
) -> None:
    await _give_root_an_address(site)
    async with _running(site) as notifier:
        notifier.tell_root("first", "one")
        await box.wait(1)
        others.pusher_refuses = True
        await set_options(site, MessagePusherAddress=f"{others.url}/push")
        notifier.tell_root("second", "two")
        await box.wait(2)
    assert [(mail.to, mail.message["Subject"]) for mail in box.deliveries] == [
        (["root@example.com"], "One API: first"),
        (["root@example.com"], "One API: second"),
    ]
    assert site.notes.named("notify.push_failed") == ["wrong token"]


async def test_the_same_thing_is_told_once_an_hour(site: Site, others: ThirdParties) -> None:
    await set_options(site, MessagePusherAddress=f"{others.url}/push")
    async with _running(site) as notifier:
        for subject in ("a fails", "b fails", "a fails"):
            notifier.tell_root(subject, "again")
    assert [push["title"] for push in others.pushes] == ["a fails", "b fails"]


async def test_nobody_to_tell_is_reported_and_counted(site: Site) -> None:
    async with _running(site) as notifier:
        notifier.tell_root("a fails", "again")
    assert notifier.left_out == 1
    assert site.notes.named("notify.unsent") == ["root is not told of “a fails”: root has no e-mail address"]
    notifier.tell_root("after the end", "too late")
    assert notifier.left_out == 2


async def test_a_test_that_fails_is_told_and_one_that_proves_a_bad_key_switches_off(
    site: Site, others: ThirdParties
) -> None:
    await set_options(site, MessagePusherAddress=f"{others.url}/push")
    async with provider() as mock, _running(site) as notifier:
        body = {"type": 1, "key": "k", "models": "m", "group": "default", "base_url": mock.url}
        await site.root.call("POST", "/api/channel/", json={**body, "name": "weak"})
        prober = Prober(site.services, notifier=notifier)
        async with trio.open_nursery() as nursery:
            await nursery.start(prober.run)
            mock.standing(failure(500))
            prober.begin(Order.TEST_ALL)
            await others.wait(others.pushes, 1)
            await set_options(site, AutomaticDisableChannelEnabled="true")
            mock.standing(failure(401))
            await _again(prober)
            await others.wait(others.pushes, 2)
            nursery.cancel_scope.cancel()
    assert [push["title"] for push in others.pushes] == [
        "channel weak#1 fails its test",
        "channel weak#1 is switched off",
    ]
    assert (await site.root.call("GET", "/api/channel/1"))["status"] == 3


async def _again(prober: Prober) -> None:
    """Ask for another round once the one before has ended."""
    from gateway.accounts.refusals import Refused

    with trio.fail_after(10):
        while True:
            try:
                prober.begin(Order.TEST_ALL)
                return
            except Refused:
                await trio.sleep(0.01)
