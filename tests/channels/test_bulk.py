"""Changes to many channels: all that can have them get them, the others are told of, and all of it can be undone."""

from __future__ import annotations

import pytest

from gateway.accounts.refusals import NotFound, Refused
from gateway.audit.author import Author
from gateway.channels import bulk, changes, edits, labels
from gateway.channels.edits import ChannelEdit
from storage.records import Channel, ChannelStatus
from storage.repositories.channel_lists import WantedChannels
from tests.management.conftest import site, site_everywhere, sqlite
from tests.management.site import Site

__all__ = ["site", "site_everywhere", "sqlite"]

ROOT = Author(id=1, username="root", role=100, via="page")


async def make(site: Site, name: str, number: int = 1, **fields: object) -> None:
    values: dict[str, object] = {"type": 1, "models": "m,n", "group": "default", "key": "\n".join("k" * number)}
    await edits.create_channels(site.services, ROOT, ChannelEdit(name=name, **(values | fields)))  # type: ignore[arg-type]


async def stored(site: Site, number: int) -> Channel:
    return await edits.read_channel(site.services, number)


async def test_a_change_of_several_fields_is_undone_to_the_letter(site_everywhere: Site) -> None:
    site = site_everywhere
    await make(site, "a", testing_model="n")
    await make(site, "b", models="x", group="vip", priority=3)
    before = [await stored(site, number) for number in (1, 2)]
    change = changes.copied_from(before[1], ["models", "group", "priority"])
    done = await bulk.change_channels(site.services, ROOT, [1, 2], change)
    assert done.changed == [1]
    after = await stored(site, 1)
    assert (after.models, after.group, after.priority, after.testing_model) == ("x", "vip", 3, None)
    assert await bulk.undo_changes(site.services, ROOT, done.batch) == 1
    back = await stored(site, 1)
    assert (back.models, back.group, back.priority, back.testing_model) == ("m,n", "default", 0, "n")
    assert set(site.services.registry.current.serving) == {("default", "m"), ("default", "n"), ("vip", "x")}
    with pytest.raises(NotFound):
        await bulk.undo_changes(site.services, ROOT, done.batch)


async def test_undoing_leaves_alone_what_somebody_changed_since(site: Site) -> None:
    await make(site, "a", 2)
    done = await bulk.change_channels(site.services, ROOT, [1, 2], changes.to_priority(5))
    await bulk.change_channels(site.services, ROOT, [2], changes.to_priority(7))
    assert await bulk.undo_changes(site.services, ROOT, done.batch) == 1
    assert [(await stored(site, number)).priority for number in (1, 2)] == [0, 7]


async def test_a_channel_that_went_off_by_itself_is_so_again_after_an_undo(site: Site) -> None:
    await make(site, "a", status=ChannelStatus.AUTO_DISABLED)
    done = await bulk.switch_channels(site.services, ROOT, [1], enabled=True)
    assert set(site.services.registry.current.serving) == {("default", "m"), ("default", "n")}
    await bulk.undo_changes(site.services, ROOT, done.batch)
    assert (await stored(site, 1)).status == ChannelStatus.AUTO_DISABLED
    assert site.services.registry.current.serving == {}


async def test_channels_that_cannot_have_a_change_are_told_of_and_the_others_changed(site: Site) -> None:
    await make(site, "a", group="default")
    await make(site, "b", group="default,vip")
    change = changes.without_names("group", ["default"])
    plan = await bulk.plan_change(site.services, [1, 2], change)
    assert [(row.channel.name, bool(row.fault), bool(row.changes)) for row in plan.rows] == [
        ("a", True, False),
        ("b", False, True),
    ]
    done = await bulk.change_channels(site.services, ROOT, [1, 2], change)
    assert (done.changed, [one.name for one in done.failed]) == ([2], ["a"])
    with pytest.raises(Refused):
        await bulk.plan_change(site.services, [1], change)


async def test_a_tag_is_given_taken_away_and_brought_back(site: Site) -> None:
    await make(site, "a", 2)
    first = await bulk.change_channels(site.services, ROOT, [1, 2], changes.to_tag("eu"))
    assert await labels.read_tags(site.services) == {"eu": 2}
    second = await bulk.change_channels(site.services, ROOT, [1], changes.to_tag(""))
    assert await labels.read_tags(site.services) == {"eu": 1}
    await bulk.undo_changes(site.services, ROOT, second.batch)
    assert await labels.read_tags(site.services) == {"eu": 2}
    await bulk.undo_changes(site.services, ROOT, first.batch)
    assert await labels.read_tags(site.services) == {}


async def test_more_than_a_part_is_changed_and_undone(site: Site) -> None:
    await make(site, "a", 120)
    ids = await bulk.matching_ids(site.services, WantedChannels(text="a"))
    done = await bulk.change_channels(site.services, ROOT, ids, changes.to_weight(4))
    assert len(done.changed) == 120
    assert await bulk.undo_changes(site.services, ROOT, done.batch) == 120
    assert {(await stored(site, number)).weight for number in (1, 60, 120)} == {0}
