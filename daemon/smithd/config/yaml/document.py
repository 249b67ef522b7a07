"""Reads a configuration file, and finds what makes it no text in UTF-8, before it is read as YAML."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from smithd.config import files
from smithd.config.diagnostic import Diagnostic, Position

MAX_BYTES = 10_000_000

_UTF16_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NOT_PRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""What YAML does not allow in a file (https://yaml.org/spec/1.2.2/#51-character-set), and a byte order mark within."""


@dataclass(frozen=True)
class Document:
    """The file's text, and its path as the user wrote it."""

    path: Path
    text: str

    @cached_property
    def lines(self) -> list[str]:
        """The lines, as YAML counts them."""
        return self.text.splitlines()


class UnreadableFile(Exception):
    """The file is missing, cannot be read, or is no text. ``lines``: what can be shown of it."""

    def __init__(self, diagnostic: Diagnostic, lines: Sequence[str] = ()) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic
        self.lines = lines


def read(path: Path, hint: str | None = None) -> Document:
    """The file as text. Raises UnreadableFile; ``hint``: what to do where it is not there."""
    raw = _bytes(path, hint).removeprefix(codecs.BOM_UTF8)
    if raw.startswith(_UTF16_BOMS):
        raise UnreadableFile(Diagnostic(Position(path, 0, 0), "the file is UTF-16", hint="save it as UTF-8"))
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        byte, before = raw[error.start], raw[: error.start].decode("utf-8")
        message = f"this is not UTF-8: byte 0x{byte:02X}, the file's byte {error.start + 1}"
        # The bytes below 0xA0 are control characters in Latin-1: no text was meant.
        hint = f"save the file as UTF-8 (in Latin-1 this byte is {chr(byte)!r})" if byte >= 0xA0 else None
        lines = raw.decode("utf-8", "replace").split("\n")
        raise UnreadableFile(Diagnostic(_end_of(path, before), message, hint=hint), lines) from None
    if found := _NOT_PRINTABLE.search(text):
        code = f"{ord(found[0]):04X}"
        message, hint = f"the character U+{code} is not allowed in YAML", f'write it as "\\u{code}" in double quotes'
        diagnostic = Diagnostic(_end_of(path, text[: found.start()]), message, hint=hint)
        raise UnreadableFile(diagnostic, text.split("\n"))
    return Document(path, text)


def _bytes(path: Path, hint: str | None) -> bytes:
    try:
        # One byte more tells that it is too large.
        raw = files.read(path, MAX_BYTES + 1)
    except FileNotFoundError:
        # Only a link is found by a glob, and is not there.
        if path.is_symlink():
            diagnostic = Diagnostic(path, f"this link leads to {path.readlink()}, and there is no such file")
        else:
            diagnostic = Diagnostic(path, "there is no such file", hint=hint)
    except IsADirectoryError:
        diagnostic = Diagnostic(path, "this is a directory", hint="expected a YAML file, like smithd.yaml")
    except PermissionError:
        hint = "the user that smithd runs as must be able to read it"
        diagnostic = Diagnostic(path, "the file cannot be read: permission denied", hint=hint)
    # A zero byte in the path is a ValueError.
    except (OSError, ValueError) as error:
        diagnostic = Diagnostic(path, f"the file cannot be read: {getattr(error, 'strerror', None) or error}")
    else:
        if len(raw) <= MAX_BYTES:
            return raw
        message = f"the file is larger than {MAX_BYTES // 1_000_000} MB"
        diagnostic = Diagnostic(Position(path, 0, 0), message, hint="expected a smaller file")
    raise UnreadableFile(diagnostic)


def _end_of(path: Path, text: str) -> Position:
    """The position after a text that a file begins with."""
    return Position(path, text.count("\n"), len(text) - (text.rfind("\n") + 1))
