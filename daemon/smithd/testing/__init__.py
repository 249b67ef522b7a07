"""For authors of sources: polls as smithd makes them, a server that answers as a test says, a contract to inherit."""

from smithd.testing.contract import HttpSourceContract, SourceContract
from smithd.testing.polling import PollOutcome, poll_once, polls, polls_async
from smithd.testing.server import ReceivedRequest, Reply, Server

__all__ = [
    "HttpSourceContract",
    "PollOutcome",
    "ReceivedRequest",
    "Reply",
    "Server",
    "SourceContract",
    "poll_once",
    "polls",
    "polls_async",
]
