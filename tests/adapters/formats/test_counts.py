"""Counts that a provider's answer leaves out."""

import json

import pytest

from adapters.formats.openai_chat.counts import with_all_counts


def test_missing_counts_become_zeros_and_the_rest_stays_as_it_was() -> None:
    body = b'{"id": "x", "odd": 1.50, "usage":{"prompt_tokens": 9, "prompt_tokens_details":{"cached_tokens":3,"own":1e2},"completion_tokens_details":{}}}'
    told = with_all_counts(body)
    assert b'"odd":1.50' in told
    assert b'"own":1e2' in told
    usage = json.loads(told)["usage"]
    assert usage["prompt_tokens_details"] == {"cached_tokens": 3, "audio_tokens": 0, "own": 100.0}
    assert usage["completion_tokens_details"] == dict.fromkeys(
        ["reasoning_tokens", "audio_tokens", "accepted_prediction_tokens", "rejected_prediction_tokens"], 0
    )


@pytest.mark.parametrize(
    "body",
    [
        b'{"usage":{"prompt_tokens":1}}',
        b'{"usage":{"prompt_tokens":1,"prompt_tokens_details":null}}',
        b'{"usage":null,"prompt_tokens_details":1}',
        b'{"usage":{"prompt_tokens_details":5}}',
        b'["tokens_details"]',
        b'tokens_details"',
    ],
)
def test_answers_without_details_pass_as_they_are(body: bytes) -> None:
    assert with_all_counts(body) == body.replace(b" ", b"")
