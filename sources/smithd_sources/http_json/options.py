"""The options of a source of ``type: http_json``. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from itertools import chain
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from smithd.plugin import DigestAuth, File, MetricName, Options, Size
from smithd_sources.http_json.body import is_charset
from smithd_sources.http_json.json_path import CompiledPath, JSONPath
from smithd_sources.http_json.metric import JSONMetric
from smithd_sources.http_json.oauth2 import OAuth2Options
from smithd_sources.http_options import AuthOptions, HttpConnectionOptions, PasswordOptions, SecretText, sounds_secret

LONG = 16
"""A parameter's value of this many characters may be a secret, whatever the parameter's name is."""
LARGEST = 20_000_000
"""The largest ``max_size``, in bytes: parsing JSON holds Python's global lock (a second, for these)."""


_GRAPHQL = frozenset({"query", "variables", "operationName", "extensions"})
"""The members of a GraphQL request (GraphQL over HTTP, section 5.1)."""


def _known_charset(name: str) -> str:
    if not is_charset(name):
        raise ValueError("expected the name of a charset, like latin-1, cp1252 or utf-16")
    return name


Charset = Annotated[str, AfterValidator(_known_charset)]


class BodyFormat(StrEnum):
    """What an answer's body is."""

    JSON = "json"
    LINES = "json_lines"
    NUMBER = "number"


class PagesOptions(Options):
    """Where the next page is: by its address, or by a cursor for the same request; and how many pages to get."""

    next: Literal["link"] | JSONPath | None = Field(
        None, description="link: the header Link with rel=next; or the JSONPath of the next page's address"
    )
    cursor: JSONPath | None = Field(
        None, description="the JSONPath of what to send for the next page; null, empty or not there: it was the last"
    )
    query: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="the parameter of the address that takes the cursor"
    )
    at_most: int = Field(10, ge=1, le=100, description="pages to ask for in one poll, the first one counted")

    @model_validator(mode="after")
    def _one_way(self) -> PagesOptions:
        if (self.next is None) == (self.cursor is None):
            raise PydanticCustomError("one_way", "expected either 'next' or 'cursor' (with 'query')")
        if (self.cursor is None) != (self.query is None):
            raise PydanticCustomError(
                "cursor_query", "'cursor' and 'query' go together: {cursor: $.next, query: cursor}"
            )
        return self

    @property
    def path(self) -> CompiledPath | None:
        """The path of the next page's address, or cursor; None where a header names it."""
        return self.cursor or (self.next if isinstance(self.next, CompiledPath) else None)


class DigestAuthOptions(PasswordOptions):
    """The user of HTTP Digest (RFC 7616)."""

    def answers(self) -> DigestAuth:
        """The same for the HTTP client, which answers challenges with it."""
        return DigestAuth(self.username, self.password.get_secret_value())


class HttpJsonAuthOptions(AuthOptions):
    """How smithd authenticates: by a user name with its password (Basic or Digest), a token, or OAuth 2.0."""

    ways = ("basic", "digest", "bearer", "oauth2")
    digest: DigestAuthOptions | None = Field(None, description="as basic, where the server asks for Digest")
    oauth2: OAuth2Options | None = Field(None, description="fetch tokens by the client credentials of OAuth 2.0")

    def secrets(self) -> Iterator[str]:
        yield from super().secrets()
        if self.digest is not None:
            yield self.digest.password.get_secret_value()
        if self.oauth2 is not None:
            yield from self.oauth2.secrets()


def _secrets_in(body: Any) -> Iterator[str]:
    """The texts in a body whose keys sound like a secret's."""
    if isinstance(body, list):
        yield from chain.from_iterable(map(_secrets_in, body))
    elif isinstance(body, dict):
        for name, value in body.items():
            if isinstance(value, str) and sounds_secret(str(name)):
                yield value
            yield from _secrets_in(value)


class HttpJsonOptions(HttpConnectionOptions):
    """The keys of a source of ``type: http_json``."""

    auth: HttpJsonAuthOptions | None = Field(
        None,
        description="basic: {username, password}, digest: the same, bearer: a token, oauth2: a client",
    )
    method: Literal["GET", "POST", "PUT", "PATCH"] | None = Field(
        None, description="default: GET, or POST where there is a body"
    )
    query: dict[str, SecretText] = Field(
        default_factory=dict, description="parameters to add to the address; values may be secrets"
    )
    body: Any = Field(None, repr=False, description="a text to send as it is, or anything else to send as JSON")
    unix_socket: File | None = Field(None, description="ask through this socket of this machine, as curl does")
    format: BodyFormat = Field(
        BodyFormat.JSON, description="json; json_lines: $ is the list of the lines; number: $ is the whole body"
    )
    charset: Charset | None = Field(
        None, description="the charset of the answers, where they do not say it, or say a wrong one"
    )
    error_path: JSONPath | None = Field(
        None, description="where an answer reports an error: what is there is the failure, unless null, false or empty"
    )
    expect_status: list[Annotated[int, Field(ge=200, le=599)]] | None = Field(
        None, min_length=1, description="the statuses whose answers count; default: 200 to 299"
    )
    redirects: int = Field(5, ge=0, le=20, description="how many to follow; another host gets no credentials")
    pages: PagesOptions | None = Field(None, description="where the next page is; 'each' and 'count' read all of them")
    max_size: Size = Field(
        5_000_000, le=LARGEST, description="the largest answer to accept, unpacked, all pages together; at most 20 MB"
    )
    metrics: dict[MetricName, JSONMetric] = Field(min_length=1, description="metric to the JSONPath of its value")

    @model_validator(mode="after")
    def _keys_fit(self) -> HttpJsonOptions:
        if self.pages is not None and self.pages.path is not None and self.format is not BodyFormat.JSON:
            raise PydanticCustomError("pages", "a JSONPath to the next page needs 'format: json'")
        if self.unix_socket is not None and urlsplit(self.url).scheme == "https":
            raise PydanticCustomError(
                "no_tls", "through a 'unix_socket' no TLS is spoken: let the url begin with http://"
            )
        return self

    def secrets(self) -> Iterator[str]:
        """As in HttpConnectionOptions; a parameter's value may be a secret by its name or by its length."""
        yield from super().secrets()
        for name, text in self.query.items():
            value = text.get_secret_value()
            if sounds_secret(name) or len(value) >= LONG:
                yield value
        yield from _secrets_in(self.body)

    @property
    def asks_graphql(self) -> bool:
        """Whether the body is a query of GraphQL: {query: text, variables: …}."""
        return isinstance(self.body, dict) and isinstance(self.body.get("query"), str) and self.body.keys() <= _GRAPHQL

    @property
    def effective_method(self) -> str:
        """The method of the request."""
        return self.method or ("GET" if self.body is None else "POST")

    def accepts(self, status: int) -> bool:
        """Whether a response with this status is used."""
        return status in self.expect_status if self.expect_status is not None else 200 <= status < 300
