"""The addresses that a phone opens or fetches, and that the service calls (contract sections 4.6 and 7.1). No I/O."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Strict, WithJsonSchema

LONGEST_ADDRESS = 2048

# The service's patterns are JavaScript's, where a byte order mark (\ufeff) is a blank too. An "@" before the path would
# be the end of a password.
_WEB = re.compile(r"https?://[^\s\ufeff/?#@]+([/?#][^\s\ufeff]*)?")
_SHORTCUT = re.compile(r"shortcuts://run-shortcut\?name=[^\s\ufeff]+")
_LINK = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_BLOCKED = frozenset(
    ["about", "activitysmith", "app-prefs", "blob", "data", "file", "itms-services", "javascript", "prefs"]
)
"""Schemes that the service refuses to open (contract section 7.1)."""


def is_safe_web_page(address: str) -> bool:
    """Whether this is an https address with a host, and without a password or a blank in it."""
    return _WEB.fullmatch(address) is not None and address.startswith("https:")


def web_link(address: str) -> str:
    """An address that a Live Activity may open; ValueError for any other."""
    if not _WEB.fullmatch(address) and not _SHORTCUT.fullmatch(address):
        raise ValueError("open_url needs an http or https address, or shortcuts://run-shortcut?name=…")
    return _short_enough(address)


def deep_link(address: str) -> str:
    """An address that a push may open, of the web or of an app; ValueError for any other."""
    if _CONTROL.search(address):
        raise ValueError("expected an address without control characters")
    if not _LINK.fullmatch(address):
        raise ValueError("expected an address with its scheme, like https://example.com")
    scheme = address.partition(":")[0].lower()
    if scheme in _BLOCKED:
        raise ValueError(f"the service opens no {scheme}: addresses; expected https or an app's own scheme")
    return _short_enough(address)


def _short_enough(address: str) -> str:
    if len(address) > LONGEST_ADDRESS:
        raise ValueError(f"expected at most {LONGEST_ADDRESS} characters")
    return address


def _media(address: str) -> str:
    if not is_safe_web_page(address):
        raise ValueError("expected an https address, without a password in it")
    return _short_enough(address)


Link = Annotated[
    str,
    Strict(),
    AfterValidator(deep_link),
    WithJsonSchema({"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9+.-]*:", "maxLength": LONGEST_ADDRESS}),
]
"""What a tap opens."""

Media = Annotated[str, Strict(), AfterValidator(_media)]
"""What the phone fetches: an icon, or an image, sound or film."""
