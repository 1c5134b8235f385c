"""A request in the neutral form, written for Gemini's `generateContent`, on Google's own API or on Vertex AI.

Model and stream stand in the URL. Names are spelled as in the recordings this was made from; Google reads both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.gemini.parts_out import write_contents
from adapters.formats.gemini.schema import response_schema
from adapters.formats.gemini.thinking_out import write_thinking
from adapters.formats.gemini.tools_out import write_tools
from adapters.formats.gemini.wire import FORMAT, is_gemma, makes_images
from adapters.formats.names import name_of
from adapters.formats.neutral.encoding import Dropped, Encoded, RequestOptions
from adapters.formats.reading import dump

if TYPE_CHECKING:
    from adapters.formats.neutral.parts import Text
    from adapters.formats.neutral.requests import Request
    from adapters.formats.neutral.terms import JsonObject

_DEFAULTS = RequestOptions()
_BETWEEN_TEXTS = "\n\n"
_MOST_STOPS = 5
_SILENT_MODELS = ("gemini-2.5", "gemma", "aqa", "text-embed")
"""Models that are not told what to answer in: they refuse the member, or know one way only."""
_HARMS = (
    "HARM_CATEGORY_HARASSMENT",
    "HARM_CATEGORY_HATE_SPEECH",
    "HARM_CATEGORY_SEXUALLY_EXPLICIT",
    "HARM_CATEGORY_DANGEROUS_CONTENT",
    "HARM_CATEGORY_CIVIC_INTEGRITY",
)
_TIERS = {"flex": "flex", "priority": "priority"}
_CONFIG = "generationConfig."


def encode_request(request: Request, model: str, options: RequestOptions = _DEFAULTS) -> Encoded:
    """Return the body for `model`. Raises `FormatError` where a part cannot be written at all."""
    dropped = Dropped()
    body = write_request(request, model, options, dropped)
    return Encoded(dump(body), dropped.names())


def write_request(request: Request, model: str, options: RequestOptions, dropped: Dropped) -> JsonObject:
    """Return the body as an object. Raises `FormatError`."""
    contents, between = write_contents(request, model, dropped)
    body: JsonObject = {"contents": contents}
    _write_system(body, [*request.system, *between], request, model, dropped)
    safety = request.extra.get("safetySettings") if request.format == FORMAT else None
    if safety is not None:
        body["safety_settings"] = safety
    elif options.safety_threshold:
        body["safety_settings"] = [{"category": harm, "threshold": options.safety_threshold} for harm in _HARMS]
    config: JsonObject = {}
    _write_sampling(config, request, model, options, dropped)
    _write_shape(config, request, model, dropped)
    write_thinking(config, request, model, options, dropped)
    write_tools(body, request, model, dropped)
    _write_account(body, request, dropped)
    _write_extra(body, config, request, dropped)
    if config:
        body["generation_config"] = config
    return body


def _write_system(body: JsonObject, system: list[Text], request: Request, model: str, dropped: Dropped) -> None:
    if any(part.cache is not None for part in system):
        dropped.add(name_of("cache", request.format))
    parts: list[JsonObject] = [{"text": part.text} for part in system if part.text]
    if not parts:
        return
    contents = body["contents"]
    if is_gemma(model) or not contents:
        # Gemma has no place for instructions; and without any turn, they are what the user says.
        body["contents"] = [{"role": "user", "parts": parts}, *(contents if isinstance(contents, list) else [])]
    else:
        body["system_instruction"] = {"parts": [{"text": _BETWEEN_TEXTS.join(str(part["text"]) for part in parts)}]}


def _write_sampling(
    config: JsonObject, request: Request, model: str, options: RequestOptions, dropped: Dropped
) -> None:
    source = request.format
    takes_sampling = not makes_images(model)
    for name, written, value in (
        ("temperature", "temperature", request.temperature),
        ("top_p", "topP", request.top_p),
    ):
        if value is None:
            continue
        if takes_sampling and (name != "top_p" or 0 <= value <= 1):
            config[written] = value
        else:
            dropped.add(name_of(name, source))
    limit = request.max_output_tokens
    if limit is None and options.default_max_tokens > 0:
        limit = options.default_max_tokens
    for written, number in (
        ("topK", request.top_k),
        ("maxOutputTokens", limit),
        ("seed", request.seed),
        ("presencePenalty", request.presence_penalty),
        ("frequencyPenalty", request.frequency_penalty),
        ("responseLogprobs", request.logprobs),
        ("logprobs", request.top_logprobs),
    ):
        if number is not None:
            config[written] = number
    if request.n is not None and request.n != 1:
        config["candidateCount"] = request.n
    if request.stop:
        config["stopSequences"] = request.stop[:_MOST_STOPS]
        if len(request.stop) > _MOST_STOPS:
            dropped.add(f"{name_of('stop', source)}[{_MOST_STOPS}:]")


def _write_shape(config: JsonObject, request: Request, model: str, dropped: Dropped) -> None:
    wanted = request.response_format
    if wanted is not None:
        config["responseMimeType"] = "text/plain" if wanted.kind == "text" else "application/json"
        if wanted.schema is not None:
            config["responseSchema"], lost = response_schema(wanted.schema)
            dropped.update(f"{name_of('response_format', request.format)}.{keyword}" for keyword in lost)
    if request.modalities:
        config["responseModalities"] = [kind.upper() for kind in request.modalities]
    elif makes_images(model):
        config["responseModalities"] = ["TEXT", "IMAGE"]
    elif not model.startswith(_SILENT_MODELS):
        config["responseModalities"] = ["TEXT"]
    voice = request.audio.get("voice") if request.audio else None
    if "audio" in request.modalities and isinstance(voice, str):
        config["speechConfig"] = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}}
    if request.verbosity:
        dropped.add(name_of("verbosity", request.format))


def _write_account(body: JsonObject, request: Request, dropped: Dropped) -> None:
    source = request.format
    if request.format == FORMAT and request.metadata:
        body["labels"] = request.metadata
    elif request.metadata:
        dropped.add(name_of("metadata", source))
    if request.service_tier in _TIERS:
        body["serviceTier"] = _TIERS[request.service_tier]
    for name in ("user", "prompt_cache_key"):
        if getattr(request, name):
            dropped.add(name_of(name, source))
    if request.store:
        # Not to store anything is what Gemini does anyhow.
        dropped.add(name_of("store", source))
    if request.cache is not None:
        dropped.add(name_of("cache", source))
    if request.parallel_tool_calls is False:
        dropped.add(name_of("parallel_tool_calls", source))


def _write_extra(body: JsonObject, config: JsonObject, request: Request, dropped: Dropped) -> None:
    for name, value in request.extra.items():
        inner = name.removeprefix(_CONFIG)
        if request.format != FORMAT:
            dropped.add(name)
        elif name == "safetySettings":
            continue
        elif inner != name and "." not in inner and "[" not in inner:
            config.setdefault(inner, value)
        elif "." in name or "[" in name:
            dropped.add(name)
        else:
            body.setdefault(name, value)
