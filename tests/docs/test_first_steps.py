"""The first steps of the README, run as they stand there, against a mock provider."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from tests.support.gateway import Gateway, running_gateway
from tests.support.provider import Provider, provider

README = (Path(__file__).parent.parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def blocks(language: str, gateway: Gateway, upstream: Provider) -> list[str]:
    return [
        text.replace("http://localhost:3000", gateway.url).replace("https://api.openai.com", upstream.url)
        for name, text in BLOCKS
        if name == language
    ]


async def run(*command: str) -> str:
    with trio.fail_after(60):
        done = await trio.run_process(command, capture_stdout=True, stderr=subprocess.STDOUT, check=False)
    text = done.stdout.decode()
    assert done.returncode == 0, text
    return text


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
async def test_the_first_steps_lead_to_an_answer(tmp_path):
    (start,) = [text for name, text in BLOCKS if name == "sh"]
    keys = dict(word.split("=") for word in start.split() if "=" in word)
    async with provider() as upstream, running_gateway(tmp_path, env=keys) as gateway:
        add_channel, ask = blocks("bash", gateway, upstream)
        assert '"success":true' in (await run("bash", "-c", add_channel)).replace(" ", "")
        answer = await run("bash", "-c", ask)
        assert answer.rstrip().endswith("data: [DONE]"), answer
        (program,) = blocks("python", gateway, upstream)
        assert (await run(sys.executable, "-c", program)).strip()
        assert [request.json["model"] for request in upstream.requests] == ["gpt-4o-mini"] * 2
