"""E-mail addresses: who may use which, and the codes and links that prove that somebody reads one."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING
from urllib.parse import quote

from gateway.accounts.clock import now_ms
from gateway.accounts.hashing import hashed
from gateway.accounts.passwords import is_acceptable
from gateway.accounts.people import LONGEST_EMAIL
from gateway.accounts.preferences import mail_languages
from gateway.accounts.refusals import InvalidInput, InvalidParameter, NotAllowed, Refused, TooManyAttempts
from gateway.accounts.transactions import commit
from gateway.audit.author import Whereabouts, author_of
from gateway.audit.trail import Changes, note
from gateway.mail.letters import code_letter, reset_letter
from storage.errors import Conflict
from storage.records import UserStatus
from storage.repositories import codes, identities, security, users

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.audit.author import Author
    from gateway.mail.letters import Language, Letter
    from gateway.registry.options import Options
    from gateway.services import Services
    from storage.records import User

CODE_LIFE_MIN = 10
MOST_FAILURES = 5
# For one address, whoever asks: nobody's mailbox is to be flooded, and nobody gets more guesses by asking anew.
MAILS = 5
MAILS_WINDOW_S = 600.0

_LIFE_MS = CODE_LIFE_MIN * 60_000
# Without what is easily misread. One digit at least, so that people see that it is no word.
_LETTERS = "abcdefghjkmnpqrstuvwxyz"
_DIGITS = "23456789"
_CODE_LENGTH = 6
_PASSWORD_LENGTH = 16
_ADDRESS = re.compile(r"[^@\s<>\"(),:;\[\]\\\x00-\x1f]+@[^@\s<>\"(),:;\[\]\\\x00-\x1f]+\.[^@\s<>\"(),:;\[\]\\.]+")
_WRONG = "Verification code error or expired"
_OCCUPIED = "Email address is occupied"
_WRONG_LINK = "Reset link is illegal or expired"
_OTHER_DOMAIN = "Administrator has enabled email domain whitelist, your email domain is not in the whitelist"


def is_address(text: str) -> bool:
    """Return whether `text` looks like an e-mail address that fits an account."""
    return len(text) <= LONGEST_EMAIL and _ADDRESS.fullmatch(text) is not None


def may_register(options: Options, address: str) -> bool:
    """Return whether the operator takes addresses of this domain."""
    if not options.flag("EmailDomainRestrictionEnabled"):
        return True
    domain = address.rpartition("@")[2].lower()
    return domain in {entry.strip().lower() for entry in options.text("EmailDomainWhitelist").split(",")}


def is_free(conn: Connection, address: str, *, user_id: int = 0) -> bool:
    """Return whether no other account than `user_id` has this address."""
    return all(user.id == user_id for user in identities.by_address(conn, address))


# --- codes


async def new_code(services: Services, address: str, *, language: Language) -> Letter:
    """Return the mail with a fresh code for an address that may become an account's. Raises `Refused`."""
    if not is_address(address):
        raise InvalidParameter
    options = services.registry.current.options
    if not may_register(options, address):
        raise NotAllowed(_OTHER_DOMAIN)
    if not await services.database.read(lambda conn: is_free(conn, address)):
        raise Refused(_OCCUPIED)
    await _pace(services, address)
    code = _new_code()
    await _store(services, _subject(address), _proof(address, code))
    return code_letter(language, site=options.text("SystemName"), code=code, minutes=CODE_LIFE_MIN)


async def check_code(services: Services, address: str, code: str) -> None:
    """Return if the code is right; a wrong one is counted against it. Raises `Refused`."""

    def work(conn: Connection) -> bool:
        return codes.check(
            conn, _subject(address), _proof(address, code), most_failures=MOST_FAILURES, now_ms=now_ms()
        )

    if not is_address(address) or not await commit(services, work):
        raise Refused(_WRONG)


def claim(conn: Connection, address: str, code: str, *, user_id: int = 0) -> None:
    """Use the code up and make sure that the address is free, in the transaction that gives it to an account.

    Raises `Refused`, which must undo the transaction.
    """
    if not codes.spend(conn, _subject(address), _proof(address, code), now_ms=now_ms()):
        raise Refused(_WRONG)
    reserve(conn, address)
    if not is_free(conn, address, user_id=user_id):
        raise Refused(_OCCUPIED)


def reserve(conn: Connection, address: str) -> None:
    """Keep other transactions from giving the same address away until this one ends."""
    codes.take_turn(conn, f"address\n{identities.folded(address)}")


async def bind_address(services: Services, author: Author, *, address: str, code: str) -> None:
    """Give an address to the account of whoever has its code."""
    await check_code(services, address, code)

    def work(conn: Connection) -> None:
        before = users.by_id(conn, author.id)
        claim(conn, address, code, user_id=author.id)
        users.change(conn, author.id, {"email": address, "updated_at": now_ms()})
        changes: Changes = {"email": [before.email if before else "", address]}
        note(conn, author, "user.update", object_id=author.id, name=author.username, changes=changes)

    await commit(services, work)
    services.accounts.forget_user(author.id)


# --- forgotten passwords


async def new_resets(services: Services, address: str, *, language: Language) -> list[tuple[str, Letter]]:
    """Return a mail with a reset link for each living account with this address, and where to send it.

    One-api let accounts share an address. What is mailed goes to the address as the account has it, in the language
    that its owner chose, else in `language`, which who asks for it reads.
    """
    if not is_address(address):
        raise InvalidParameter
    await _pace(services, address)
    owners = await services.database.read(lambda conn: _living(conn, address))
    known = await mail_languages(services, [owner.id for owner in owners], default=language)
    return [(owner.email, await _reset_for(services, owner, language=known[owner.id])) for owner in owners]


async def new_reset(services: Services, owner: User) -> Letter:
    """Return a mail with a reset link for this account, to be sent to its address; in its owner's language."""
    if not is_address(owner.email):
        raise InvalidParameter
    await _pace(services, owner.email)
    known = await mail_languages(services, [owner.id])
    return await _reset_for(services, owner, language=known[owner.id])


async def _reset_for(services: Services, owner: User, *, language: Language) -> Letter:
    options = services.registry.current.options
    token = secrets.token_hex(16)
    await _store(services, _reset_subject(owner.id), _reset_proof(owner.id, token), user_id=owner.id)
    link = f"{options.server_address}/user/reset?email={quote(owner.email)}&token={token}"
    return reset_letter(
        language, site=options.text("SystemName"), name=owner.username, link=link, minutes=CODE_LIFE_MIN
    )


async def reset_password(
    services: Services, *, address: str, token: str, password: str = "", at: Whereabouts | None = None
) -> str:
    """Give the account behind a mailed link a new password, and end its sessions. `at`: from where that is asked.

    Returns the password, which is a random one unless `password` says otherwise. Raises `Refused`.
    """
    if not address or not token:
        raise InvalidParameter
    if password and not is_acceptable(password):
        raise InvalidInput
    chosen = password or secrets.token_urlsafe(_PASSWORD_LENGTH)[:_PASSWORD_LENGTH]
    if not await services.database.read(lambda conn: _living(conn, address)):
        raise Refused(_WRONG_LINK)
    new_hash = await hashed(chosen)
    where = at or Whereabouts()

    def work(conn: Connection) -> int:
        moment = now_ms()
        for owner in _living(conn, address):
            if codes.spend(conn, _reset_subject(owner.id), _reset_proof(owner.id, token), now_ms=moment):
                users.change(conn, owner.id, {"password": new_hash, "updated_at": moment})
                security.end_sessions(conn, owner.id, now_ms=moment)
                by = author_of(owner, address=where.address, via=where.via)
                note(conn, by, "user.password-reset", object_id=owner.id, name=owner.username)
                return owner.id
        raise Refused(_WRONG_LINK)

    services.accounts.forget_user(await commit(services, work))
    return chosen


def _living(conn: Connection, address: str) -> list[User]:
    return [user for user in identities.by_address(conn, address) if user.status != UserStatus.DELETED]


async def _pace(services: Services, address: str) -> None:
    key = f"mail:{codes.digest(identities.folded(address))[:32]}"
    if not await services.windows.hit(key, limit=MAILS, window_s=MAILS_WINDOW_S):
        raise TooManyAttempts("Too many mails to this address. Please wait before trying again.")


async def _store(services: Services, subject: str, proof: str, *, user_id: int = 0) -> None:
    def work(conn: Connection) -> None:
        moment = now_ms()
        codes.put(conn, subject, proof, user_id=user_id, expires_at=moment + _LIFE_MS, now_ms=moment)

    try:
        await commit(services, work)
    except Conflict:
        # Somebody asked for one at the same moment; ours is the later one.
        await commit(services, work)


def _new_code() -> str:
    while True:
        code = "".join(secrets.choice(_LETTERS + _DIGITS) for _ in range(_CODE_LENGTH))
        if any(sign in _DIGITS for sign in code):
            return code


def _subject(address: str) -> str:
    return codes.digest("address", identities.folded(address))


def _proof(address: str, code: str) -> str:
    return codes.digest("address", identities.folded(address), code.strip().lower())


def _reset_subject(user_id: int) -> str:
    return codes.digest("reset", str(user_id))


def _reset_proof(user_id: int, token: str) -> str:
    return codes.digest("reset", str(user_id), token)
