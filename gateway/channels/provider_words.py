"""What the page of providers says in words: about formats, wires and quirks, by their names in the rows."""

from __future__ import annotations

from adapters.formats.neutral.terms import FORMAT_TITLES

FORMATS = {
    **FORMAT_TITLES,
    "aiproxy_library": "its own format",
    "baidu": "ERNIE's own format",
    "cohere": "Cohere's own format",
    "converse": "Converse",
    "copilot": "Copilot's format",
    "coze": "Coze's own format",
    "dashscope": "DashScope's own format",
    "deepl": "DeepL's own format",
    "ollama": "Ollama's own format",
    "palm": "PaLM's own format",
    "proxy": "any",
    "replicate": "Replicate's predictions",
    "tencent": "Hunyuan's own format",
    "vertex": "Vertex AI's formats",
    "xunfei": "Spark's own format",
    "zhipu": "GLM's older format",
}

WIRE_WORDS = {
    "baidu": "The key pair is exchanged for a token, which is kept until it expires and renewed before that",
    "bedrock": "Requests are signed (Signature Version 4) or carry a Bedrock API key; streams come in AWS's frames",
    "coze": "An OAuth app's JWT is exchanged for a token, which is kept until it expires; a token is sent as it is",
    "dashscope": "Streams are asked for by a header; pictures are tasks, which are asked after until they are done",
    "dashscope_tasks": "Pictures are tasks, which are asked after until they are done",
    "lines": "Streams are read line by line, a JSON object each",
    "messages_path": "Requests of Messages clients go to the path `messages`",
    "replicate": "Predictions are asked after until they are done, and cancelled when the client leaves",
    "tencent": "Each request is signed (TC3-HMAC-SHA256)",
    "vertex": "A service account is exchanged for a token, which is kept until it expires and renewed before that",
    "whole": "There are no streams: clients that want one get the whole answer as one event",
    "xunfei": "Asked over a websocket whose address is signed; the version is taken from the model's name",
    "zhipu": "Older models want a token signed from the key; others take the key as it is",
}

QUIRK_WORDS = {
    "all_counts": "Whole answers tell all of OpenAI's token counts, zeros among them",
    "asked_at_messages": "Requests of Messages clients go to the path of that API, in the format of chats",
    "call_signatures": "Tool calls of earlier turns may carry Gemini's signatures",
    "max_completion_tokens": "Reasoning models get the output limit as `max_completion_tokens`",
    "native_responses": "Has the Responses API itself; models that have nothing else are asked there",
    "no_image_shape": "Requests for pictures go without size, quality and style",
    "no_stream_options": "Refuses members that it does not know, `stream_options` among them; it tells usage unasked",
    "only_max_tokens": "The output limit is sent as `max_tokens`, whatever the client calls it",
    "samples_to_one": "`temperature` and `top_p` are sent as 1 at most",
    "thoughts_with_calls": "A message with tool calls gets the member for thoughts, empty if there are none",
    "thoughts_on_demand": "Clients of the Messages API are shown thoughts only if they asked for them",
}

STYLE_WORDS = {
    "object": "Thoughts are asked for by the object `reasoning`",
    "switch": "Thoughts are asked for by `thinking`",
    "switch_and_effort": "Thoughts are asked for by `thinking` and `reasoning_effort`",
    "budget": "Thoughts are asked for by `enable_thinking` and `thinking_budget`",
}
"""How thoughts are asked for, where that is not by `reasoning_effort`."""

INTRODUCTION = """\
# Providers

A channel has a type, and the type is a provider: this page tells what each is asked, where, with which key, and what
is peculiar about it. Every type is served to every client, in whatever format the client speaks
([formats.md](formats.md)). What all channels can be told besides is in [channels.md](channels.md), what models cost
in [prices.md](prices.md).

Types 0 to 51 are those of one-api; 52 to 57 came later. Below, `{base_url}` is the channel's address without a slash
at its end, `{model}` the model after mapping; other names in braces are settings of the channel.

<!-- Made by scripts/docs from adapters/providers/rows. Do not edit. -->
"""

EXAMPLE = """
## Adding a provider takes no code

A provider that speaks OpenAI Chat Completions, Claude Messages or Gemini is a row of data. Put it into a folder,
name the folder in `PROVIDERS_DIR`, and start: the type is offered on the pages, its models are listed and priced,
and clients of every format are served by it. Types of your own have numbers from 1000 on. A mistake in a row stops
the start, with file, row and field named; `one-api check` tells of it before.

`acme.toml`:

```toml
[[provider]]
id = 1000
key = "acme"                         # short name, in addresses and logs
name = "Acme"                        # what people see
format = "openai_chat"               # or anthropic, gemini
owner = "acme"                       # owned_by in lists of models
prices = "acme"                      # prices/acme.json; leave it out to use the shared tables alone
base_url = "https://llm.acme.example/v1"
url = "{base_url}/{path}"            # without it: {base_url}/v1/{path}
credential_header = "X-Acme-Key"     # without both: Authorization: Bearer {key}
credential = "{key}"
quirks = ["only_max_tokens"]
endpoints = ["chat_completions", "embeddings", "responses", "messages"]
models = ["acme-large", "acme-small"]
```

`prices/acme.json`:

```json
{
  "acme-large": {"in": "0.40", "out": "1.60", "cached": "0.10"},
  "acme-small": {"in": "0.05", "out": "0.20"}
}
```

A table there that has the name of one of ours adds to it, and its lines take the place of ours: `prices/openai.json`
with one line changes one model. All fields of a row are described in `adapters/providers/provider.py`, all figures of
a table in [prices.md](prices.md); our own rows in `adapters/providers/rows` are examples of every kind. Where a
provider signs its requests or frames its answers in a way of its own, it takes a module in `adapters/wires` or
`adapters/formats/dialects` as well.

| quirk | meaning |
|---|---|
""" + "".join(f"| `{name}` | {words} |\n" for name, words in sorted(QUIRK_WORDS.items()))
