"""What the sources that speak HTTP have in common: where to, who we are, and what a status_failure means."""

from __future__ import annotations

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from smithd.plugin import (
    TLS,
    BadResponse,
    CertificateError,
    DecodingError,
    File,
    HttpUrl,
    Misconfigured,
    Options,
    Secret,
    SourceError,
    TransportError,
    Unavailable,
)

EXCERPT = 80
PATIENCE = 0.9
"""The part of a poll's deadline after which we say ourselves what takes so long."""
_FRAMING = frozenset({"connection", "content-length", "expect", "te", "trailer", "transfer-encoding", "upgrade"})
_HARMLESS = frozenset({"accept", "accept-encoding", "accept-language", "content-type", "host", "user-agent"})
"""Headers whose values are no secrets, and may stand in an answer that is shown."""
_TELLING = re.compile(r"key|token|secret|pass|pwd|auth|sig|cred|session", re.IGNORECASE)
_USER = re.compile(r"//[^/?#]*@")
_HEADER_NAME = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_PASSING = (408, 425, 429)
_MEANINGS = {
    401: ("we are not let in", "check auth and headers"),
    403: ("we are not allowed this", "check what this key or user may see"),
    404: ("there is nothing at this address", "check its path"),
}


def place(url: str) -> str:
    """The host and port of an address: all of it that may stand in a log."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def without_secrets(address: str) -> str:
    """The start of any text that should be an address, without what may be secret in one."""
    return cut(_USER.sub("//", re.split("[?#]", address, maxsplit=1)[0]))


def sounds_secret(name: str) -> bool:
    """Whether what goes by this name (a parameter, a key) may be a secret."""
    return _TELLING.search(name) is not None


def _as_text(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


SecretText = Annotated[Secret, BeforeValidator(_as_text), WithJsonSchema({"type": ["string", "number", "boolean"]})]
"""A text that may hold a secret; numbers may stand there as they are."""


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
    """The values themselves, to be sent."""
    return {name: text.get_secret_value() for name, text in texts.items()}


class BasicAuthOptions(Options):
    username: str
    password: Secret


class AuthOptions(Options):
    """Who we are: a user name with its password, or a token."""

    ways: ClassVar[tuple[str, ...]] = ("basic", "bearer")

    basic: BasicAuthOptions | None = None
    bearer: HeaderValue | None = None

    @model_validator(mode="after")
    def _one_way(self) -> AuthOptions:
        if sum(getattr(self, way) is not None for way in self.ways) != 1:
            *others, last = (f"'{way}'" for way in self.ways)
            raise PydanticCustomError("one_way", f"expected exactly one of {', '.join(others)} and {last}")
        return self

    def secrets(self) -> Iterator[str]:
        """What of this must not be shown, as it stands here and as it is sent."""
        if self.bearer is not None:
            yield self.bearer.get_secret_value()
        if self.basic is not None:
            yield self.basic.password.get_secret_value()
            yield (self.header or "").partition(" ")[2].rstrip("=")

    @property
    def header(self) -> str | None:
        """The header ``Authorization``, where it is known from the options alone."""
        if self.bearer is not None:
            return f"Bearer {self.bearer.get_secret_value()}"
        if self.basic is None:
            return None
        pair = f"{self.basic.username}:{self.basic.password.get_secret_value()}"
        return f"Basic {b64encode(pair.encode()).decode()}"


class TLSOptions(Options):
    """How the server's certificate is checked, and how we show ours."""

    verify: bool = Field(True, description="false: accept any certificate")
    ca_file: File | None = Field(None, description="a PEM file with the authorities to trust instead of the system's")
    cert_file: File | None = Field(None, description="a PEM file with our own certificate")
    key_file: File | None = Field(None, description="its key, where it is not in the same file")

    @model_validator(mode="after")
    def _key_has_a_certificate(self) -> TLSOptions:
        if self.key_file is not None and self.cert_file is None:
            raise PydanticCustomError("no_certificate", "'key_file' needs 'cert_file'")
        return self

    def settings(self) -> TLS:
        """The same, as the HTTP client takes it."""
        return TLS(self.verify, self.ca_file, self.cert_file, self.key_file)


class HttpConnectionOptions(Options):
    """The keys of every source that asks over HTTP."""

    url: HttpUrl = Field(description="the address to ask")
    headers: dict[HeaderName, HeaderValue] = Field({}, description="headers to send; values may be secrets")
    auth: AuthOptions | None = Field(None, description="basic: {username, password}, or bearer: a token")
    tls: TLSOptions = Field(default_factory=TLSOptions, description="how certificates are checked and shown")

    @model_validator(mode="after")
    def _one_authorization(self) -> HttpConnectionOptions:
        if self.auth is not None and any(name.lower() == "authorization" for name in self.headers):
            raise PydanticCustomError("two_auths", "expected either 'auth' or a header 'Authorization', not both")
        return self

    @model_validator(mode="after")
    def _one_of_each(self) -> HttpConnectionOptions:
        names = Counter(name.lower() for name in self.headers)
        if twice := [name for name, count in names.items() if count > 1]:
            raise PydanticCustomError("twice", f"the header {twice[0]} stands here twice (case does not count)")
        return self

    def secrets(self) -> Iterator[str]:
        """What of these options must not be shown when an answer repeats it, as it stands here and as it is sent."""
        for name, text in self.headers.items():
            if name.lower() not in _HARMLESS:
                yield text.get_secret_value()
                yield text.get_secret_value().rpartition(" ")[2]  # a token without the word before it
        for name, value in parse_qsl(urlsplit(self.url).query):
            if sounds_secret(name):
                yield value
        if self.auth is not None:
            yield from self.auth.secrets()

    def sent_headers(self) -> dict[str, str]:
        """All headers that the configuration asks for, in clear."""
        given = reveal(self.headers)
        header = self.auth.header if self.auth else None
        return given if header is None else given | {"Authorization": header}


def cut(text: str) -> str:
    """The start of a text, for an error's own."""
    return text[:EXCERPT] + "…" if len(text) > EXCERPT else text


def excerpt(body: bytes) -> str:
    """The start of an answer, on one line, for an error's text."""
    text = cut(" ".join(body[: 8 * EXCERPT].decode("utf-8", "replace").split()))
    return "".join(char if char.isprintable() else "�" for char in text) or "(nothing)"


def transport_failure(who: str, error: TransportError | DecodingError) -> SourceError:
    """What to tell where ``who`` gave no answer that can be read."""
    if isinstance(error, DecodingError):
        return BadResponse(f"{who}: {error}")
    if not isinstance(error, CertificateError):
        return Unavailable(f"{who}: {error}; {error.hint}" if error.hint else f"{who}: {error}")
    if "expired" in str(error):
        return Misconfigured(f"{who}: {error}; have it renewed")
    if "mismatch" in str(error):
        return Misconfigured(f"{who}: {error}; is this the address?")
    return Misconfigured(f"{who}: {error}; if its authority is one of your own, name it under tls: ca_file")


def status_failure(who: str, status: int, location: str, said: str) -> SourceError:
    """What ``who`` means by a status other than 2xx; ``said`` came with it, ``location`` is where a redirect points."""
    if 300 <= status < 400:
        where = without_secrets(location) or "nowhere"
        return Misconfigured(
            f"{who}: HTTP {status}: it redirects to {where}, which is not followed: is this the address?"
        )
    if status in _MEANINGS:
        meaning, advice = _MEANINGS[status]
        return Misconfigured(f"{who}: HTTP {status}, {meaning}: {said}; {advice}")
    kind = Misconfigured if 400 <= status < 500 and status not in _PASSING else Unavailable
    return kind(f"{who}: HTTP {status}: {said}")
