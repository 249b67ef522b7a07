"""Lists of objects: read page by page, over several polls where one is too short, and later only what is new.

Stripe lists objects from the newest to the oldest, a hundred at a time. A poll that runs out of time keeps what it
read, and the next poll goes on from there (``Listing``, ``ResumableListing``). A list of few pages is read again each
time; of a longer one only the newest end is read again, and all of it once a day (``Feed``).
"""

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
"""A list of at most this many pages is read again each time; of a longer list, only what is new."""
HOUR = 3600
OVERLAP = 900
"""Seconds before the newest object that are read again: an object may be listed a little after newer ones."""

F = TypeVar("F")
ApiObject = Mapping[str, Any]
Take = Callable[[Sequence[ApiObject]], Awaitable[Mapping[str, F]]]
"""Makes of the objects on a page what is kept of them, by id."""


class ListTooLong(Misconfigured):
    """A list has more objects than the configuration allows to read."""


class Listing(Generic[F]):
    """One pass over a list, from its newest object back. After OutOfTime, ``run`` may be called again to go on."""

    def __init__(self, api: Api, path: str, lists: Sequence[Mapping[str, Any]], take: Take[F], cap: int) -> None:
        """``lists`` are the parameters of one list, or of several that are read one after another. ``cap`` is the most
        objects that are read of each.
        """
        self.kept: dict[str, F] = {}
        self.pages = 0
        self._api = api
        self._path = path
        self._left = list(lists)
        self._take = take
        self._cap = cap
        self._kept_of_list: dict[str, F] = {}
        self._last: str | None = None
        self._seen = 0

    async def run(self) -> None:
        """Read to the end. Raises OutOfTime where it takes another poll, ListTooLong at the cap."""
        while self._left:
            try:
                await self._read_page()
            except OutOfTime as error:
                if not self.pages:
                    raise OutOfTime(str(error)) from None
                raise OutOfTime(
                    f"{self._path}: {self.pages * PAGE} objects read, and there are more than one poll has time for: "
                    "the next one goes on from there, and until the end is reached there is no value; "
                    "with a longer 'timeout' it is reached sooner"
                ) from None
            except StripeRefused as error:
                if error.param != "starting_after" or self._last is None:
                    raise
                # The object to go on from was deleted.
                self._start_over()

    async def _read_page(self) -> None:
        after = {} if self._last is None else {"starting_after": self._last}
        objects, more = await self._api.page(self._path, {**self._left[0], **after})
        # A server that repeats a page, or sends empty ones, would be read for ever.
        if more and (not objects or objects[-1]["id"] == self._last):
            raise BadResponse(f"{self._path}: the list has no end")
        self._kept_of_list.update(await self._take(objects))
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
            self.kept.update(self._kept_of_list)
            self._left.pop(0)
            self._start_over()

    def _start_over(self) -> None:
        self._last, self._seen, self._kept_of_list = None, 0, {}


class ResumableListing(Generic[F]):
    """Runs a listing at each poll, and goes on with the one that the last poll could not finish.

    A list that is too long is not read again for an hour.
    """

    def __init__(self) -> None:
        self._unfinished: Listing[F] | None = None
        self._too_long: str | None = None
        self._not_before = float("-inf")

    async def run(self, begin: Callable[[], Listing[F]], now: float) -> Listing[F]:
        """A listing that has reached its end. ``begin`` makes one where none is unfinished. Raises what it raises."""
        if self._too_long is not None and now < self._not_before:
            raise ListTooLong(self._too_long)
        listing = self._unfinished or begin()
        self._unfinished = None
        try:
            await listing.run()
        # Also where the poll is cancelled at its deadline. OutOfTime is Unavailable too.
        except (Unavailable, asyncio.CancelledError):
            self._unfinished = listing
            raise
        except ListTooLong as error:
            self._too_long, self._not_before = str(error), now + HOUR
            raise
        return listing


class Dated(Protocol):
    """What is kept of an object in a feed."""

    @property
    def created(self) -> int:
        """When Stripe made it, in seconds since 1970."""


C = TypeVar("C", bound=Dated)


class CountedObject(NamedTuple):
    """What is kept of an object that is only counted."""

    created: int
    status: str | None


def read_counted(found: ApiObject) -> CountedObject:
    """What is kept of this object. Raises KeyError, TypeError or ValueError where it is not shaped as Stripe's are."""
    return CountedObject(whole(found["created"]), found.get("status"))


class Feed(Generic[C]):
    """A list that grows at its newest end, kept from some moment on.

    A short list is read as a whole each time. Of a long one only the end is read: from a while before its newest
    object, or from its oldest object that may still change. What is listed there replaces what was kept of that time.
    Once a day a long list is read as a whole too.
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
        self._kept: dict[str, C] = {}
        self._listing = ResumableListing[C]()
        self._listed_from = 0
        self._whole_at = float("-inf")
        self._pages = 0

    async def objects(self, since: int, now: float) -> Collection[C]:
        """All that were made since then. Raises what a listing raises."""

        def begin() -> Listing[C]:
            self._listed_from = since
            if self._pages > FEW and now - self._whole_at < DAY:
                kept = self._kept.values()
                newest = max((each.created for each in kept), default=since) - OVERLAP
                changing = min((each.created for each in kept if self._may_change(each)), default=newest)
                self._listed_from = max(since, min(newest, changing))
            created = {"created": {"gte": self._listed_from}} if self._listed_from else {}
            return Listing(self._api, self._path, [{**self._params, **created}], self._take, self._cap)

        listing = await self._listing.run(begin, now)
        # Only a listing from ``since`` on has the whole list.
        if self._listed_from <= since:
            self._whole_at, self._pages = now, listing.pages
        older = {key: kept for key, kept in self._kept.items() if since <= kept.created < self._listed_from}
        self._kept = older | {key: kept for key, kept in listing.kept.items() if since <= kept.created}
        # Each listing keeps to the cap, and yet they may add up to more.
        if len(self._kept) > self._cap:
            self._kept, self._whole_at = {}, float("-inf")
            raise ListTooLong(f"{self._path}: there are more than {self._cap} objects to keep; raise 'max_objects'")
        return self._kept.values()

    async def newest(self) -> C | None:
        """The newest object there is, from any time."""
        objects, _ = await self._api.page(self._path, {**self._params, "limit": 1})
        kept = await self._take(objects)
        return next(iter(kept.values()), None)

    async def _take(self, objects: Sequence[ApiObject]) -> Mapping[str, C]:
        try:
            return {found["id"]: self._read(found) for found in objects}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadResponse(
                f"{self._path}: {type(error).__name__}: {error}: not shaped as Stripe's objects are"
            ) from None
