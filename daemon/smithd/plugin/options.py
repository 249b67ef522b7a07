"""The types of a source's options. The fields of an options model are the source's keys in the configuration file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    WithJsonSchema,
)

from smithd.tls import TLSFiles

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
LONGEST = 10 * 366 * 86400.0
"""The seconds of the longest duration."""
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])")
_SIZES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmg]?i?b|)", re.IGNORECASE)
_HOST = re.compile(r"[-_0-9A-Za-z]{1,63}(?:\.[-_0-9A-Za-z]{1,63})*\.?")
_METRIC_NAME = re.compile(r"[a-z_][a-z0-9_]*")


class Options(BaseModel):
    """The base of every options model: unknown keys are mistakes, and the values are frozen."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, defer_build=True, populate_by_name=True, arbitrary_types_allowed=True
    )
    short_form: ClassVar[Mapping[str, Any] | None] = None
    """What may be written instead of the mapping, as a JSON Schema. A validator of the model must accept it."""
    short_form_of: ClassVar[str | None] = None
    """The key whose value may be written instead of the mapping; a validator of the model must understand that."""

    def tls_files(self) -> TLSFiles | None:
        """The files with certificates and keys that these options name, for 'smithd check' to read; None: none."""
        return None


def parse_duration(value: Any) -> float:
    """``90s``, ``1m30s``, ``2h``, ``8d``, ``250ms`` (or 0) as seconds. Raises ValueError for anything else."""
    # False == 0 in Python, and is no duration.
    if value == 0 and not isinstance(value, bool):
        return 0.0
    if isinstance(value, str) and _DURATION.fullmatch(value.strip()):
        seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(value))
        if seconds > LONGEST:
            raise ValueError("expected a duration of at most ten years")
        return seconds
    raise ValueError("expected a duration like 30s, 5m, 1h30m or 2d")


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "pattern": rf"^\s*{_DURATION.pattern}\s*$"}, {"const": 0}],
            "examples": ["30s", "5m"],
        }
    ),
]
"""A duration: written as ``30s``, read as seconds."""

PositiveDuration = Annotated[Duration, Field(gt=0)]
"""A duration above 0."""

Counter = Literal["daily"] | bool
"""Whether a metric counts up and starts again: at any time (true), or at midnight (daily)."""


class Empty(StrEnum):
    """What it means that a complete answer does not contain a series: nothing is known of it, or it is clear."""

    MISSING = "missing"
    CLEAR = "clear"


class MetricOptions(Options):
    """The keys that a metric of any source may have. A model of a metric's options inherits from it."""

    fresh_for: PositiveDuration | None = Field(
        None, description="how long a value counts as fresh; default: the source's"
    )

    counter: Counter = Field(
        False, description="true: it counts up, and a fall is a restart; daily: it starts again at midnight"
    )
    empty: Empty | None = Field(
        None,
        description="a series that the answer lacks is missing (no_data decides) or clear; default: missing, and clear "
        "where a PromQL query filters",
    )

    @property
    def default_empty(self) -> Empty:
        """What ``empty`` is where it is not written."""
        return Empty.MISSING

    @property
    def advice_on_empty(self) -> str:
        """Why ``empty`` is clear by default, and how to do without: for ``smithd check``."""
        return ""

    @property
    def has_series(self) -> bool:
        """Whether it brings a series for each of several things, told apart by their labels; False where only an answer
        can say that.
        """
        return False

    @property
    def least_fresh_for(self) -> float:
        """For how many seconds values are fresh at the least, where ``fresh_for`` is not written."""
        return 0.0


Secret = SecretStr
"""A text that is never shown; ``get_secret_value()`` gives it."""


def parse_size(value: Any) -> int:
    """``5 MB``, ``500 kB``, ``1 MiB`` or a number of bytes, as bytes. Raises ValueError for anything else."""
    match = _SIZE.fullmatch(str(value).strip())
    if match is None or match[2].lower() not in _SIZES:
        raise ValueError("expected a size like 500 kB, 5 MB or 1 MiB, or a number of bytes")
    return int(float(match[1]) * _SIZES[match[2].lower()])


Size = Annotated[
    int,
    BeforeValidator(parse_size),
    Field(gt=0),
    WithJsonSchema({"type": ["string", "integer"], "examples": ["500 kB", "5 MB"]}),
]
"""An amount of data: written as ``5 MB``, read as bytes."""


def _metric_name(name: str) -> str:
    if _METRIC_NAME.fullmatch(name) is None:
        raise ValueError("expected a name of small letters, digits and underscores, like error_rate")
    return name


MetricName = Annotated[str, AfterValidator(_metric_name)]
"""The name of a metric that the configuration chooses."""


def beside_the_configuration(path: str, info: ValidationInfo) -> str:
    folder = (info.context or {}).get("folder")
    return str(Path(folder or "", Path(path).expanduser()))


File = Annotated[str, AfterValidator(beside_the_configuration)]
"""The path of a file; a relative one starts at the configuration's folder (the validation context's ``folder``)."""


def http_url(url: str) -> str:
    """The same address, if it is a valid one of HTTP or HTTPS. Raises ValueError, which says what is wrong with it."""
    parts = urlsplit(url)
    host = parts.hostname
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("expected an address like https://shop.example.com/stats.json")
    if parts.username is not None:
        raise ValueError("a user name and a password have no place in an address (a source takes them under auth)")
    if parts.port == 0 or not url.isprintable() or " " in url:
        raise ValueError("expected an address without blanks, and a port from 1 to 65535")
    try:
        # An address of IPv6 has colons, and was checked by urlsplit.
        is_host = ":" in host or (_HOST.fullmatch(host) or _HOST.fullmatch(host.encode("idna").decode())) is not None
    except UnicodeError:
        is_host = False
    if not is_host:
        raise ValueError(f"{host} cannot be the name of a host")
    return url


HttpUrl = Annotated[str, AfterValidator(http_url)]
"""An address of HTTP or HTTPS, without a password in it."""
