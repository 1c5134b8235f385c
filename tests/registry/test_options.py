"""Options: defaults, what may be stored, and what becomes of what cannot be read."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gateway.registry.option_specs import OPTION_SPECS
from gateway.registry.options import OptionError, Options


def test_every_default_may_be_stored() -> None:
    options = Options.from_rows({})
    for spec in OPTION_SPECS.values():
        if not spec.needs:
            options.accept(spec.key, spec.default)
        assert options.text(spec.key) == spec.default
    assert options.problems == ()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("RetryTimes", "three"),
        ("RetryTimes", ""),
        ("RetryTimes", "-1"),
        ("RetryTimes", "--3"),
        ("RetryTimes", "²"),
        ("RetryTimes", "9" * 400),
        ("QuotaForNewUser", "1.5"),
        ("QuotaPerUnit", "0"),
        ("QuotaPerUnit", "NaN"),
        ("QuotaPerUnit", "1e99"),
        ("ChannelDisableThreshold", "Infinity"),
        ("RegisterEnabled", "True"),
        ("Theme", "neon"),
        ("GroupRatio", "{"),
        ("GroupRatio", "[]"),
        ("GroupRatio", '{"vip": "1"}'),
        ("GroupRatio", '{"vip": true}'),
        ("GroupRatio", '{"vip": -1}'),
        ("GroupRatio", '{"vip": NaN}'),
        ("GroupRatio", '{"": 1}'),
        ("GroupRatio", '{"a,b": 1}'),
        ("SMTPPort", "70000"),
        ("", "x"),
        ("NoSuchOption", "x"),
    ],
)
def test_nonsense_is_refused(key: str, value: str) -> None:
    with pytest.raises(OptionError):
        Options.from_rows({}).accept(key, value)


@pytest.mark.parametrize(
    ("switch", "needs"),
    [
        ("GitHubOAuthEnabled", "GitHubClientId"),
        ("WeChatAuthEnabled", "WeChatServerAddress"),
        ("TurnstileCheckEnabled", "TurnstileSiteKey"),
    ],
)
def test_a_switch_waits_for_what_it_needs(switch: str, needs: str) -> None:
    with pytest.raises(OptionError, match="please fill in"):
        Options.from_rows({}).accept(switch, "true")
    Options.from_rows({}).accept(switch, "false")
    Options.from_rows({needs: "given"}).accept(switch, "true")


def test_stored_nonsense_counts_as_the_default_and_is_named() -> None:
    options = Options.from_rows({"RetryTimes": "x", "GroupRatio": "{", "Notice": "hello"})
    assert options.integer("RetryTimes") == 0
    assert options.group_ratio == {"default": 1, "svip": 1, "vip": 1}
    assert options.text("Notice") == "hello"
    assert [problem.split()[0] for problem in options.problems] == ["RetryTimes", "GroupRatio"]


def test_only_the_exact_word_is_on() -> None:
    assert Options.from_rows({"RegisterEnabled": "true"}).flag("RegisterEnabled")
    for text in ("True", "1", "", "yes"):
        assert not Options.from_rows({"RegisterEnabled": text}).flag("RegisterEnabled")


def test_ratios_are_exact_and_keep_their_order() -> None:
    options = Options.from_rows({"GroupRatio": '{"vip": 0.1, "default": 1}'})
    assert list(options.group_ratio.items()) == [("vip", Decimal("0.1")), ("default", Decimal(1))]


def test_the_list_has_no_secret_and_the_rarer_ones_only_once_written() -> None:
    secrets = {key for key, spec in OPTION_SPECS.items() if spec.secret}
    assert {"SMTPToken", "GitHubClientSecret", "TurnstileSecretKey"} <= secrets
    rows = dict.fromkeys(secrets, "hush") | {"OidcClientId": "id", "FromAnotherProgramToken": "hush", "Odd": "x"}
    listed = dict(Options.from_rows(rows).listing())
    assert "hush" not in listed.values()
    assert (listed["OidcClientId"], listed["Odd"]) == ("id", "x")
    assert "OidcClientId" not in dict(Options.from_rows({}).listing())


def test_money_is_written_as_logs_show_it() -> None:
    assert Options.from_rows({}).money(1) == "＄0.000002 quota"  # noqa: RUF001
    assert Options.from_rows({"QuotaPerUnit": "250000"}).money(250_000) == "＄1.000000 quota"  # noqa: RUF001
    assert Options.from_rows({"DisplayInCurrencyEnabled": "false"}).money(7) == "7 point quota"


def test_the_address_of_the_site_ends_without_a_slash() -> None:
    assert Options.from_rows({}).server_address == "http://localhost:3000"
    assert Options.from_rows({"ServerAddress": "https://gate.example/"}).server_address == "https://gate.example"
