"""The rule of what was built: a table of what programs must be, by family of platforms."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from slipway.binaries import UNIVERSAL, Binary, newest, version_key
from slipway.build.toolchain import MACOS_FLOOR
from slipway.model import Release
from slipway.platforms import FAMILIES, Platform, parts_of
from slipway.signing.authenticode import Authenticode
from slipway.signing.signers import Usable, usable, windows_signer

STOP, WARN = "stop", "warn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What programs for one platform are held to; an empty floor means that none was declared.

    `symbols` is strip, keep or separate, or empty where the project says nothing. With a `certificate` they are signed.
    """

    platform: Platform
    glibc: str = ""
    macos: str = ""
    symbols: str = ""
    certificate: Authenticode | None = None

    @classmethod
    def of(cls, release: Release, platform: Platform) -> Rule:
        """The rule that follows from what the project says about a platform."""
        said = release.project.on(platform)
        glibc = said.glibc if platform.libc == "gnu" else ""
        # What is joined runs where all of its parts do.
        parts = (release.project.on(part).macos or MACOS_FLOOR for part in parts_of(platform))
        macos = (said.macos or newest(parts)) if platform.family == "macos" else ""
        signer = windows_signer(release) if platform.family == "windows" else None
        return cls(platform=platform, glibc=glibc, macos=macos, symbols=release.project.symbols, certificate=signer)

    @property
    def needs(self) -> tuple[Usable, ...]:
        """What a Step that builds by the rule cannot do without: the key of the certificate, where there is one."""
        return usable(self.certificate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One file under the rule: what it says it is, its bytes, the libraries that come with it, and paths it should not hold."""

    binary: Binary
    data: bytes
    rule: Rule
    own: frozenset[str] = frozenset()
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One way in which a file breaks the rule; `stops` when it could not run, or not where it was promised to."""

    message: str
    hint: str
    stops: bool


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the rule: `find` says what is wrong, or nothing."""

    families: tuple[str, ...]
    weight: str
    find: Callable[[Subject], str]
    hint: str


def judge(subject: Subject) -> Iterable[Finding]:
    """Hold a file against every row for its platform; what is for another platform is held against nothing else."""
    for check in CHECKS:
        if subject.rule.platform.family in check.families and (said := check.find(subject)):
            words = {"id": subject.rule.platform.id, "glibc": subject.binary.glibc, "minimum": subject.binary.minimum}
            yield Finding(message=said, hint=check.hint.format(**words), stops=check.weight == STOP)
            if check is CHECKS[0]:
                return


def _foreign(subject: Subject) -> str:
    binary, platform = subject.binary, subject.rule.platform
    wanted = frozenset({"amd64", "arm64"} if platform.arch == UNIVERSAL else {platform.arch})
    if binary.family == platform.family and wanted <= binary.architectures:
        return ""
    found = "+".join(sorted(binary.architectures))
    return f"is a program for {binary.family}/{found}, not for {platform.family}/{platform.arch}"


def _too_new_glibc(subject: Subject) -> str:
    binary, floor = subject.binary, subject.rule.glibc
    if not floor or not binary.glibc or version_key(binary.glibc) <= version_key(floor):
        return ""
    name = f"GLIBC_{binary.glibc}"
    needed = [f"{name} of {library}" for library, names in binary.versions.items() if name in names]
    return f"needs glibc {binary.glibc} ({', '.join(needed) or name}), but it has to run on {floor}"


def _other_libc(subject: Subject) -> str:
    binary, libc = subject.binary, subject.rule.platform.libc
    uses = "musl" if "ld-musl" in binary.interpreter else "gnu" if binary.glibc or "ld-linux" in binary.interpreter else ""
    return f"needs the C library of {_LIBCS[uses]}, not that of {_LIBCS[libc]}" if uses not in {"", libc} else ""


_LIBCS: Final = {"gnu": "glibc", "musl": "musl"}


def _too_new_macos(subject: Subject) -> str:
    found, floor = subject.binary.minimum, subject.rule.macos
    if not floor or not found or version_key(found) <= version_key(floor):
        return ""
    return f"needs macOS {found}, but it has to run on {floor}"


def _unsigned(subject: Subject) -> str:
    # Apple silicon starts nothing that is unsigned; no Mac starts what is not as it was signed.
    for each in subject.binary.slices or (subject.binary,):
        if each.signed == "invalid":
            return f"has a signature that is not of its bytes ({each.arch})"
        if each.arch == "arm64" and each.signed == "none":
            return "has no signature, and Apple silicon starts nothing without one"
    return ""


def _strange_library(subject: Subject) -> str:
    known = _LIBRARIES[subject.rule.platform.libc or subject.rule.platform.family]
    wanted = (*subject.binary.libraries, subject.binary.interpreter)
    found = [name for name in wanted if name and not known.fullmatch(name) and PurePosixPath(name).name not in subject.own]
    return f"needs {', '.join(found)}, which other machines may not have" if found else ""


# What every system of a kind has at a place of its own. Elsewhere are Homebrew's, Nix's and MinGW's.
_LIBRARIES: Final = {
    "gnu": re.compile(r"[^/]+|/lib(64)?/ld-linux[^/]*"),
    "musl": re.compile(r"libc\.so|(/lib/)?(libc\.musl|ld-musl)-[^/]*\.so\.1"),
    "freebsd": re.compile(r"[^/]+|/libexec/ld-elf\.so\.1"),
    "macos": re.compile(r"/usr/lib/[^/]*(/.*)?|/System/Library/.*|@(rpath|loader_path|executable_path)/.*"),
    "windows": re.compile(r"(?!lib(gcc_s|winpthread|stdc\+\+|gfortran|quadmath|gomp|ssp)[-_]).*", re.IGNORECASE),
}


def _symbols(subject: Subject) -> str:
    return "" if subject.binary.stripped or subject.rule.symbols == "keep" else "still has its symbols"


def _fixed(subject: Subject) -> str:
    return "" if subject.binary.pie else "is not position independent, so its addresses cannot be made random"


def _paths(subject: Subject) -> str:
    found = [folder for folder in sorted(subject.paths) if f"{folder}/".encode() in subject.data]
    return f"contains the path {', '.join(found)}, so it will differ when it is built elsewhere" if found else ""


CHECKS: Final = (
    Check(FAMILIES, STOP, _foreign, "check which target it is compiled for, and remove the stale file"),
    Check(("linux",), STOP, _other_libc, "compile it for the triple of {id}, or link it statically"),
    Check(
        ("linux",),
        STOP,
        _too_new_glibc,
        'link it against an older glibc (tool = "zigbuild"), or promise less: [platform.{id}] glibc = "{glibc}"',
    ),
    Check(
        ("macos",),
        STOP,
        _too_new_macos,
        'set MACOSX_DEPLOYMENT_TARGET where it is built, or promise less: [platform.{id}] macos = "{minimum}"',
    ),
    Check(("macos",), STOP, _unsigned, "sign it after the last change, at least ad hoc: codesign --sign - FILE"),
    Check(FAMILIES, WARN, _strange_library, "link it statically, or let the distribution bring it"),
    Check(FAMILIES, WARN, _symbols, "strip it where it is built"),
    Check(FAMILIES, WARN, _fixed, "compile it as a position independent executable"),
    Check(FAMILIES, WARN, _paths, "let the compiler map the path away"),
)


def paths_of(folders: Collection[object]) -> tuple[str, ...]:
    """The folders of this machine that nothing built may tell, without those that are too short to be one's own."""
    return tuple(sorted({str(folder) for folder in folders if len(PurePosixPath(str(folder)).parts) > 2}))
