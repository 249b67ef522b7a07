"""The one HTTP client: httpx's types on aiohttp's transport, whose pool does not slow down with the number of hosts.

No other file imports httpx; ``transport_errors.py`` says what a failure means. Both libraries are imported when a
client is first made, so that ``smithd check`` does not import them.
"""

from __future__ import annotations

import asyncio
import errno
import re
import socket
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    import aiohttp
    import httpx

from smithd import __version__
from smithd.descriptors import RESERVE
from smithd.names import Names
from smithd.pace import BodyPace
from smithd.packing import PACKED, Unpacker, unpacker
from smithd.pool import Pool
from smithd.tls import DEFAULT_TLS, TLS
from smithd.transport_errors import TransportError, failed_to_connect, transport_error

ConnectorT = TypeVar("ConnectorT", bound="aiohttp.BaseConnector")
Opening = Callable[[], AbstractContextManager[None]]

USER_AGENT = f"smithd/{__version__}"
CONNECTIONS_PER_HOST = 512
"""A host that never answers can occupy this many connections, and none of another host."""
LIMIT = 5_000_000
"""The default limit of a response, in unpacked bytes."""
ACCEPTED = "gzip, deflate, br, zstd"
_DIGEST = re.compile(r"(?:^|,)\s*(digest\s.*)", re.IGNORECASE)


class DecodingError(Exception):
    """A response came, and its body cannot be read."""


class ResponseTooLarge(DecodingError):
    """A response is larger than its limit; the rest of it was not read."""


@dataclass(frozen=True, slots=True)
class Response:
    """A response: the status, the headers (whose names ignore case), and the unpacked body.

    ``failure``: why there is no body, where it could not be read. Only a response whose status is not 2xx has one:
    there the status may say enough.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    failure: TransportError | DecodingError | None = None


class DigestAuth:
    """Answers the challenges of HTTP Digest (RFC 7616), by httpx. For one server; not for several requests at once.

    What the server challenged with is kept, so that later requests bring their answer at once.
    """

    def __init__(self, username: str, password: str) -> None:
        self._user = username, password
        self._auth: httpx.DigestAuth | None = None

    async def send(self, request: httpx.Request, send: Callable[[], Awaitable[Response]]) -> Response:
        """What ``send`` returns, called again where its response was a challenge. Raises DecodingError for a challenge
        that cannot be answered, and what ``send`` raises.
        """
        import httpx

        if self._auth is None:
            self._auth = httpx.DigestAuth(*self._user)
        # Each answer counts its use, so the last one is not sent twice.
        request.headers.pop("Authorization", None)
        flow = self._auth.auth_flow(request)
        next(flow)
        response = await send()
        try:
            flow.send(httpx.Response(response.status, headers=_digest_challenges(response), request=request))
        except StopIteration:
            return response
        # An algorithm that httpx does not know is a KeyError, and a field without a value a ValueError.
        except (httpx.ProtocolError, NotImplementedError, KeyError, ValueError) as error:
            self._auth = None
            raise DecodingError("its Digest challenge cannot be answered") from error
        return await send()


def _digest_challenges(response: Response) -> list[tuple[str, str]]:
    """The Digest challenges of a response, a header each: a server may put several of all kinds into one."""
    import httpx

    headers = httpx.Headers(response.headers).get_list("www-authenticate")
    found = (_DIGEST.search(header) for header in headers)
    return [("www-authenticate", challenge[1]) for challenge in found if challenge is not None]


class PreparedRequest:
    """One request, prepared once by ``Http.prepare`` and sent many times.

    It goes straight to the transport. The other work that httpx does for each request (merging headers, redirects,
    cookies, hooks) costs as much again as the transport; here it is done once.
    """

    def __init__(
        self, transport: httpx.AsyncBaseTransport, request: httpx.Request, limit: int, digest: DigestAuth | None
    ) -> None:
        self._transport = transport
        self._request = request
        self._limit = limit
        self._digest = digest

    def set_header(self, name: str, value: str | None) -> None:
        """Set a header for all requests from now on; None removes it."""
        if value is not None:
            self._request.headers[name] = value
        elif name in self._request.headers:
            del self._request.headers[name]

    async def send(self) -> Response:
        """Send it, and read the whole response, whatever its status. Raises TransportError or DecodingError."""
        return await (self._send() if self._digest is None else self._digest.send(self._request, self._send))

    async def _send(self) -> Response:
        import aiohttp
        import httpx

        scheme = self._request.url.scheme
        try:
            response = await self._transport.handle_async_request(self._request)
            # httpx's client is not in between, and would close the stream: an open one keeps its connection.
            try:
                body, failure = b"", None
                try:
                    body = await read(response, self._limit)
                except (DecodingError, httpx.TransportError, aiohttp.ClientError) as error:
                    if response.status_code < 300:
                        raise
                    failure = error if isinstance(error, DecodingError) else transport_error(error, scheme)
                return Response(response.status_code, response.headers, body, failure)
            finally:
                await cast("httpx.AsyncByteStream", response.stream).aclose()
        except (httpx.TransportError, aiohttp.ClientError, OSError) as error:
            raise transport_error(error, scheme) from error


class Http:
    """The HTTP clients of one daemon: one for each TLS setting, shared by all that use it.

    Cookies are not kept, since sources must not see each other's. Redirects are followed only on request. The
    environment's proxies are used for other machines, as they are when a client is first made; ``.netrc`` is not used.
    """

    def __init__(self, keep_alive: float = 15.0, *, pool: Pool | None = None, reserved: bool = False) -> None:
        """``keep_alive``: seconds for which an idle connection is kept.

        Where requests cannot be repeated, it should be shorter than the server's own: if a connection is closed while a
        request is sent, nothing says whether the request arrived.

        ``pool`` bounds how many connections are open. ``reserved``: where descriptors run short, connections are opened
        with those that are kept for what must not fail.
        """
        self._keep_alive = keep_alive
        self._pool = pool
        self._opening: Opening = RESERVE.lent if reserved else nullcontext
        self._names = Names(self._opening)
        self._clients: dict[tuple[TLS, str | None, bool], httpx.AsyncClient] = {}

    def client(
        self, tls: TLS = DEFAULT_TLS, unix_socket: str | None = None, *, new_connection: bool = False
    ) -> httpx.AsyncClient:
        """The shared client for this TLS setting. Must be called inside a running event loop.

        ``unix_socket``: the path of a socket on this machine, to which all requests of the client go, whatever their
        host. ``new_connection``: each request has one of its own. Raises OSError where a file of the TLS setting cannot
        be used.
        """
        client = self._clients.get((tls, unix_socket, new_connection))
        if client is None:
            client = self._open(tls, unix_socket, new_connection=new_connection)
            self._clients[tls, unix_socket, new_connection] = client
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
        tls: TLS = DEFAULT_TLS,
        unix_socket: str | None = None,
        new_connection: bool = False,
        digest: DigestAuth | None = None,
    ) -> PreparedRequest:
        """A request that can be sent many times. ``query`` is added to the URL's own.

        ``timeout`` (seconds) bounds each silence: while the request is sent, and between two pieces of the response.
        ``connect_timeout`` (by default as long) bounds the connecting, name resolution included. The caller bounds the
        whole. ``limit`` is in unpacked bytes. ``digest`` answers the server's challenges. Raises what ``client``
        raises, and ValueError for an invalid URL.
        """
        import httpx

        client = self.client(tls, unix_socket, new_connection=new_connection)
        connect = timeout if connect_timeout is None else connect_timeout
        try:
            address = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise ValueError(str(error)) from None
        request = client.build_request(
            method,
            address.copy_merge_params(dict(query)) if query else address,
            headers=headers,
            content=content,
            # Waiting for a connection of the pool to become free is a part of connecting.
            timeout=httpx.Timeout(timeout, connect=connect, pool=connect),
        )
        # Requests to this machine never go to a proxy: to the proxy, "localhost" is the proxy itself, and what is sent
        # here in clear must not leave the machine. For others the client chooses the transport, once.
        transport = client._transport if _is_loopback(request.url.host) else client._transport_for_url(request.url)
        return PreparedRequest(transport, request, limit, digest)

    async def aclose(self) -> None:
        """Close every client."""
        # Taken out first: who asks for a client while these close gets a new one.
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.aclose()

    def _open(self, tls: TLS, unix_socket: str | None, *, new_connection: bool) -> httpx.AsyncClient:
        import aiohttp
        import httpx
        from httpx_aiohttp import AiohttpTransport

        # True stands for the context that aiohttp made at its import.
        context = True if tls == DEFAULT_TLS else tls.context()
        # None: a connection is closed after its request.
        keep_alive = None if new_connection else self._keep_alive

        def session() -> aiohttp.ClientSession:
            return aiohttp.ClientSession(
                connector=self._connector(context, unix_socket, keep_alive),
                cookie_jar=aiohttp.DummyCookieJar(),
                middlewares=(_no_repetition,),
            )

        def transport(proxy: str | None = None) -> AiohttpTransport:
            # Without verify=False, it would load certificates for a context that our session does not use.
            return AiohttpTransport(client=session, verify=False, proxy=httpx.Proxy(proxy) if proxy else None)

        # A socket of this machine is reached without a proxy, whatever the host in the URL.
        proxies = _proxies() if unix_socket is None else {}
        return httpx.AsyncClient(
            transport=transport(),
            mounts={pattern: transport(proxy) if proxy else None for pattern, proxy in proxies.items()},
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": ACCEPTED},
            timeout=httpx.Timeout(30),
        )

    def _connector(
        self, context: ssl.SSLContext | bool, unix_socket: str | None, keep_alive: float | None
    ) -> aiohttp.BaseConnector:
        import aiohttp

        pool, opening = self._pool, self._opening
        per_host = CONNECTIONS_PER_HOST if pool is None else min(CONNECTIONS_PER_HOST, pool.most // 2)
        if unix_socket is not None:
            kind = _bounded(aiohttp.UnixConnector, pool)
            return kind(unix_socket, limit=per_host, keepalive_timeout=keep_alive, force_close=keep_alive is None)

        def open_socket(at: Any) -> socket.socket:
            family, type_, proto, _, _ = at
            with opening():
                return socket.socket(family, type_, proto)

        return _bounded(aiohttp.TCPConnector, pool)(
            # aiohttp's limit over all hosts would not count idle connections; the pool does.
            limit=0,
            limit_per_host=per_host,
            ssl=context,
            keepalive_timeout=keep_alive,
            force_close=keep_alive is None,
            resolver=_resolver(self._names),
            socket_factory=open_socket,
        )


def _bounded(kind: type[ConnectorT], pool: Pool | None) -> type[ConnectorT]:
    """This kind of connector, with its connections counted by the pool."""
    import aiohttp

    if pool is None:
        return kind
    counted = pool

    # mypy takes no class that is a variable for a base.
    class _Pooled(kind):  # type: ignore[misc, valid-type]
        async def connect(
            self,
            req: aiohttp.ClientRequest,
            traces: list[Any],
            timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's name
        ) -> aiohttp.connector.Connection:
            host = id(self), req.connection_key
            if not counted.enter_at_once(host):
                await _within(timeout.connect, counted.enter(host))
            try:
                connection: aiohttp.connector.Connection = await self._open_connection(timeout, req, traces)
            except BaseException:
                counted.fail()
                raise
            transport = connection.transport
            counted.used(transport)
            connection.add_callback(lambda: counted.leave(host, transport))
            return connection

        async def _open_connection(self, limits: aiohttp.ClientTimeout, *request: Any) -> Any:
            while True:
                try:
                    return await super().connect(*request, limits)
                except aiohttp.ClientConnectorError as error:
                    if error.os_error.errno not in (errno.EMFILE, errno.ENFILE):
                        raise
                await _within(limits.connect, counted.make_room())

    return _Pooled


async def _within(seconds: float | None, waiting: Awaitable[None]) -> None:
    import aiohttp

    try:
        async with asyncio.timeout(seconds):
            await waiting
    except TimeoutError:
        raise aiohttp.ConnectionTimeoutError("no connection became free") from None


def _resolver(names: Names) -> aiohttp.abc.AbstractResolver:
    import aiohttp.abc

    # A class inside a function, since its base can only be named once aiohttp is imported.
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
            """There is nothing to close."""

    return Resolver()


def _is_loopback(host: str) -> bool:
    """Whether this is a name or an address of this machine itself."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _proxies() -> dict[str, str | None]:
    """The environment's proxies by httpx's URL patterns; None: no proxy.

    With ``trust_env``, aiohttp would read them, and ``.netrc``, for every single request in a thread.
    """
    # aiohttp has imported it already, so it costs nothing here.
    import urllib.request

    found = urllib.request.getproxies()
    bypassed = [host.strip().removeprefix(".") for host in found.get("no", "").split(",") if host.strip()]
    if "*" in bypassed:
        return {}
    proxies: dict[str, str | None] = {f"{name}://": found[name] for name in ("http", "https", "all") if name in found}
    if proxies:
        # Two colons or more: an IPv6 address. Of any other host its subdomains are meant too.
        proxies |= {f"all://*{host}" if host.count(":") < 2 else f"all://[{host}]": None for host in bypassed}
    return proxies


async def read(response: httpx.Response, limit: int) -> bytes:
    """The body of a streamed response.

    Raises ResponseTooLarge where it has more than ``limit`` unpacked bytes, DecodingError where it cannot be unpacked,
    or drips.
    """
    chunks, size = [], 0
    encoding = response.headers.get("content-encoding", "").strip().lower()
    stream = _chunks(response)
    # Any other encoding was not asked for: such a body is left as it is.
    if encoding in PACKED:
        stream = _unpacked(stream, encoding)
    async for chunk in stream:
        size += len(chunk)
        if size > limit:
            raise ResponseTooLarge(f"the answer is larger than {limit} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


async def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    """A body in the chunks that the server made, as far as they can be told. Raises DecodingError where it drips."""
    from httpx_aiohttp.transport import AiohttpResponseStream, map_aiohttp_exceptions

    # An asynchronous transport returns no other kind of stream.
    stream: AsyncIterable[bytes] = cast("httpx.AsyncByteStream", response.stream)
    if isinstance(stream, AiohttpResponseStream):
        # Its own iterator joins small chunks, so that they could not be counted.
        stream = _as_received(stream._aiohttp_response.content)
    loop = asyncio.get_running_loop()
    pace = BodyPace(loop.time())
    with map_aiohttp_exceptions():
        async for chunk in stream:
            if (problem := pace.problem(len(chunk), loop.time())) is not None:
                raise DecodingError(problem)
            yield chunk


async def _as_received(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    # Not its iter_chunks, which never ends where a response has no body.
    while not content.at_eof():
        yield (await content.readchunk())[0]


async def _unpacked(stream: AsyncIterator[bytes], encoding: str) -> AsyncIterator[bytes]:
    """A packed body in small unpacked pieces, however much a few packed bytes unpack to."""
    body: Unpacker | None = None
    async for chunk in stream:
        if not chunk:
            continue
        try:
            body = body or unpacker(encoding, chunk)
            for piece in body.feed(chunk):
                yield piece
        # Each of the libraries raises errors of its own.
        except Exception as error:
            raise DecodingError(f"the answer cannot be unpacked ({encoding})") from error
    if body is not None and not body.is_whole:
        raise DecodingError(f"the answer breaks off: its end is missing ({encoding})")


async def _no_repetition(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from repeating a PUT or DELETE whose connection broke.

    The other side may have executed the first request, so the caller must know of both. A broken connection is raised
    as another error, for which aiohttp does not repeat the request.
    """
    import aiohttp

    try:
        return await send(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        if request.method in ("GET", "HEAD") or failed_to_connect(error):
            raise
        raise aiohttp.ClientPayloadError(str(error) or "the connection broke") from error
