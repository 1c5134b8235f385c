"""Whether somebody who is signed in still knows their password, asked before it is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from gateway.accounts.passwords import verify_password
from gateway.accounts.refusals import TooManyAttempts

if TYPE_CHECKING:
    from gateway.services import Services
    from storage.records import User

GUESSES = 10
GUESSES_WINDOW_S = 900.0


async def knows_password(services: Services, actor: User, password: str) -> bool:
    """Return whether `password` is the actor's; accounts without one have nothing to prove.

    Raises `TooManyAttempts` for whoever guesses at a session that was left open.
    """
    if not actor.password:
        return True
    if not await services.windows.hit(f"proof:{actor.id}", limit=GUESSES, window_s=GUESSES_WINDOW_S):
        raise TooManyAttempts("Too many attempts. Please wait before trying again.")
    return await trio.to_thread.run_sync(verify_password, password, actor.password)
