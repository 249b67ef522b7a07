"""There is no response, or it broke off: what happened, in plain words.

The errors of aiohttp say more than those of httpx. It is imported late, as in ``http.py``.
"""

from __future__ import annotations

import errno
import os
import ssl


class TransportError(Exception):
    """There is no response, or it broke off. The text says what happened ("connection refused").

    ``sent``: a part of the request may have reached the other side. ``timed_out``: its time-out has passed. ``hint`` is
    a possible cause, as a question to the person who configured the address.
    """

    def __init__(self, what: str, *, sent: bool = True, timed_out: bool = False, hint: str = "") -> None:
        super().__init__(what)
        self.sent = sent
        self.timed_out = timed_out
        self.hint = hint


class CertificateError(TransportError):
    """The server's certificate is not trusted; only a person can fix that."""


def transport_error(error: Exception, scheme: str) -> TransportError:
    """What an error of the HTTP libraries means. ``scheme`` is that of the request's URL."""
    import aiohttp

    # httpx_aiohttp raises errors of httpx from those of aiohttp, and lets the ones it does not know through.
    cause = error if isinstance(error, aiohttp.ClientError) else error.__cause__ or error
    if isinstance(cause, aiohttp.ClientPayloadError) and isinstance(cause.__cause__, aiohttp.ClientConnectionError):
        # The error that ``http._no_repetition`` replaced says more.
        cause = cause.__cause__
    kind = CertificateError if isinstance(cause, aiohttp.ClientConnectorCertificateError) else TransportError

    hint = ""
    match cause:
        case aiohttp.ClientConnectorDNSError():
            hint = "is it spelt right, and does the DNS answer here?"
        case aiohttp.ServerDisconnectedError() | ConnectionResetError() | OSError(errno=errno.EPIPE | errno.ECONNRESET):
            hint = "does it ask for a certificate of ours?" if scheme == "https" else "does it speak https only?"
        case OSError(errno=errno.ECONNREFUSED):
            hint = "does it run, and is the port right?"
    timed_out = isinstance(cause, aiohttp.ServerTimeoutError)
    return kind(_describe(cause), sent=not failed_to_connect(error), timed_out=timed_out, hint=hint)


def _describe(cause: BaseException) -> str:
    """What happened, in plain words. aiohttp's errors say more than the types of httpx's."""
    import aiohttp

    # The order matters: a ConnectionTimeoutError is a ServerTimeoutError too, a ClientHttpProxyError a
    # ClientResponseError, and most of them are OSErrors.
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
            return _describe_system_error(cause)
    return str(cause) or type(cause).__name__


def _describe_system_error(error: OSError) -> str:
    import aiohttp

    # A certificate that is not trusted is a ClientSSLError too, so it comes before that.
    match error:
        case aiohttp.client_exceptions.UnixClientConnectorError():
            return f"the socket {error.path}: {os.strerror(error.os_error.errno or 0).lower()}"
        case aiohttp.ClientConnectorCertificateError():
            reason = getattr(error.certificate_error, "verify_message", None) or error.certificate_error
            return f"its certificate is not trusted: {reason}"
        case aiohttp.ClientSSLError():
            tls_error: BaseException = error.os_error
        case OSError(__cause__=ssl.SSLError() as cause):
            tls_error = cause
        case _:
            return os.strerror(error.errno).lower() if error.errno else str(error) or type(error).__name__

    reason = str(getattr(tls_error, "reason", None) or tls_error)
    if reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"):
        return "it does not speak TLS: is its address one of http, not https?"
    if reason.endswith(("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE", "BAD_CERTIFICATE", "UNKNOWN_CA")):
        return f"it ends the TLS handshake ({reason}): does it ask for a certificate of ours, or for another one?"
    return f"TLS failed: {reason}"


def failed_to_connect(error: BaseException) -> bool:
    """Whether a request failed before any of it was sent.

    Only the transport's own error says that. The type of httpx's error does not: a connection that was cut while the
    response was awaited is raised as a ConnectTimeout.
    """
    import aiohttp

    kinds = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)
    found: BaseException | None = error
    while found is not None and not isinstance(found, kinds):
        found = found.__cause__
    return found is not None
