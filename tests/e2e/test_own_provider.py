"""Adding a provider takes no code: a row in a folder, and the running program relays to it, converts, and charges."""

import re
from pathlib import Path

import httpx2
import pytest
import trio

from tests.support.gateway import running_gateway
from tests.support.provider import Answer, Tokens, provider
from tests.support.tls import no_tls

PAGE = Path(__file__).parent.parent.parent / "docs" / "providers.md"

pytestmark = pytest.mark.slow


def examples() -> dict[str, str]:
    """The files of the page's example, by name."""
    text = PAGE.read_text("utf-8")
    found = re.findall(r"^`([\w/.]+)`:\n\n```\w+\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return dict(found)


async def test_the_example_of_the_docs_is_relayed_to_converted_and_charged(tmp_path: Path) -> None:
    own = tmp_path / "providers"
    (own / "prices").mkdir(parents=True)
    files = examples()
    assert sorted(files) == ["acme.toml", "prices/acme.json"]
    for name, text in files.items():
        (own / name).write_text(text)
    async with (
        provider() as upstream,
        running_gateway(tmp_path, env={"PROVIDERS_DIR": str(own)}) as gateway,
    ):
        upstream.standing(Answer(pieces=("Hi",), tokens=Tokens(prompt=1000, completion=200)))
        root = await gateway.login()
        await root.add_channel(type=1000, base_url=f"{upstream.url}/v1", models=["acme-large"])
        token = await root.add_token()
        async with httpx2.AsyncClient(
            base_url=gateway.url, verify=no_tls(), headers={"x-api-key": token["key"]}
        ) as client:
            answer = await client.post(
                "/v1/messages",
                json={
                    "model": "acme-large",
                    "max_tokens": 50,
                    "messages": [{"role": "user", "content": "Hello"}],
                },
            )
        assert answer.json().get("content") == [{"type": "text", "text": "Hi"}], answer.text
        (request,) = upstream.requests
        with trio.fail_after(10):
            while not (entries := await root.logs()):
                await trio.sleep(0.05)
    assert request.path == "/v1/chat/completions"
    assert dict(request.headers)["x-acme-key"] == "sk-upstream-key"
    assert request.json["max_tokens"] == 50
    # 1000 tokens at 0.40 and 200 at 1.60 dollars per million, at 500,000 units a dollar
    assert [entry["quota"] for entry in entries] == [360]
