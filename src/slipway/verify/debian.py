"""Check what a Debian package says about itself: fields, sums, scripts, triggers, papers (Debian policy)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from slipway import process
from slipway.verify.members import FILE, Member
from slipway.verify.unpacking import gunzipped

REQUIRED: Final = ("Package", "Version", "Architecture", "Maintainer", "Description")
_OUR_SCRIPTS: Final = frozenset({"postinst", "prerm", "postrm"})
_SCRIPTS: Final = _OUR_SCRIPTS | {"preinst", "config"}
_OURS: Final = _OUR_SCRIPTS | {"control", "md5sums", "conffiles", "triggers", "shlibs"}
_PACKAGE: Final = re.compile(r"[a-z0-9][a-z0-9+.-]+")
_VERSION: Final = re.compile(r"(?:\d+:)?\d[A-Za-z0-9.+~]*(?:-[A-Za-z0-9.+~-]*[A-Za-z0-9.+~])?")
_TRIGGER: Final = re.compile(r"(?:interest|activate)(?:-await|-noawait)? [!-~]+|#.*|")
_SHLIBS: Final = re.compile(r"(?:[a-z-]+: )?\S+ \S+( .+)?|#.*|")
_FORMAT: Final = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The name of a package, the members of its control archive with their texts, and the files that it brings."""

    name: str
    control: Collection[Member]
    texts: Mapping[str, bytes]
    files: Mapping[str, Member]

    def text(self, name: str) -> str:
        """A file of the control archive; empty when it is not there."""
        return self.texts.get(name, b"").decode("utf-8", "replace")


def text_faults(said: Texts, *, ours: bool) -> Iterator[str]:
    """Say what the texts of a package get wrong; more is asked of a package of `ours`."""
    fields = fields_of(said.text("control"))
    yield from (
        f"its control file has no {name}" for name in (*REQUIRED, *(("Installed-Size",) if ours else ())) if not fields.get(name)
    )
    yield from _name_faults(said.name, fields, ours=ours)
    yield from _script_faults(said, ours=ours)
    yield from _sum_faults(said.text("md5sums"), said.text("conffiles").splitlines(), said.files, ours=ours)
    for name, form in (("triggers", _TRIGGER), ("shlibs", _SHLIBS)):
        lines = said.text(name).splitlines()
        yield from (f"its {name} file has a line that dpkg does not know: {line}" for line in lines if not form.fullmatch(line))
    yield from (f"usr/bin: {name} cannot be run" for name, file in said.files.items() if ours and _is_dull_program(name, file))


def own_faults(said: Texts, upstream: tuple[str, ...], inside: Mapping[str, bytes]) -> Iterator[str]:
    """Say what a package of a release gets wrong about its version and in its papers, which are `inside`."""
    fields = fields_of(said.text("control"))
    version, package = fields.get("Version", ""), fields.get("Package", "")
    if version not in upstream and not version.startswith(tuple(f"{each}-" for each in upstream)):
        yield f"its version is {version}, not {upstream[0]}"
    doc = f"usr/share/doc/{package}"
    name = f"{doc}/{'changelog.Debian.gz' if '-' in version else 'changelog.gz'}"
    if not gunzipped(inside.get(name, b"")).startswith(f"{package} ({version}) ".encode()):
        yield f"{name} does not begin with {package} {version}"
    if not inside.get(f"{doc}/copyright", b"").startswith(_FORMAT.encode()):
        yield f"{doc}/copyright is not in the machine-readable format"


def fields_of(text: str) -> dict[str, str]:
    """The fields of a control file, without their further lines."""
    return {match[1]: match[2].strip() for match in re.finditer(r"^([A-Za-z][A-Za-z0-9-]*):(.*)$", text, re.MULTILINE)}


def _name_faults(file_name: str, fields: Mapping[str, str], *, ours: bool) -> Iterator[str]:
    package, version = fields.get("Package", ""), fields.get("Version", "")
    if package and not _PACKAGE.fullmatch(package):
        yield f"{package} is no name of a Debian package"
    if version and not _VERSION.fullmatch(version):
        yield f"{version} is no version of a Debian package"
    said = f"{package}_{version}_{fields.get('Architecture')}.deb"
    # An epoch does not stand in the names of files; how a stranger calls the file is his own affair.
    if ours and said != file_name:
        yield f"its control file calls it {said}"


def _script_faults(said: Texts, *, ours: bool) -> Iterator[str]:
    known = _OUR_SCRIPTS if ours else _SCRIPTS
    for member in (each for each in said.control if each.type == FILE):
        name = member.path.removeprefix("./")
        if ours and name not in _OURS:
            yield f"{name} in its control archive is nothing that slipway makes"
        elif name in known:
            if not member.mode & 0o111:
                yield f"{member.path} cannot be run"
            yield from _shell_faults(name, said.text(name))


def _shell_faults(name: str, text: str) -> Iterator[str]:
    if not text.startswith("#!"):
        yield f"its {name} does not say which program runs it"
    if not text.startswith("#!") or re.match(r"#! */bin/sh\b", text):
        done = process.run(["sh", "-n"], stdin=text, check=False)
        if done.code:
            yield f"a shell cannot read its {name}: {done.output.strip()}"


def _sum_faults(md5sums: str, conffiles: Iterable[str], files: Mapping[str, Member], *, ours: bool) -> Iterator[str]:
    lines = (line.split("  ", 1) for line in md5sums.splitlines())
    sums = {line[1].removeprefix("./"): line[0] for line in lines if len(line) == 2}
    # A conffile may be one that an upgrade is to remove (deb-conffiles(5)).
    kept = {name.removeprefix("/") for name in conffiles if not name.startswith("remove-on-upgrade ")}
    yield from (f"{name} is in md5sums, but not in the package" for name in sorted(sums.keys() - files.keys()))
    yield from (f"{name} is in conffiles, but not in the package" for name in sorted(kept - files.keys()))
    for name, file in files.items():
        if ours and name.startswith("etc/") and name not in kept:
            yield f"{name} is not in conffiles: an upgrade would overwrite it"
        if ours and name not in sums and name not in kept:
            yield f"{name} is not in md5sums"
        if sums.get(name, file.md5) != file.md5:
            yield f"{name} has another digest than md5sums says"


def _is_dull_program(name: str, file: Member) -> bool:
    return name.startswith("usr/bin/") and not file.mode & 0o111
