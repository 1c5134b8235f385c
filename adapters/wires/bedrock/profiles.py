"""Which id a model is asked for by.

Many models of Bedrock are served only through an inference profile: the model's id behind the name of a geography,
whose regions share the load (https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html).
Which ones, differs by region and month, and asking for the list needs a permission that keys rarely have. So the
likelier id is tried first, the other one when Bedrock says that it does not know the first, which costs nothing;
what served is remembered.
"""

from __future__ import annotations

import re

_BY_PROFILE = re.compile(
    r"^(anthropic\.claude-(?!v2|instant)|amazon\.nova|meta\.llama(3-[123]|4)|deepseek\.r1|mistral\.pixtral|writer\.palmyra-x)"
)
"""Models that most regions serve through profiles; the others are first asked for by their own id."""
_GEOGRAPHIES = (
    ("us-gov-", ("us-gov",)),
    ("us-", ("us",)),
    ("eu-", ("eu",)),
    ("ap-northeast-1", ("apac", "jp")),
    ("ap-northeast-3", ("apac", "jp")),
    ("ap-southeast-2", ("apac", "au")),
    ("ap-southeast-4", ("apac", "au")),
    ("ap-", ("apac",)),
    ("ca-", ("ca",)),
)
"""By beginning of the region. `global` is nobody's geography: data leaves theirs only where an operator says so."""
_PREFIXES = ("us-gov", "us", "eu", "apac", "jp", "au", "ca", "global")
OWN = "off"
"""Value of the setting `cross_region`: never through a profile."""
_UNKNOWN_MODEL = re.compile(
    rb"model identifier is invalid|on-demand throughput|inference profile|could not resolve the foundation model",
    re.IGNORECASE,
)


def is_choosable(model: str) -> bool:
    """Whether `model` may be asked for by several ids: ARNs and ids of profiles say which one they mean."""
    return not model.startswith("arn:") and model.partition(".")[0] not in _PREFIXES


def candidates(model: str, *, region: str, wanted: str = "") -> tuple[str, ...]:
    """Return the ids to try for `model`, the likeliest first.

    `wanted` is the channel's setting: empty (the region's geography), `off`, or a profile's prefix.
    """
    if not is_choosable(model) or wanted == OWN:
        return (model,)
    if wanted:
        return (f"{wanted}.{model}",)
    geographies = next((names for beginning, names in _GEOGRAPHIES if region.startswith(beginning)), ())
    profiles = tuple(f"{name}.{model}" for name in geographies)
    return (*profiles, model) if _BY_PROFILE.match(model) else (model, *profiles)


def tells_of_unknown_model(status: int, body: bytes) -> bool:
    """Whether an error means that the model cannot be had by the id that was asked for."""
    return status in (400, 404) and _UNKNOWN_MODEL.search(body) is not None
