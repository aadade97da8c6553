"""What lintian is told not to say about a package, each with the reason (Lintian User's Manual, section 2.4)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from slipway.binaries import Binary
from slipway.packagers.deb.control import Facts
from slipway.packagers.deb.needs import is_known
from slipway.packagers.deb.triggers import sonames
from slipway.packagers.entries import Entry
from slipway.packagers.payload import made_file

_MANUAL: Final = re.compile(r"usr/share/man/man[1-9][a-z]*/(?P<name>[^/]+?)\.[1-9][a-z]*\.gz")
_COMMANDS: Final = re.compile(r"usr/s?bin/(?P<name>[^/]+)")
Lines = tuple[str, list[str]]


def override_file(
    facts: Facts, paths: Iterable[str], binaries: Mapping[str, Binary], scripts: Mapping[str, str], *, signed: bool
) -> tuple[Entry, ...]:
    """The file with the overrides; none when there is nothing to say.

    `paths` are those of all files of the package, `scripts` the names of the programs that run the scripts among them.
    """
    parts = (
        _undocumented(facts, sorted(paths)),
        _foreign_scripts(scripts),
        _static(binaries),
        _libraries(binaries),
        _first(facts),
        _zstd(facts),
        _signed(signed=signed),
        *_own(facts),
    )
    text = "".join(_block(facts.package, *part) for part in parts if part[1])
    return (made_file(f"/usr/share/lintian/overrides/{facts.package}", text.encode()),) if text else ()


def _block(package: str, reason: str, hints: list[str]) -> str:
    return "".join((f"# {reason}\n", *(f"{package}: {hint}\n" for hint in hints)))


def _undocumented(facts: Facts, paths: Sequence[str]) -> Lines:
    there = {match["name"] for path in paths if (match := _MANUAL.fullmatch(path))}
    without = [path for path in paths if (match := _COMMANDS.fullmatch(path)) and _bare(match["name"]) not in there]
    reason = f"The project has no manual pages for these; what it says about them is in {facts.doc}."
    return reason, [f"no-manual-page [{path}]" for path in without]


def _bare(name: str) -> str:
    # Lintian looks for the manual of what stands before the first dot.
    return name.split(".", maxsplit=1)[0]


def _foreign_scripts(scripts: Mapping[str, str]) -> Lines:
    strange = sorted((path, name) for path, name in scripts.items() if not is_known(name))
    return "Scripts in a language for which Debian has no package.", list(_unusual(strange))


def _unusual(found: Iterable[tuple[str, str]]) -> Iterator[str]:
    for path, name in found:
        example = re.match(r"usr/share/doc/[^/]+/examples/", path)
        yield f"{'example-' if example else ''}unusual-interpreter {name} [{path}]"


def _static(binaries: Mapping[str, Binary]) -> Lines:
    alone = {path: each for path, each in binaries.items() if each.format == "elf" and not each.libraries and not each.soname}
    # Lintian takes one that can be loaded anywhere for a library that has forgotten what it needs.
    hints = [
        f"{'shared-library-lacks-prerequisites' if alone[path].pie else 'statically-linked-binary'} [{path}]" for path in alone
    ]
    return "Linked statically, to run on every Linux whatever libraries it has.", sorted(hints)


def _libraries(binaries: Mapping[str, Binary]) -> Lines:
    reason = "The library comes with the programs that use it; Debian would have it in a package of its own."
    return reason, ["package-name-doesnt-match-sonames *"] if sonames(binaries) else []


def _first(facts: Facts) -> Lines:
    reason = "The package is not new in Debian, where the first one closes the bug that asked for it."
    return reason, ["initial-upload-closes-no-bugs *"] if facts.version.endswith("-1") else []


def _zstd(facts: Facts) -> Lines:
    reason = "The project asks for zstd, which dpkg reads from 1.21.18 on (deb(5))."
    hint = "malformed-deb-archive third (official) member data.tar.zst not data.tar.(gz|xz|bz2|lzma)"
    return reason, [hint] if facts.codec == "zstd" else []


def _signed(*, signed: bool) -> Lines:
    hint = "misplaced-extra-member-in-deb _gpgorigin (unexpected _member at position 3)"
    return "Signed by its origin, for debsig-verify.", [hint] if signed else []


def _own(facts: Facts) -> Iterator[Lines]:
    return ((reason, [hint]) for hint, reason in sorted(facts.overrides.items()))
