"""The one HTTP client: httpx's types on aiohttp's transport, whose pool does not slow down with the number of hosts.

The only file that imports httpx; its names are handed on from here. Everything is imported when a client is first
made: ``smithd check`` never pays for it.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import aiohttp
    import httpx

from smithd import __version__
from smithd.names import Names
from smithd.packing import PACKED, Unpacker, unpacker

USER_AGENT = f"smithd/{__version__}"
CONNECTIONS_PER_HOST = 512
"""A host that never answers can hold so many, and those of no other; how many there are in all is not bounded."""
LIMIT = 5_000_000
"""The unpacked bytes that an answer may have unless somebody says otherwise."""
ACCEPTED = "gzip, deflate, br, zstd"


@dataclass(frozen=True, slots=True)
class TLS:
    """How a server's certificate is checked, and how we show ours. Paths are those of PEM files."""

    verify: bool = True
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None

    def context(self) -> ssl.SSLContext:
        """The TLS context; raises OSError, which names the file, where one cannot be used."""
        with _named(self.ca_file):
            context = ssl.create_default_context(cafile=self.ca_file)
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.cert_file is not None:
            with _named(self.cert_file, self.key_file):
                context.load_cert_chain(self.cert_file, self.key_file)
        return context


@contextmanager
def _named(*paths: str | None) -> Iterator[None]:
    """OpenSSL does not say which file it could not read."""
    files = [path for path in paths if path is not None]
    try:
        for path in files:
            with open(path, "rb"):
                pass
        yield
    except ssl.SSLError as error:
        raise OSError(f"{' with '.join(files)}: {error.reason or 'no PEM'}") from None
    except OSError as error:
        raise OSError(f"{error.filename}: {os.strerror(error.errno or 0).lower()}") from None


class TransportError(Exception):
    """Nobody answered, or the answer broke off; the text says what happened ("connection refused").

    ``sent``: some of the request may have reached the other side. ``hint``: what may be the matter, as a question for
    whoever chose the address.
    """

    def __init__(self, what: str, *, sent: bool = True, hint: str = "") -> None:
        super().__init__(what)
        self.sent = sent
        self.hint = hint


class CertificateError(TransportError):
    """The server's certificate did not pass; only a person can mend that."""


class DecodingError(Exception):
    """An answer came that cannot be taken in."""


class ResponseTooLarge(DecodingError):
    """An answer went over its limit; the rest of it was not read."""


@dataclass(frozen=True, slots=True)
class Response:
    """What came back: the status, the headers (by names in any case), and the unpacked body.

    ``failure``: why there is no body, where it could not be read and the status (not 2xx) may say enough.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    failure: TransportError | DecodingError | None = None


class PreparedRequest:
    """One request, made ready once and sent many times; ``Http.prepare`` makes it.

    It goes straight to the transport. What httpx does for every request besides (merging headers, redirects, cookies,
    hooks) costs as much again as the transport, and a poll has done with it when it is first opened.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, request: httpx.Request, limit: int) -> None:
        self._transport = transport
        self._request = request
        self._limit = limit

    def set_header(self, name: str, value: str | None) -> None:
        """Send this header from now on; None: no longer."""
        if value is not None:
            self._request.headers[name] = value
        elif name in self._request.headers:
            del self._request.headers[name]

    async def send(self) -> Response:
        """Ask, and read the whole answer, whatever its status; raises TransportError or DecodingError."""
        import aiohttp
        import httpx

        try:
            response = await self._transport.handle_async_request(self._request)
            try:
                return await self._read(response)
            finally:
                await _stream(response).aclose()
        except (httpx.TransportError, aiohttp.ClientError, OSError) as error:
            raise _no_answer(error, self._request.url.scheme) from error

    async def _read(self, response: httpx.Response) -> Response:
        import aiohttp
        import httpx

        body, failure = b"", None
        try:
            body = await read(response, self._limit)
        except (DecodingError, httpx.TransportError, aiohttp.ClientError) as error:
            if response.status_code < 300:
                raise
            failure = error if isinstance(error, DecodingError) else _no_answer(error, self._request.url.scheme)
        return Response(response.status_code, response.headers, body, failure)


class Http:
    """The clients of one daemon: one for each way of checking certificates, shared by everyone who wants it.

    Cookies are not kept (sources must not see each other's) and redirects are not followed unless asked for. The
    environment's proxies are used for other machines, as they stand when a client is first made; ``.netrc`` is not.
    """

    def __init__(self, keep_alive: float = 15.0) -> None:
        """``keep_alive``: seconds for which an idle connection is kept. Where a request cannot be repeated it should
        be shorter than any server's own: a connection that is closed while a request goes out leaves it unknown.
        """
        self._keep_alive = keep_alive
        self._names = Names()
        self._clients: dict[tuple[TLS, str | None], httpx.AsyncClient] = {}

    def client(self, tls: TLS = TLS(), unix_socket: str | None = None) -> httpx.AsyncClient:
        """The shared client for this TLS setting; call it inside a running event loop.

        ``unix_socket``: the path of a socket on this machine, to which all its requests go, whatever their host.
        Raises OSError where one of the setting's files cannot be used.
        """
        client = self._clients.get((tls, unix_socket))
        if client is None:
            client = self._clients[tls, unix_socket] = _open(tls, unix_socket, self._keep_alive, self._names)
        return client

    def prepare(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        content: str | bytes | None = None,
        timeout: float = 30.0,
        connect_timeout: float | None = None,
        limit: int = LIMIT,
        tls: TLS = TLS(),
        unix_socket: str | None = None,
    ) -> PreparedRequest:
        """A request to be sent many times; ``query`` is added to the URL's own.

        ``timeout`` (seconds) bounds each silence: while the request is taken in, and between two pieces of its answer;
        ``connect_timeout`` (by default as long) the way there, finding the address included. The whole is for the
        caller to bound. ``limit`` is in unpacked bytes. Raises what ``client`` raises, and ValueError for an address
        that is none.
        """
        import httpx

        client, connect = self.client(tls, unix_socket), timeout if connect_timeout is None else connect_timeout
        try:
            address = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise ValueError(str(error)) from None
        request = client.build_request(
            method,
            address.copy_merge_params(dict(query)) if query else address,
            headers=headers,
            content=content,
            timeout=httpx.Timeout(timeout, connect=connect, pool=connect),
        )
        # A proxy is never asked for this machine: to the proxy its own would be that, and what is sent here in the
        # clear must not travel. Else it is the client's own choice, made once.
        way = client._transport if _is_here(request.url.host) else client._transport_for_url(request.url)
        return PreparedRequest(way, request, limit)

    async def aclose(self) -> None:
        """Close every client."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.aclose()


def _open(tls: TLS, unix_socket: str | None, keep_alive: float, names: Names) -> httpx.AsyncClient:
    import aiohttp
    import httpx
    from httpx_aiohttp import AiohttpTransport

    context = True if tls == TLS() else tls.context()  # True: the context that aiohttp made when it was imported

    def connector() -> aiohttp.BaseConnector:
        if unix_socket is not None:
            return aiohttp.UnixConnector(unix_socket, limit=CONNECTIONS_PER_HOST, keepalive_timeout=keep_alive)
        return aiohttp.TCPConnector(
            limit=0,
            limit_per_host=CONNECTIONS_PER_HOST,
            ssl=context,
            keepalive_timeout=keep_alive,
            resolver=_resolver(names),
        )

    def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=connector(),
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=(_once,),
        )

    def transport(proxy: str | None = None) -> AiohttpTransport:
        # verify=False: it would load certificates for a context that our session does not use
        return AiohttpTransport(client=session, verify=False, proxy=httpx.Proxy(proxy) if proxy else None)

    proxies = _proxies() if unix_socket is None else {}
    return httpx.AsyncClient(
        transport=transport(),
        mounts={pattern: transport(proxy) if proxy else None for pattern, proxy in proxies.items()},
        headers={"User-Agent": USER_AGENT, "Accept-Encoding": ACCEPTED},
        timeout=httpx.Timeout(30),
    )


def _resolver(names: Names) -> aiohttp.abc.AbstractResolver:
    import aiohttp.abc

    class Resolver(aiohttp.abc.AbstractResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[aiohttp.abc.ResolveResult]:
            return [
                {
                    "hostname": host,
                    "host": found.host,
                    "port": found.port,
                    "family": found.family,
                    "proto": found.proto,
                    "flags": socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
                }
                for found in await names.look_up(host, port, family)
            ]

        async def close(self) -> None:
            """There is nothing to let go of."""

    return Resolver()


def _is_here(host: str) -> bool:
    """Whether this is a name or an address of this machine's own."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _proxies() -> dict[str, str | None]:
    """The environment's proxies as httpx's URL patterns; None: none for these.

    Left to itself (``trust_env``), aiohttp reads them, and ``.netrc``, for every single request, in a thread.
    """
    import urllib.request  # by then aiohttp has it too

    found = urllib.request.getproxies()
    bypassed = [host.strip().removeprefix(".") for host in found.get("no", "").split(",") if host.strip()]
    if "*" in bypassed:
        return {}
    proxies: dict[str, str | None] = {f"{name}://": found[name] for name in ("http", "https", "all") if name in found}
    if proxies:
        proxies |= {f"all://*{host}" if host.count(":") < 2 else f"all://[{host}]": None for host in bypassed}
    return proxies


def _no_answer(error: Exception, scheme: str) -> TransportError:
    import aiohttp

    cause = error if isinstance(error, aiohttp.ClientError) else error.__cause__ or error
    if isinstance(cause, aiohttp.ClientPayloadError) and isinstance(cause.__cause__, aiohttp.ClientConnectionError):
        cause = cause.__cause__  # ``_once`` gave it another name
    kind = CertificateError if isinstance(cause, aiohttp.ClientConnectorCertificateError) else TransportError
    return kind(_words(cause), sent=not _failed_to_connect(error), hint=_hint(cause, scheme))


def _hint(cause: BaseException, scheme: str) -> str:
    import aiohttp

    match cause:
        case aiohttp.ClientConnectorDNSError():
            return "is it spelt right, and does the DNS answer here?"
        case aiohttp.ServerDisconnectedError() | ConnectionResetError() | OSError(errno=errno.EPIPE | errno.ECONNRESET):
            return "does it ask for a certificate of ours?" if scheme == "https" else "does it speak https only?"
        case OSError(errno=errno.ECONNREFUSED):
            return "does it run, and is the port right?"
    return ""


def _words(cause: BaseException) -> str:
    """What happened, in plain words; aiohttp knows it better than the kinds of httpx's errors tell."""
    import aiohttp

    match cause:
        case aiohttp.ConnectionTimeoutError():
            return "no connection within the time-out"
        case aiohttp.ServerTimeoutError():
            return "no answer within the time-out"
        case aiohttp.ClientConnectorDNSError():
            return "its name is not known"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientConnectionResetError():
            return "it closed the connection without an answer"
        case aiohttp.ClientPayloadError():
            return "the answer broke off"
        case aiohttp.ClientHttpProxyError():
            return f"the proxy refuses: HTTP {cause.status}"
        case aiohttp.ClientResponseError():
            return f"it does not answer in HTTP: {' '.join(cause.message.split())}"
        case OSError():
            return _words_of_system(cause)
    return str(cause) or type(cause).__name__


def _words_of_system(error: OSError) -> str:
    import aiohttp

    match error:
        case aiohttp.client_exceptions.UnixClientConnectorError():
            return f"the socket {error.path}: {os.strerror(error.os_error.errno or 0).lower()}"
        case aiohttp.ClientConnectorCertificateError():
            reason = getattr(error.certificate_error, "verify_message", None) or error.certificate_error
            return f"its certificate is not trusted: {reason}"
        case aiohttp.ClientSSLError():
            return _words_of_tls(error.os_error)
        case OSError(__cause__=ssl.SSLError() as cause):
            return _words_of_tls(cause)
    return os.strerror(error.errno).lower() if error.errno else str(error) or type(error).__name__


def _words_of_tls(error: OSError) -> str:
    reason = str(getattr(error, "reason", None) or error)
    if reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"):
        return "it does not speak TLS: is its address one of http, not https?"
    if reason.endswith(("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE", "BAD_CERTIFICATE", "UNKNOWN_CA")):
        return f"it ends the TLS handshake ({reason}): does it ask for a certificate of ours, or for another one?"
    return f"TLS failed: {reason}"


def _stream(response: httpx.Response) -> httpx.AsyncByteStream:
    return cast("httpx.AsyncByteStream", response.stream)  # an asynchronous transport has no other


async def read(response: httpx.Response, limit: int) -> bytes:
    """The body of a streamed response.

    Raises ResponseTooLarge where it has more than ``limit`` unpacked bytes, DecodingError where it cannot be unpacked.
    """
    chunks, size = [], 0
    encoding = response.headers.get("content-encoding", "").strip().lower()
    async for chunk in _unpacked(_stream(response), encoding) if encoding in PACKED else _stream(response):
        size += len(chunk)
        if size > limit:
            raise ResponseTooLarge(f"the answer is larger than {limit} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


async def _unpacked(stream: httpx.AsyncByteStream, encoding: str) -> AsyncIterator[bytes]:
    """The small pieces of a packed body, however much a few bytes unpack to."""
    body: Unpacker | None = None
    async for chunk in stream:
        if not chunk:
            continue
        try:
            body = body or unpacker(encoding, chunk)
            for piece in body.feed(chunk):
                yield piece
        except Exception as error:  # each of the libraries raises errors of its own
            raise DecodingError(f"the answer cannot be unpacked ({encoding})") from error
    if body is not None and not body.is_whole:
        raise DecodingError(f"the answer breaks off: its end is missing ({encoding})")


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """aiohttp quietly repeats a PUT or DELETE whose connection broke. The other side may have counted the first one,
    so whoever asked must know of both; a broken connection is given another name, which aiohttp does not mend.
    """
    import aiohttp

    try:
        return await send(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        if request.method in ("GET", "HEAD") or _failed_to_connect(error):
            raise
        raise aiohttp.ClientPayloadError(str(error) or "the connection broke") from error


def _failed_to_connect(error: BaseException) -> bool:
    """Whether a request failed before any of it was sent.

    The transport's own error tells, the type that httpx knows it by does not: a connection that was cut while the
    answer was awaited comes as a ConnectTimeout.
    """
    import aiohttp

    kinds = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)
    found: BaseException | None = error
    while found is not None and not isinstance(found, kinds):
        found = found.__cause__
    return found is not None
