"""Reads the certificates and keys that sources name, for ``smithd check``: whether each is what its option needs.

What cannot be read here is a warning, since the files of a service may exist for the service only. What can be read and
cannot be used is a mistake.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import partial
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from smithd import pem
from smithd.config import files
from smithd.config.validator import Validator
from smithd.config.yaml.positions import Path
from smithd.formatting import zoned
from smithd.plugin.options import Options
from smithd.poll.isolation import PluginFault, call_isolated
from smithd.poll.registry import SourceSpec
from smithd.tls import TLS, NamedFile, TLSFiles

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
    from cryptography.x509 import Certificate

MOST = 10_000_000
"""Bytes of a file; the authorities of a whole system are a few hundred kilobytes."""


def check_certificates(
    now: float, must_exist: bool, validator: Validator, specs: Mapping[str, SourceSpec], zone: tzinfo
) -> None:
    """Report what is wrong with the files that sources name, at ``now`` (seconds since 1970); times are in ``zone``.
    ``must_exist``: what cannot be read here is a mistake, too.
    """
    files_check = _Check(validator, now, must_exist, zone)
    for name, spec in specs.items():
        at = ("sources", name)
        try:
            found = call_isolated(partial(_named, spec.options, at))
        except PluginFault as error:
            validator.report_plugin(at, "the plugin of this type cannot say which certificates it has", error)
            continue
        for path, named in found:
            files_check.of_connection(path, named)


def _named(value: object, path: Path) -> list[tuple[Path, TLSFiles]]:
    """The files that options name, themselves or in options within them, with the path of these options."""
    inner: list[tuple[str | int, object]] = []
    found = []
    if isinstance(value, Options):
        if (own := value.tls_files()) is not None:
            found.append((path, own))
        inner += [(field.alias or name, getattr(value, name)) for name, field in type(value).model_fields.items()]
    elif isinstance(value, Mapping):
        inner += value.items()
    elif isinstance(value, list | tuple):
        inner += enumerate(value)
    return found + [each for step, part in inner for each in _named(part, (*path, step))]


@dataclass(frozen=True)
class _Check:
    validator: Validator
    now: float
    must_exist: bool
    zone: tzinfo

    def of_connection(self, at: Path, named: TLSFiles) -> None:
        """Report what is wrong with the files of one connection."""
        ca_file, cert_file = self._known(at, named.ca_file), self._known(at, named.cert_file)
        # Without a file of its own, the key stands in that of the certificate.
        key_file = self._known(at, named.key_file or named.cert_file)
        chain: Sequence[Certificate] = ()
        key = None
        if ca_file is not None:
            with self._reporting(at, ca_file):
                self._check_authorities(at, ca_file)
        if cert_file is not None:
            with self._reporting(at, cert_file):
                chain = pem.certificates(_read(cert_file))
            with self._reporting(at, cert_file):
                for certificate in chain:
                    self._check_time(certificate)
        # Of one file for both, one report is enough.
        if key_file is not None and (chain or named.key_file is not None):
            with self._reporting(at, key_file):
                key = _public_key(named, key_file)
        if cert_file is not None and key_file is not None and chain and key is not None:
            with self._reporting(at, key_file):
                pem.check_match(key, chain)
                # What OpenSSL has against files that are sound in themselves, like a key that is too short.
                TLS(cert_file=cert_file.path, key_file=key_file.path).context()

    def _known(self, at: Path, file: NamedFile | None) -> NamedFile | None:
        """A path with a secret in it that is missing is not known."""
        return file if file is not None and self.validator.is_known((*at, file.option)) else None

    def _check_authorities(self, at: Path, named: NamedFile) -> None:
        authorities, wrong = pem.certificates(_read(named)), []
        for authority in authorities:
            try:
                self._check_time(authority)
            except pem.PemError as error:
                wrong.append(error)
        if len(wrong) == len(authorities):
            raise wrong[0]
        if wrong:
            message = f"{named.path}: {len(wrong)} of {len(authorities)} certificates cannot be used: {wrong[0]}"
            self.validator.warn((*at, named.option), message)
        TLS(ca_file=named.path).context()

    def _check_time(self, certificate: Certificate) -> None:
        show = partial(zoned, zone=self.zone, form="%Y-%m-%d %H:%M")
        pem.check_time(certificate, datetime.fromtimestamp(self.now, UTC), show)

    @contextmanager
    def _reporting(self, at: Path, named: NamedFile) -> Iterator[None]:
        """Report at its option why a file cannot be read, or cannot be used."""
        place = (*at, named.option)
        try:
            yield
        except pem.PemError as error:
            expected = f"expected {error.hint}" if error.hint else None
            self.validator.report_at(place, f"{named.path} cannot be used: {error}", expected=expected)
        except ValueError:
            self.validator.report_at(place, "this cannot be the path of a file")
        except OSError as error:
            # Our own errors have no number: OpenSSL has refused what was read.
            if error.errno is None:
                self.validator.report_at(place, f"this cannot be used: {error}")
                return
            report = self.validator.report_at if self.must_exist else self.validator.warn
            report(place, f"{named.path} cannot be read here: {os.strerror(error.errno).lower()}")


def _read(named: NamedFile) -> bytes:
    return files.read(FilePath(named.path), MOST)


def _public_key(named: TLSFiles, key_file: NamedFile) -> PublicKeyTypes:
    try:
        return pem.public_key(_read(key_file))
    except pem.Lacking as error:
        # Without a file of its own, the key should stand in that of the certificate.
        hint = error.hint if named.key_file is not None else "its private key in the same file, or 'key_file' with it"
        raise pem.PemError(str(error), hint) from None
