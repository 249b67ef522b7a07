"""The body of an answer as a text, and the JSON in it; what is wrong with it, and where. No I/O."""

from __future__ import annotations

import codecs
import json
import re
from typing import Any, NamedTuple

from smithd.plugin import BadResponse
from smithd_sources.http_errors import EXCERPT, excerpt, one_line

_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\s\";]+)", re.IGNORECASE)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    # Longer ones first: UTF-32's begins with UTF-16's.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_BEFORE = 40
"""The characters before a mistake that its error shows."""


class Body(NamedTuple):
    """An answer as it came: what it holds, and what it says that this is ("": it does not)."""

    content: bytes
    kind: str

    def text(self, charset: str | None) -> str:
        """The body in the given charset; without one, in that which it is marked with, or says that it has, or UTF-8.

        Raises BadResponse where it cannot be read so.
        """
        marked = next((name for mark, name in _MARKS if self.content.startswith(mark)), None)
        said = _CHARSET.search(self.kind)
        # JSON in UTF-16 or UTF-32 can be told by its zeros, as Python's own reader does.
        name = charset or marked or (said[1] if said else json.detect_encoding(self.content))
        try:
            return _decoded(self.content, name).removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            raise BadResponse(self._unreadable(error, name)) from None
        except (LookupError, ValueError):
            raise BadResponse(
                f"its charset is '{one_line(name)}', which is not known here; the source's 'charset' sets another"
            ) from None

    def _unreadable(self, error: UnicodeDecodeError, name: str) -> str:
        """What is wrong with a body that is no text in this charset."""
        byte, position = self.content[error.start], error.start + 1
        return (
            f"expected a text, got {_kind(self.kind)} whose byte {position} (0x{byte:02x}) is no {name.upper()}; "
            f"the source's 'charset' sets another: {excerpt(self.content)}"
        )


def is_charset(name: str) -> bool:
    """Whether texts can be read in a charset of this name."""
    try:
        b"a".decode(name)
    except UnicodeDecodeError:
        # It takes more bytes than one for a letter.
        return True
    except (LookupError, ValueError):
        return False
    return True


def _decoded(content: bytes, name: str) -> str:
    try:
        if codecs.lookup(name).name == "iso8859-1":
            # Who says Latin-1 means Windows-1252, which has letters in place of controls (WHATWG's Encoding Standard).
            return content.decode("cp1252")
    except UnicodeDecodeError:
        return content.decode("latin-1")
    return content.decode(name)


def read_json(text: str, kind: str, line: int | None = None) -> Any:
    """The document in a text, which is an answer of a ``kind``, or a ``line`` of one. Raises BadResponse where it is
    none.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise BadResponse("the answer is nested too deep") from None
    except json.JSONDecodeError as error:
        expected = "JSON" if line is None else f"JSON in line {line}"
        # Wrong from its first letter on, it is something else.
        if not text[: error.pos].strip() or error.pos == 0:
            raise not_as_expected(expected, text, kind) from None
        place = f"column {error.colno}" if line is not None else f"line {error.lineno}, column {error.colno}"
        what = "it breaks off" if error.pos >= len(text.rstrip()) else error.msg[0].lower() + error.msg[1:]
        raise BadResponse(
            f"expected {expected}, got {_kind(kind)} with a mistake at {place} ({what}): {_around(text, error.pos)}"
        ) from None
    except ValueError:
        # Numbers with thousands of digits.
        raise not_as_expected("JSON", text, kind) from None


def not_as_expected(expected: str, text: str, kind: str) -> BadResponse:
    """The error for an answer that is something else altogether."""
    hint = " (a page for people; is it a login?)" if "html" in kind.lower() else ""
    return BadResponse(f"expected {expected}, got {_kind(kind)}{hint}: {one_line(text[: 8 * EXCERPT])}")


def _kind(kind: str) -> str:
    return one_line(kind) if kind else "no content type"


def _around(text: str, position: int) -> str:
    """The text around a position. It never begins within a string: the rest of a secret could not be told from others,
    while the beginning of one can.
    """
    begin = max(0, position - _BEFORE)
    for string in _STRING.finditer(text):
        if string.start() >= begin:
            break
        begin = max(begin, string.end())
    shown = one_line(text[begin : begin + 8 * EXCERPT])
    return f"…{shown}" if begin else shown
