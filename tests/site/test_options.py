"""Options: what saving would change, who changed what last, groups that are in use, logs that are kept for a while."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import Connection

from gateway.audit.author import PROGRAM
from gateway.registry.options import Options
from gateway.site.groups import Members, group_members
from gateway.site.log_retention import LogRetention
from gateway.site.option_batch import OptionsRefused, set_options
from gateway.site.option_history import last_changes
from gateway.site.option_plan import changes_of, marks_of
from storage.records import LogRow, LogType
from storage.repositories import logs
from storage.repositories.audit import AuditFilter, page
from storage.repositories.rows import Page
from tests.management.conftest import site, site_everywhere, sqlite
from tests.management.site import Site

__all__ = ["site", "site_everywhere", "sqlite"]

CHANNEL = {"type": 1, "name": "x", "key": "k", "models": "m", "group": "default,vip", "base_url": "https://a.example"}
DAY_S = 86_400


def test_what_was_not_touched_keeps_what_somebody_else_stored() -> None:
    begun = Options.from_rows({"Notice": "old", "About": "old"})
    seen = marks_of(begun, ["Notice", "About", "Footer"])
    now = Options.from_rows({"Notice": "theirs", "About": "old"})
    sent = {"Notice": "old", "About": "mine", "Footer": ""}
    (change,) = changes_of(now, sent, seen)
    assert (change.key, change.before, change.after, change.is_conflict) == ("About", "old", "mine", False)


def test_what_both_touched_is_a_conflict() -> None:
    seen = marks_of(Options.from_rows({"Notice": "old"}), ["Notice"])
    (change,) = changes_of(Options.from_rows({"Notice": "theirs"}), {"Notice": "mine"}, seen)
    assert change.is_conflict
    assert changes_of(Options.from_rows({"Notice": "mine"}), {"Notice": "mine"}, seen) == []


async def test_groups_know_their_members_and_cannot_go_while_they_have_any(site_everywhere: Site) -> None:
    site = site_everywhere
    await site.root.call("POST", "/api/channel/", json=CHANNEL)
    members = await group_members(site.services)
    assert members["vip"] == Members(users=0, channels=1)
    assert members["default"].users >= 1
    with pytest.raises(OptionsRefused, match="The group vip is in use"):
        await set_options(site.services, PROGRAM, {"GroupRatio": '{"default": 1, "svip": 1}'})
    await set_options(site.services, PROGRAM, {"GroupRatio": '{"default": 1, "vip": 0.5}'})
    assert list(site.services.registry.current.options.group_ratio) == ["default", "vip"]


async def test_what_is_saved_together_must_fit_together(site: Site) -> None:
    for changes, why in (
        ({"SystemName": "x" * 41}, "1 to 40 characters"),
        ({"RetryTimes": "11"}, "between 0 and 10"),
        ({"PasswordLoginEnabled": "false"}, "no other way to sign in"),
        ({"EmailVerificationEnabled": "true"}, "needs a mail server first"),
    ):
        with pytest.raises(OptionsRefused, match=why):
            await set_options(site.services, PROGRAM, changes)
    await set_options(site.services, PROGRAM, {"EmailVerificationEnabled": "true", "SMTPServer": "mail.example"})
    # One after another, as scripts do it, in any order.
    for key, value in (("PasswordLoginEnabled", "false"), ("RetryTimes", "11"), ("SMTPServer", "")):
        await site.root.call("PUT", "/api/option/", json={"key": key, "value": value})


async def test_several_options_are_one_entry_which_tells_of_each(site_everywhere: Site) -> None:
    site = site_everywhere
    await set_options(site.services, PROGRAM, {"SystemName": "A", "Footer": "f"})
    await set_options(site.services, PROGRAM, {"SystemName": "B"})
    found = await last_changes(site.services, ["SystemName", "Footer", "Notice"])
    assert found.keys() == {"SystemName", "Footer"}
    assert found["SystemName"].entry_id > found["Footer"].entry_id


async def test_old_log_entries_go_once_days_are_set(site_everywhere: Site) -> None:
    site, now = site_everywhere, int(time.time())
    rows = [LogRow(created_at=now - days * DAY_S, type=LogType.CONSUME, quota=1) for days in (0, 5, 9, 30)]

    def fill(conn: Connection) -> None:
        for row in rows:
            logs.add(conn, row, elsewhere=False, now_ms=0)

    await site.services.log_database.write(fill)
    keeper = LogRetention(site.services)
    assert await keeper.tidy() == 0
    await set_options(site.services, PROGRAM, {"LogRetentionDays": "7"})
    assert await keeper.tidy() == 2
    assert await keeper.tidy() == 0
    entries, _total = await site.services.database.read(lambda conn: page(conn, AuditFilter(kind="log"), Page(0, 10)))
    assert [entry.action for entry in entries] == ["log.clear"]
