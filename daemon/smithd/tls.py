"""How a server's certificate is checked, and which one smithd shows."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class TLS:
    """How a server's certificate is checked, and which certificate smithd shows. Paths are those of PEM files."""

    verify: bool = True
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None

    def context(self) -> ssl.SSLContext:
        """The TLS context. Raises OSError, which names the file, where a file cannot be used."""
        with _naming_files(self.ca_file):
            context = ssl.create_default_context(cafile=self.ca_file)
        if not self.verify:
            # In this order: while the name is checked, Python does not let verify_mode be CERT_NONE.
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.cert_file is not None:
            with _naming_files(self.cert_file, self.key_file):
                context.load_cert_chain(self.cert_file, self.key_file)
        return context


DEFAULT_TLS = TLS()


class NamedFile(NamedTuple):
    """A file, and the option that names it."""

    option: str
    path: str


@dataclass(frozen=True, slots=True)
class TLSFiles:
    """The PEM files of a connection. ``key_file``: None where the key stands in the certificate's file."""

    ca_file: NamedFile | None = None
    cert_file: NamedFile | None = None
    key_file: NamedFile | None = None


@contextmanager
def _naming_files(*paths: str | None) -> Iterator[None]:
    """Name the files in an error: OpenSSL does not say which file it could not read."""
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
