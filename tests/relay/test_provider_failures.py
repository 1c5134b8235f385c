"""What each kind of provider says when it fails, and what becomes of the request and of the channel.

Rate limits, keys that are refused, accounts that cannot pay, and faults of the provider: told by a status, hidden in an
answer of status 200, or as the first event of a stream.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import trio

from adapters.providers.catalogue import load_catalogue
from tests.relay.harness import answer, plane
from tests.relay.views import channel
from tests.support.dialects.said import Said
from tests.support.dialects.stage import Body, Socket, Stage
from tests.support.dialects.table import SPEAKERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.transport.types import UpstreamRequest
    from gateway.registry.snapshot import ChannelView
    from tests.relay.harness import Plane

CATALOGUE = load_catalogue()
KEYS = {
    "baidu": "id|secret",
    "tencent": "1|id|secret",
    "xunfei": "app|secret|key",
    "zhipu": "id.a-secret-of-some-length",
}
JSON, EVENTS = "application/json", "text/event-stream"
RATE_S, SERVER_S, ACCOUNT_S = 60, 30, 60


class Case(NamedTuple):
    """One failure of one provider, and what it comes to."""

    provider: str
    status: int
    body: object
    told: int
    rests_s: int
    """How long the channel is not asked."""
    disabled: bool = False
    words: str = ""
    model: str = "m"
    kind: str = JSON


def openai(message: str, **members: object) -> dict[str, object]:
    return {"error": {"message": message, **members}}


def ali(code: str, message: str = "no") -> dict[str, str]:
    return {"code": code, "message": message, "request_id": "r"}


def tencent(code: str, message: str = "no") -> dict[str, object]:
    return {"Response": {"Error": {"Code": code, "Message": message}, "RequestId": "r"}}


def minimax(code: int, message: str = "no") -> dict[str, object]:
    return {"id": "x", "choices": None, "base_resp": {"status_code": code, "status_msg": message}}


CASES = [
    # OpenAI's form, told by the status
    Case("groq", 429, openai("slow down"), 429, RATE_S),
    Case("groq", 401, openai("Invalid API Key", code="invalid_api_key"), 401, ACCOUNT_S, True),
    Case("moonshot", 403, openai("x", type="exceeded_current_quota_error"), 403, ACCOUNT_S),
    Case("siliconflow", 403, {"code": 30001, "message": "Sorry, your account balance is insufficient"}, 403, ACCOUNT_S, True),
    Case("openrouter", 402, openai("Insufficient credits", code=402), 402, ACCOUNT_S, True),
    Case("mistral", 500, {"message": "oops", "type": "internal"}, 500, SERVER_S),
    Case("baiduv2", 502, "<html>Bad Gateway</html>", 502, SERVER_S, kind="text/html"),
    Case("groq", 400, openai("bad request"), 400, 0),
    Case("groq", 404, openai("no such model"), 404, 0),
    # hidden in an answer
    Case("minimax", 200, minimax(1002), 429, RATE_S),
    Case("minimax", 200, minimax(1039), 429, RATE_S),
    Case("minimax", 200, minimax(1004), 401, ACCOUNT_S, True),
    Case("minimax", 200, minimax(1008, "insufficient balance"), 402, ACCOUNT_S, True),
    Case("minimax", 200, minimax(1000), 500, SERVER_S),
    Case("minimax", 200, minimax(1026), 400, 0),
    Case("cloudflare", 200, {"success": False, "result": None, "errors": [{"code": 5006, "message": "x"}]}, 502, SERVER_S),
    Case("cloudflare", 401, {"success": False, "errors": [{"code": 10000, "message": "Authentication error"}]}, 401, ACCOUNT_S, True),
    # Google
    Case("geminiopenaicompatible", 429, [openai("quota", code=429, status="RESOURCE_EXHAUSTED")], 429, RATE_S),
    Case("geminiopenaicompatible", 400, [openai("API key not valid. Please pass a valid API key.", code=400)], 400, ACCOUNT_S, True),
    Case("gemini", 400, openai("API key expired. Please renew the API key.", code=400), 400, ACCOUNT_S, True),
    Case("gemini", 503, openai("overloaded", code=503), 503, SERVER_S),
    Case("palm", 403, openai("denied", code=403), 403, ACCOUNT_S),
    # wires of their own
    Case("ali", 429, ali("Throttling.RateQuota"), 429, RATE_S),
    Case("ali", 200, ali("Throttling"), 429, RATE_S),
    Case("ali", 401, ali("InvalidApiKey", "Invalid API-key provided."), 401, ACCOUNT_S, True),
    Case("ali", 200, ali("InvalidApiKey"), 401, ACCOUNT_S, True),
    Case("ali", 200, ali("Arrearage", "账号已欠费"), 403, ACCOUNT_S, True),
    Case("ali", 200, ali("InternalError.Timeout"), 500, SERVER_S),
    Case("ali", 200, ali("DataInspectionFailed"), 400, 0),
    Case("ali", 200, ali("SomethingNew"), 502, SERVER_S),
    Case("baidu", 200, {"error_code": 18, "error_msg": "Open api qps request limit reached"}, 429, RATE_S),
    Case("baidu", 200, {"error_code": 336501, "error_msg": "Rate limit reached for RPM"}, 429, RATE_S),
    Case("baidu", 200, {"error_code": 110, "error_msg": "Access token invalid"}, 401, ACCOUNT_S, True),
    Case("baidu", 200, {"error_code": 17, "error_msg": "Open api daily request limit reached"}, 403, ACCOUNT_S),
    Case("baidu", 200, {"error_code": 336000, "error_msg": "Internal error"}, 500, SERVER_S),
    Case("baidu", 200, {"error_code": 336003, "error_msg": "the length must be odd"}, 400, 0),
    Case("tencent", 200, tencent("RequestLimitExceeded"), 429, RATE_S),
    Case("tencent", 200, tencent("AuthFailure.SecretIdNotFound"), 401, ACCOUNT_S, True),
    Case("tencent", 200, tencent("ResourceUnavailable.InArrears", "账号已欠费"), 403, ACCOUNT_S, True),
    Case("tencent", 200, tencent("InternalError"), 500, SERVER_S),
    Case("tencent", 200, tencent("InvalidParameterValue.Model"), 400, 0),
    Case("xunfei", 200, {"header": {"code": 11202, "message": "AppIdQpsOverFlow", "sid": "s"}}, 429, RATE_S),
    Case("xunfei", 200, {"header": {"code": 11200, "message": "AppIdNoAuthError", "sid": "s"}}, 403, ACCOUNT_S),
    Case("xunfei", 200, {"header": {"code": 10110, "message": "busy", "sid": "s"}}, 503, SERVER_S),
    Case("xunfei", 200, {"header": {"code": 10013, "message": "unfit", "sid": "s"}}, 400, 0),
    Case("zhipu", 200, {"code": 1302, "msg": "too many", "success": False}, 429, RATE_S, model="chatglm_pro"),
    Case("zhipu", 200, {"code": 1002, "msg": "bad token", "success": False}, 401, ACCOUNT_S, True, model="chatglm_pro"),
    Case("zhipu", 200, {"code": 1113, "msg": "您的账户已欠费", "success": False}, 403, ACCOUNT_S, True, model="chatglm_pro"),
    Case("zhipu", 429, openai("您的账户已达到速率限制", code="1302"), 429, RATE_S, model="glm-4"),
    Case("zhipu", 401, openai("令牌已过期或验证不正确", code="401"), 401, ACCOUNT_S, True, model="glm-4"),
    Case("cohere", 429, {"message": "You are using a Trial key"}, 429, RATE_S),
    Case("cohere", 401, {"message": "invalid api token"}, 401, ACCOUNT_S, True),
    Case("cohere", 200, {"message": "internal error"}, 502, SERVER_S),
    Case("coze", 200, {"code": 4013, "msg": "too frequent"}, 429, RATE_S),
    Case("coze", 200, {"code": 4100, "msg": "authentication is invalid"}, 401, ACCOUNT_S, True),
    Case("coze", 200, {"code": 4028, "msg": "You have used all your free quota"}, 402, ACCOUNT_S),
    Case("coze", 200, {"code": 5000, "msg": "internal"}, 500, SERVER_S),
    Case("aiproxylibrary", 200, {"success": False, "errCode": 429001, "message": "slow"}, 429, RATE_S),
    Case("aiproxylibrary", 200, {"success": False, "errCode": 401001, "message": "who?"}, 401, ACCOUNT_S, True),
    Case("aiproxylibrary", 200, {"success": False, "errCode": 7, "message": "oops"}, 502, SERVER_S),
    Case("deepl", 456, {"message": "Quota Exceeded"}, 456, ACCOUNT_S),
    Case("deepl", 403, {"message": "Authorization failure"}, 403, ACCOUNT_S),
    Case("deepl", 429, {"message": "Too many requests"}, 429, RATE_S),
    Case("deepl", 529, {"message": "Too many requests"}, 529, SERVER_S),
    Case("ollama", 404, {"error": "model 'x' not found"}, 404, 0),
    Case("ollama", 200, {"error": "llama runner process has terminated"}, 500, SERVER_S),
    Case("replicate", 429, {"title": "Throttled", "detail": "Request was throttled."}, 429, RATE_S),
    Case("replicate", 401, {"title": "Unauthenticated", "detail": "no token"}, 401, ACCOUNT_S, True),
    Case("replicate", 402, {"title": "Insufficient credit", "detail": "You have insufficient credit"}, 402, ACCOUNT_S, True),
    Case("replicate", 201, {"status": "failed", "error": "out of memory"}, 502, SERVER_S),
]  # fmt: skip
NAMES = [f"{case.provider} {case.status} {json.dumps(case.body)[:40]}" for case in CASES]


def of(name: str, **changes: object) -> ChannelView:
    provider = CATALOGUE.by_key(name)
    assert provider is not None, name
    values: dict[str, object] = {
        "type": provider.id,
        "provider": provider,
        "base_url": "http://up.example",
        "key": KEYS.get(name, "sk-upstream"),
        "config": {"user_id": "acct"},
    }
    return channel(1, priority=1, **(values | changes))  # type: ignore[arg-type]


def framed(case: Case) -> bytes:
    return case.body.encode() if isinstance(case.body, str) else json.dumps(case.body).encode()


class Failing(Stage):
    """Fails as the case says; its other channel answers well."""

    case: Case
    asked: int = 0

    async def send(self, request: UpstreamRequest) -> Any:
        if "/oauth/" in request.url:
            return await super().send(request)
        await trio.lowlevel.checkpoint()
        self.asked += 1
        if not request.url.startswith("http://up.example"):
            return answer("fine")
        return Body(self.case.status, ((b"content-type", self.case.kind.encode()),), framed(self.case))

    async def open_socket(self, request: UpstreamRequest, subprotocols: Sequence[str]) -> Socket:
        await trio.lowlevel.checkpoint()
        self.asked += 1
        return Socket(self, request.url, [framed(self.case).decode()])


async def failed(p: Plane, case: Case, *, streams: bool = False) -> Failing:
    stage = Failing(SPEAKERS["openai_chat"], Said())
    stage.case = case
    stage.listen = lambda url, body: None  # type: ignore[method-assign]
    p.transport.send = stage.send  # type: ignore[method-assign]
    p.transport.open_socket = stage.open_socket  # type: ignore[attr-defined]
    return stage


ASK = {"messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize("case", CASES, ids=NAMES)
async def test_a_failure_is_told_and_rests_its_channel(case: Case, autojump_clock: trio.testing.MockClock) -> None:
    view = of(case.provider, models=(case.model,))
    options = {"AutomaticDisableChannelEnabled": "true"}
    async with plane(channels=[view], options=options) as p, trio.open_nursery() as nursery:
        await nursery.start(p.tokens.run)
        await failed(p, case)
        began = time.time()
        got = await p.ask({"model": case.model, **ASK})
        await trio.testing.wait_all_tasks_blocked()
        until = p.registry.suspensions.until("default", case.model, 1)
        nursery.cancel_scope.cancel()
    assert got.status == case.told, got.body
    assert "error" in got.json
    assert max(until - began, 0) == pytest.approx(case.rests_s, abs=20)
    assert p.registry.disabled == ([1] if case.disabled else [])
    assert [s.units for s in p.books.settled] == [0]


@pytest.mark.parametrize("case", [case for case in CASES if case.told != 413], ids=NAMES)
async def test_what_is_not_the_clients_fault_is_tried_elsewhere(
    case: Case, autojump_clock: trio.testing.MockClock
) -> None:
    other = channel(2, models=(case.model,), base_url="http://other.example/v1")
    channels = [of(case.provider, models=(case.model,)), other]
    async with plane(channels=channels, options={"RetryTimes": "1"}) as p, trio.open_nursery() as nursery:
        await nursery.start(p.tokens.run)
        stage = await failed(p, case)
        got = await p.ask({"model": case.model, **ASK})
        nursery.cancel_scope.cancel()
    is_retried = case.rests_s > 0
    assert (got.status == 200) is is_retried
    assert stage.asked == 1 + is_retried


def event(body: object, *, head: str = "") -> bytes:
    return f"{head}data: {json.dumps(body)}\n\n".encode()


TEXT = {
    "minimax": event({"choices": [{"index": 0, "delta": {"content": "Hi"}}]}),
    "ali": event({"output": {"choices": [{"message": {"content": "Hi"}, "finish_reason": "null"}]}}),
    "baidu": event({"result": "Hi", "is_end": False}),
    "tencent": event({"Choices": [{"Delta": {"Content": "Hi"}, "FinishReason": ""}]}),
    "coze": event({"event": "message", "message": {"type": "answer", "content": "Hi"}}),
    "aiproxylibrary": event({"content": "Hi", "finish": False}),
    "cohere": b'{"event_type":"text-generation","text":"Hi"}\n',
    "ollama": b'{"message":{"content":"Hi"},"done":false}\n',
    "palm": b"",
}
IN_STREAMS = [
    ("minimax", event(minimax(1002)), 429),
    ("ali", event(ali("Throttling"), head="id:1\nevent:error\n:HTTP_STATUS/429\n"), 429),
    ("ali", event(ali("InternalError"), head="id:1\nevent:error\n:HTTP_STATUS/500\n"), 500),
    ("baidu", event({"error_code": 336501, "error_msg": "no"}), 429),
    ("tencent", event({"Response": {"Error": {"Code": "LimitExceeded", "Message": "no"}}}), 429),
    ("tencent", event({"ErrorMsg": {"Code": 4001, "Msg": "no"}}), 502),
    ("coze", event({"event": "error", "error_information": {"code": 4013, "msg": "no"}}), 429),
    ("aiproxylibrary", event({"errCode": 500001, "message": "no"}), 500),
    ("cohere", b'{"message":"internal"}\n', 502),
    ("ollama", b'{"error":"out of memory"}\n', 500),
]


def stream_of(name: str, *pieces: bytes) -> Body:
    kind = EVENTS if name not in ("cohere", "ollama") else "application/x-ndjson"
    return Body(200, ((b"content-type", kind.encode()),), b"".join(pieces))


class Streaming(Failing):
    body: Body

    async def send(self, request: UpstreamRequest) -> Any:
        if "/oauth/" in request.url or not request.url.startswith("http://up.example"):
            return await Stage.send(self, request) if "/oauth/" in request.url else stream_of("", *GOOD)
        await trio.lowlevel.checkpoint()
        return self.body


GOOD = (
    TEXT["minimax"],
    event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
    b"data: [DONE]\n\n",
)


@pytest.mark.parametrize("delivered", [False, True], ids=["first", "later"])
@pytest.mark.parametrize(("name", "failure", "status"), IN_STREAMS)
async def test_errors_in_streams_are_told_or_tried_elsewhere(
    name: str, failure: bytes, status: int, delivered: bool, autojump_clock: trio.testing.MockClock
) -> None:
    channels = [of(name), channel(2, base_url="http://other.example/v1")]
    async with plane(channels=channels, options={"RetryTimes": "1"}) as p, trio.open_nursery() as nursery:
        await nursery.start(p.tokens.run)
        stage = Streaming(SPEAKERS["openai_chat"], Said())
        stage.body = stream_of(name, *([TEXT[name]] if delivered else []), failure)
        p.transport.send = stage.send  # type: ignore[method-assign]
        got = await p.ask({"model": "m", "stream": True, **ASK})
        nursery.cancel_scope.cancel()
    (settled,) = p.books.settled
    assert p.registry.suspensions.until("default", "m", 1) > 0
    if not delivered:
        assert b"[DONE]" in got.body
        assert b"error" not in got.body
        assert settled.log
        assert settled.log.channel_id == 2
        return
    assert b"Hi" in got.body
    last = [line for line in got.body.split(b"\n") if line.startswith(b"data: {")][-1]
    assert json.loads(last.removeprefix(b"data: "))["error"]["message"], f"{name} {status}"
    assert settled.units > 0, "what was delivered is paid for"
