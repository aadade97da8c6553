"""Seals: what a built program gets last, so that its system runs it.

The order is fixed: build, strip, sign, check, place. Stripping changes bytes that a signature vouches for, on macOS as
on Windows, so nothing may change a file after it is sealed. A new kind of signature is a row in `SEALS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from slipway.errors import SlipwayError
from slipway.platforms import Platform
from slipway.signing import adhoc, fat
from slipway.signing.check import AD_HOC_SIGNED, BROKEN, Verdict, check_signature
from slipway.signing.macho import MachOError

__all__ = ["SEALS", "MachOError", "Verdict", "check_signature", "sealed"]


def sealed(data: bytes, platform: Platform, name: str) -> bytes:
    """The bytes of a program with its platform's seal; the same bytes give the same answer."""
    if platform.family not in SEALS:
        return data
    try:
        return SEALS[platform.family](data, name)
    except MachOError as error:
        raise SlipwayError(f"{name} for {platform.id} cannot be signed: {error.message}", hint=error.hint) from error


def _macos(data: bytes, name: str) -> bytes:
    return fat.changed(data, lambda program: _signed(program, name)) if adhoc.is_signable(data) else data


def _signed(program: bytes, name: str) -> bytes:
    found = check_signature(program)
    if found.certified and found.state == BROKEN:
        raise MachOError(
            f"the signature of a certificate is in it, but {found.reason}",
            hint="strip it first, and sign it after everything else",
        )
    # Whoever signed it on purpose may have given it entitlements; a linker's signature is there to be replaced.
    is_kept = found.certified or (found.state == AD_HOC_SIGNED and not found.linker)
    return program if is_kept else adhoc.sign(program, name)


SEALS: Final[Mapping[str, Callable[[bytes, str], bytes]]] = {"macos": _macos}
