"""Secrets that slip into a message do not come out of it."""

from __future__ import annotations

import time

import pytest

from gateway.observe.records import Event, Relayed, Started, StartUp
from gateway.observe.redact import MASK, Redactor
from tests.observe.samples import PLAIN, summary

KEY48 = "Zf8Qv1x9Lr2Tn5Yb7Wd3Hc6Kj4Mg0Ps8Au1Ei9Oq2Rt5Vw7X"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abc.def-123", "abc.def-123"),
        ("sent bearer s3cr3t-value to it", "s3cr3t-value"),
        (f"Incorrect API key provided: sk-{KEY48}", KEY48),
        ("key sk-proj-Ab12_Cd34-Ef56 is wrong", "Ab12_Cd34-Ef56"),
        ("sk-ant-api03-abcdefghijkl was refused", "abcdefghijkl"),
        ("GET https://generativelanguage.googleapis.com/v1/models?key=AIzaSyA-1234567890_abcdefghijk", "1234567890"),
        ("https://host/path?x=1&api_key=q1w2e3r4&y=2", "q1w2e3r4"),
        ("AIzaSyA-1234567890_abcdefghijklmnop", "1234567890"),
        ("AWS says AKIAIOSFODNN7EXAMPLE is unknown", "IOSFODNN7"),
        ("postgres://gateway:hunter2hunter@db:5432/one", "hunter2hunter"),
        ("root:pa$$w0rd@tcp(127.0.0.1:3306)/oneapi", "pa$$w0rd"),
        ("redis://:onlypassword@cache:6379/0", "onlypassword"),
        ('{"password": "correct horse"}', "correct"),
        ("x-api-key: 0123456789abcdef", "0123456789abcdef"),
        ("token not found for key: q9w8e7r6t5", "q9w8e7r6t5"),
        ("access_token=ya29.a0AfH6SMB", "ya29.a0AfH6SMB"),
        (f"plain {KEY48} in a sentence", KEY48),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "eyJzdWIiOiIxIn0"),
        ("the session secret is not-so-random!", "not-so-random!"),
        ("mine-Abcd1234Efgh was used", "Abcd1234Efgh"),
    ],
)
def test_secret_is_masked(text: str, secret: str) -> None:
    masked = Redactor(secrets=["not-so-random!"], key_prefix="mine-").text(text)
    assert secret not in masked
    assert MASK in masked


@pytest.mark.parametrize(
    "text",
    [
        "channel openai#3 was suspended for 60 s: 429 Too Many Requests",
        "max_tokens=1000 prompt_tokens=12 tokens: 99",
        "request id: 202511241200001234567890123456",
        "SELECT tokens.id FROM tokens WHERE tokens.key = ? AND status = :status AND key = %(key_1)s",
        "http://127.0.0.1:3000/v1/chat/completions",
        "token laptop (#12) has expired",
        "claude-3-5-sonnet-20241022 → anthropic#7",
        "sqlite:///one-api.db?_busy_timeout=3000",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert Redactor().text(text) == text


def test_fields_are_masked_by_name_and_by_content_to_any_depth() -> None:
    fields = {
        "key": "short",
        "token_name": "laptop",
        "nested": {"password": "x", "urls": ["http://a:bcdefg@h/", 3, None]},
        "error": ValueError("Bearer abcdefgh"),
        "token": "",
    }
    assert Redactor().fields(fields) == {
        "key": MASK,
        "token_name": "laptop",
        "nested": {"password": MASK, "urls": [f"http://a:{MASK}@h/", 3, None]},
        "error": f"Bearer {MASK}",
        "token": "",
    }


def test_every_text_of_a_record_is_masked() -> None:
    secret = f"sk-{KEY48}"
    redactor = Redactor()
    relayed = Relayed(
        0, summary(user=secret, token_name=secret, model=secret, channel=secret, endpoint=secret, error=secret)
    )
    event = Event(0, "info", "x", secret, {"a": secret})
    started = Started(
        0,
        StartUp(
            version="1", addresses=(), database=secret, log_database=secret, shared_state=secret, warnings=(secret,)
        ),
    )
    for record in (relayed, event, started):
        assert KEY48 not in repr(redactor.record(record))


def test_record_without_secret_is_not_copied() -> None:
    relayed = Relayed(0, PLAIN)
    assert Redactor().record(relayed) is relayed


def test_short_configured_values_do_not_eat_words() -> None:
    assert Redactor(secrets=["", "root"]).text("root logged in") == "root logged in"


def test_expression_takes_linear_time_on_hostile_text() -> None:
    # Nested repetition would make one of these take minutes; the limit is generous for a busy machine.
    for text in ("key=" * 20_000, "a1" * 50_000 + "!", "://" + "a:" * 50_000, "bearer " * 20_000, "a." * 50_000):
        started = time.perf_counter()
        Redactor().text(text)
        assert time.perf_counter() - started < 20
