"""Writes recorded messages after their requests are over, so that no client waits for it.

What is recorded waits in a bounded queue. Where there is no room, or the database stays away, recordings are dropped,
counted, and said once; a process that is killed loses what waited.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Final

import trio

from gateway.recordings.packing import packed
from gateway.recordings.recording import Recording, Room
from gateway.relay.endpoints import Kind
from gateway.write_behind import WriteBehind
from storage.errors import Conflict, DatabaseUnavailable, Retryable, StorageError
from storage.repositories import messages
from storage.repositories.messages import StoredMessages

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.observe.types import Journal
    from gateway.relay.state import Relay
    from storage.database import Database

RECORDED: Final = frozenset((Kind.CHAT, Kind.RESPONSES, Kind.MESSAGES, Kind.GENERATE, Kind.COMPLETIONS))
"""Endpoints at which something is said. Sound, pictures and vectors are none of them."""
ROOM_BYTES: Final = 64 << 20
"""What all recordings may hold in memory, those under way and those that wait."""
MOST_WAITING: Final = 1_000
# A stream says little with many bytes, and a request is shortened where that hurts least, for which it must be there.
_HELD_FOR_KEPT: Final = 8
_MOST_HELD: Final = 8 << 20
_AT_ONCE: Final = 16
FLUSH_S: Final = 0.5
RETRY_S: Final = 2.0
LAST_FLUSH_S: Final = 5.0


class MessageRecorder:
    """Service: begins recordings, and writes those that ended. Implements `recording.Messages`."""

    name = "message-recorder"

    def __init__(
        self,
        database: Database,
        *,
        journal: Journal,
        room_bytes: int = ROOM_BYTES,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._database = database
        self._journal = journal
        self._now_ms = now_ms
        self._room = Room(room_bytes)
        self._waiting: deque[tuple[Recording, int]] = deque()
        # Packing is CPU work beside the event loop: one thread, so that it never takes more than one core.
        self._packers = trio.CapacityLimiter(1)
        self._writing = WriteBehind(self._waiting, self._flush, delay_s=FLUSH_S, retry_s=RETRY_S, last_s=LAST_FLUSH_S)
        self._complained = False
        self._singly = 0
        """So many are written one by one, to find the one that the database refuses or has."""
        self._in_doubt = 0
        """So many of the oldest may be stored already: their COMMIT was not answered."""
        self.dropped = 0
        """Recordings that were lost since the start."""

    def begin(self, relay: Relay) -> Recording | None:
        """See `Messages.begin`."""
        options = relay.snapshot.options
        if not options.flag("MessageRecordingEnabled") or relay.endpoint.kind not in RECORDED:
            return None
        keep = options.integer("MessageLargestKiB") << 10
        most = max(min(keep * _HELD_FOR_KEPT, _MOST_HELD), keep)
        raw = relay.body.raw
        request = raw if len(raw) <= most else raw[:keep]
        if not self._room.take(len(request)):
            self._drop("too many messages are being recorded at once")
            return None
        recording = Recording(
            request_id=relay.request_id,
            user_id=relay.caller.user.id,
            token_id=relay.caller.token.id,
            format=relay.endpoint.format or "",
            endpoint=relay.endpoint.kind.value,
            request=request,
            request_bytes=len(raw),
            most=most,
            keep=keep,
            room=self._room,
            ended=self._take,
            held=len(request),
        )
        relay.client.overhear(recording.hear)
        return recording

    def _take(self, recording: Recording) -> None:
        if len(self._waiting) >= MOST_WAITING or self._writing.is_over:
            recording.release()
            self._drop("recorded messages wait for the database")
            return
        self._waiting.append((recording, self._now_ms()))
        self._writing.wake()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Write until `aclose`, then write what is left and return."""
        try:
            await self._writing.run(task_status=task_status)
        finally:
            if self._waiting:
                self._drop("the database did not take recorded messages before the end", len(self._waiting))

    async def aclose(self) -> None:
        """Return when everything is written that can be."""
        await self._writing.aclose()

    async def _flush(self) -> bool:
        """Write the oldest; `False` when the database is away, which leaves them where they are."""
        batch = [self._waiting[place] for place in range(min(len(self._waiting), 1 if self._singly else _AT_ONCE))]
        if not batch:
            return True
        packs = await trio.to_thread.run_sync(_packed, batch, limiter=self._packers)
        for one, pack in zip(batch, packs, strict=True):
            if not isinstance(pack, StoredMessages):
                self._waiting.remove(one)
                one[0].release()
                self._drop(f"messages of request {one[0].request_id} could not be packed: {pack}")
        batch = [one for one, pack in zip(batch, packs, strict=True) if isinstance(pack, StoredMessages)]
        rows = [pack for pack in packs if isinstance(pack, StoredMessages)]
        try:
            await self._database.write(lambda conn: messages.add(conn, rows))
        except (DatabaseUnavailable, Retryable) as error:
            self._complain(f"recorded messages are kept in memory for now: {error}")
            if isinstance(error, DatabaseUnavailable) and error.in_doubt:
                # They may be stored, and cannot be stored twice: each one tells by itself.
                self._in_doubt = self._singly = max(self._in_doubt, self._singly, len(batch))
            return False
        except StorageError as error:
            if len(batch) > 1:
                self._singly = len(batch)
                return True
            if not (self._in_doubt and isinstance(error, Conflict)):
                self._drop(f"messages of request {batch[0][0].request_id} could not be stored: {error}")
        else:
            self._complained = False
        self._singly = max(self._singly - len(batch), 0)
        self._in_doubt = max(self._in_doubt - len(batch), 0)
        for recording, _at in batch:
            self._waiting.popleft()
            recording.release()
        return True

    def _drop(self, why: str, number: int = 1) -> None:
        self.dropped += number
        self._complain(why)

    def _complain(self, text: str) -> None:
        if not self._complained:
            self._journal.event("warning", "messages.unrecorded", text)
        self._complained = True


def _packed(batch: Sequence[tuple[Recording, int]]) -> list[StoredMessages | str]:
    """Return what is stored of each, or the kind of error that keeps it from being stored."""
    packs: list[StoredMessages | str] = []
    for recording, at_ms in batch:
        try:
            packs.append(packed(recording, at_ms))
        except Exception as error:  # noqa: BLE001 - the boundary: what somebody says must not end the process
            packs.append(type(error).__name__)
    return packs
