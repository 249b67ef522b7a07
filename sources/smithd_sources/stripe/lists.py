"""Lists of objects: read page by page, over several polls where one is too short, and later only what is new."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from smithd.plugin import BadResponse, Misconfigured, Unavailable
from smithd_sources.stripe.api import PAGE, Api, OutOfTime
from smithd_sources.stripe.errors import StripeRefused
from smithd_sources.stripe.money import whole
from smithd_sources.stripe.periods import DAY

FEW = 3
"""So many pages are simply read again each time; of a longer list, only what is new."""
HOUR = 3600
OVERLAP = 900
"""Seconds before the newest object that are read again: an object may be listed a little after others made later."""

F = TypeVar("F")
ApiObject = Mapping[str, Any]
Take = Callable[[Sequence[ApiObject]], Awaitable[Mapping[str, F]]]
"""Makes what is to be kept, by id, of the objects on a page."""


class ListTooLong(Misconfigured):
    """A list has more objects than the user wants to have read."""


class Listing(Generic[F]):
    """One reading of a list, from its newest object back. ``run`` may be called again to go on where time was over."""

    def __init__(self, api: Api, path: str, lists: Sequence[Mapping[str, Any]], take: Take[F], cap: int) -> None:
        """``lists`` are the parameters of one list, or of several that are read one after another; ``cap`` is the most
        objects that are read of each.
        """
        self.kept: dict[str, F] = {}
        self._of_list: dict[str, F] = {}
        self.pages = 0
        self._api = api
        self._path = path
        self._left = list(lists)
        self._take = take
        self._cap = cap
        self._last: str | None = None
        self._seen = 0

    async def run(self) -> None:
        """Read to the end. Raises OutOfTime where it takes another poll, ListTooLong at the cap."""
        while self._left:
            try:
                await self._read_page()
            except OutOfTime as error:
                raise OutOfTime(self._progress(error)) from None
            except StripeRefused as error:
                if error.param != "starting_after" or self._last is None:
                    raise
                self._turn_to_first_page()  # the object to go on from is gone

    async def _read_page(self) -> None:
        after = {} if self._last is None else {"starting_after": self._last}
        objects, more = await self._api.page(self._path, {**self._left[0], **after})
        if more and (not objects or objects[-1]["id"] == self._last):
            raise BadResponse(f"{self._path}: the list has no end")
        self._of_list.update(await self._take(objects))
        self.pages += 1
        self._seen += len(objects)
        if more and self._seen >= self._cap:
            raise ListTooLong(
                f"{self._path}: there are more than {self._cap} objects to read; raise 'max_objects' "
                "(each costs about a kilobyte of memory), or leave out the metrics that need them"
            )
        if more:
            self._last = objects[-1]["id"]
        else:
            self.kept.update(self._of_list)
            self._left.pop(0)
            self._turn_to_first_page()

    def _turn_to_first_page(self) -> None:
        self._last, self._seen, self._of_list = None, 0, {}

    def _progress(self, error: OutOfTime) -> str:
        if not self.pages:
            return str(error)
        return (
            f"{self._path}: {self.pages * PAGE} objects read, and there are more than one poll has time for: the next "
            "one goes on from there, and until the end is reached there is no value; a longer 'timeout' is there sooner"
        )


class ResumableListing(Generic[F]):
    """Runs a reading at each poll, and goes on with the one that the last poll could not end.

    A list that is too long is not read again for an hour.
    """

    def __init__(self) -> None:
        self._under_way: Listing[F] | None = None
        self._too_long: str | None = None
        self._not_before = float("-inf")

    async def run(self, begin: Callable[[], Listing[F]], now: float) -> Listing[F]:
        """A reading that has come to its end; ``begin`` makes it where none is under way. Raises what it raises."""
        if self._too_long is not None and now < self._not_before:
            raise ListTooLong(self._too_long)
        sample = self._under_way or begin()
        self._under_way = None
        try:
            await sample.run()
        except (Unavailable, asyncio.CancelledError):  # OutOfTime is one of those
            self._under_way = sample
            raise
        except ListTooLong as error:
            self._too_long, self._not_before = str(error), now + HOUR
            raise
        return sample


class Dated(Protocol):
    """What is kept of an object."""

    @property
    def created(self) -> int:
        """When Stripe made it, in seconds since 1970."""


C = TypeVar("C", bound=Dated)


class CountedObject(NamedTuple):
    """What is kept of an object that is only counted."""

    created: int
    status: str | None


def read_counted(found: ApiObject) -> CountedObject:
    """What is kept of this one; KeyError, TypeError and ValueError where it is none of Stripe's."""
    return CountedObject(whole(found["created"]), found.get("status"))


class Feed(Generic[C]):
    """A list that grows at its newest end, and is known from some moment on.

    A short list is read whole each time. Of a long one only the end: from a while before its newest object, or from its
    oldest object that may still change. What is listed there replaces what was known of that time. Once a day a long
    list is read whole as well.
    """

    def __init__(
        self,
        api: Api,
        path: str,
        read: Callable[[ApiObject], C],
        *,
        cap: int,
        params: Mapping[str, Any] = {},
        may_change: Callable[[C], bool] = lambda _: False,
    ) -> None:
        self._api = api
        self._path = path
        self._read = read
        self._cap = cap
        self._params = params
        self._may_change = may_change
        self._known: dict[str, C] = {}
        self._resumed = ResumableListing[C]()
        self._from = 0
        self._whole_at = float("-inf")
        self._pages = 0

    async def objects(self, since: int, now: float) -> Collection[C]:
        """All that was made since then; raises what a Reading raises."""
        sample = await self._resumed.run(lambda: self._begin(since, now), now)
        if self._from <= since:
            self._whole_at, self._pages = now, sample.pages
        known = {key: event for key, event in self._known.items() if since <= event.created < self._from}
        self._known = known | {key: event for key, event in sample.kept.items() if since <= event.created}
        if len(self._known) > self._cap:
            self._known, self._whole_at = {}, float("-inf")
            raise ListTooLong(f"{self._path}: there are more than {self._cap} objects to keep; raise 'max_objects'")
        return self._known.values()

    async def newest(self) -> C | None:
        """The newest there is, of whatever time."""
        objects, _ = await self._api.page(self._path, {**self._params, "limit": 1})
        kept = await self._take(objects)
        return next(iter(kept.values()), None)

    def _begin(self, since: int, now: float) -> Listing[C]:
        self._from = self._start(since, now)
        created = {"created": {"gte": self._from}} if self._from else {}
        return Listing(self._api, self._path, [{**self._params, **created}], self._take, self._cap)

    def _start(self, since: int, now: float) -> int:
        if self._pages <= FEW or now - self._whole_at >= DAY:
            return since
        changing = min((event.created for event in self._known.values() if self._may_change(event)), default=None)
        newest = max((event.created for event in self._known.values()), default=since) - OVERLAP
        return max(since, newest if changing is None else min(newest, changing))

    async def _take(self, objects: Sequence[ApiObject]) -> Mapping[str, C]:
        try:
            return {found["id"]: self._read(found) for found in objects}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadResponse(
                f"{self._path}: {type(error).__name__}: {error}: not shaped as Stripe's objects are"
            ) from None
