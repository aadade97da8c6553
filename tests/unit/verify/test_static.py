"""Static checks: what is wrong with a distribution is found and named without running it."""

from __future__ import annotations

import json
import shutil
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path

import packed
import pytest

import sample
from slipway.contents import Contents
from slipway.model import Cell, Release
from slipway.platforms import DOCUMENTED, PLATFORMS
from slipway.verify.archives import kind_of, newline_of
from slipway.verify.distribution import CheckDistribution, plan_tests
from slipway.verify.report import Report
from slipway.verify.static import check_statically

CELL = "linux-amd64-complete"


def subject_of(made: Release, cell: Cell) -> Report:
    (step,) = (step for step in plan_tests(made) if step.key == cell.id)
    assert isinstance(step.run, CheckDistribution)
    report = Report(name="hello")
    check_statically(step.run.subject, report)
    return report


def failures(report: Report) -> str:
    return "\n".join(f"{check.name}: {check.detail}" for check in report.checks if check.outcome == "failed")


@pytest.mark.parametrize("name", [CELL, "linux-arm64-minimal", "macos-amd64-complete", "freebsd-amd64-minimal"])
@pytest.mark.req("S0-21", "S0-61")
def test_sound_distributions_pass(name: str, tmp_path: Path) -> None:
    made = packed.release(tmp_path)
    cell = sample.cell(made, name)
    archive = packed.pack(made, cell)
    report = subject_of(made, cell)
    assert failures(report) == ""
    assert {f"archive {archive.name}", f"record of {archive.name}", "syntax of install.sh"} <= {
        check.name for check in report.checks
    }


def _renamed(prefix: str) -> Callable[[tarfile.TarInfo], tarfile.TarInfo]:
    return lambda info: info.replace(name=prefix + info.name, deep=False) if info.name.endswith("LICENSE") else info


def _with_mode(mode: int) -> Callable[[tarfile.TarInfo], tarfile.TarInfo]:
    return lambda info: info.replace(mode=mode, deep=False) if info.name.endswith("bin/hello") else info


def _without(name: str) -> Callable[[tarfile.TarInfo], tarfile.TarInfo | None]:
    return lambda info: None if info.name.endswith(name) else info


ARCHIVES: dict[str, tuple[Callable[[tarfile.TarInfo], tarfile.TarInfo | None], str]] = {
    "absolute": (_renamed("/opt/"), "LICENSE points out of the package"),
    "escaping": (_renamed("../"), "LICENSE points out of the package"),
    "more": (_renamed("more/"), "more/hello-1.2.3-linux-amd64-complete/LICENSE is not among the distribution's files"),
    "missing": (_without("LICENSE"), "hello-1.2.3-linux-amd64-complete/LICENSE is missing"),
    "mode": (_with_mode(0o644), "bin/hello has the mode 0644 and not 0755"),
}


@pytest.mark.parametrize("fault", ARCHIVES)
@pytest.mark.req("S0-61")
def test_faults_of_archives_are_named(fault: str, tmp_path: Path) -> None:
    change, said = ARCHIVES[fault]
    made = packed.release(tmp_path)
    cell = sample.cell(made, CELL)
    packed.pack(made, cell, change)
    assert said in failures(subject_of(made, cell))


def _truncate(made: Release, archive: Path) -> None:
    archive.write_bytes(archive.read_bytes()[:-40])


def _break_script(made: Release, archive: Path) -> None:
    (made.paths.installers / "install.sh").write_text("#!/bin/sh\nif true\n")


def _forbid_script(made: Release, archive: Path) -> None:
    (made.paths.installers / "install.sh").chmod(0o644)


def _forget_record(made: Release, archive: Path) -> None:
    (made.paths.state / "artifacts" / f"{archive.name}.json").unlink()


def _lie_in_record(made: Release, archive: Path) -> None:
    path = made.paths.state / "artifacts" / f"{archive.name}.json"
    data = json.loads(path.read_bytes())
    data["artifact"]["digests"]["sha256"] = "0" * 64
    path.write_text(json.dumps(data))


def _unrunnable(made: Release, archive: Path) -> None:
    path = made.contents(sample.cell(made, CELL))
    path.write_bytes(path.read_bytes().replace(f'"mode": {0o755}'.encode(), f'"mode": {0o644}'.encode()))


FILES: dict[Callable[[Release, Path], None], str] = {
    _truncate: "is damaged",
    _break_script: "syntax of install.sh: ",
    _forbid_script: "install.sh may not be executed",
    _forget_record: "record of hello-1.2.3-linux-amd64-complete.tar.gz: there is no",
    _lie_in_record: "has another sha256 digest than its record",
    _unrunnable: "contents: programs may be run: bin/hello has the mode 0644",
}


@pytest.mark.parametrize("spoil", FILES)
@pytest.mark.req("S0-61")
def test_faults_of_files_are_named(spoil: Callable[[Release, Path], None], tmp_path: Path) -> None:
    made = packed.release(tmp_path)
    cell = sample.cell(made, CELL)
    archive = packed.pack(made, cell)
    spoil(made, archive)
    assert FILES[spoil] in failures(subject_of(made, cell))


def elf(machine: int, system: int = 0) -> bytes:
    return b"\x7fELF\x02\x01\x01" + bytes([system]) + bytes(8) + struct.pack("<HH", 3, machine) + bytes(40)


def pe(machine: int) -> bytes:
    return b"MZ" + bytes(58) + struct.pack("<I", 128) + bytes(64) + b"PE\0\0" + struct.pack("<H", machine) + bytes(40)


def macho(cpu: int) -> bytes:
    return struct.pack("<II", 0xFEEDFACF, cpu) + bytes(40)


PROGRAMS = (
    (elf(62), "Linux ELF x86-64", "linux-amd64"),
    (elf(183), "Linux ELF arm64", "linux-arm64"),
    (elf(62, 9), "FreeBSD ELF x86-64", "freebsd-amd64"),
    (macho(0x01000007), "Mach-O x86-64", "macos-amd64"),
    (macho(0x0100000C), "Mach-O arm64", "macos-arm64"),
    (pe(0x8664), "PE x86-64", "windows-amd64"),
)


@pytest.mark.parametrize(("data", "kind", "platform"), PROGRAMS)
@pytest.mark.req("S0-53")
def test_program_for_another_platform_is_named(data: bytes, kind: str, platform: str, tmp_path: Path) -> None:
    assert kind_of(data) == kind
    made = packed.release(tmp_path)
    for other in DOCUMENTED:
        cell = sample.cell(made, f"{other}-minimal")
        sample.stage(made, cell)
        for program in (made.staged(cell) / "bin").iterdir():
            program.write_bytes(data)
        packed.repack(made, cell)
        found = failures(subject_of(made, cell))
        assert (f"is {kind}, not for {other}" in found) == (other != platform)


def fat(*cpus: int) -> bytes:
    entries = (struct.pack(">5I", cpu, 0, 4096 * (number + 1), 48, 12) for number, cpu in enumerate(cpus))
    return struct.pack(">II", 0xCAFEBABE, len(cpus)) + b"".join(entries)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (fat(0x01000007, 0x0100000C), ""),
        (fat(0x0100000C), "is Mach-O arm64, not for macos-universal"),
        (fat(0x01000007, 0x01000012), "is Mach-O x86-64 and another processor, not for macos-universal"),
        (macho(0x0100000C), "is Mach-O arm64, not for macos-universal"),
        (struct.pack(">II", 0xCAFEBABE, 52), "is data, not for macos-universal"),
    ],
)
@pytest.mark.req("S0-53")
def test_a_universal_program_is_for_both_processors(data: bytes, said: str, tmp_path: Path) -> None:
    made = packed.release(tmp_path, platforms=(PLATFORMS["macos-universal"],))
    cell = sample.cell(made, "macos-universal-minimal")
    sample.stage(made, cell)
    for program in (made.staged(cell) / "bin").iterdir():
        program.write_bytes(data)
    packed.repack(made, cell)
    found = failures(subject_of(made, cell))
    assert said in found if said else "not for" not in found


def test_native_program_of_this_machine_is_known() -> None:
    program = Path(shutil.which("tar") or "")
    assert kind_of(program.read_bytes()) == "Linux ELF x86-64"


@pytest.mark.parametrize(
    ("data", "ends"),
    [(b"", "none"), (b"a", "none"), (b"a\n", "lf"), (b"a\r\n", "crlf"), (b"a\r\nb\n", "mixed"), (b"\0\n", "none")],
)
def test_line_ends(data: bytes, ends: str) -> None:
    assert newline_of(data) == ends


@pytest.mark.parametrize("data", [b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"#", b""])
def test_stumps_of_programs_have_a_kind(data: bytes) -> None:
    assert kind_of(data)


@pytest.mark.req("S0-52")
def test_windows_texts_end_their_lines_in_the_windows_way(tmp_path: Path) -> None:
    made = packed.release(tmp_path)
    cell = sample.cell(made, "windows-amd64-minimal")
    sample.stage(made, cell)
    for path in made.staged(cell).rglob("*"):
        if path.is_file():
            path.write_bytes(pe(0x8664) if path.suffix == ".exe" else path.read_bytes().replace(b"\n", b"\r\n"))
    packed.repack(made, cell)
    assert failures(subject_of(made, cell)) == ""
    (made.staged(cell) / "README.md").write_bytes(b"one\ntwo\n")
    packed.repack(made, cell)
    assert "README.md has lf line ends" in failures(subject_of(made, cell))


@pytest.mark.req("S0-52")
def test_script_with_windows_line_ends_is_named(tmp_path: Path) -> None:
    made = packed.release(tmp_path)
    cell = sample.cell(made, CELL)
    sample.stage(made, cell)
    (made.staged(cell) / "bin/hello").write_bytes(b"#!/bin/sh\r\necho\r\n")
    packed.repack(made, cell)
    assert "bin/hello is a script with crlf line ends" in failures(subject_of(made, cell))
    assert Contents.load(made.contents(cell)).files
