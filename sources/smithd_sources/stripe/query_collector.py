"""A metric of the user's own, from any list of the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from smithd.plugin import BadResponse, RawSample, quoted
from smithd_sources.stripe.collector import Collector, CollectorContext
from smithd_sources.stripe.lists import ApiObject, Listing, ResumableListing
from smithd_sources.stripe.options import QueryOptions
from smithd_sources.stripe.query import FieldsSeen, QueryRow, add_up, fits, parameters, parse_row


class QueryCollector(Collector):
    """Reads the whole list each time; it should be short after the filters."""

    def __init__(self, shared: CollectorContext, name: str, query: QueryOptions) -> None:
        self._shared = shared
        self._name = name
        self._query = query
        self._listing = ResumableListing[QueryRow]()
        summed = [query.sum] if query.sum is not None else []
        self._fields = FieldsSeen([*summed, *query.where, *query.labels.values()])
        # The labels that were seen, with their currencies. Without labels there is one series, 0 from the start.
        self._known: dict[tuple[str, ...], set[str]] = {} if query.labels else {(): set()}

    async def collect(self, now: float) -> Sequence[RawSample]:
        params = parameters(self._query.filters, now, self._shared.context.zone)
        cap = self._shared.options.max_objects
        listing = await self._listing.run(
            lambda: Listing(self._shared.api, self._query.path, [params], self._take, cap), now
        )
        if (problem := self._fields.problem()) is not None:
            raise BadResponse(f"{self._name}: {problem}")
        sums = add_up(listing.kept.values())
        for values, amounts in sums.items():
            self._known.setdefault(values, set()).update(amounts)
        samples: list[RawSample] = []
        for values, currencies in self._known.items():
            # What was there once is 0 from then on, and not unknown.
            amounts = {**dict.fromkeys(currencies, Fraction()), **sums.get(values, {})}
            labels = dict(zip(self._query.labels, values, strict=True))
            if self._query.money:
                samples += self._shared.converter.samples(self._name, amounts, labels)
            else:
                samples.append(RawSample(self._name, float(sum(amounts.values(), Fraction())), labels))
        return samples

    async def _take(self, objects: Sequence[ApiObject]) -> Mapping[str, QueryRow]:
        query = self._query
        kept: dict[str, QueryRow] = {}
        for found in objects:
            self._fields.look(found)
            if not fits(found, query.where):
                continue
            try:
                row = parse_row(found, query.sum, money=query.money, labels=query.labels.values())
            except ValueError as error:
                raise BadResponse(f"{self._name}: {quoted(str(found['id']))}: {error}") from None
            if row is not None:
                kept[found["id"]] = row
        return kept
