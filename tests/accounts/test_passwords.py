"""Passwords as one-api stored them, and ours."""

from __future__ import annotations

import pytest

from gateway.accounts.passwords import hash_password, is_acceptable, verify_password


def test_a_password_is_known_again() -> None:
    hashed = hash_password("correct horse")
    assert hashed.startswith("$2b$10$")
    assert verify_password("correct horse", hashed)
    assert not verify_password("correct horsE", hashed)


def test_hashes_of_the_older_prefix_count() -> None:
    hashed = hash_password("123456").replace("$2b$", "$2a$", 1)
    assert verify_password("123456", hashed)


@pytest.mark.parametrize("hashed", ["", "plain text", "$2b$10$short", "$2b$99$" + "x" * 53])
def test_what_is_no_hash_never_fits(hashed: str) -> None:
    assert not verify_password("-", hashed)
    assert not verify_password("", hashed)


def test_bytes_that_bcrypt_would_cut_off_do_not_count_as_equal() -> None:
    hashed = hash_password("x" * 72)
    assert verify_password("x" * 72, hashed)
    assert not verify_password("x" * 73, hashed)
    assert not verify_password("x\x00", hash_password("x"))


@pytest.mark.parametrize(
    ("password", "fits"),
    [
        ("1234567", False),
        ("12345678", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ("😀" * 18, True),
        ("😀" * 19, False),
    ],
)
def test_lengths_count_in_characters_and_fit_into_bcrypt(password: str, fits: bool) -> None:
    assert is_acceptable(password) is fits
