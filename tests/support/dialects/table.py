"""The mocks by the name that rows of the catalogue give to what they speak."""

from __future__ import annotations

from tests.support.dialects import formats, plain, rich

SPEAKERS = {
    "openai_chat": formats.CHAT,
    "openai_responses": formats.RESPONSES,
    "anthropic": formats.CLAUDE,
    "gemini": formats.GEMINI,
    "aiproxy_library": plain.AIPROXY,
    "baidu": rich.BAIDU,
    "cohere": rich.COHERE,
    "coze": plain.COZE,
    "dashscope": rich.ALI,
    "deepl": plain.DEEPL,
    "ollama": rich.OLLAMA,
    "palm": plain.PALM,
    "replicate": plain.REPLICATE,
    "tencent": rich.TENCENT,
    "xunfei": rich.XUNFEI,
    "zhipu": plain.ZHIPU,
}
