"""The programs in docs/clients.md, run as they stand there."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import trio

from tests.compatibility.house import UPSTREAMS, house
from tests.support.wires.said import Said

PAGE = (Path(__file__).parent.parent.parent / "docs" / "clients.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
PROGRAMS = [text for language, text in BLOCKS if language == "python"]
WORDS = "Hello from whoever serves it."


@pytest.mark.slow
async def test_the_programs_get_answers(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        models = {upstream.wire: upstream.model for upstream in UPSTREAMS}
        # The page names models that stay; the mock's providers serve others.
        mapping = {"claude-sonnet-5": models["claude"], "gemini-3-pro-preview": models["gemini"]}
        assert len(PROGRAMS) == 3
        for program in PROGRAMS:
            asks = program.count(".create(") + program.count(".generate_content(")
            here.stage.will(*[Said(text=(WORDS,))] * asks)
            text = program.replace("http://localhost:3000", here.url).replace("sk-MyFirstKey", here.key)
            for name, model in mapping.items():
                text = text.replace(f'"{name}"', f'"{model}"')
            with trio.fail_after(60):
                done = await trio.run_process(
                    [sys.executable, "-c", text], capture_stdout=True, stderr=subprocess.STDOUT, check=False
                )
            assert done.stdout.decode().splitlines() == [WORDS] * asks
        assert here.stage.refused == []


def test_codex_settings_are_toml() -> None:
    (text,) = [text for language, text in BLOCKS if language == "toml"]
    provider = tomllib.loads(text)["model_providers"]["one-api"]
    assert (provider["wire_api"], provider["base_url"]) == ("responses", "http://localhost:3000/v1")


def test_variables_are_named_as_the_tools_read_them() -> None:
    named = set(re.findall(r"^export (\w+)=", "\n".join(text for kind, text in BLOCKS if kind == "sh"), re.MULTILINE))
    assert named == {
        "ANTHROPIC_BASE_URL",
        "ANTHROPIC_AUTH_TOKEN",
        "ANTHROPIC_MODEL",
        "ANTHROPIC_DEFAULT_HAIKU_MODEL",
        "ONE_API_KEY",
        "GOOGLE_GEMINI_BASE_URL",
        "GEMINI_API_KEY",
    }
