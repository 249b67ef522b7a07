"""Keys: what on the phone a message is about. The account is part of every key. No I/O.

A widget and a Live Activity of one name have different hashes: the persistent maps compare what has the same hash, and
fail on two objects of different classes.
"""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_ACCOUNT = "default"
"""The name of the account of ``activitysmith``."""


@dataclass(frozen=True, slots=True, order=True)
class WidgetKey:
    """A widget; ``name`` is ActivitySmith's metric key."""

    account: str
    name: str

    def __hash__(self) -> int:
        return hash(("widget", self.account, self.name))

    @property
    def subject(self) -> str:
        """What it is about, for a line that a person reads."""
        return of_account(f"widget {self.name}", self.account)

    def __str__(self) -> str:
        return self.subject


@dataclass(frozen=True, slots=True, order=True)
class StreamKey:
    """A Live Activity; ``name`` is ActivitySmith's stream key."""

    account: str
    name: str

    def __hash__(self) -> int:
        return hash(("stream", self.account, self.name))

    @property
    def subject(self) -> str:
        """What it is about, for a line that a person reads."""
        return of_account(f"Live Activity {self.name}", self.account)

    def __str__(self) -> str:
        return self.subject


@dataclass(frozen=True, slots=True, order=True)
class BadgeKey:
    """The number on the app's icon."""

    account: str

    @property
    def subject(self) -> str:
        """What it is about, for a line that a person reads."""
        return of_account("badge", self.account)

    def __str__(self) -> str:
        return self.subject


@dataclass(frozen=True, slots=True, order=True)
class PushKey:
    """One notification: ``sequence`` counts those of a notification group since it was ``opened`` (seconds since 1970,
    to the millisecond), from 1.
    """

    account: str
    group: str
    opened: float
    sequence: int

    @property
    def subject(self) -> str:
        """What it is about, for a line that a person reads."""
        return of_account(f"push {self.group}", self.account)

    def __str__(self) -> str:
        sequence = f".{self.sequence}" if self.sequence > 1 else ""
        return of_account(f"push {self.group}@{self.opened:.3f}{sequence}", self.account)


SurfaceKey = WidgetKey | StreamKey | BadgeKey
Key = SurfaceKey | PushKey

_KINDS: dict[type[Key], str] = {WidgetKey: "widget", StreamKey: "live_activity", BadgeKey: "badge", PushKey: "push"}


def of_account(text: str, account: str) -> str:
    """A text about something of an account, which is named unless it is that of ``activitysmith``."""
    return text if account == DEFAULT_ACCOUNT else f"{text} of {account}"


def kind_of(key: Key) -> str:
    """What kind of thing a key belongs to, as answers in JSON name it."""
    return _KINDS[type(key)]
