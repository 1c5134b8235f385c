"""Keys that are made of several things: what their parts are called, and how they become the one text that is stored.

Providers want them in one of three ways: parts divided by `|`, the JSON of an app, or settings of the channel.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from gateway.accounts.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adapters.providers.provider import Provider

_BAR = "|"
COZE: Final = "coze"
BEDROCK: Final = "bedrock"
VERTEX: Final = "vertex"

APP_FIELDS: Final = (
    "client_type",
    "client_id",
    "private_key",
    "public_key_id",
    "coze_www_base",
    "coze_api_base",
)
"""What the JSON of an OAuth app of Coze holds, as their console gives it out."""
_APP_NEEDS = ("client_id", "private_key", "public_key_id")
_APP_DEFAULTS = {
    "client_type": "jwt",
    "coze_www_base": "https://www.coze.com",
    "coze_api_base": "https://api.coze.com",
}
_ACCOUNT_NEEDS = {
    "service_account": ("client_email", "private_key"),
    "authorized_user": ("client_id", "client_secret", "refresh_token"),
}


def parts_of_key(provider: Provider) -> tuple[str, ...]:
    """Return the names of the parts of a provider's key; empty where it is one text, or made of settings."""
    if provider.key_settings or _BAR not in provider.key_format:
        return ()
    return tuple(provider.key_format.split(_BAR))


def joined(names: Sequence[str], parts: Sequence[str]) -> str:
    """Return the key that the parts make, `""` where there is none of them. Raises `Refused` when some are missing.

    Whoever pastes the whole key into the first part means just that.
    """
    given = [part.strip() for part in parts]
    if not any(given):
        return ""
    if given[0].count(_BAR) == len(names) - 1 and not any(given[1:]):
        given = given[0].split(_BAR)
    missing = [name for name, part in zip(names, given, strict=False) if not part]
    if missing or len(given) < len(names):
        raise Refused(f"the key lacks {', '.join(missing or names[len(given) :])}")
    if any(_BAR in part for part in given):
        raise Refused("a part of the key holds a |, which divides its parts")
    return _BAR.join(given)


def app_key(pasted: str, fields: Mapping[str, str]) -> str:
    """Return the JSON of an OAuth app, which was pasted or typed by its fields; `""` where there is neither."""
    if pasted.strip():
        try:
            app: object = json.loads(pasted)
        except ValueError:
            raise Refused("the OAuth app is not JSON") from None
        if not isinstance(app, dict):
            raise Refused("the OAuth app must be a JSON object")
    else:
        app = {name: fields.get(name, "").strip() for name in APP_FIELDS}
        if not any(app[name] for name in _APP_NEEDS):
            return ""
        app = {name: value or _APP_DEFAULTS.get(name, "") for name, value in app.items()}
    missing = [name for name in _APP_NEEDS if not (isinstance(app.get(name), str) and app[name])]
    if missing:
        raise Refused(f"the OAuth app lacks {', '.join(missing)}")
    # One line, since several lines of a key are several channels.
    return json.dumps(app, ensure_ascii=False)


def check_google_account(text: str) -> None:
    """Raise `Refused` for what holds no credentials of Google's that can be used."""
    try:
        account: object = json.loads(text)
    except ValueError as error:
        where = f"{getattr(error, 'lineno', 1)}:{getattr(error, 'colno', 1)}"
        raise Refused(f"the service account is not JSON: look at line and column {where}") from None
    kind = account.get("type") if isinstance(account, dict) else None
    if not isinstance(account, dict) or kind not in _ACCOUNT_NEEDS:
        raise Refused(f"the service account must be a JSON object of type {' or '.join(_ACCOUNT_NEEDS)}")
    missing = [name for name in _ACCOUNT_NEEDS[str(kind)] if not account.get(name)]
    if missing:
        raise Refused(f"the service account lacks {', '.join(missing)}")


def key_of_settings(provider: Provider, config: Mapping[str, object]) -> str:
    """Return the key that a channel's settings make, `""` where they do not; the settings are what counts."""
    if not provider.key_settings:
        return ""
    values = [str(config.get(name) or "").replace("\n", " ") for name in provider.key_settings]
    if provider.platform == VERTEX:
        # Without an account the credentials of the machine serve; region and project still make a key.
        return _BAR.join(values) if values[1] else ""
    return _BAR.join(values) if all(values) else ""


AWS_REGIONS: Final = (
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "af-south-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
)
"""Where Bedrock is (https://docs.aws.amazon.com/general/latest/gr/bedrock.html)."""
