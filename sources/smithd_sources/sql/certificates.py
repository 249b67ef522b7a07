"""Certificates: the files under ``tls``, and what is wrong with a server's certificate."""

from __future__ import annotations

import asyncio
import ssl
import struct

from smithd.plugin import TLS, Misconfigured


def tls_context(tls: TLS) -> ssl.SSLContext:
    """A TLS context made of the files. Raises Misconfigured where a file cannot be used."""
    try:
        # OpenSSL's errors name no file: opening each one here does.
        for file in filter(None, (tls.ca_file, tls.cert_file, tls.key_file)):
            with open(file, "rb"):
                pass
        return tls.context()
    except OSError as error:
        raise Misconfigured(f"the files under tls cannot be used: {error}") from None


_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
"""The message SSLRequest of PostgreSQL's protocol; the server answers with one byte before TLS begins."""


async def certificate_problem(host: str, port: int, tls: TLS) -> str | None:
    """What is wrong with the certificate of a PostgreSQL server; None where that is unknown."""
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError:
        return None
    try:
        writer.write(_SSL_REQUEST)
        await reader.readexactly(1)
        await writer.start_tls(tls_context(tls), server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    except (OSError, EOFError):
        return None
    finally:
        writer.close()
    return None
