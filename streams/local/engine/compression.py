"""How are bodies packed and unpacked on the wire?

Content-Encoding gzip, deflate, lz4 (frames) and zstd, both ways, in the worker threads: never on the event
loop. ClickHouse's own block framing (`compress=1`, `decompress=1`) is not spoken.
"""

import zlib
from collections.abc import Callable, Sequence
from typing import Protocol

import lz4.frame
import zstandard

from streams.local.engine.errors import EngineError

# Fastest first: on one machine time matters more than size.
_PREFERRED = ("lz4", "zstd", "gzip", "deflate")
_GZIP, _ZLIB, _GZIP_OR_ZLIB = 31, 15, 47
_PIECE = 1 << 20


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def unpack(chunks: Sequence[bytes], encoding: str, limit: int) -> Sequence[bytes]:
    """Unpacks a request body.

    Args:
        chunks: The body in pieces.
        encoding: Content-Encoding in lower case; empty or `identity` returns the pieces as they are.
        limit: Greatest size of the result, bytes.

    Raises:
        EngineError: Unknown encoding (344), broken data (354), or more than the limit (307, HTTP 413).
    """
    if encoding in ("", "identity"):
        return chunks
    if encoding not in _PREFERRED:
        raise EngineError(
            344, "SUPPORT_IS_DISABLED", f"Content-Encoding {encoding} (use {', '.join(_PREFERRED)})"
        )
    try:
        return _unpack_frames(chunks, encoding, limit)
    except (zlib.error, RuntimeError, zstandard.ZstdError) as error:
        raise EngineError(354, "CANNOT_DECOMPRESS", f"Cannot unpack {encoding}: {error}", 400) from error


def _decompressor(encoding: str) -> _Decompressor:
    if encoding == "lz4":
        return lz4.frame.LZ4FrameDecompressor()  # type: ignore[no-any-return]  # lz4 ships no types
    if encoding == "zstd":
        return zstandard.ZstdDecompressor().decompressobj()
    return zlib.decompressobj(_GZIP_OR_ZLIB)


def _unpack_frames(chunks: Sequence[bytes], encoding: str, limit: int) -> list[bytes]:
    """Frames may follow one another, and end anywhere within a chunk."""
    out, size, frame, started = list[bytes](), 0, _decompressor(encoding), False
    for chunk in chunks:
        # Small steps keep a bomb from unpacking far beyond the limit before it is counted.
        for begin in range(0, len(chunk), _PIECE >> 4):
            rest = chunk[begin : begin + (_PIECE >> 4)]
            while rest:
                piece, started = frame.decompress(rest), True
                size += len(piece)
                if size > limit:
                    raise too_large(limit)
                out.append(piece)
                rest = b""
                if frame.eof:
                    rest, frame, started = frame.unused_data or b"", _decompressor(encoding), False
    if started:
        raise EngineError(354, "CANNOT_DECOMPRESS", f"The {encoding} data end too early", 400)
    return out


def too_large(limit: int) -> EngineError:
    """The refusal of a body above the limit."""
    return EngineError(307, "TOO_MANY_BYTES", f"The body is larger than {limit} bytes: send smaller blocks")


def choose(accept_encoding: str) -> str | None:
    """Picks the encoding of an answer.

    Args:
        accept_encoding: The client's header.

    Returns:
        The fastest that the client takes and we speak, or None.
    """
    offered = {part.split(";")[0].strip().lower() for part in accept_encoding.split(",") if "q=0" not in part}
    return next((e for e in _PREFERRED if e in offered), None)


def pack(data: bytes | memoryview, encoding: str) -> bytes:
    """Packs an answer.

    Args:
        data: The whole answer.
        encoding: One of those `choose` returns.
    """
    packers: dict[str, Callable[[bytes | memoryview], bytes]] = {
        "lz4": lz4.frame.compress,
        "zstd": zstandard.ZstdCompressor(level=1).compress,
        "gzip": lambda d: _deflate(d, _GZIP),
        "deflate": lambda d: _deflate(d, _ZLIB),
    }
    return packers[encoding](data)


def _deflate(data: bytes | memoryview, window_bits: int) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, window_bits)
    return packer.compress(data) + packer.flush()
