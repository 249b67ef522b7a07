"""The files under ``tls``."""

from __future__ import annotations

import ssl

from smithd.plugin import TLS, Misconfigured


def usable(tls: TLS) -> ssl.SSLContext:
    """A context made of the files; raises Misconfigured where one cannot be used."""
    try:
        return tls.context()
    except OSError as error:
        raise Misconfigured(f"the files under tls cannot be used: {error}") from None
