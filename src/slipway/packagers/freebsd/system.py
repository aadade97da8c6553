"""Which FreeBSD a package is for, and which libraries it needs, as its programs say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway.binaries import Binary, newest, oldest_system
from slipway.errors import GateError
from slipway.packagers.programs import refuse_foreign

PROGRAMS: Final = "/usr/local/bin/"
# Every FreeBSD has these libraries, under this name or under that of its own release.
_BASE: Final = re.compile(
    r"(?:ld-elf|lib(?:80211|alias|archive|begemot|BlocksRuntime|bluetooth|bsdxml|bsm|bsnmp|bz2|c\+\+|c|calendar|cam|casper|crypt"
    r"|crypto|cuse|cxxrt|devctl|devinfo|devstat|dialog|dl|dpv|dwarf|edit|elf|execinfo|fetch|figpar|form|formw|gcc_s|geom|gpio"
    r"|gssapi|heimbase|ipsec|jail|kiconv|krb5|kvm|l|lzma|m|magic|md|memstat|menu|menuw|mp|mt|ncurses|ncursesw|netgraph|nv|opie"
    r"|pam|panel|panelw|pcap|pmc|proc|procstat|pthread|radius|regex|roken|rpcsvc|rss|rt|sbuf|sctp|sdp|ssh|ssl|stats|stdbuf|stdthreads"
    r"|sysdecode|tacplus|thr|thread_db|tinfo|tinfow|ufs|ugidfw|ulog|umem|usb|usbhid|util|uutil|vmmapi|wrap|xo|y|ypclnt|z|zfs))"
    r"\.so\.\d+"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """The system that a package needs: `abi` such as `FreeBSD:14:amd64`, the oldest release in FreeBSD's own count of them
    (`1400000`; empty when any will do), and libraries that FreeBSD itself does not have.
    """

    abi: str
    oldest: str
    libraries: tuple[str, ...]

    @property
    def arch(self) -> str:
        """The older form of the abi, `freebsd:14:x86:64`."""
        system, major, processor = self.abi.split(":")
        return f"{system.lower()}:{major}:{ {'amd64': 'x86:64', 'aarch64': 'aarch64:64'}.get(processor, processor) }"


def system_of(binaries: Mapping[str, Binary], names: Iterable[str], architecture: str, major: str, *, told: bool) -> System:
    """Tell what programs and libraries need, by their paths in the package; `names` are the paths of all its files.

    Like pkg-create(8), it takes the major version from the note that FreeBSD's compilers leave in programs, unless the project
    has given one. Raises GateError for a library that FreeBSD does not have, unless the project has `told` what it depends on,
    and VerificationError for a program in bin/ that is for other machines.
    """
    refuse_foreign(binaries, PROGRAMS, "freebsd", architecture)
    found = {name: each for name, each in binaries.items() if each.family == "freebsd"}
    own = {Path(name).name for name in names} | {each.soname for each in found.values()}
    wanted = {library: name for name, each in sorted(found.items()) for library in each.libraries if library not in own}
    strange = {library: name for library, name in sorted(wanted.items()) if not _BASE.fullmatch(library)}
    if strange and not told:
        raise _unknown(strange)
    loaded = [each for each in found.values() if each.libraries or each.interpreter]
    return System(
        abi=f"FreeBSD:{major or _major(loaded) or '*'}:{architecture if found else '*'}",
        oldest=_count(newest(oldest_system(each) or each.minimum for each in loaded)),
        libraries=tuple(strange),
    )


def _major(loaded: Iterable[Binary]) -> str:
    return newest(each.minimum or oldest_system(each) for each in loaded).split(".")[0]


def _count(release: str) -> str:
    """`14.1` as FreeBSD counts it: 1401000 (sys/param.h)."""
    major, _, minor = release.partition(".")
    return str(int(major) * 100_000 + int(minor.split(".")[0] or 0) * 1000) if major else ""


def _unknown(strange: Mapping[str, str]) -> GateError:
    listed = ", ".join(f"{library} (needed by {name})" for library, name in strange.items())
    return GateError(
        f"FreeBSD itself does not have {listed}",
        hint='name the packages in slipway.toml, such as: [freebsd.depends] libgit2 = "devel/libgit2"; or link the libraries in',
    )
