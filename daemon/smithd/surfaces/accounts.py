"""The surfaces of all accounts together: which account has a surface, and which surfaces a change concerns. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from smithd.keys import StreamKey, SurfaceKey
from smithd.surfaces.surface import SlotSurface
from smithd.surfaces.surfaces import Surfaces


@dataclass(frozen=True)
class AllSurfaces:
    """The surfaces of a configuration, by the account whose slots they share: that is their own, or the one that it is
    the same as.
    """

    by_account: Mapping[str, Surfaces]

    @cached_property
    def keys(self) -> list[SurfaceKey]:
        """All surfaces, account by account, in the file's order."""
        return [key for each in self.by_account.values() for key in each.keys]

    @cached_property
    def streams(self) -> Mapping[StreamKey, SlotSurface]:
        """All that need a slot."""
        return {key: stream for each in self.by_account.values() for key, stream in each.streams.items()}

    @cached_property
    def metrics(self) -> frozenset[str]:
        """The metrics that a surface shows."""
        return frozenset().union(*(each.metrics for each in self.by_account.values()))

    @cached_property
    def sources(self) -> frozenset[str]:
        """The sources whose answers a surface depends on."""
        return frozenset().union(*(each.sources for each in self.by_account.values()))

    @cached_property
    def with_slots_of(self) -> Mapping[str, str]:
        """The account whose slots each account has."""
        return {name: owner for owner, each in self.by_account.items() for name in each.accounts}

    def concerned(self, names: Iterable[str], rules: Collection[str]) -> set[SurfaceKey]:
        """The surfaces that look at one of these metrics or sources, or at one of these rules."""
        names = list(names)
        return set().union(*(each.concerned(names, rules) for each in self.by_account.values()))

    def in_window(self, name: str) -> frozenset[SurfaceKey]:
        """The surfaces that depend on a time window."""
        return frozenset().union(*(each.by_window.get(name, ()) for each in self.by_account.values()))

    def apart(self, keys: Collection[SurfaceKey]) -> Iterator[tuple[str, Surfaces, set[SurfaceKey]]]:
        """These surfaces, account by account: whose slots they have, all surfaces there, and these of them."""
        for owner, each in self.by_account.items():
            if found := {key for key in keys if key in each.order}:
                yield owner, each, found
