"""Ready code for a token's key: each client format from a terminal and from Python, and programs that people use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.formats.neutral.terms import FORMAT_TITLES
from admin_ui.i18n import _

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Snippet:
    """Text to copy. `id` is unique on the page."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Family:
    """Snippets of one client format, or of programs."""

    title: str
    snippets: Sequence[Snippet]


def families(base: str, key: str, model: str) -> list[Family]:
    """Return all snippets for a key at the site's address `base`."""
    openai = Snippet("s-openai", "curl", _openai_curl(base, key, model))
    anthropic = Snippet("s-anthropic", "curl", _anthropic_curl(base, key, model))
    gemini = Snippet("s-gemini", "curl", _gemini_curl(base, key, model))
    return [
        Family(FORMAT_TITLES["openai_chat"], (openai, _openai_python(base, key, model))),
        Family(FORMAT_TITLES["anthropic"], (anthropic, _anthropic_python(base, key, model))),
        Family(FORMAT_TITLES["gemini"], (gemini, _gemini_python(base, key, model))),
        Family(
            _("Programs"),
            (
                Snippet(
                    "s-claude",
                    "Claude Code",
                    f"export ANTHROPIC_BASE_URL={base}\nexport ANTHROPIC_AUTH_TOKEN={key}\nclaude --model {model}",
                ),
                Snippet(
                    "s-cursor",
                    "Cursor (Settings → Models → API Keys)",
                    f"OpenAI API Key: {key}\nOverride OpenAI Base URL: {base}/v1\nModel: {model}",
                ),
            ),
        ),
    ]


def first_calls(base: str, key: str, model: str) -> list[Snippet]:
    """Return one call for a terminal in each of the three formats."""
    return [
        Snippet("s-openai", FORMAT_TITLES["openai_chat"], _openai_curl(base, key, model)),
        Snippet("s-anthropic", FORMAT_TITLES["anthropic"], _anthropic_curl(base, key, model)),
        Snippet("s-gemini", FORMAT_TITLES["gemini"], _gemini_curl(base, key, model)),
    ]


def _openai_curl(base: str, key: str, model: str) -> str:
    return f"""curl {base}/v1/chat/completions \\
  -H 'Authorization: Bearer {key}' \\
  -H 'Content-Type: application/json' \\
  -d '{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello"}}]}}'"""


def _anthropic_curl(base: str, key: str, model: str) -> str:
    return f"""curl {base}/v1/messages \\
  -H 'x-api-key: {key}' -H 'anthropic-version: 2023-06-01' \\
  -H 'Content-Type: application/json' \\
  -d '{{"model": "{model}", "max_tokens": 256, "messages": [{{"role": "user", "content": "Hello"}}]}}'"""


def _gemini_curl(base: str, key: str, model: str) -> str:
    return f"""curl {base}/v1beta/models/{model}:generateContent \\
  -H 'x-goog-api-key: {key}' -H 'Content-Type: application/json' \\
  -d '{{"contents": [{{"parts": [{{"text": "Hello"}}]}}]}}'"""


def _openai_python(base: str, key: str, model: str) -> Snippet:
    text = f"""from openai import OpenAI

client = OpenAI(base_url="{base}/v1", api_key="{key}")
answer = client.chat.completions.create(
    model="{model}",
    messages=[{{"role": "user", "content": "Hello"}}],
)
print(answer.choices[0].message.content)"""
    return Snippet("s-openai-python", "Python", text)


def _anthropic_python(base: str, key: str, model: str) -> Snippet:
    text = f"""from anthropic import Anthropic

client = Anthropic(base_url="{base}", api_key="{key}")
answer = client.messages.create(
    model="{model}",
    max_tokens=256,
    messages=[{{"role": "user", "content": "Hello"}}],
)
print(answer.content[0].text)"""
    return Snippet("s-anthropic-python", "Python", text)


def _gemini_python(base: str, key: str, model: str) -> Snippet:
    text = f"""from google import genai

client = genai.Client(api_key="{key}", http_options={{"base_url": "{base}"}})
answer = client.models.generate_content(model="{model}", contents="Hello")
print(answer.text)"""
    return Snippet("s-gemini-python", "Python", text)
