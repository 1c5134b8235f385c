"""Who calls: one person of each role, with what they show, and how they come back after losing it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

import requests

RoleName = Literal["guest", "user", "admin", "root"]
ORDER: tuple[RoleName, ...] = ("guest", "user", "admin", "root")
PASSWORD = "password123"
ROOT_TOKEN = "0123456789abcdef0123456789abcdef"
CALL_LIMIT_S = 30.0


@dataclass
class Actor:
    """Somebody of a role. Users show a session cookie, administrators and root an access token."""

    url: str
    role: RoleName
    session: requests.Session = field(default_factory=requests.Session)
    access_token: str = ""
    api_token: str = ""
    number: int = 0
    _names: Any = field(default_factory=count)

    def __post_init__(self) -> None:
        self.session.trust_env = False
        if self.role == "root":
            self.access_token = ROOT_TOKEN
            self.number = 1
        self.come_back()

    def may(self, required: str) -> bool:
        """Whether an operation is for this role."""
        if required in ("anybody", "key"):
            return required == "anybody" or self.role != "guest"
        return ORDER.index(self.role) >= ORDER.index(required)

    def headers(self, required: str) -> dict[str, str]:
        """What is shown to an operation of this kind, besides the session."""
        if required == "key":
            return {"Authorization": f"Bearer {self.api_token}"} if self.api_token else {}
        return {"Authorization": self.access_token} if self.access_token else {}

    def come_back(self) -> None:
        """Have an account again, a session or an access token, and an API token: whatever was lost."""
        if self.role == "guest":
            return
        if not self._is_known():
            self._arrive()
        if not self.api_token or self._call("GET", "/v1/models", as_key=True).status_code != 200:
            made = self._call("POST", "/api/token/", json={"name": "t", "unlimited_quota": True, "expired_time": -1})
            self.api_token = made.json()["data"]["key"]

    def _is_known(self) -> bool:
        if self.role == "user" and not self.session.cookies:
            return False
        if self.role != "user" and not self.access_token:
            return False
        return self._call("GET", "/api/user/self").status_code == 200

    def _arrive(self) -> None:
        assert self.role != "root", "root cannot be deleted, and its new access token was read"
        root = RootsHand(self.url)
        name = f"{self.role}{next(self._names)}"
        self.number = root.make_account(name, is_admin=self.role == "admin")
        self.session.cookies.clear()
        self.access_token = ""
        self._call("POST", "/api/user/login", json={"username": name, "password": PASSWORD})
        if self.role == "admin":
            self.access_token = self._call("GET", "/api/user/token").json()["data"]
            self.session.cookies.clear()

    def _call(self, method: str, path: str, *, as_key: bool = False, **arguments: Any) -> requests.Response:
        headers = self.headers("key" if as_key else self.role)
        return self.session.request(method, self.url + path, headers=headers, timeout=CALL_LIMIT_S, **arguments)


@dataclass
class RootsHand:
    """What root does behind the scenes, with the access token that the gateway was started with."""

    url: str
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.trust_env = False
        self.session.headers["Authorization"] = ROOT_TOKEN

    def call(self, method: str, path: str, **arguments: Any) -> Any:
        """Make a call that must succeed and return its data."""
        answer = self.session.request(method, self.url + path, timeout=CALL_LIMIT_S, **arguments)
        body = answer.json()
        assert body["success"] is True, (method, path, body)
        return body.get("data")

    def make_account(self, name: str, *, is_admin: bool) -> int:
        """Make an account with plenty of quota; return its number."""
        self.call("POST", "/api/user/", json={"username": name, "password": PASSWORD})
        if is_admin:
            self.call("POST", "/api/user/manage", json={"username": name, "action": "promote"})
        (user,) = self.call("GET", "/api/user/search", params={"keyword": name})
        self.call("POST", "/api/topup", json={"user_id": user["id"], "quota": 10**12})
        return int(user["id"])
