"""The whole configuration: the options that each room declares, and those of the rooms above this one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema, field_validator

from smithd.alerts.rule import RuleOptions
from smithd.config.fields import Places
from smithd.config.names import AccountName, ActivityKey, DerivedName, RuleName, SourceName, WindowName
from smithd.contract.names import MetricKey
from smithd.delivery.account import AccountOptions, FurtherAccountOptions, budget_of, is_loopback
from smithd.errors import Remark
from smithd.expression.expression import Expression
from smithd.expression.option import ExpressionOption
from smithd.keys import DEFAULT_ACCOUNT
from smithd.locales import ENGLISH, known_locale
from smithd.notify.options import PushOptions
from smithd.notify.suppression import SuppressionOptions
from smithd.plugin.options import Counter, HttpUrl, Options, PositiveDuration, Secret
from smithd.plugin.zone import Zone
from smithd.poll.registry import SourceSpec
from smithd.poll.schedule import ScheduleOptions
from smithd.redactor import Redactor
from smithd.references import ITS_DEFAULT, AccountNames
from smithd.surfaces.activity.options import ActivityOptions
from smithd.surfaces.activity.registry import ActivityOption
from smithd.surfaces.badge import BadgeOptions
from smithd.surfaces.widget import WidgetOptions
from smithd.time_window import TimeWindow, TimeWindowOptions


class Listen(NamedTuple):
    """Where the web server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_listen(text: Any) -> Listen:
    """``127.0.0.1:8787`` or ``[::1]:8787``; ValueError for anything else."""
    if isinstance(text, Listen):
        return text
    host, colon, port = text.rpartition(":") if isinstance(text, str) else ("", "", "")
    bare = host.removeprefix("[").removesuffix("]")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not bare or (":" in bare) != bracketed or not (port.isascii() and port.isdigit()):
        raise ValueError("expected an address and a port, like 127.0.0.1:8787")
    if int(port) > 65535:
        raise ValueError("expected a port from 0 to 65535 (0: any that is free)")
    return Listen(bare, int(port))


Network = IPv4Network | IPv6Network


def parse_network(text: Any) -> Network:
    """``10.0.0.1`` or ``10.0.0.0/8``; ValueError for anything else."""
    if isinstance(text, Network):
        return text
    try:
        return ip_network(text if isinstance(text, str) else "")
    except ValueError as error:
        raise ValueError(f"expected an address or a network, like 10.0.0.1 or 10.0.0.0/8 ({error})") from None


class WebOptions(Options):
    """The keys of ``web``."""

    # Before ``listen``, whose validator reads it: pydantic validates the fields in this order.
    token: Secret | None = Field(None, min_length=1, description="the password of the page, which a browser must send")
    listen: Annotated[Listen, BeforeValidator(parse_listen), WithJsonSchema({"type": "string"})] = Field(
        description="address:port of the page, like 127.0.0.1:8787; other addresses than this machine's need a token"
    )

    trusted_proxies: list[Annotated[Network, BeforeValidator(parse_network), WithJsonSchema({"type": "string"})]] = (
        Field([], description="addresses and networks of proxies, whose X-Forwarded-For is believed; this machine's is")
    )

    @field_validator("listen")
    @classmethod
    def _guarded(cls, listen: Listen, info: ValidationInfo) -> Listen:
        # A token that is wrong is not in ``info.data``; it is reported, and is not missing too.
        if not is_loopback(listen.host) and info.data.get("token", True) is None:
            raise ValueError(f"{listen.host} can be reached from other machines: set web.token, or listen on 127.0.0.1")
        return listen


class HeartbeatOptions(Options):
    """The keys of ``heartbeat``."""

    url: HttpUrl = Field(
        description="the address that is called, as a service like Healthchecks gives it; best as ${env:NAME}"
    )
    every: PositiveDuration = Field(60.0, description="the time between two calls")


class DefaultsOptions(Options):
    """The keys of ``defaults``, for every source that does not set its own."""

    every: PositiveDuration = Field(60.0, description="the time between two polls")
    timeout: PositiveDuration = Field(10.0, description="the deadline of one poll")


_SWITCHED = {"yes": True, "on": True, "true": True, "no": None, "off": None, "false": None}
"""What YAML 1.1 took for true and false, and YAML 1.2 takes for texts."""


def account_names(given: str | Sequence[str] | None) -> tuple[str, ...]:
    """The accounts that an option names; where it is left out, the one of ``activitysmith``."""
    if given is None:
        return (DEFAULT_ACCOUNT,)
    return (given,) if isinstance(given, str) else tuple(given)


class RuleConfig(RuleOptions, SuppressionOptions):
    """The keys of a rule, with when and how it notifies."""

    push: PushOptions | None = Field(
        None, description="true (the default text) or a mapping; left out: no notification"
    )

    account: AccountNames | None = Field(
        None, description="who is notified of it: an account, or several; " + ITS_DEFAULT
    )

    @property
    def accounts(self) -> tuple[str, ...]:
        """The accounts that are notified of it. The state of its alerts belongs to the first."""
        given = self.push.account if self.push is not None else None
        return account_names(given if given is not None else self.account)

    @field_validator("push", mode="before")
    @classmethod
    def _off(cls, given: Any) -> Any:
        if isinstance(given, str):
            return _SWITCHED.get(given.lower(), given)
        return None if given is False else given


def _state_url(url: str) -> str:
    if not url.startswith("sqlite:///") or url in ("sqlite:///", "sqlite:////") or "?" in url or not url.isprintable():
        raise ValueError(
            "expected sqlite:////absolute/path or sqlite:///path (from this file's folder); only SQLite keeps state"
        )
    return url


class File(Options):
    """The file's first level."""

    activitysmith: AccountOptions = Field(
        description="the ActivitySmith account, named default: api_key, channels, limits"
    )
    accounts: dict[AccountName, FurtherAccountOptions] = Field(
        {}, description="further accounts: a name, and under it what activitysmith has"
    )
    state: Annotated[str, AfterValidator(_state_url)] | None = Field(
        None,
        description="the state; default: $STATE_DIRECTORY/smithd.db, else a file for each configuration "
        "in the user's state folder",
    )
    timezone: Zone | None = Field(
        None, description="of all times that are shown, cron, days and time windows; default: the system's"
    )
    locale: Annotated[str, AfterValidator(known_locale)] = Field(
        ENGLISH, description="how templates write numbers, amounts and durations, as a language like de, or pt_BR"
    )
    include: list[str] | str = Field(
        [], description="further files with parts of this configuration, from this file's folder, like conf.d/*.yaml"
    )
    watch: bool = Field(False, description="reload by itself when one of its files changes")
    web: WebOptions | None = Field(None, description="the local page; left out: none")
    heartbeat: HeartbeatOptions | None = Field(
        None, description="an address that is called while smithd is well; what misses the calls reports that it is not"
    )
    defaults: DefaultsOptions = Field(DefaultsOptions(), description="every and timeout for all sources")
    plugins: list[str] = Field([], description="Python files with sources of your own, from this file's folder")
    sources: dict[SourceName, dict[str, Any]] = Field(
        min_length=1, description="what is polled: a name, and under it 'type' and the options of that type"
    )
    derived: dict[DerivedName, ExpressionOption] = Field(
        {}, description="derived metrics: a name, and an expression like 100 * shop.orders / prod.visits"
    )
    history: PositiveDuration = Field(
        8 * 86400.0, description="how far back rules and expressions may look; older samples are dropped"
    )
    rules: dict[RuleName, RuleConfig] = Field({}, description="when a metric is info, a warning, or critical")
    time_windows: dict[WindowName, TimeWindowOptions] = Field(
        {}, description="named hours and days, for 'mute': from, to, days"
    )
    widgets: dict[MetricKey, WidgetOptions] = Field(
        {}, description="ActivitySmith metric key, and its value: source.metric, or a mapping with 'value' or 'text'"
    )
    live_activities: dict[ActivityKey, ActivityOption] = Field(
        {}, description="stream key, and what it shows: type, title, stats, show"
    )
    badge: BadgeOptions | None = Field(None, description="the number on the app's icon; left out: it is left alone")


PLACES = Places({(): File, ("sources", "<name>"): ScheduleOptions})


@dataclass(frozen=True)
class Config:
    """A configuration that was checked. ``path`` is its first file as the user wrote it, ``files`` are all of them;
    ``state`` is the file that holds the state.

    ``unknown`` has the paths of values that are not known because a secret is missing (only where secrets are not
    required): such a value is its field's default, or UNKNOWN. ``without_secret`` has the paths of all texts that lack
    a secret, also where the text as it was written is valid. ``locale``: how numbers are written. ``remarks``: the
    warnings. ``places``: where the rules that compare with a moment ago say so, each as a remark without a text.
    ``lines``: where each rule and surface begins, by its path, each as a remark without a text.
    """

    path: Path
    files: tuple[Path, ...]
    accounts: dict[str, AccountOptions]
    state: Path
    zone: ZoneInfo
    web: WebOptions | None
    watch: bool
    sources: dict[str, SourceSpec]
    derived: dict[str, Expression]
    history: float
    rules: dict[str, RuleConfig]
    windows: tuple[TimeWindow, ...]
    widgets: dict[str, WidgetOptions]
    live_activities: dict[str, ActivityOptions]
    badge: BadgeOptions | None
    redactor: Redactor
    heartbeat: HeartbeatOptions | None = None
    locale: str = ENGLISH
    unknown: frozenset[tuple[str | int, ...]] = frozenset()
    without_secret: frozenset[tuple[str | int, ...]] = frozenset()
    remarks: tuple[Remark, ...] = ()
    places: Mapping[str, Remark] = field(default_factory=dict)
    lines: Mapping[tuple[str | int, ...], Remark] = field(default_factory=dict)

    @property
    def warnings(self) -> tuple[str, ...]:
        """The ``remarks``, one line each."""
        return tuple(f"{each.place}: warning: {each.message}" for each in self.remarks)

    @property
    def counters(self) -> dict[str, Counter]:
        """The metrics that count up and start again, and when."""
        return {
            f"{spec.name}.{metric}": settings.counter
            for spec in self.sources.values()
            for metric, settings in spec.metric_settings.items()
            if settings.counter
        }

    def zone_of(self, metric: str) -> tzinfo:
        """The zone in which the days of a metric begin: its source's, or the file's."""
        spec = self.sources.get(metric.partition(".")[0])
        return self.zone if spec is None or spec.zone is None else spec.zone

    @property
    def account(self) -> AccountOptions:
        """The account of ``activitysmith``."""
        return self.accounts[DEFAULT_ACCOUNT]

    def budget_of(self, account: str) -> str:
        """The account whose limits and slots one has: itself, or the one that it is the same as."""
        return budget_of(self.accounts, account)
