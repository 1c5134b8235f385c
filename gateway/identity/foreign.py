"""What a third party says of somebody, and how talking to it fails.

ThirdPartyFailed    a `Refused`: the provider cannot be reached, or its answer proves nothing
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.accounts.refusals import Refused

if TYPE_CHECKING:
    from storage.repositories.identities import ForeignId


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignAccount:
    """Somebody whom a third party vouches for."""

    column: ForeignId
    id: str
    username: str = ""
    """What they are called there; empty: they get a name of ours."""
    display_name: str = ""
    email: str = ""
    """Empty, too, when the third party says that it did not verify the address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where the third parties are that have one address for everybody."""

    github_authorize: str = "https://github.com/login/oauth/authorize"
    github_token: str = "https://github.com/login/oauth/access_token"  # noqa: S105 - an address
    github_user: str = "https://api.github.com/user"
    lark_authorize: str = "https://accounts.feishu.cn/open-apis/authen/v1/authorize"
    lark_token: str = "https://open.feishu.cn/open-apis/authen/v2/oauth/token"  # noqa: S105 - an address
    lark_user: str = "https://passport.feishu.cn/suite/passport/oauth/userinfo"
    turnstile: str = "https://challenges.cloudflare.com/turnstile/v0/siteverify"


class ThirdPartyFailed(Refused):
    """The third party did not vouch for anybody."""

    code = "third_party_failed"


def text_of(answer: dict[str, object], *names: str) -> str:
    """Return the first member among `names` that holds a text, or empty."""
    for name in names:
        value = answer.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""
