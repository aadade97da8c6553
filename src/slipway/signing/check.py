"""Whether a macOS program is signed, and whether the signature is that of its bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from slipway.signing import codedirectory, fat, macho
from slipway.signing.codedirectory import AD_HOC, CMS_SLOT, LINKER_SIGNED, Directory
from slipway.signing.macho import MachOError, Program, Signature

NONE: Final = "none"
AD_HOC_SIGNED: Final = "adhoc"
VALID: Final = "valid"
BROKEN: Final = "broken"
# A fat file is as good as the worst of its programs.
_WORST_FIRST: Final = (BROKEN, NONE, AD_HOC_SIGNED, VALID)
# The digests of these blobs are in the directory: requirements, resources, application, entitlements in both forms.
_SEALED: Final = (2, 3, 4, 5, 7)
_EMPTY_CMS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found.

    `state` is none, adhoc (the digests are right, nobody vouches for them), valid (the digests are right, and there is a
    certificate's signature over them, which is not verified here) or broken; then `reason` says what is wrong.
    `linker` says that a linker signed it, and `certified` that a certificate's signature is there.
    """

    state: str
    reason: str = ""
    identifier: str = ""
    linker: bool = False
    certified: bool = False


def check_signature(data: bytes) -> Verdict:
    """Recompute every digest of the code signature of a Mach-O file, thin or fat; anything else is not signed."""
    if not fat.is_fat(data) and not macho.is_thin(data):
        return Verdict(state=NONE, reason="it is not a Mach-O file")
    try:
        found = [_check(program) for program in fat.split(data)]
    except MachOError as error:
        return Verdict(state=BROKEN, reason=error.message)
    return min(found, key=lambda each: _WORST_FIRST.index(each.state))


def _check(data: bytes) -> Verdict:
    try:
        program = macho.read(data)
        if program.signature is None:
            return Verdict(state=NONE, reason="it has no code signature")
        return _verdict(data, program, program.signature)
    except MachOError as error:
        return Verdict(state=BROKEN, reason=error.message)


def _verdict(data: bytes, program: Program, signature: Signature) -> Verdict:
    blobs = codedirectory.blobs_of(data[signature.offset : signature.offset + signature.size])
    found = tuple(codedirectory.directories(blobs))
    certified = len(blobs.get(CMS_SLOT, b"")) > _EMPTY_CMS
    faults = [*_place_faults(program, signature), *_faults(data, blobs, found, signature)]
    flags = found[0].flags if found else 0
    if not faults and not certified and not flags & AD_HOC:
        faults = ["it is neither signed ad hoc nor with a certificate"]
    return Verdict(
        state=BROKEN if faults else VALID if certified else AD_HOC_SIGNED,
        reason=faults[0] if faults else "",
        identifier=found[0].identifier if found else "",
        linker=bool(flags & LINKER_SIGNED),
        certified=certified,
    )


def _place_faults(program: Program, signature: Signature) -> Iterator[str]:
    end = signature.offset + signature.size
    if end != program.segment("__LINKEDIT").end:
        yield "its code signature does not end where the segment __LINKEDIT ends"
    if end != program.size:
        yield "there is something behind its code signature"


def _faults(data: bytes, blobs: dict[int, bytes], found: tuple[Directory, ...], signature: Signature) -> Iterator[str]:
    if not found:
        yield "its code signature has no code directory"
    for directory in found:
        if directory.limit != signature.offset:
            yield f"its code directory covers {directory.limit} bytes, and not the {signature.offset} before the signature"
        elif tuple(_digests(data, directory)) != directory.codes:
            yield "it was changed after it was signed"
        for slot in _SEALED:
            if slot in blobs and directory.specials.get(slot) != directory.digest(blobs[slot]):
                yield f"the part {slot} of its code signature was changed"


def _digests(data: bytes, directory: Directory) -> Iterator[bytes]:
    view = memoryview(data)[: directory.limit]
    for at in range(0, directory.limit, directory.page):
        yield directory.digest(view[at : at + directory.page])
