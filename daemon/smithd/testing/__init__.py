"""For authors of sources: ask one as smithd would, a server that answers as a test says, and a contract to inherit."""

from smithd.testing.asking import Outcome, poll_once, polls, polls_async
from smithd.testing.contract import HttpSourceContract, SourceContract
from smithd.testing.server import Asked, Reply, Server

__all__ = [
    "Asked",
    "HttpSourceContract",
    "Outcome",
    "Reply",
    "Server",
    "SourceContract",
    "poll_once",
    "polls",
    "polls_async",
]
