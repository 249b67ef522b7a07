"""Masking: takes secrets out of texts before a person sees them. No I/O.

Two kinds of texts are told apart, since a secret may be an ordinary word (``metric``, ``postgres``, ``abc``):

- What others said (an answer, the error of a driver or of a plugin) may repeat any secret. It is marked with ``quoted``
  where it is put into a text of ours. In it, a secret that is unmistakable is masked. Where a short or an ordinary one
  stands in it as a word, the whole of it is not shown: a mask in its place would give it away.
- Our own words repeat no secret. In them only unmistakable secrets are masked, as a net: a mask for an ordinary word
  would garble them, and give the secret away.

In both, the credentials in an address are masked, whatever they are.

An answer may repeat a secret as it was sent, or escaped: for an address, for JSON, for HTML, partly or more than once.
So a text is searched as it is, and again as often as it can be unescaped; each character of an unescaped text knows
where it came from. The cost depends on the length of a text, and not on the number of secrets.
"""

from __future__ import annotations

import encodings.utf_16_be  # noqa: F401 - Python imports it late, when there may be no descriptor left to read it
import html
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

SHORTEST = 4
"""The characters of a secret's beginning that is masked where a cut follows."""
UNMISTAKABLE = 7
"""The characters from which on a secret that is no plain word is taken for nothing else."""
LONGEST_WORDS = 20
"""The characters from which on words and numbers are taken for a secret too: a passphrase."""
NOT_SHOWN = "(not shown: it holds a secret)"

_CUTS = ("…", "...")
"""How a text that was cut says so: ours, and the HTTP library's."""
_CUT = re.compile("|".join(map(re.escape, _CUTS)))
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
_WORDS = re.compile(r"(?:[^\W\d_]+|\d+)(?:[-_./:@, +](?:[^\W\d_]+|\d+))*")
"""What a message may hold without repeating a secret: words, numbers, names of hosts and types, times."""
_HUMPS = re.compile("[a-z](?=[A-Z])")
_MANY_HUMPS = 2
"""PostgreSQL has one; letters at random, as in base64, have more."""
_OPENING, _CLOSING = "\ufdd0", "\ufdd1"
"""Two of the characters that Unicode keeps for the inner use of programs: no text of others needs them."""
_QUOTED = re.compile(f"{_OPENING}([^{_OPENING}{_CLOSING}]*)(?:{_CLOSING}|$)")
_STRAY = re.compile(f"[{_OPENING}{_CLOSING}]")
_NAMED_SO = r"[\w.-]*(?i:key|token|secret|passw|pwd|auth|sig|cred)[\w.-]*"
_CREDENTIALS = re.compile(
    # A password may hold a slash, and what follows a port is none. Some write JSON with escaped slashes.
    r"(?P<scheme>:(?:\\?/){2})(?:[^\\/?#:@\s\"'<>]*:(?!\d{1,5}(?:[\\/?#]|$))[^\s\"'<>]*|(?P<user>[^\\/?#@\s\"'<>]+))(?=@)"
    rf"|(?P<name>[?&]{_NAMED_SO}=)(?:(?!\.\.\.)[^&\s\"'<>#…])+"
)
"""In an address: what stands before the host, and the values of parameters that are named like a secret."""
_DATABASE_SCHEME = re.compile(r"(?:postgres(?:ql)?|mysql|mariadb)(?:\+\w+)?$", re.IGNORECASE)
_LONGEST_SCHEME = 40
_USER_NAME = re.compile(r"(?:[\w.+-]|%(?!3a))+", re.IGNORECASE)
_BEFORE_HOST = re.compile(r"[^:/?#]+://(?:[^/?#:@]*:)?(?P<password>.*)@", re.DOTALL)
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


def quoted(text: str) -> str:
    """What others said, marked for a text of ours: there it is masked as such when the text is cleaned."""
    return f"{_OPENING}{_STRAY.sub('', text)}{_CLOSING}"


class Redactor:
    """Knows every secret that was read, and masks it in any text before a person sees it."""

    MASK = "[secret]"

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: dict[str, dict[str, None]] = {}
        """The forms of unmistakable secrets, by their first characters."""
        self._ordinary: dict[str, None] = {}
        """The forms of those that are short, or ordinary words."""
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Remember a secret. Of an address, the parts that can be secret: its host may be shown."""
        if "://" in secret:
            for part in _secret_parts(secret):
                self.add(part)
        elif is_unmistakable(secret):
            self._learn(form for form in _forms(secret) if len(form) >= SHORTEST)
            # Some write it in capitals, or without any. Without capitals it may be an ordinary word.
            self._learn(filter(is_unmistakable, (secret.lower(), secret.upper())))
        elif secret.strip():
            encoded = b64encode(secret.encode("utf-8", "replace")).decode().rstrip("=")
            self._ordinary |= dict.fromkeys((secret, secret.replace(" ", "+"), encoded))

    def learn(self, other: Redactor) -> None:
        """Remember what another one knows."""
        for forms in list(other._forms.values()):
            self._learn(tuple(forms))
        self._ordinary |= dict(other._ordinary)

    def _learn(self, forms: Iterable[str]) -> None:
        for form in forms:
            self._forms.setdefault(form[:SHORTEST], {})[form] = None

    def clean(self, text: str) -> str:
        """The text without secrets, and without the marks around what is ``quoted`` in it."""
        # What others said stands at the odd places.
        pieces = _QUOTED.split(text)
        pieces[1::2] = map(self._repeated, pieces[1::2])
        pieces[::2] = (self._masked(_STRAY.sub("", piece)) for piece in pieces[::2])
        return "".join(pieces)

    def _repeated(self, said: str) -> str:
        """What others said, as it may be shown."""
        shown = self._masked(said)
        return NOT_SHOWN if self._holds_an_ordinary_one(shown.replace(self.MASK, " ")) else shown

    def _masked(self, text: str) -> str:
        """The text with every unmistakable secret, and the credentials in each address, replaced by a mask."""
        # In an answer without a secret, as nearly all are, nothing is copied.
        spans = sorted(self._spans(text)) if self._forms else []
        pieces, done = [], 0
        for start, end in spans:
            # Of secrets that overlap, the first mask stands for all.
            if start >= done:
                pieces += [text[done:start], self.MASK]
            done = max(done, end)
        text = "".join([*pieces, text[done:]]) if spans else text
        return _CREDENTIALS.sub(self._masked_in_address, text)

    def _masked_in_address(self, found: re.Match[str]) -> str:
        if found["user"] and is_database_user(found.string[: found.start()], found["user"]):
            return found[0]
        return (found["scheme"] or found["name"]) + self.MASK

    def _holds_an_ordinary_one(self, text: str) -> bool:
        """Whether a short or ordinary secret stands in a text as a word, or the beginning of one where a cut follows,
        however the text was escaped.
        """
        ordinary = tuple(self._ordinary)
        for _ in range(_DEPTH if ordinary else 0):
            if any(stands_in(secret, text) for secret in ordinary):
                return True
            if _ESCAPES.search(text) is None:
                break
            text = _unescaped(text)[0]
        return False

    def clean_all(self, value: Any) -> Any:
        """Plain values as JSON has them, with each of their texts cleaned."""
        # Names, states and times stand in many places; each is searched once.
        return _with_texts(value, cache(self.clean))

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


def _with_texts(value: Any, cleaned: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return cleaned(value)
    if isinstance(value, dict):
        return {name: _with_texts(item, cleaned) for name, item in value.items()}
    return [_with_texts(item, cleaned) for item in value] if isinstance(value, list) else value


def _shared(form: str, text: str, start: int) -> int:
    """How many characters of a secret stand at a place: all of them, or a beginning that a cut follows, or none."""
    if text.startswith(form, start):
        return len(form)
    length = SHORTEST
    while text.startswith(form[length], start + length):
        length += 1
    return length if text.startswith(_CUTS, start + length) else 0


def is_unmistakable(secret: str) -> bool:
    """Whether no text holds this by chance."""
    is_plain = _WORDS.fullmatch(secret) and len(_HUMPS.findall(secret)) < _MANY_HUMPS
    return len(secret) >= (LONGEST_WORDS if is_plain else UNMISTAKABLE)


def _secret_parts(address: str) -> Iterator[str]:
    """The parts of an address that may be secret: what stands before the host, in its path, and in its parameters."""
    scheme, _, rest = address.partition("://")
    if (found := _BEFORE_HOST.match(address)) and not is_database_user(scheme, rest.partition("@")[0]):
        yield from (found["password"], unquote(found["password"]))
    path, _, query = address.partition("?")
    yield from filter(is_unmistakable, path.partition("://")[2].split("/")[1:])
    yield from (value for name, value in parse_qsl(query) if re.fullmatch(_NAMED_SO, name))


def has_credentials(address: str) -> bool:
    """Whether an address has a password, or a parameter that is named like a secret."""
    parts = urlsplit(address)
    return bool(parts.password) or any(re.fullmatch(_NAMED_SO, name) for name, _ in parse_qsl(parts.query))


def is_database_user(scheme: str, name: str) -> bool:
    """Whether a name without a password, before the host of an address, is that of a database's user, and no secret. At
    other addresses it may be a token. ``scheme``: a text that ends with the scheme, without '://'.
    """
    is_database = _DATABASE_SCHEME.search(scheme[-_LONGEST_SCHEME:]) is not None
    return is_database and _USER_NAME.fullmatch(name) is not None


def stands_in(secret: str, text: str) -> bool:
    """Whether a secret stands in a text with no letter or digit beside it, or its beginning before a cut."""
    before = r"(?<!\w)" if _is_of_a_word(secret[0]) else ""
    after = r"(?!\w)" if _is_of_a_word(secret[-1]) else ""
    # A search for the text alone is much faster, and mostly it is not there.
    if secret in text and re.search(f"{before}{re.escape(secret)}{after}", text) is not None:
        return True
    beginnings = [secret[:length] for length in range(max(1, min(SHORTEST, len(secret) - 1)), len(secret))]
    shown = [text[: cut.start()] for cut in _CUT.finditer(text)]
    return any(
        part.endswith(beginning) and not (before and _is_of_a_word(part[: -len(beginning)][-1:]))
        for part in shown
        for beginning in beginnings
    )


def _is_of_a_word(character: str) -> bool:
    return character.isalnum() or character == "_"


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
    yield from _in_base64(b64encode(octets).decode().rstrip("="))
    for before in range(3):
        encoded = b64encode(bytes(before) + octets).decode()
        bits = 8 * (before + len(octets))
        yield from _in_base64(encoded[-(-8 * before // 6) : bits // 6])


def _in_base64(encoded: str) -> Iterator[str]:
    yield from (encoded, encoded.replace("+", "-").replace("/", "_"))
