"""Channels: make, change, find, remove, test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from gateway.accounts.refusals import Refused
from gateway.channels import edits, removal
from gateway.channels.balances import update_balance
from gateway.channels.labels import LONGEST_NOTE, LONGEST_TAG, read_labels
from gateway.channels.probe import Order
from gateway.management import answers, shapes
from gateway.management.contract import NAMED, Answer, Area, Body
from gateway.management.guard import author, for_role
from gateway.management.payloads import Int64, Payload, number_in_path
from gateway.management.queries import ChannelType, Listing, Query, Search, StatusOnly, Text, integer
from gateway.management.shown.channels import Balance, ChannelDefaults, ChannelObject, TestResult
from gateway.management.shown.envelope import Data, Done, Paged
from storage.records import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quart import Blueprint, Response

    from gateway.channels.probe import Prober
    from gateway.services import Services
    from storage.records import Channel


class ChannelPayload(Payload):
    """What an administrator may write; counters and times cannot be chosen."""

    id: Int64 = Field(0, description="Which channel, where one is changed.")
    type: Int64 | None = Field(None, description="The provider, by its number; see `GET /api/models`.", examples=[1])
    key: str | None = Field(
        None,
        description="The provider's key; each line makes a channel, or with `keys_in_turn` one of its keys.",
        examples=["sk-…"],
    )
    status: Int64 | None = Field(None, description="1 enabled, 2 disabled by hand.")
    name: str | None = Field(None, examples=["OpenAI"])
    weight: Int64 | None = Field(None, description="How often it is chosen among channels of equal priority.")
    base_url: str | None = Field(None, description="The type's own without it.", examples=["https://api.openai.com"])
    other: str | None = None
    models: str | None = Field(None, description="Separated by commas.", examples=["gpt-4o,gpt-4o-mini"])
    model_configs: str | None = Field(None, description="Prices that differ from the defaults, as JSON text.")
    group: str | None = Field(None, description="Groups it serves, separated by commas.", examples=["default"])
    model_mapping: str | None = Field(None, description="Names that models have at the provider, as JSON text.")
    priority: Int64 | None = Field(None, description="A higher one is always chosen first.")
    config: str | None = Field(None, description="Settings of the provider's type, as JSON text.")
    system_prompt: str | None = None
    ratelimit: Int64 | None = Field(None, description="Requests per three minutes for each API token; 0 no limit.")
    testing_model: str | None = None
    model_ratio: str | None = Field(None, description="Obsolete.")
    completion_ratio: str | None = Field(None, description="Obsolete.")
    inference_profile_arn_map: str | None = Field(None, description="For AWS, as JSON text.")
    tag: str | None = Field(None, description=f"To find several by; up to {LONGEST_TAG} characters.")
    note: str | None = Field(None, description=f"For people; up to {LONGEST_NOTE} characters.")

    keys_in_turn: bool | None = Field(
        None, description="When a channel is made: one channel that uses all lines of `key` in turn."
    )

    def edit(self) -> edits.ChannelEdit:
        """Return it as the service takes it."""
        return edits.ChannelEdit(**self.model_dump(exclude={"id", "keys_in_turn"}))


class TestedModel(Query):
    """With which model to test."""

    __test__ = False  # the name is the domain's, not pytest's

    model: Text = Field("", description="The testing model or the cheapest without it.")


class TestScope(Query):
    """Which channels to test."""

    __test__ = False  # the name is the domain's, not pytest's

    scope: Text = Field("", description="`disabled` for those that were disabled automatically, else all.")


def blueprint(services: Services, prober: Prober) -> Blueprint:
    """Return the routes."""
    area = Area("channels", "Channels")
    _edits(area, services)
    _tests(area, services, prober)
    return area.blueprint


def _edits(area: Area, services: Services) -> None:
    most = services.settings.max_items_per_page
    admins = for_role(Role.ADMIN)

    @area.on("GET", "/api/channel/", admins, Answer(Paged[ChannelObject], can_refuse=False), asks=Listing)
    async def list_channels(asked: Listing) -> Response:
        """List channels, without their keys."""
        rows, total = await edits.list_channels(services, asked.page(most), asked.sorting())
        return answers.page(await _shown(services, rows), total)

    @area.on(
        "GET",
        "/api/channel/search",
        admins,
        Answer(Data[list[ChannelObject]] | Paged[ChannelObject], can_refuse=False),
        asks=Search,
    )
    async def search_channels(asked: Search) -> Response:
        """List channels by number, or by how the name begins.

        All of them, unless `p` or `size` is given.
        """
        page = asked.page_if_named(most)
        rows, total = await edits.search_channels(services, asked.keyword, asked.sorting(), page)
        shown = await _shown(services, rows)
        return answers.data(shown) if page is None else answers.page(shown, total)

    @area.on("GET", "/api/channel/metadata", admins, Answer(Data[ChannelDefaults]), asks=ChannelType)
    async def channel_defaults(asked: ChannelType) -> Response:
        """Return what a new channel of a type begins with."""
        text = asked.type
        if not text:
            raise Refused("type is required")
        if not text.lstrip("-").isdigit():
            raise Refused("invalid type")
        provider = services.catalogue.provider(integer(text))
        return answers.data({"default_base_url": provider.base_url if provider else ""})

    @area.on("GET", "/api/channel/<channel_id>", admins, Answer(Data[ChannelObject]))
    async def read_channel(channel_id: str) -> Response:
        """Return a channel, without its key."""
        channel = await edits.read_channel(services, number_in_path(channel_id))
        return answers.data((await _shown(services, [channel]))[0])

    @area.on("POST", "/api/channel/", admins, Answer(Done), takes=Body(ChannelPayload, NAMED))
    async def create_channels(sent: ChannelPayload) -> Response:
        """Make a channel for each line of `key`, or one that uses them in turn.

        `name` and `key` are required. `keys_in_turn` is ours: the original program has no such member.
        """
        await edits.create_channels(services, author(), sent.edit(), in_turn=bool(sent.keys_in_turn))
        return answers.done()

    @area.on(
        "PUT",
        "/api/channel/",
        admins,
        Answer(Data[ChannelObject] | Done),
        takes=Body(ChannelPayload, NAMED),
        asks=StatusOnly,
    )
    async def update_channel(sent: ChannelPayload, asked: StatusOnly) -> Response:
        """Change a channel.

        `type`, `key`, `status`, `name`, `models`, `group` and `config` keep their value when they are zero, empty or
        missing; the other members are written when they are there, even empty. `tag` and `note` are ours: the
        original program has no such members.
        """
        if asked.status_only:
            await edits.switch_channel(services, author(), sent.id, sent.status or 0)
            return answers.done()
        changed = await edits.update_channel(services, author(), sent.id, sent.edit())
        return answers.data((await _shown(services, [changed]))[0])

    @area.on("DELETE", "/api/channel/disabled", admins, Answer(Data[int], can_refuse=False))
    async def delete_disabled_channels() -> Response:
        """Delete all channels that are disabled, and return how many."""
        return answers.data(len((await removal.remove_disabled(services, author())).channels))

    @area.on("DELETE", "/api/channel/<channel_id>", admins, Answer(Done))
    async def delete_channel(channel_id: str) -> Response:
        """Delete a channel."""
        await removal.remove_channel(services, author(), number_in_path(channel_id))
        return answers.done()


async def _shown(services: Services, rows: Sequence[Channel]) -> list[object]:
    labels = await read_labels(services, [row.id for row in rows])
    return [shapes.channel(row, labels[row.id]) for row in rows]


def _tests(area: Area, services: Services, prober: Prober) -> None:
    changing = for_role(Role.ADMIN, changes=True)

    @area.on("GET", "/api/channel/test/<channel_id>", changing, Answer(TestResult), asks=TestedModel)
    async def test_channel(asked: TestedModel, channel_id: str) -> Response:
        """Ask a channel for a short answer, and tell how it went."""
        result = await prober.test(number_in_path(channel_id), model=asked.model)
        return answers.as_json(
            {
                "success": result.passed,
                "message": result.text,
                "modelName": result.model,
                "time": round(result.seconds, 3) if result.passed else 0,
            }
        )

    @area.on("GET", "/api/channel/test", changing, Answer(Done), asks=TestScope)
    async def test_channels(asked: TestScope) -> Response:
        """Begin to test channels in the background."""
        prober.begin(Order.TEST_DISABLED if asked.scope == "disabled" else Order.TEST_ALL)
        return answers.done()

    @area.on("DELETE", "/api/channel/test", for_role(Role.ADMIN), Answer(Done))
    async def stop_tests() -> Response:
        """Break off tests that were begun in the background."""
        prober.stop()
        return answers.done()

    @area.on("GET", "/api/channel/update_balance/<channel_id>", changing, Answer(Balance))
    async def update_channel_balance(channel_id: str) -> Response:
        """Ask a channel's provider how much is left."""
        amount = await update_balance(services, number_in_path(channel_id))
        return answers.as_json({"success": True, "message": "", "balance": float(amount)})

    @area.on("GET", "/api/channel/update_balance", changing, Answer(Done))
    async def update_balances() -> Response:
        """Begin to ask all channels' providers how much is left, in the background."""
        prober.begin(Order.BALANCES)
        return answers.done()
