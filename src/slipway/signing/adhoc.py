"""The ad hoc code signature of a Mach-O file, as `codesign --sign -` makes it: digests that nobody vouches for.

Apple's processors run no program without one. It must come last: whatever changes a byte afterwards breaks it.
"""

from __future__ import annotations

import struct
from typing import Final

from slipway.signing import codedirectory, fat, macho
from slipway.signing.macho import ARM64, CODE_SIGNATURE, EXECUTE, LOADED, SIGNATURE_COMMAND, MachOError, Program

ALIGNMENT: Final = 16
LIMIT: Final = 1 << 32
# Segments begin at pages of memory; Apple's own processors have bigger ones.
_PAGES: Final = {ARM64: 1 << 14}
_PAGE: Final = 1 << 12


def sign(data: bytes, identifier: str) -> bytes:
    """Sign a Mach-O file, thin or fat, in place of the signature that it may have; raises MachOError.

    The same bytes and the same identifier give the same signed bytes.
    """
    return fat.changed(data, lambda program: _sign(program, identifier))


def is_signable(data: bytes) -> bool:
    """Whether a file is one that macOS loads: a program, a library or a plug-in, thin or fat."""
    programs = fat.split(data) if fat.is_fat(data) else (data,)
    return all(macho.is_thin(program) and int.from_bytes(program[12:16], "little") in LOADED for program in programs)


def _sign(data: bytes, identifier: str) -> bytes:
    program = macho.read(data)
    linkedit, text = program.segment("__LINKEDIT"), program.segment("__TEXT")
    end = _end_of_code(program)
    code = bytearray(data[:end])
    code += bytes(_up(end, ALIGNMENT) - end)
    size = _up(codedirectory.signature_size(len(code), identifier), ALIGNMENT)
    if len(code) + size >= LIMIT:
        raise MachOError("it has 4 GiB or more, which Mach-O cannot sign", hint="make it smaller")
    _put_command(code, program, len(code), size)
    length = len(code) + size - linkedit.offset
    page = _PAGES.get(program.cpu, _PAGE)
    # Of segment_command_64: vmsize is at 32, filesize at 48.
    struct.pack_into("<Q", code, linkedit.command + 32, _up(length, page))
    struct.pack_into("<Q", code, linkedit.command + 48, length)
    made = codedirectory.signature(code, identifier, text=(text.offset, text.size), executable=program.filetype == EXECUTE)
    return bytes(code) + made.ljust(size, b"\0")


def _end_of_code(program: Program) -> int:
    """Where the signature has to begin: the old one's place, or the end of the file."""
    linkedit = program.segment("__LINKEDIT")
    if any(segment.end > linkedit.end or (segment.offset > linkedit.offset) for segment in program.segments):
        raise MachOError("its segment __LINKEDIT is not the last one", hint="link it with a linker for macOS")
    if linkedit.end != program.size:
        raise MachOError(
            f"there are {program.size - linkedit.end} bytes behind its last segment",
            hint="nothing may be appended to a program for macOS; put it into a section, or into a file of its own",
        )
    old = program.signature
    if old is None:
        return program.size
    if _up(old.offset + old.size, ALIGNMENT) < program.size or old.offset < linkedit.offset:
        raise MachOError("its code signature is not at its end", hint="sign after everything else that changes the file")
    return old.offset


def _put_command(code: bytearray, program: Program, offset: int, size: int) -> None:
    at = program.signature.command if program.signature else _new_command(code, program)
    struct.pack_into("<4I", code, at, CODE_SIGNATURE, SIGNATURE_COMMAND, offset, size)


def _new_command(code: bytearray, program: Program) -> int:
    at = program.commands_end
    if program.room < SIGNATURE_COMMAND or any(code[at : at + SIGNATURE_COMMAND]):
        raise MachOError(
            f"there is no room for the load command of a code signature: {max(program.room, 0)} bytes are free",
            hint="link it with -Wl,-headerpad,0x20",
        )
    # Of mach_header_64: ncmds is at 16, sizeofcmds at 20.
    struct.pack_into("<2I", code, 16, program.count + 1, at + SIGNATURE_COMMAND - macho.HEADER)
    return at


def _up(number: int, unit: int) -> int:
    return -(-number // unit) * unit
