"""Unpacks compressed bodies piece by piece, and notices where the end of one is missing."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from typing import Protocol

PACKED = frozenset({"gzip", "x-gzip", "deflate", "br", "zstd"})
PIECE = 64 * 1024
"""The bytes that are unpacked at once, however much a few packed ones hold; brotli gives up to twice as many."""
_WINDOW = 8 * 1024
"""The packed bytes that are looked at at once: what follows one of thousands of small members is copied each time."""


class Unpacker(Protocol):
    """One packed body."""

    def feed(self, packed: bytes) -> Iterator[bytes]:
        """These bytes unpacked, in pieces. Where they cannot be unpacked, each library raises errors of its own."""

    @property
    def is_whole(self) -> bool:
        """Whether the body's own mark of its end has come."""


def unpacker(encoding: str, start: bytes) -> Unpacker:
    """For a body in one of PACKED that starts with these bytes, of which there is at least one."""
    match encoding:
        case "br":
            return _Brotli()
        case "zstd":
            return _Zstd()
        case "deflate":
            # Some servers send it without the header that RFC 9110 asks for.
            # That header's first four bits are 8 (RFC 1950, section 2.2).
            return _Zlib(zlib.MAX_WBITS if start[0] & 0xF == 8 else -zlib.MAX_WBITS)
    # 16 more stands for gzip (zlib.h, inflateInit2).
    return _Zlib(16 + zlib.MAX_WBITS)


class _Zlib:
    """gzip and deflate; several gzip members in a row are one body (RFC 1952, section 2.2)."""

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self._member = zlib.decompressobj(bits)

    def feed(self, packed: bytes) -> Iterator[bytes]:
        for window in _windows(packed):
            piece = b""
            # A full piece may not be all that zlib has from these bytes.
            while window or (len(piece) == PIECE and not self._member.eof):
                if self._member.eof:
                    self._member = zlib.decompressobj(self._bits)
                yield (piece := self._member.decompress(window, PIECE))
                window = self._member.unconsumed_tail or self._member.unused_data

    @property
    def is_whole(self) -> bool:
        return self._member.eof


class _Zstd:
    """Frames in a row are one body (RFC 8878, section 3.1)."""

    def __init__(self) -> None:
        if sys.version_info >= (3, 14):
            from compression.zstd import ZstdDecompressor
        else:
            from backports.zstd import ZstdDecompressor

        self._new = ZstdDecompressor
        self._frame = ZstdDecompressor()

    def feed(self, packed: bytes) -> Iterator[bytes]:
        for window in _windows(packed):
            while window or not (self._frame.needs_input or self._frame.eof):
                if self._frame.eof:
                    self._frame = self._new()
                yield self._frame.decompress(window, PIECE)
                window = self._frame.unused_data if self._frame.eof else b""

    @property
    def is_whole(self) -> bool:
        return self._frame.eof


class _Brotli:
    def __init__(self) -> None:
        import brotli

        self._stream = brotli.Decompressor()

    def feed(self, packed: bytes) -> Iterator[bytes]:
        piece = packed
        # Only an empty piece says that there is no more.
        while packed or (piece and not self.is_whole):
            yield (piece := self._stream.process(packed, output_buffer_limit=PIECE))
            packed = b""

    @property
    def is_whole(self) -> bool:
        return bool(self._stream.is_finished())


def _windows(packed: bytes) -> Iterator[bytes]:
    return (packed[start : start + _WINDOW] for start in range(0, len(packed), _WINDOW))
