"""What the document says beyond what endpoints declare: conventions, tags, parts of paths, statuses."""

from __future__ import annotations

from typing import Any

TITLE = "One API"
SUMMARY = "A gateway between programs that want language models and the providers that serve them."
CONVENTIONS = """\
There are two halves: the **relay** (`/v1/…`, `/v1beta/…`), which programs call with an API token, and the
**management API** (`/api/…`), which people and scripts call with a session or an access token.

## Answers of the management API

Nearly every answer is an envelope, `{"success": true, "message": "", "data": …}`. A refusal is
`{"success": false, "message": "why"}`, and its status is **200** unless this document says otherwise: scripts look at
`success`. Routes for programs, rate limits and addresses that do not exist answer
`{"error": {"message": "…", "type": "…"}}`.

A path has its slash at the end, or not, as it is written here; other spellings and other methods answer 404.

## Requests

Bodies are JSON, whatever `Content-Type` says. Unknown members are ignored, and `null` counts as missing. In a query,
what is no number counts as 0 and nothing is refused.

## Who may call

`x-required-role` says who: `anybody`, `user`, `admin`, `root` (each may do what the former may), or `key` for API
tokens. People show the session cookie, or their access token (`GET /api/user/token`) in `Authorization`; a valid
cookie goes first. Changes, also those by GET, are refused when a browser says that a page of another site asks.

## Lists

`p` is the page, counted from 0, `size` its length. `total` counts all rows. Newest first, unless `sort` names a
column.

## Units

Quota is counted in units, 500,000 for a dollar unless `QuotaPerUnit` is changed. `created_at` and `updated_at` are
Unix milliseconds (of log entries: `created_at` in seconds), all other times Unix seconds.

## Limits

Every address may call 480 times in three minutes, what can be guessed or abused 20 times in twenty, and every API
token 480 times in three minutes, unless the operator chose other limits; then the answer is 429.
"""

TAGS: dict[str, str] = {
    "Relay": "What programs ask for: the formats of OpenAI, Anthropic and Google.",
    "Relay: models": "Which models a token can ask for.",
    "Relay: not served": "Addresses of providers' APIs that are known and answer 501.",
    "Signing in": "Sessions of people.",
    "Own account": "What people do with their own account.",
    "Second factor": "Codes of an authenticator (TOTP).",
    "E-mail": "Codes that prove an address, forgotten passwords.",
    "Third parties": "Signing in with GitHub, an OpenID Connect provider, Lark or WeChat.",
    "API tokens": "What programs call the relay with.",
    "Billing": "The dashboards that clients of the OpenAI API ask for.",
    "Models": "Which models there are, and what they cost.",
    "Logs": "What happened, and what it cost.",
    "Recorded messages": "What was said with tokens whose owners have it recorded.",
    "Users": "Other people's accounts, for administrators.",
    "Channels": "Ways to providers, for administrators.",
    "Prices": "What channels charge, for administrators.",
    "Budgets": "What a user, a token or a group may spend in a day, a week or a month, and what is spent of it.",
    "Redemption codes": "Codes worth quota, for administrators.",
    "Repair": "Tools of one-api against damaged price columns, for administrators.",
    "Site": "The site as a whole.",
}

_NUMBER: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}

PATH_PARAMETERS: dict[str, tuple[str, dict[str, Any]]] = {
    "user_id": ("The account's number.", _NUMBER),
    "token_id": ("The token's number.", _NUMBER),
    "budget_id": ("The budget's number.", _NUMBER),
    "channel_id": ("The channel's number.", _NUMBER),
    "key_id": ("The number of one of the channel's keys.", _NUMBER),
    "code_id": ("The code's number.", _NUMBER),
    "log_id": ("The entry's number.", _NUMBER),
    "request_id": ("What the header `X-Oneapi-Request-Id` of the answer said.", {"type": "string", "minLength": 1}),
    "trace_id": ("What a log entry says.", {"type": "string", "minLength": 1}),
    "model": ("A model's name.", {"type": "string", "minLength": 1}),
    "response_id": ("What the answer said.", {"type": "string", "minLength": 1}),
    "target": ("The provider's own path.", {"type": "string"}),
}
"""What parts of paths mean, by name."""

REFUSALS: dict[int, str] = {
    400: "The request cannot be read",
    401: "Nobody is signed in, or the token is not known",
    403: "This is not for this account, or a page of another site asks",
    404: "There is no such thing, or it belongs to somebody else",
    408: "The body did not arrive in time",
    413: "The body is too large",
    429: "Too many requests, or too many attempts",
    500: "It failed; the message says how",
    503: "The database is not available, or the program is shutting down",
}
