"""The ActivitySmith account: its key, address, default channels and limits, as the configuration gives them. No I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from smithd.contract.values import Channels
from smithd.outbox.update_budget import UPDATES_AT_ONCE
from smithd.plugin.options import Duration, Options, Secret, http_url
from smithd.references import AccountRef

BASE_URL = "https://activitysmith.com/api"


def is_loopback(host: str) -> bool:
    """Whether this host name or address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _safe_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"expected an https address like {BASE_URL}")
    http_url(url)
    if parts.query or parts.fragment:
        raise ValueError("expected an address without ? and #: paths are added to it")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError("the key would travel in the clear: use https (http is for this machine's own addresses only)")
    return url.rstrip("/")


def _sendable(key: Secret) -> Secret:
    text = key.get_secret_value()
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("this is no API key: expected plain ASCII without blanks, on one line")
    return key


_SHARE = re.compile(r"([1-9]\d?|100)\s*%")


def _share(given: Any) -> float:
    if not isinstance(given, str) or (found := _SHARE.fullmatch(given.strip())) is None:
        raise ValueError("expected a share from 1% to 100%, like 50%")
    return int(found[1]) / 100


_OF_SERVICE = (
    "notifications_per_minute",
    "badges_per_minute",
    "live_activities_per_minute",
    "metrics_per_minute",
    "live_activities_at_once",
)
"""The limits that are the service's, and not ours."""


class Limits(Options):
    """Requests a minute for each family of the service's limits; Live Activities at once, and how often they start."""

    share: Annotated[float, BeforeValidator(_share), WithJsonSchema({"type": "string", "pattern": _SHARE.pattern})] = (
        Field(
            1.0,
            description="how much of each of the service's limits smithd may use, like 50%, where others use the "
            "account, too; a limit that is written counts as it is",
        )
    )
    notifications_per_minute: int = Field(60, ge=1, le=60, description="pushes in any 60 seconds")
    badges_per_minute: int = Field(60, ge=1, le=60, description="badge updates in any 60 seconds")
    live_activities_per_minute: int = Field(
        300, ge=1, le=300, description="starts, updates and ends of Live Activities in any 60 seconds"
    )
    metrics_per_minute: int = Field(300, ge=1, le=300, description="widget values in any 60 seconds")
    live_activities_at_once: int = Field(4, ge=1, le=4, description="slots: Live Activities on the phone at once")
    updates_at_once: int = Field(
        UPDATES_AT_ONCE,
        ge=2,
        le=1000,
        description="how many updates of one Live Activity iOS shows in a row; one more may come every five minutes",
    )
    starts_per_hour: int = Field(
        6,
        ge=1,
        le=1000,
        description="starts of Live Activities in any hour, two of them kept for criticals, which may take up to ten",
    )
    return_after: Duration = Field(
        300.0, description="how long a slot must be free before a Live Activity that had to make room returns to it"
    )

    @model_validator(mode="after")
    def _shared(self) -> Limits:
        """What is not written is the share of the default, which is what the service allows."""
        for name in _OF_SERVICE:
            if name not in self.model_fields_set:
                self.__dict__[name] = max(1, int(getattr(self, name) * self.share))
        return self


class AccountOptions(Options):
    """The keys of ``activitysmith``."""

    api_key: Annotated[Secret, AfterValidator(_sendable)] = Field(
        min_length=1, description="the account's key; best as ${env:NAME} or ${credential:NAME}"
    )
    base_url: Annotated[str, AfterValidator(_safe_url)] = Field(
        BASE_URL, description="the address of the API; another one for a simulator"
    )
    channels: Channels | None = Field(None, description="who is notified; left out: everybody on the account")
    storm: int = Field(
        10, ge=1, description="more pushes than this in a minute: what is less than critical joins one summary"
    )
    limits: Limits = Field(
        Limits(), description="how much of the account smithd may use, where that is less than the service allows"
    )


class FurtherAccountOptions(AccountOptions):
    """The keys of an account under ``accounts``."""

    same_account_as: AccountRef | None = Field(
        None,
        description="the name of an account whose key is one of the same ActivitySmith account: they share its limits "
        "and slots",
    )


def budget_of(accounts: Mapping[str, AccountOptions], name: str) -> str:
    """The account whose limits and slots one has: itself, or the one that it is the same as."""
    options = accounts.get(name)
    return (options.same_account_as if isinstance(options, FurtherAccountOptions) else None) or name
