"""Seal what was built: the last change to a file, after stripping and before it is checked and placed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from slipway.binaries import read_binary
from slipway.files import write_atomic
from slipway.platforms import Platform
from slipway.signing import SEALS, sealed
from slipway.signing.authenticode import Authenticode, is_signed


@contextmanager
def sealing(
    built: Mapping[str, Path], platform: Platform, certificate: Authenticode | None = None
) -> Iterator[Mapping[str, Path]]:
    """Give every file, sealed: itself where its platform wants no seal or it has one, else a copy that goes away at the end.

    Programs for Windows are signed by the certificate, where there is one, unless somebody else has signed them.
    """
    if platform.family not in SEALS and certificate is None:
        yield built
        return
    with TemporaryDirectory() as folder:
        yield {to: _sealed(path, platform, Path(folder) / to, certificate) for to, path in built.items()}


def _sealed(path: Path, platform: Platform, copy: Path, certificate: Authenticode | None) -> Path:
    found = read_binary(path)
    if found is None or found.family != platform.family:
        return path
    data = path.read_bytes()
    if certificate is not None:
        return path if is_signed(data) else _certified(data, copy, certificate, path.stat().st_mode & 0o777)
    made = sealed(data, platform, copy.name)
    if made == data:
        return path
    write_atomic(copy, made, mode=path.stat().st_mode & 0o777)
    return copy


def _certified(data: bytes, copy: Path, certificate: Authenticode, mode: int) -> Path:
    write_atomic(copy, data, mode=mode)
    certificate.sign(copy)
    return copy
