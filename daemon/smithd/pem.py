"""Certificates and keys in PEM (RFC 7468): what a file holds, and why it cannot be used. No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from smithd.formatting import readable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
    from cryptography.x509 import Certificate

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)
_CERTIFICATE = b"CERTIFICATE"
_KEY = b"PRIVATE KEY"
_LONGEST_NAME = 100


class PemError(Exception):
    """A file cannot be used; the text says why. ``hint``: what was expected, or what would help."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class Lacking(PemError):
    """A file has none of what was looked for, but other blocks."""


def certificates(content: bytes) -> Sequence[Certificate]:
    """The certificates of a file, in its order: one or more. Raises PemError."""
    # Imported here: only a check needs it, and it takes a tenth of a second.
    from cryptography import x509

    found = []
    for place, block in enumerate(_blocks(content, _CERTIFICATE, "certificate"), 1):
        try:
            found.append(x509.load_pem_x509_certificate(block))
        except ValueError:
            which = f"certificate {place}" if place > 1 else "its certificate"
            raise PemError(f"{which} is damaged", "a certificate as it was issued, each line of it") from None
    return found


def public_key(content: bytes) -> PublicKeyTypes:
    """The public half of the private key in a file. Raises PemError, also where the key needs a password."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    block = _blocks(content, _KEY, "private key")[0]
    try:
        return load_pem_private_key(block, None).public_key()
    # So it says that a key is encrypted.
    except TypeError:
        hint = "a key without a password: 'openssl pkey -in FILE -out NEW_FILE' asks for it and writes one"
        raise PemError("its key is encrypted, and smithd has no password for it", hint) from None
    except (ValueError, UnsupportedAlgorithm):
        raise PemError("its key is damaged, or of a kind that is not known") from None


def check_match(key: PublicKeyTypes, chain: Sequence[Certificate]) -> None:
    """Raises PemError where a key is not that of the first certificate, which is our own."""
    places = [place for place, each in enumerate(chain, 1) if each.public_key() == key]
    if not places:
        raise PemError(f"it is not the key of the certificate ({name(chain[0])})", "the key of that certificate")
    if places[0] != 1:
        raise PemError(f"it is the key of certificate {places[0]} of the file", "our own certificate as the first")


def check_time(certificate: Certificate, now: datetime, show: Callable[[float], str]) -> None:
    """Raises PemError where a certificate is not valid at ``now``. ``show`` makes a text of a moment (since 1970)."""
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now > ends:
        raise PemError(f"the certificate of {name(certificate)} expired on {show(ends.timestamp())}", "a renewed one")
    if now < begins:
        text = f"the certificate of {name(certificate)} is not valid before {show(begins.timestamp())}"
        raise PemError(text, "one that is valid now; is this machine's clock right?")


def name(certificate: Certificate) -> str:
    """Whose certificate it is."""
    return readable(certificate.subject.rfc4514_string())[:_LONGEST_NAME] or "nobody"


def _blocks(content: bytes, kind: bytes, what: str) -> list[bytes]:
    """The blocks of a file that are of this kind, at least one."""
    blocks = [(match[1], match[0]) for match in _BLOCK.finditer(content)]
    if found := [block for label, block in blocks if label.endswith(kind)]:
        return found
    if blocks:
        others = ", ".join(sorted({label.decode().lower() for label, _ in blocks}))
        raise Lacking(f"it has no {what}", f"a {what}; it has: {others}")
    if b"-----BEGIN " in content:
        raise PemError("it ends within a block", "-----END ...----- after each -----BEGIN ...-----")
    if not content.strip():
        raise PemError("it is empty", f"a {what} in PEM")
    text = f"a {what} in PEM, which begins with -----BEGIN ...-----"
    # DER and PKCS #12 begin with the tag of a sequence.
    binary = "; this is binary (DER or PKCS #12), and openssl converts it" if content[:1] == b"\x30" else ""
    raise PemError("it is not PEM", text + binary)
