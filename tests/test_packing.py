"""Laws of unpacking: a body is the same however it was cut on its way, and one without its end is noticed."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import brotli
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from smithd.packing import PIECE, unpacker

Packer = Callable[[bytes], bytes]
Body = tuple[bytes, int]
"""Some bytes, and a length to which they are repeated."""


def _raw(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


PACKERS: list[tuple[str, Packer]] = [
    ("gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", _raw),
    ("br", brotli.compress),
    ("zstd", zstd.compress),
]
bodies = st.tuples(st.binary(max_size=300), st.sampled_from([0, 1, 2, PIECE // 2, PIECE, 3 * PIECE]))


def made(parts: tuple[bytes, int]) -> bytes:
    start, length = parts
    return start + (start * length)[:length]


def unpacked(encoding: str, packed: bytes, step: int) -> tuple[bytes, bool]:
    body = unpacker(encoding, packed)
    pieces = [piece for start in range(0, len(packed), step) for piece in body.feed(packed[start : start + step])]
    assert all(len(piece) <= 2 * PIECE for piece in pieces)
    return b"".join(pieces), body.is_whole


@pytest.mark.parametrize(("encoding", "pack"), PACKERS)
@given(body=bodies, step=st.integers(1, 100_000))
def test_any_body_in_any_pieces(encoding: str, pack: Packer, body: Body, step: int) -> None:
    assert unpacked(encoding, pack(made(body)), step) == (made(body), True)


@pytest.mark.parametrize(("encoding", "pack"), PACKERS)
@given(body=bodies, cut=st.floats(0, 1), step=st.integers(1, 1000))
def test_a_missing_end_is_noticed(encoding: str, pack: Packer, body: Body, cut: float, step: int) -> None:
    packed = pack(made(body))
    start, is_whole = unpacked(encoding, packed[: max(1, min(int(cut * len(packed)), len(packed) - 1))], step)
    assert len(packed) == 1 or not is_whole
    assert made(body).startswith(start)


@pytest.mark.parametrize(("encoding", "pack"), [PACKERS[0], PACKERS[-1]])
@given(parts=st.lists(bodies, min_size=1, max_size=4), step=st.integers(1, 100_000))
def test_several_members_in_a_row_are_one_body(encoding: str, pack: Packer, parts: list[Body], step: int) -> None:
    whole = [made(part) for part in parts]
    assert unpacked(encoding, b"".join(map(pack, whole)), step) == (b"".join(whole), True)
