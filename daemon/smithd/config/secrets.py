"""References to secrets that are kept outside of the file: ``${env:NAME}``, ``${file:path}``, ``${credential:name}``.

Each may carry a default: ``${env:NAME:-text}``. ``$${`` stands for a plain ``${``. Credentials are those that systemd
hands to a service (https://systemd.io/CREDENTIALS/): files in ``$CREDENTIALS_DIRECTORY``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from smithd.config import files

MAX_BYTES = 1_000_000
KINDS = {"env": "${env:NAME}", "file": "${file:path}", "credential": "${credential:name}"}

_PART = re.compile(r"\$\$\{|\$\{[^{}\n]*\}?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_CREDENTIAL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class SecretReference:
    """Where a secret is kept. ``text`` is how the file says it."""

    text: str
    kind: str
    name: str
    default: str | None


@dataclass(frozen=True, slots=True)
class MalformedReference:
    """A ``${`` that is no reference; ``kind`` and ``near`` say what may have been meant.

    Its content is never printed: it may be the secret itself.
    """

    text: str
    message: str
    kind: str | None = None
    near: str | None = None


class SecretMissing(Exception):
    """A secret is not there; the text says why."""


def parts(text: str) -> Iterator[str | SecretReference | MalformedReference]:
    """A value cut into plain text and references."""
    end = 0
    for match in _PART.finditer(text):
        yield text[end : match.start()]
        yield "${" if match[0] == "$${" else _reference(match[0])
        end = match.end()
    yield text[end:]


def _reference(text: str) -> SecretReference | MalformedReference:
    if not text.endswith("}"):
        return MalformedReference(text, "a '${' without its '}'")
    inner, separator, default = text[2:-1].partition(":-")
    kind, colon, name = inner.partition(":")
    if not colon:
        near = f"${{env:{kind}}}" if _VARIABLE.fullmatch(kind) else None
        return MalformedReference(text, "a '${...}' that does not say where its value is kept", near=near)
    if kind not in KINDS:
        return MalformedReference(text, "a '${...}' of an unknown kind", kind=kind)
    valid = {"env": _NAME, "credential": _CREDENTIAL}.get(kind)
    if not name or (valid is not None and not valid.fullmatch(name)):
        return MalformedReference(text, f"this cannot be the name of {_A[kind]}")
    return SecretReference(text, kind, name, default if separator else None)


_A = {"env": "an environment variable", "file": "a file", "credential": "a credential"}


def read(reference: SecretReference, folder: Path, environment: Mapping[str, str] = os.environ) -> str:
    """The secret. Raises SecretMissing.

    Relative paths begin at ``folder``, and one line feed at the end of a file is dropped.
    """
    if reference.kind == "env":
        if not (value := environment.get(reference.name)):
            raise SecretMissing("is not set" if value is None else "is set, but empty")
        return value
    if reference.kind == "file":
        return _content(folder / os.path.expanduser(reference.name))
    directory = environment.get("CREDENTIALS_DIRECTORY")
    if not directory:
        raise SecretMissing("is not here: $CREDENTIALS_DIRECTORY is not set (systemd sets it within the service)")
    return _content(Path(directory) / reference.name)


def _content(path: Path) -> str:
    try:
        # One byte more tells that it is too large.
        raw = files.read(path, MAX_BYTES + 1)
    except FileNotFoundError:
        raise SecretMissing("is not there: there is no such file") from None
    except OSError as error:
        raise SecretMissing(f"cannot be read: {(error.strerror or 'an error').lower()}") from None
    # A zero byte in the path.
    except ValueError:
        raise SecretMissing("cannot be read: this is no path") from None
    if len(raw) > MAX_BYTES:
        raise SecretMissing("cannot be used: the file is larger than 1 MB")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise SecretMissing("cannot be used: the file is not UTF-8") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise SecretMissing("is empty")
    return text
