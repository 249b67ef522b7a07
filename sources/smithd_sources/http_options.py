"""The options of an HTTP connection: address, headers, authentication, certificates. No I/O."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from smithd.plugin import TLS, File, HttpUrl, NamedFile, Options, Secret, TLSFiles

_FRAMING = frozenset({"connection", "content-length", "expect", "te", "trailer", "transfer-encoding", "upgrade"})
_HARMLESS = frozenset({"accept", "accept-encoding", "accept-language", "content-type", "host", "user-agent"})
"""Headers whose values are no secrets: they may stand in an answer that is shown."""
_SOUNDS_SECRET = re.compile(r"key|token|secret|pass|pwd|auth|sig|cred|session", re.IGNORECASE)
_HEADER_NAME = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")


def sounds_secret(name: str) -> bool:
    """Whether the value of a parameter or key of this name may be a secret."""
    return _SOUNDS_SECRET.search(name) is not None


def _as_text(value: Any) -> Any:
    # Python writes a truth with a capital, and YAML does not.
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


SecretText = Annotated[Secret, BeforeValidator(_as_text), WithJsonSchema({"type": ["string", "number", "boolean"]})]
"""A text that may hold a secret; a number may be written as it is."""


def _header_name(name: str) -> str:
    if _HEADER_NAME.fullmatch(name) is None:
        raise ValueError("expected the name of a header, like X-Api-Key")
    if name.lower() in _FRAMING:
        raise ValueError("this header says how a request is sent, and is set where that is known: leave it out")
    return name


def _header_value(value: Secret) -> Secret:
    text = value.get_secret_value()
    if not text.isascii() or not text.isprintable():
        raise ValueError("expected plain ASCII text on one line")
    return value


HeaderName = Annotated[str, AfterValidator(_header_name)]
HeaderValue = Annotated[SecretText, AfterValidator(_header_value)]


def reveal(texts: dict[str, Secret]) -> dict[str, str]:
    """The values in clear, for sending."""
    return {name: text.get_secret_value() for name, text in texts.items()}


class PasswordOptions(Options):
    username: str = Field(description="the user")
    password: Secret = Field(description="the user's password")


class AuthOptions(Options):
    """How smithd authenticates: by a user name with its password, or by a token."""

    ways: ClassVar[tuple[str, ...]] = ("basic", "bearer")

    basic: PasswordOptions | None = Field(None, description="a user and a password, as HTTP Basic")
    bearer: HeaderValue | None = Field(None, description="a token, sent as Authorization: Bearer")

    @model_validator(mode="after")
    def _one_way(self) -> AuthOptions:
        if sum(getattr(self, way) is not None for way in self.ways) != 1:
            *others, last = (f"'{way}'" for way in self.ways)
            raise PydanticCustomError("one_way", f"expected exactly one of {', '.join(others)} and {last}")
        return self

    def secrets(self) -> Iterator[str]:
        """The parts of this that must not be shown, as they stand here and as they are sent."""
        if self.bearer is not None:
            yield self.bearer.get_secret_value()
        if self.basic is not None:
            yield self.basic.password.get_secret_value()
            # Without its padding, which an answer that repeats it may leave out.
            yield (self.header or "").partition(" ")[2].rstrip("=")

    @property
    def header(self) -> str | None:
        """The header ``Authorization``, where the options alone determine it."""
        if self.bearer is not None:
            return f"Bearer {self.bearer.get_secret_value()}"
        if self.basic is None:
            return None
        pair = f"{self.basic.username}:{self.basic.password.get_secret_value()}"
        return f"Basic {b64encode(pair.encode()).decode()}"


class TLSOptions(Options):
    """How the server's certificate is checked, and which one smithd shows."""

    verify: bool = Field(True, description="false: accept any certificate")
    ca_file: File | None = Field(None, description="a PEM file with the authorities to trust instead of the system's")
    cert_file: File | None = Field(None, description="a PEM file with our own certificate")
    key_file: File | None = Field(None, description="its key, where it is not in the same file")

    @model_validator(mode="after")
    def _key_has_a_certificate(self) -> TLSOptions:
        if self.key_file is not None and self.cert_file is None:
            raise PydanticCustomError("no_certificate", "'key_file' needs 'cert_file'")
        return self

    def tls_files(self) -> TLSFiles:
        """Its files."""

        # A path with a secret in it that is missing is not known.
        def named(option: str) -> NamedFile | None:
            path = getattr(self, option)
            return NamedFile(option, path) if isinstance(path, str) else None

        return TLSFiles(named("ca_file"), named("cert_file"), named("key_file"))

    def settings(self) -> TLS:
        """The same for the HTTP client."""
        return TLS(self.verify, self.ca_file, self.cert_file, self.key_file)


class HttpConnectionOptions(Options):
    """The keys of every source that polls over HTTP."""

    url: HttpUrl = Field(description="the address to ask")
    headers: dict[HeaderName, HeaderValue] = Field(
        default_factory=dict, description="headers to send; values may be secrets"
    )
    auth: AuthOptions | None = Field(None, description="basic: {username, password}, or bearer: a token")
    tls: TLSOptions = Field(default_factory=TLSOptions, description="how certificates are checked and shown")

    @model_validator(mode="after")
    def _one_of_each_header(self) -> HttpConnectionOptions:
        seen: set[str] = set()
        for name in map(str.lower, self.headers):
            if name == "authorization" and self.auth is not None:
                raise PydanticCustomError("two_auths", "expected either 'auth' or a header 'Authorization', not both")
            if name in seen:
                raise PydanticCustomError("twice", f"the header {name} stands here twice (case does not count)")
            seen.add(name)
        return self

    def secrets(self) -> Iterator[str]:
        """What must not be shown when an answer repeats it, as it stands here and as it is sent."""
        for name, text in self.headers.items():
            if name.lower() not in _HARMLESS:
                yield text.get_secret_value()
                # A token alone is a secret too, without the word before it (Bearer, Token).
                yield text.get_secret_value().rpartition(" ")[2]
        for name, value in parse_qsl(urlsplit(self.url).query):
            if sounds_secret(name):
                yield value
        if self.auth is not None:
            yield from self.auth.secrets()

    def sent_headers(self) -> dict[str, str]:
        """All configured headers, in clear."""
        given = reveal(self.headers)
        header = self.auth.header if self.auth else None
        return given if header is None else given | {"Authorization": header}
