"""The parts of an RPM before its payload: lead, headers and what signs them (rpm's docs/manual/format_v4.md)."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from slipway.errors import SlipwayError
from slipway.packagers.rpm.tags import REGIONS, SIGNATURE_TAGS, SIGNATURES, TAGS, Kind, Row

Value = str | bytes | int | Sequence[int] | Sequence[str]
Values = Mapping[str, Value]

MAGIC: Final = b"\x8e\xad\xe8\x01\x00\x00\x00\x00"
LIMIT32: Final = 1 << 32
_LEAD: Final = b"\xed\xab\xee\xdb\x03\x00"
_BINARY, _LINUX, _HEADER_STYLE = 0, 1, 5
# The lead's old numbers of processors; rpm itself reads the header's ARCH.
_ARCHITECTURES: Final[Mapping[str, int]] = {"x86_64": 1, "aarch64": 19}
_FORMATS: Final = {Kind.INT16: (">H", 2), Kind.INT32: (">I", 4), Kind.INT64: (">Q", 8)}
# rpm refuses headers with more data than this (lib/header.c).
_MOST: Final = 0x0FFFFFFF
# RFC 9580, section 9.1: RSA is kept under one tag, all else under the other.
_RSA: Final = (1, 2, 3)


def lead(label: str, architecture: str) -> bytes:
    """The lead of a binary package; `label` is its name, version and release."""
    name = label.encode()[:65]
    number = _ARCHITECTURES.get(architecture, 0)
    return _LEAD + struct.pack(">HH66sHH16x", _BINARY, number, name, _LINUX, _HEADER_STYLE)


def header(values: Values, region: str) -> bytes:
    """A header with one immutable region; an empty list is left out."""
    table = SIGNATURE_TAGS if region == SIGNATURES else TAGS
    rows = sorted((table[name], name, value) for name, value in values.items() if value not in ((), []))
    data = bytearray()
    index = [_entry(row, name, value, data) for row, name, value in rows]
    number, length = REGIONS[region], (len(index) + 1) * 16
    first = struct.pack(">IIiI", number, Kind.BIN, len(data), 16)
    data += struct.pack(">IIiI", number, Kind.BIN, -length, 16)
    if len(data) > _MOST:
        raise SlipwayError("an RPM's header cannot hold that many files", hint="divide the variant")
    return MAGIC + struct.pack(">II", len(index) + 1, len(data)) + first + b"".join(index) + bytes(data)


def signature_header(main: bytes, payload: Iterable[bytes], *, size: int, unpacked: int, signature: bytes) -> bytes:
    """The signature header of a main header and a compressed payload, `size` and `unpacked` bytes long, with its padding."""
    md5 = hashlib.md5(main, usedforsecurity=False)
    for chunk in payload:
        md5.update(chunk)
    total = len(main) + size
    values: dict[str, Value] = {
        "SHA1HEADER": hashlib.sha1(main, usedforsecurity=False).hexdigest(),
        "SHA256HEADER": hashlib.sha256(main).hexdigest(),
        "SIGMD5": md5.digest(),
        "SIGSIZE" if total < LIMIT32 else "LONGSIGSIZE": total,
        "PAYLOADSIZE" if unpacked < LIMIT32 else "LONGARCHIVESIZE": unpacked,
    }
    if signature:
        values["RSAHEADER" if algorithm_of(signature) in _RSA else "DSAHEADER"] = signature
    data = header(values, SIGNATURES)
    return data + bytes(-len(data) % 8)


def algorithm_of(signature: bytes) -> int:
    """The number of the algorithm that made a binary OpenPGP signature; raises SlipwayError for what rpm does not read."""
    body = _packet(signature)
    if len(body) < 4 or body[0] != 4:
        raise SlipwayError(
            "gpg made a signature that rpm cannot read",
            hint="rpm reads OpenPGP signatures of version 4: use an RSA or Ed25519 key that GnuPG 2.2 can use",
        )
    return body[2]


def _packet(signature: bytes) -> bytes:
    """The body of the first packet when it is a signature (RFC 9580, section 4.2)."""
    mark, length = (*signature[:2], 0, 0)[:2]
    if mark & 0xC0 == 0xC0:
        start, kind = 2 + (length >= 192) + 3 * (length == 255), mark & 0x3F
    else:
        start, kind = 1 + (1, 2, 4, 0)[mark & 3], mark >> 2 & 0xF
    return signature[start:] if mark & 0x80 and kind == 2 else b""


def _entry(row: Row, name: str, value: Value, data: bytearray) -> bytes:
    """Append a tag's data and return its entry of the index."""
    number, kind = row
    if kind in _FORMATS:
        form, align = _FORMATS[kind]
        numbers = [value] if isinstance(value, int) else [int(each) for each in value]
        data += bytes(-len(data) % align)
        packed, count = b"".join(struct.pack(form, each) for each in numbers), len(numbers)
    elif kind is Kind.BIN:
        assert isinstance(value, bytes)
        packed, count = value, len(value)
    else:
        texts = [value] if isinstance(value, str) else [str(each) for each in value] if isinstance(value, Sequence) else []
        packed, count = b"".join(_text(name, each) for each in texts), len(texts)
    offset = len(data)
    data += packed
    return struct.pack(">IIiI", number, kind, offset, count)


def _text(name: str, text: str) -> bytes:
    if "\0" in text:
        raise SlipwayError(f"{name.lower()} of an RPM cannot hold a NUL: {text!r}", hint="take it out of slipway.toml")
    return text.encode("utf-8", "surrogateescape") + b"\0"
