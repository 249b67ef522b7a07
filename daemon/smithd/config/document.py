"""Opens the configuration file: all that can be wrong with a file before it is YAML."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from smithd.config.report import Problem, Report
from smithd.errors import ConfigError

MAX_BYTES = 10_000_000

_READERS = "it must be readable for the user that smithd runs as"
_FOREIGN_BOMS = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}
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


def read(path: Path) -> Document:
    """The file as text. Raises ConfigError for one that is missing, unreadable, too large, or no text in UTF-8."""
    raw = _bytes(path).removeprefix(codecs.BOM_UTF8)
    if any(raw.startswith(bom) for bom in _FOREIGN_BOMS):
        raise _unfit(path, "the file is UTF-16", "save it as UTF-8")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _not_utf8(path, raw, error.start) from None
    if found := _NOT_PRINTABLE.search(text):
        raise _not_printable(path, text, found.start())
    return Document(path, text)


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _refused(path, "there is no such file", "name the configuration file with -c FILE") from None
    except IsADirectoryError:
        raise _refused(path, "this is a directory", "expected a YAML file, like smithd.yaml") from None
    except PermissionError:
        raise _refused(path, "the file cannot be read: permission denied", _READERS) from None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        raise _refused(path, f"the file cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(raw) > MAX_BYTES:
        raise _unfit(path, f"the file is larger than {MAX_BYTES // 1_000_000} MB", "this is no configuration")
    return raw


def _refused(path: Path, message: str, hint: str | None = None) -> ConfigError:
    report = Report(path)
    report.at_file(message, hint=hint)
    return report.error()


def _unfit(path: Path, message: str, hint: str) -> ConfigError:
    report = Report(path)
    report.at_start(message, hint=hint)
    return report.error()


def _not_utf8(path: Path, raw: bytes, offset: int) -> ConfigError:
    before = raw[:offset].decode("utf-8")
    line, column = before.count("\n"), len(before) - (before.rfind("\n") + 1)
    report = Report(path, raw.decode("utf-8", "replace").split("\n"))
    byte = raw[offset]
    report.add(
        Problem(
            line + 1,
            column + 1,
            f"this is not UTF-8: byte 0x{byte:02X}, the file's byte {offset + 1}",
            hint=f"save the file as UTF-8 (in Latin-1 this byte is {chr(byte)!r})" if byte >= 0xA0 else None,
        )
    )
    return report.error()


def _not_printable(path: Path, text: str, offset: int) -> ConfigError:
    line, column = text.count("\n", 0, offset), offset - (text.rfind("\n", 0, offset) + 1)
    report = Report(path, text.split("\n"))
    message = f"the character U+{ord(text[offset]):04X} is not allowed in YAML"
    report.add(
        Problem(
            line + 1, column + 1, message, hint=f'in double quotes it can be written as "\\u{ord(text[offset]):04X}"'
        )
    )
    return report.error()
