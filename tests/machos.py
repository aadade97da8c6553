"""Programs for macOS, made by a real compiler and linker, and a reader of their signatures that shares no code with slipway."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

SOURCE = '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n'


@cache
def macho(cpu: str, *options: str, source: str = SOURCE) -> bytes:
    """A program (or with -dynamiclib a library) for aarch64 or x86_64; zig signs the first and not the second."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "hello.c").write_text(source)
        words = [sys.executable, "-m", "ziglang", "cc", "-target", f"{cpu}-macos.11.0-none", "-Os", *options]
        subprocess.run([*words, "hello.c", "-o", "hello"], cwd=folder, check=True, capture_output=True, timeout=300)
        return (Path(folder) / "hello").read_bytes()


def parsed(data: bytes) -> Any:
    """The first program in a Mach-O file as lief reads it."""
    import lief

    found = lief.MachO.parse(list(data))
    assert found is not None
    return found.at(0)


def code_directory(data: bytes) -> dict[str, Any]:
    """What the code directory of a thin program says, read where lief finds the signature."""
    command = parsed(data).code_signature
    blob = data[command.data_offset : command.data_offset + command.data_size]

    def number(place: int, size: int = 4) -> int:
        return int.from_bytes(blob[place : place + size], "big")

    index = {number(12 + 8 * n): number(16 + 8 * n) for n in range(number(8))}
    start = index[0]
    hashes, count, special = start + number(start + 16), number(start + 28), number(start + 24)
    name = start + number(start + 20)
    return {
        "slots": sorted(index),
        "magics": [f"{number(place):08x}" for _, place in sorted(index.items())],
        "length": number(4),
        "size": command.data_size,
        "offset": command.data_offset,
        "version": number(start + 8),
        "flags": number(start + 12),
        "limit": number(start + 32),
        "page": 1 << blob[start + 39],
        "kind": (blob[start + 36], blob[start + 37]),
        "exec": (number(start + 64, 8), number(start + 72, 8), number(start + 80, 8)),
        "identifier": blob[name : blob.index(0, name)].decode(),
        "pages": [blob[hashes + 32 * n : hashes + 32 * (n + 1)] for n in range(count)],
        "specials": [blob[hashes - 32 * n : hashes - 32 * (n - 1)] for n in range(1, special + 1)],
        "blob": blob,
    }


def recomputed(data: bytes, page: int = 4096) -> list[bytes]:
    """The digest of every page before the signature."""
    end = parsed(data).code_signature.data_offset
    return [hashlib.sha256(data[at : min(at + page, end)]).digest() for at in range(0, end, page)]
