"""What of a provider's headers a client gets to see."""

from __future__ import annotations

from gateway.relay.head import for_client, from_proxy

OPERATORS = ((b"openai-organization", b"acme"), (b"openai-project", b"p"), (b"anthropic-organization-id", b"o"))
HARMLESS = (
    (b"content-type", b"application/json"),
    (b"openai-processing-ms", b"12"),
    (b"anthropic-ratelimit-requests-remaining", b"3"),
    (b"x-ratelimit-remaining-requests", b"99"),
)
COOKIE = ((b"set-cookie", b"a=b"),)


def test_a_client_does_not_learn_whose_account_it_is_at_the_provider() -> None:
    answered = HARMLESS + OPERATORS + COOKIE
    assert for_client(answered) == list(HARMLESS)
    assert from_proxy(answered) == list(HARMLESS)
