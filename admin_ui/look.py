"""The figures of one page about traffic: each is read once, by whoever asks first, however many charts need it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import trio

from admin_ui.gathering import gathered
from admin_ui.usage_charts import fine_and_lost
from gateway.traffic import figures
from gateway.traffic.figures import Span

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from admin_ui.charts import Value
    from admin_ui.scope import Scope
    from admin_ui.ui import Ui
    from gateway.services import Services
    from gateway.traffic.figures import Counted, Stacked, Waits
    from storage.repositories.usage import Sums

T = TypeVar("T")
_COUNTED = ("outcome", "first", "took", "flow")
_MORE = ("tries", "error", "lost")
Failures = tuple["Mapping[str, int]", "Sequence[Mapping[str, int]]"]


class Look:
    """What a page looks at. Several tasks may ask at once.

    `rolled`: what `figures.rolled` found, so that it is looked for once.
    """

    def __init__(self, ui: Ui, scope: Scope, rolled: tuple[int, int]) -> None:
        self.ui = ui
        self.scope = scope
        self.span, self.before = replace(scope.span, rolled=rolled), replace(scope.before, rolled=rolled)
        if not scope.is_known:
            # Nobody of that name: nothing fits.
            since = scope.span.since
            self.span = self.before = Span(since=since, until=since, edges=scope.edges, rolled=rolled)
        self._known: dict[str, object] = {}
        self._coming: dict[str, trio.Event] = {}

    @property
    def services(self) -> Services:
        """Where figures come from."""
        return self.ui.services

    @property
    def edges(self) -> Sequence[int]:
        """Where buckets begin."""
        return self.scope.edges

    async def once(self, name: str, read: Callable[[], Awaitable[T]]) -> T:
        """Return what `read` finds, which is asked once for each name. Its error is everybody's who waits."""
        if name in self._coming:
            await self._coming[name].wait()
        if name not in self._known:
            self._coming[name] = trio.Event()
            try:
                self._known[name] = await read()
            finally:
                self._coming.pop(name).set()
        found: T = self._known[name]  # type: ignore[assignment]  # each name has one kind of answer
        return found

    async def read_ahead_sums(self, by: str) -> None:
        """Read use over time, and by something if that is said, side by side."""
        await gathered(use=self._use, **({"totals": lambda: self.totals(by)} if by else {}))

    async def read_ahead(self, by: str) -> None:
        """Read what nearly all of a page needs, side by side. `by`: what it tells apart."""
        before = self._counted_before if self.scope.compares else self._counted
        await gathered(use=self._use, totals=lambda: self.totals(by), counted=self._counted, before=before)

    async def stacked(self, by: str, measure: str = "units") -> Stacked:
        """Return use over time by something."""
        whole, totals = await self.whole(), await self.totals(by)
        return await self.once(
            f"stacked {by} {measure}",
            lambda: figures.stacked(self.services, self.span, totals, by=by, measure=measure, whole=whole),
        )

    async def totals(self, by: str) -> Mapping[str, Sums]:
        """Return use in all by something."""
        return await self.once(f"totals {by}", lambda: figures.totals(self.services, self.span, by=by))

    async def whole(self) -> Sequence[Sums]:
        """Return use over time."""
        return (await self._use())[0]

    async def earlier(self) -> Sums:
        """Return the use of the time before."""
        return (await self._use())[1]

    async def _use(self) -> tuple[Sequence[Sums], Sums]:
        before = self.before if self.scope.compares else None
        return await self.once("use", lambda: figures.whole_and_before(self.services, self.span, before))

    async def failures(self) -> Failures:
        """Return failures in all and over time."""

        async def read() -> Failures:
            return (await self._counted()).failures()

        return await self.once("failures", read)

    async def earlier_failures(self) -> Mapping[str, int]:
        """Return failures of the time before."""
        return (await self._counted_before()).failures()[0]

    async def waits(self, kind: str) -> tuple[Waits, list[Waits]]:
        """Return how long it took."""

        async def read() -> tuple[Waits, list[Waits]]:
            return (await self._counted()).waits(kind)

        return await self.once(f"waits {kind}", read)

    async def waits_before(self, kind: str) -> Waits:
        """Return how long it took in the time before."""
        return (await self._counted_before()).waits(kind)[0]

    async def counts(self, kind: str) -> dict[str, list[int]]:
        """Return counts over time: of retries, or of failed attempts by kind or channel."""
        found = await self.once("counts", lambda: figures.counted(self.services, self.span, _MORE))
        return found.over_time(kind)

    async def _counted(self) -> Counted:
        return await self.once("counted", lambda: figures.counted(self.services, self.span, _COUNTED))

    async def _counted_before(self) -> Counted:
        return await self.once("counted before", lambda: figures.counted(self.services, self.before, _COUNTED))

    async def success(self) -> list[Value]:
        """Return which part of requests ended well over time, in percent."""
        whole, (_all, failed) = await self.whole(), await self.failures()
        found: list[Value] = []
        for sums, bad in zip(whole, failed, strict=True):
            fine, lost = fine_and_lost(sums.requests, bad)
            found.append(100 * fine / (fine + lost) if fine + lost else None)
        return found

    def closed(self, values: Sequence[T]) -> Sequence[T]:
        """Return values without that of the bucket that is not over yet."""
        return values[:-1] if self.edges[-1] > self.span.until - 1 else values
