"""`GET /v1/models`: what the caller's group can use, in the shape of OpenAI's list.

Names that the catalogue does not know are left out, as clients are used to, except on channels whose models only
their operator can name. They can be called all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from adapters.formats import gemini
from adapters.providers.catalogue import CUSTOM_OWNER
from gateway.relay import endpoints

if TYPE_CHECKING:
    from adapters.providers.catalogue import Catalogue
    from gateway.registry.snapshot import Snapshot
    from gateway.relay.admit import Caller
    from gateway.relay.head import RequestHead

CREATED = 1626777600

_PERMISSION = {
    "id": "modelperm-LwHkVFn8AcMItP432fKKDIKJ",
    "object": "model_permission",
    "created": CREATED,
    "allow_create_engine": True,
    "allow_sampling": True,
    "allow_logprobs": True,
    "allow_search_indices": False,
    "allow_view": True,
    "allow_fine_tuning": False,
    "organization": "*",
    "group": None,
    "is_blocking": False,
}


def is_googles(head: RequestHead) -> bool:
    """Whether a client of Google's asks: by a path of its own, or by OpenAI's with its own kind of key."""
    if head.path.startswith(endpoints.GEMINI_MODEL_PATHS):
        return True
    return b"authorization" not in head.headers and (b"x-goog-api-key" in head.headers or bool(head.parameter("key")))


def answer(head: RequestHead, *, caller: Caller, snapshot: Snapshot, catalogue: Catalogue) -> tuple[int, bytes]:
    """Return status and body for the list, or for one model when the path names it."""
    group, path = caller.user.group, head.path
    usable = snapshot.models_of(group)
    if is_googles(head):
        return _for_gemini(path.partition("/models")[2].removeprefix("/"), usable)
    if path == endpoints.MODELS_PATH:
        owners = {
            model: catalogue.listed_owner(model, {c.type for c in snapshot.candidates(group, model)})
            for model in usable
        }
        listed = [_entry(model, owner) for model, owner in owners.items() if owner]
        return 200, msgspec.json.encode({"object": "list", "data": listed})
    model = path.removeprefix(endpoints.MODELS_PATH + "/")
    if model in usable or catalogue.owner_of(model):
        return 200, msgspec.json.encode(_entry(model, catalogue.owner_of(model) or CUSTOM_OWNER))
    # 200 is what one-api answers here, and what scripts written for it expect.
    return 200, msgspec.json.encode(
        {
            "error": {
                "message": f"The model '{model}' does not exist",
                "type": "invalid_request_error",
                "param": "model",
                "code": "model_not_found",
            }
        }
    )


def _for_gemini(model: str, usable: list[str]) -> tuple[int, bytes]:
    """The same in Google's shape (https://ai.google.dev/api/models)."""
    if not model:
        return 200, gemini.models_body(usable)
    if model in usable:
        return 200, gemini.model_body(model)
    message = f"models/{model} is not found"
    return 404, gemini.error_body(status=404, message=message, type="NOT_FOUND")


def _entry(model: str, owner: str) -> dict[str, object]:
    return {
        "id": model,
        "object": "model",
        "created": CREATED,
        "owned_by": owner,
        "permission": [_PERMISSION],
        "root": model,
        "parent": None,
    }
