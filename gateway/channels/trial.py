"""Testing a channel: one short question, within a limit; also a channel that is not saved yet."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import trio

from adapters.providers.urls import UrlError
from gateway.accounts.refusals import Refused
from gateway.channels.answer import Seen
from gateway.channels.edits import LABELS, ChannelEdit, check_edit
from gateway.channels.question import LONGEST_TEXT, Outcome, Wish, ask, best_to_test, limit_s
from gateway.channels.secrets import read_config, with_kept_secrets, without_secrets
from gateway.observe.redact import Redactor, without_key
from gateway.registry.snapshot import make_snapshot
from gateway.relay.errors import UpstreamFailed
from gateway.relay.retry import effect_of
from storage.records import Channel
from storage.repositories.relay_reads import RegistryRows

if TYPE_CHECKING:
    from gateway.registry.options import Options
    from gateway.registry.snapshot import ChannelView
    from gateway.services import Services

_REDACTOR = Redactor()


async def measured(services: Services, view: ChannelView, wish: Wish) -> Outcome:
    """Ask a channel, and return how it went and how long it took. Nothing is noted."""
    most_s = limit_s(services, view, wish.model)
    seen = Seen()
    try:
        with trio.fail_after(most_s):
            result = await ask(services, view, wish, seen)
    except (UpstreamFailed, trio.TooSlowError, UrlError) as error:
        result = Outcome(
            passed=False,
            text=f"the provider did not answer within {most_s:.0f} s"
            if isinstance(error, trio.TooSlowError)
            else _masked(view, str(error))[:LONGEST_TEXT],
            model=wish.model,
            seconds=0.0,
            may_disable=isinstance(error, UpstreamFailed) and effect_of(error).may_disable,
            status=seen.status,
            first_s=seen.first_s,
            format=wish.format,
            streams=wish.streams,
            body=_masked(view, seen.body.decode(errors="replace").strip()),
        )
    return replace(result, seconds=time.monotonic() - seen.started)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a test says of a channel that is enabled."""

    is_bad: bool
    why: str = ""
    would_disable: bool = False
    """A round of tests switches it off for that, where the operator allows it."""
    is_allowed: bool = False
    """The operator does."""

    @property
    def disables(self) -> bool:
        """Whether a round of tests switches the channel off."""
        return self.would_disable and self.is_allowed


def verdict_on(options: Options, outcome: Outcome) -> Verdict:
    """Return what an outcome means: it failed, or it took longer than is allowed."""
    limit_s = float(options.number("ChannelDisableThreshold")) or math.inf
    is_slow = outcome.passed and outcome.seconds > limit_s
    return Verdict(
        is_bad=is_slow or not outcome.passed,
        why=f"took {outcome.seconds:.1f} s, the limit is {limit_s:g} s" if is_slow else outcome.text,
        would_disable=is_slow or outcome.may_disable,
        is_allowed=options.flag("AutomaticDisableChannelEnabled"),
    )


def _masked(view: ChannelView, text: str) -> str:
    return _REDACTOR.text(without_key(text, view.key))


async def try_out(services: Services, edit: ChannelEdit, stored: Channel | None, wish: Wish | None = None) -> Outcome:
    """Test what is typed into a form, before it is saved. Raises `Refused`.

    A stored key goes only to where it is stored for: whoever may edit a channel could else have it sent anywhere.
    """
    check_edit(services, edit)
    typed = (edit.key or "").strip().splitlines()
    if not typed and stored is None:
        raise Refused("a channel needs a key")
    if not typed and stored is not None and _leads_elsewhere(edit, stored):
        raise Refused("type the key again to test another address with it")
    channel = stored or Channel(id=0)
    values = {field.name: getattr(edit, field.name) for field in fields(edit) if field.name not in LABELS}
    given = {name: value for name, value in values.items() if value is not None and name != "key"}
    if edit.config:
        given["config"] = with_kept_secrets(edit.config, channel.config)
    channel = replace(channel, **given, key=typed[0] if typed else channel.key)
    rows = RegistryRows(channels=[channel], abilities=[], options={})
    snapshot = make_snapshot(rows, options=services.registry.current.options, catalogue=services.catalogue)
    view = snapshot.channels.get(channel.id)
    if view is None or not view.models:
        raise Refused("; ".join(snapshot.problems) or "the channel has no models")
    asked = channel.testing_model if channel.testing_model in view.models else best_to_test(services, view)
    wanted = wish or Wish()
    return await measured(services, view, replace(wanted, model=wanted.model or asked or view.models[0]))


def _leads_elsewhere(edit: ChannelEdit, stored: Channel) -> bool:
    """Whether anything differs that may decide where a request goes: regions and resources make addresses, too."""
    config, before = (without_secrets(read_config(text or "")) for text in (edit.config, stored.config))
    return (
        (edit.base_url is not None and edit.base_url.rstrip("/") != stored.base_url.rstrip("/"))
        or (edit.type is not None and edit.type != stored.type)
        or (edit.config is not None and config != before)
    )
