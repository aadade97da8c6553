"""Check the signatures inside of packages: of deb and rpm packages by gpg, of Windows files by osslsigncode."""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Final

from slipway import process, tools
from slipway.errors import GateError
from slipway.files import chunks_of
from slipway.signing.authenticode import is_signed
from slipway.verify.deb import ar_members
from slipway.verify.rpm_format import LEAD_SIZE, MAIN, SIGNATURE, parse_header, read_header
from slipway.verify.signatures import LIMIT, Keyring, openpgp_faults

# The tags of signatures by RSA and by other keys over the main header (rpm, docs/manual/tags.md).
_TAGS: Final = (268, 267)
_STREAM: Final = "\x05DigitalSignature".encode("utf-16-le")


def embedded_faults(path: Path, keys: Keyring) -> Iterator[str]:
    """Say what is wrong with the signature inside of a package, or that there is none where there must be one.

    Raises GateError when it cannot be judged for want of a key or a tool.
    """
    judge = _JUDGES.get(path.suffix)
    return judge(path, keys) if judge else iter(())


def _deb(path: Path, keys: Keyring) -> Iterator[str]:
    with path.open("rb") as file:
        parts = ar_members(file)
        signatures = {name: part.read(LIMIT) for name, part in parts.items() if name.startswith("_gpg")}
        for name, signature in signatures.items():
            members = [part for other, part in parts.items() if not other.startswith("_")][:3]
            for member in members:
                member.seek(0)
            signed = chain.from_iterable(map(chunks_of, members))
            yield from (f"{name}: {fault}" for fault in openpgp_faults(signature, signed, "its members", keys))
    if not signatures and keys.inside_linux:
        yield "there is no signature inside"


def _rpm(path: Path, keys: Keyring) -> Iterator[str]:
    with path.open("rb") as file:
        file.seek(LEAD_SIZE)
        raw = read_header(file, SIGNATURE)
        file.read(-len(raw) % 8)
        tags, main = parse_header(raw, SIGNATURE).tags, read_header(file, MAIN)
    found = [tags[tag] for tag in _TAGS if isinstance(tags.get(tag), bytes)]
    for signature in found:
        yield from openpgp_faults(signature, [main], "its header", keys)
    if not found and keys.inside_linux:
        yield "there is no signature inside"


def _windows(path: Path, keys: Keyring) -> Iterator[str]:
    if not _has_signature(path):
        yield from ["there is no signature inside"] if keys.inside_windows else []
        return
    tools.require("osslsigncode")
    with tempfile.TemporaryDirectory(prefix="slipway-") as folder:
        trusted = Path(folder) / "trusted.pem"
        trusted.write_bytes(b"\n".join(keys.certificates))
        argv = ("osslsigncode", "verify", "-CAfile", trusted, "-TSA-CAfile", trusted, "-in", path)
        done = process.run(argv, check=False)
    if done.code and not keys.certificates:
        raise GateError("no certificate is given by which the signature inside could be checked")
    elif done.code:
        yield f"its signature is not good: {_reason(done.output)}"


def _has_signature(path: Path) -> bool:
    """Whether a program has a certificate table, or a file of Windows Installer a stream with a signature."""
    if not path.stat().st_size:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return is_signed(data[:LIMIT]) if path.suffix == ".exe" else data.find(_STREAM) >= 0


def _reason(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    marked = [line for line in lines if "error" in line.lower() or "failed" in line.lower() or "mismatch" in line.lower()]
    return (marked or lines or ["no reason"])[0]


_JUDGES: Final[Mapping[str, Callable[[Path, Keyring], Iterator[str]]]] = {
    ".deb": _deb,
    ".rpm": _rpm,
    ".msi": _windows,
    ".exe": _windows,
}
