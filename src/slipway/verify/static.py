"""What can be said about a distribution without running it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from slipway import process
from slipway.contents import Contents, File
from slipway.errors import VerificationError
from slipway.files import digest_file
from slipway.manifest import load_record
from slipway.verify.archives import EXPECTED
from slipway.verify.members import FILE, Member, members_of, misplaced, wrong_lines
from slipway.verify.report import Report
from slipway.verify.rpm import rpm_faults
from slipway.verify.subject import Subject

_SHOWN: Final = 20
_READABLE: Final = (".tar", ".tar.gz", ".tar.xz", ".tar.zst", ".tar.br", ".7z", ".zip")


def check_statically(subject: Subject, report: Report) -> None:
    """Check the archives, the installers and the records of a distribution."""
    contents = Contents.load(subject.contents)
    report.check("contents: programs may be run", partial(require_none, _not_runnable(contents)))
    for path in subject.packages:
        if path.suffix in {".deb", ".rpm"}:
            _check_package(path, report)
            continue
        if path.name.endswith(_READABLE) and not path.name.startswith(f"{subject.name}."):
            continue  # no archive of the distribution itself: validate-package looks into it
        if path.name.endswith(_READABLE):
            report.check(f"archive {path.name}", partial(check_archive, path, subject, contents))
        else:
            report.skip(f"archive {path.name}", "slipway cannot read this format by itself")
    for script in subject.scripts:
        report.check(f"syntax of {script.name}", partial(_check_syntax, script))
    for path in subject.packages:
        report.check(f"record of {path.name}", partial(_check_record, path, subject))


def _check_package(path: Path, report: Report) -> None:
    # A Debian package is installed for real where that is possible, which shows more.
    if path.suffix == ".rpm":
        report.check(f"package {path.name}", lambda: require_none(rpm_faults(path, None, None)))


def check_archive(path: Path, subject: Subject, contents: Contents) -> None:
    """Compare an archive with the list of the distribution's files, and its files with the platform."""
    members = list(members_of(path))
    files = {f"{subject.name}/{file.path}": file for file in contents.files}
    found = {member.path: member for member in members if member.type == FILE}
    require_none(
        [
            *misplaced(members),
            *(f"{name} is not among the distribution's files" for name in sorted(found.keys() - files.keys())),
            *(f"{name} is missing" for name in sorted(files.keys() - found.keys())),
            *(fault for name in files if name in found for fault in _faults(found[name], files[name], subject)),
        ]
    )


def _faults(member: Member, file: File, subject: Subject) -> Iterator[str]:
    # A zip for Windows may leave the mode out.
    modes = {file.mode, 0} if subject.platform.family == "windows" else {file.mode}
    if (member.sha256, member.size) != (file.sha256, file.size):
        yield f"{file.path} has other contents than the distribution's file"
    if member.mode not in modes:
        yield f"{file.path} has the mode {member.mode:04o} and not {file.mode:04o}"
    if _is_foreign(member, file, subject):
        yield f"{file.path} is {member.kind}, not for {subject.platform.id}"
    if fault := wrong_lines(member, file.path, subject.platform.newline):
        yield fault
    if file.path.startswith("bin/") and member.kind == "script" and member.newline in {"crlf", "mixed"}:
        yield f"{file.path} is a script with {member.newline} line ends, which no system runs"


def _is_foreign(member: Member, file: File, subject: Subject) -> bool:
    wanted = EXPECTED.get((subject.platform.family, subject.platform.arch), member.kind)
    is_script = member.kind == "script" and not file.path.endswith(".exe")
    return file.path.startswith("bin/") and member.kind != wanted and not is_script


def _not_runnable(contents: Contents) -> list[str]:
    return [
        f"{file.path} has the mode {file.mode:04o}"
        for file in contents.files
        if file.path.startswith("bin/") and not file.mode & 0o111
    ]


def _check_syntax(script: Path) -> None:
    faults = [] if script.stat().st_mode & 0o111 else [f"{script.name} may not be executed"]
    if process.which("sh") is not None:
        done = process.run(["sh", "-n", script], check=False)
        faults += [done.output.strip()] if done.code else []
    require_none(faults)


def _check_record(path: Path, subject: Subject) -> None:
    record = load_record(subject.records / f"{path.name}.json").artifact
    faults = [] if path.stat().st_size == record.size else [f"{path.name} has not the size that its record says"]
    for algorithm, digest in sorted(record.digests.items()):
        if digest_file(path, algorithm) != digest:
            faults.append(f"{path.name} has another {algorithm} digest than its record")
    require_none(faults)


def require_none(faults: Iterable[str]) -> None:
    """Raise VerificationError unless there are no faults."""
    if found := list(faults):
        more = f"\n    and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise VerificationError("\n    ".join(found[:_SHOWN]) + more)
