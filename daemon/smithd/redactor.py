"""Masking: takes secrets out of texts before a person sees them. No I/O.

An answer may repeat a secret as it was sent, or escaped: for an address, for JSON, for HTML, partly or more than once.
So a text is searched as it is, and again as often as it can be unescaped; each character of an unescaped text knows
where it came from. The cost depends on the length of a text, and not on the number of secrets.
"""

from __future__ import annotations

import base64
import encodings.utf_16_be  # noqa: F401 - Python imports it late, when there may be no descriptor left to read it
import html
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

SHORTEST = 4
"""The characters of a secret from which on it is masked: a shorter one would only garble texts."""

_CUTS = ("…", "...")
"""How a text that was cut says so: ours, and the HTTP library's."""
_DEPTH = 4
"""How often a text is unescaped: nothing that is read comes near."""
_HEX = "[0-9a-fA-F]"
_ESCAPES = re.compile(
    rf"(?P<percent>(?:%{_HEX}{{2}})+)|(?P<bytes>(?:\\x{_HEX}{{2}})+)|(?P<json>(?:\\u{_HEX}{{4}})+)"
    # HTML lets a number end without its semicolon; before a cut, it may be the beginning of a longer one.
    r"|(?P<html>&(?:(?:\#0*[0-9]{1,7}(?![0-9])"
    rf"|\#[xX]0*{_HEX}{{1,6}}(?!{_HEX}))(?:;|(?!…|\.\.\.))|[a-zA-Z]{{2,8}};))"
    # The beginning of an escape, before a cut.
    rf"|(?P<begun>(?:%{_HEX}?|\\(?:u{_HEX}{{0,3}}|x{_HEX}?)?|&\#?\w{{0,8}})(?=…|\.\.\.))"
    r"|\\(?P<plain>.)",
    re.DOTALL,
)
_CODECS = {"percent": ("utf-8", "surrogateescape"), "bytes": ("utf-8", "surrogateescape")}
_JSON_CODEC = ("utf-16-be", "surrogatepass")
_MARKS = re.compile(r"%|\\x|\\u")
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


class Redactor:
    """Knows every secret that was read, and masks it in any text before a person sees it."""

    MASK = "[secret]"

    def __init__(self) -> None:
        self._forms: dict[str, dict[str, None]] = {}
        """The forms of secrets, by their first characters."""

    def add(self, secret: str) -> None:
        """Remember a secret. Very short ones are left alone."""
        if len(secret) >= SHORTEST:
            self._learn(form for form in _forms(secret) if len(form) >= SHORTEST)

    def learn(self, other: Redactor) -> None:
        """Remember what another one knows."""
        for forms in list(other._forms.values()):
            self._learn(tuple(forms))

    def _learn(self, forms: Iterable[str]) -> None:
        for form in forms:
            self._forms.setdefault(form[:SHORTEST], {})[form] = None

    def clean(self, text: str) -> str:
        """The text with every known secret replaced by a mask."""
        # In an answer without a secret, as nearly all are, nothing is copied.
        spans = sorted(self._spans(text)) if self._forms else []
        pieces, done = [], 0
        for start, end in spans:
            # Of secrets that overlap, the first mask stands for all.
            if start >= done:
                pieces += [text[done:start], self.MASK]
            done = max(done, end)
        return "".join([*pieces, text[done:]]) if spans else text

    def clean_all(self, value: Any) -> Any:
        """Plain values as JSON has them, with each of their texts cleaned."""
        if isinstance(value, dict):
            return {name: self.clean_all(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.clean_all(item) for item in value]
        return self.clean(value) if isinstance(value, str) else value

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where secrets begin and end in a text, however it was escaped."""
        forms_at = self._forms.get
        origins: Sequence[int] = range(len(text) + 1)
        for _ in range(_DEPTH):
            for start in range(len(text) - SHORTEST + 1):
                # A copy: a thread may mask an answer while the event loop adds secrets.
                for form in tuple(forms_at(text[start : start + SHORTEST], ())):
                    if length := _shared(form, text, start):
                        yield origins[start], origins[start + length]
            if _ESCAPES.search(text) is None:
                return
            text, places = _unescaped(text)
            origins = [origins[place] for place in places]


def _shared(form: str, text: str, start: int) -> int:
    """How many characters of a secret stand at a place: all of them, or a beginning that a cut follows, or none."""
    if text.startswith(form, start):
        return len(form)
    length = SHORTEST
    while text.startswith(form[length], start + length):
        length += 1
    return length if text.startswith(_CUTS, start + length) else 0


def _unescaped(text: str) -> tuple[str, list[int]]:
    """A text with all its escapes undone once, and where each of its characters, and its end, was before."""
    pieces: list[str] = []
    places: list[int] = []
    done = 0
    for found in _ESCAPES.finditer(text):
        kind, start = found.lastgroup or "", found.start()
        pieces.append(text[done:start])
        places += range(done, start)
        done = found.end()
        if kind in ("percent", "bytes", "json"):
            codec, errors = _CODECS.get(kind, _JSON_CODEC)
            octets = bytes.fromhex(_MARKS.sub("", found[0]))
            piece, width = octets.decode(codec, errors), len(found[0]) // len(octets)
            for letter in piece:
                places.append(start)
                start += width * len(letter.encode(codec, errors))
        else:
            plain = found["plain"]
            piece = _CONTROLS.get(plain, plain) if plain else html.unescape(found[0]) if kind == "html" else ""
            places += [start] * len(piece)
        pieces.append(piece)
    return "".join([*pieces, text[done:]]), [*places, *range(done, len(text) + 1)]


def _forms(secret: str) -> Iterator[str]:
    """A secret as it is, as it is unescaped, in a form, and in base64."""
    # Not every text can be encoded: a variable of the environment that is no UTF-8 has lone surrogates.
    octets = secret.encode("utf-8", "replace")
    yield from (secret, octets.decode(), secret.replace(" ", "+"))
    # A secret that looks like an escape is unescaped with the text around it.
    for _ in range(_DEPTH):
        secret = _unescaped(secret)[0]
        yield secret
    # In base64 three octets are four characters, so a secret behind something else (``user:``) has one of three forms:
    # the characters that are made of it alone. At the start, also with its last one, without the padding.
    yield from _in_base64(base64.b64encode(octets).decode().rstrip("="))
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + octets).decode()
        bits = 8 * (before + len(octets))
        yield from _in_base64(encoded[-(-8 * before // 6) : bits // 6])


def _in_base64(encoded: str) -> Iterator[str]:
    yield from (encoded, encoded.replace("+", "-").replace("/", "_"))
