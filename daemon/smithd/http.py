"""The one HTTP client: httpx's types on aiohttp's transport, whose pool does not slow down with the number of hosts.

The only file that imports httpx; its names are handed on from here. Everything is imported when a client is first
made: ``smithd check`` never pays for it.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import aiohttp
    import httpx

from smithd import __version__

USER_AGENT = f"smithd/{__version__}"
CONNECTIONS = 512
LIMIT = 5_000_000
"""The unpacked bytes that an answer may have unless somebody says otherwise."""
PIECE = 64 * 1024
"""The bytes that are unpacked at once."""
ACCEPTED = "gzip, deflate, br, zstd"
PACKED = frozenset({"gzip", "x-gzip", "deflate", "br", "zstd"})


@dataclass(frozen=True, slots=True)
class TLS:
    """How a server's certificate is checked, and how we show ours. Paths are those of PEM files."""

    verify: bool = True
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None

    def context(self) -> ssl.SSLContext:
        """The TLS context; raises OSError or ssl.SSLError where a file cannot be used."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.cert_file is not None:
            context.load_cert_chain(self.cert_file, self.key_file)
        return context


class NoAnswer(Exception):
    """Nobody answered, or the answer broke off; the text says what happened ("connection refused").

    ``sent``: some of the request may have reached the other side.
    """

    def __init__(self, what: str, *, sent: bool = True) -> None:
        super().__init__(what)
        self.sent = sent


class Untrusted(NoAnswer):
    """The server's certificate did not pass; only a person can mend that."""


class Unreadable(Exception):
    """An answer came that cannot be taken in."""


class TooLarge(Unreadable):
    """An answer went over its limit; the rest of it was not read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the headers (by names in any case), and the unpacked body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Prepared:
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

    async def send(self) -> Answer:
        """Ask, and read the whole answer, whatever its status; raises NoAnswer or Unreadable."""
        import aiohttp
        import httpx

        try:
            response = await self._transport.handle_async_request(self._request)
            try:
                return Answer(response.status_code, response.headers, await self._read(response))
            finally:
                await _stream(response).aclose()
        except (httpx.TransportError, aiohttp.ClientError, OSError) as error:
            raise _no_answer(error) from error

    async def _read(self, response: httpx.Response) -> bytes:
        import aiohttp
        import httpx

        try:
            return await read(response, self._limit)
        except (Unreadable, httpx.TransportError, aiohttp.ClientError):
            if response.status_code < 300:
                raise
            return b""  # the status says enough


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
        self._clients: dict[tuple[TLS, str | None], httpx.AsyncClient] = {}

    def client(self, tls: TLS = TLS(), unix_socket: str | None = None) -> httpx.AsyncClient:
        """The shared client for this TLS setting; call it inside a running event loop.

        ``unix_socket``: the path of a socket on this machine, to which all its requests go, whatever their host.
        Raises OSError or ssl.SSLError where one of the setting's files cannot be used.
        """
        client = self._clients.get((tls, unix_socket))
        if client is None:
            client = self._clients[tls, unix_socket] = _open(tls, unix_socket, self._keep_alive)
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
    ) -> Prepared:
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
        return Prepared(way, request, limit)

    async def aclose(self) -> None:
        """Close every client."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.aclose()


def _open(tls: TLS, unix_socket: str | None, keep_alive: float) -> httpx.AsyncClient:
    import aiohttp
    import httpx
    from httpx_aiohttp import AiohttpTransport

    context = True if tls == TLS() else tls.context()  # True: the context that aiohttp made when it was imported

    def connector() -> aiohttp.BaseConnector:
        if unix_socket is not None:
            return aiohttp.UnixConnector(unix_socket, limit=CONNECTIONS, keepalive_timeout=keep_alive)
        return aiohttp.TCPConnector(limit=CONNECTIONS, ssl=context, keepalive_timeout=keep_alive)

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


def _no_answer(error: Exception) -> NoAnswer:
    import aiohttp

    cause = error if isinstance(error, aiohttp.ClientError) else error.__cause__ or error
    kind = Untrusted if isinstance(cause, aiohttp.ClientConnectorCertificateError) else NoAnswer
    return kind(_words(cause), sent=not _failed_to_connect(error))


def _words(cause: BaseException | None) -> str:
    """What happened, in plain words; aiohttp knows it better than the kinds of httpx's errors tell."""
    import aiohttp

    match cause:
        case aiohttp.ConnectionTimeoutError():
            return "no connection within the time-out"
        case aiohttp.ServerTimeoutError():
            return "no answer within the time-out"
        case aiohttp.ClientConnectorDNSError():
            return "its name is not known"
        case aiohttp.ServerDisconnectedError():
            return "it closed the connection without an answer"
        case aiohttp.ClientPayloadError():
            renamed = isinstance(cause.__cause__, aiohttp.ClientConnectionError)  # by ``_once``
            return _words(cause.__cause__) if renamed else "the answer broke off"
        case aiohttp.ClientHttpProxyError():
            return f"the proxy refuses: HTTP {cause.status}"
        case aiohttp.ClientResponseError():
            return f"it does not answer in HTTP: {' '.join(cause.message.split())}"
        case aiohttp.ClientSSLError():
            return _words_of_tls(cause)
    if isinstance(cause, OSError) and cause.errno:
        return os.strerror(cause.errno).lower()
    return str(cause) or type(cause).__name__


def _words_of_tls(cause: aiohttp.ClientSSLError) -> str:
    import aiohttp

    if isinstance(cause, aiohttp.ClientConnectorCertificateError):
        reason = getattr(cause.certificate_error, "verify_message", None) or cause.certificate_error
        return f"its certificate is not trusted: {reason}"
    if getattr(cause.os_error, "reason", None) in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"):
        return "it does not speak TLS: is its address one of http, not https?"
    return f"TLS failed: {getattr(cause.os_error, 'reason', None) or cause.os_error}"


def _stream(response: httpx.Response) -> httpx.AsyncByteStream:
    return cast("httpx.AsyncByteStream", response.stream)  # an asynchronous transport has no other


async def read(response: httpx.Response, limit: int) -> bytes:
    """The body of a streamed answer, at most ``limit`` unpacked bytes; raises TooLarge beyond that, and Unreadable
    where it cannot be unpacked.
    """
    chunks, size = [], 0
    encoding = response.headers.get("content-encoding", "").strip().lower()
    async for chunk in _unpacked(_stream(response), encoding) if encoding in PACKED else _stream(response):
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"the answer is larger than {limit} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


async def _unpacked(stream: httpx.AsyncByteStream, encoding: str) -> AsyncIterator[bytes]:
    """The pieces of a packed body, none larger than PIECE, however much a few bytes unpack to."""
    from aiohttp.compression_utils import BrotliDecompressor, ZLibDecompressor, ZSTDDecompressor

    unpacker: BrotliDecompressor | ZLibDecompressor | ZSTDDecompressor | None = None
    async for chunk in stream:
        try:
            if unpacker is None and chunk:
                match encoding:
                    case "gzip" | "x-gzip":
                        unpacker = ZLibDecompressor("gzip")
                    case "deflate":  # some send it without the header that RFC 9110 asks for
                        unpacker = ZLibDecompressor("deflate", suppress_deflate_header=chunk[0] & 0xF != 8)
                    case "br":
                        unpacker = BrotliDecompressor()
                    case _:
                        unpacker = ZSTDDecompressor()
            while unpacker is not None and (piece := unpacker.decompress_sync(chunk, max_length=PIECE)):
                yield piece
                chunk = b""
        except Exception as error:  # each of the libraries raises errors of its own
            raise Unreadable(f"the answer cannot be unpacked ({encoding})") from error


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
