"""How many file descriptors a configuration needs."""

from __future__ import annotations

from typing import NamedTuple

from smithd.config.model import Config
from smithd.connections import MOST
from smithd.delivery.choice import AT_ONCE
from smithd.descriptors import KEPT
from smithd.pool import FEWEST

OWN = 40
"""Those of the process itself: its log, loop, state and listening sockets, and the names that are being looked up."""
OF_ISOLATED = 6
"""Those of a source in a thread of its own: three of its event loop, and its connections."""


class DescriptorNeeds(NamedTuple):
    """``fixed``: what must be there in any case. ``connections``: one to each source, which may be fewer."""

    fixed: int
    connections: int

    @property
    def all(self) -> int:
        """What lets every connection to a source stay open between two polls."""
        return self.fixed + self.connections

    @property
    def least(self) -> int:
        """What lets everything be polled."""
        return self.fixed + min(self.connections, FEWEST)


def descriptor_needs(config: Config) -> DescriptorNeeds:
    """What this configuration needs."""
    # The control socket has as many connections as the page may have.
    fixed = OWN + KEPT + (MOST if config.web is None else 2 * MOST)
    # Those to the service of the first account are among the process's own.
    fixed += AT_ONCE * (len(config.accounts) - 1)
    connections = 0
    for source in config.sources.values():
        fixed += source.source_class.own_descriptors
        if source.isolated:
            fixed += OF_ISOLATED
        elif not source.source_class.own_descriptors:
            connections += 1
    return DescriptorNeeds(fixed, connections)
