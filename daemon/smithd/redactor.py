"""Masking: takes secrets out of texts before a person sees them. No I/O."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, quote_plus

_CUTS = ("…", "...")
"""How a text that was cut says so: ours, and the HTTP library's."""


class Redactor:
    """Knows every secret that was read, and masks it in any text before a person sees it."""

    MASK = "[secret]"

    def __init__(self) -> None:
        self._secrets: dict[str, None] = {}
        self._longest_first: list[str] | None = None

    def add(self, secret: str) -> None:
        """Remember a secret, in every form it takes in an answer that repeats it. Very short ones are left alone:
        masking them would only garble texts.
        """
        if len(secret) >= 4:
            self._secrets |= dict.fromkeys(_disguises(secret))
            self._longest_first = None

    def learn(self, other: Redactor) -> None:
        """Remember what another one knows."""
        self._secrets |= other._secrets
        self._longest_first = None

    def clean(self, text: str) -> str:
        """The text with every known secret replaced by a mask."""
        # A secret that is part of another one must not be masked first: the rest of the longer one would stay.
        # Read once: a thread may mask an answer while the event loop adds secrets.
        longest_first = self._longest_first
        if longest_first is None:
            longest_first = self._longest_first = sorted(self._secrets, key=len, reverse=True)
        for secret in longest_first:
            if secret in text:
                text = text.replace(secret, self.MASK)
            # The end of a text that was cut to a length may be the beginning of a secret.
            for cut in _CUTS:
                if cut not in text:
                    continue
                # Very short beginnings are left alone, as very short secrets are.
                for length in range(len(secret) - 1, 3, -1):
                    text = text.replace(secret[:length] + cut, self.MASK + cut)
        return text

    def clean_all(self, value: Any) -> Any:
        """Plain values as JSON has them, with each of their texts cleaned."""
        if isinstance(value, dict):
            return {name: self.clean_all(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.clean_all(item) for item in value]
        return self.clean(value) if isinstance(value, str) else value


def _disguises(secret: str) -> Iterable[str]:
    """A secret as it is, and as it stands in JSON, in an address, in a form, in HTML and in base64."""
    # Not every text can be encoded: a variable of the environment that is no UTF-8 has lone surrogates.
    octets = secret.encode("utf-8", "replace")
    in_json = (json.dumps(secret, ensure_ascii=escaped)[1:-1] for escaped in (True, False))
    # Without the padding, which some leave out.
    in_base64 = base64.b64encode(octets).decode().rstrip("=")
    yield secret
    # Some JSON libraries escape slashes, too.
    for text in in_json:
        yield from (text, text.replace("/", "\\/"))
    yield from (quote(octets), quote(octets, safe=""), quote_plus(octets), html.escape(secret))
    yield from (in_base64, in_base64.replace("+", "-").replace("/", "_"))
