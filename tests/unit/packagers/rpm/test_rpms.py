"""RPM packages, read by a reader that knows nothing of slipway: names, fields, files, scriptlets, relations."""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import rpmfile
from elves import ARM64, elf

import sample
from slipway.contents import Contents
from slipway.errors import ConfigError, VerificationError
from slipway.manifest import load_record
from slipway.model import Release, Service
from slipway.packagers import planned_names
from slipway.packagers.payload import made_file
from slipway.packagers.rpm import plan_rpms
from slipway.packagers.rpm.items import listed
from slipway.platforms import PLATFORMS
from slipway.rules import RpmRules
from slipway.steps import unique
from slipway.verify.rpm import rpm_faults
from slipway.version import Version

StageTree = Callable[..., Contents]
CONFIG, DOC, NOREPLACE, GHOST, LICENSE = 1, 2, 16, 64, 128
SIGNS = {0: "", 2: "<", 4: ">", 8: "=", 10: "<=", 12: ">="}


@dataclass(frozen=True)
class Rpm:
    """A package taken apart: the files of the payload, and the modes and flags of all that the header lists.

    The reader calls some tags by older names.
    """

    path: Path
    headers: dict[str, Any]
    files: dict[str, bytes]
    modes: dict[str, int]
    flags: dict[str, int]

    @classmethod
    def read(cls, path: Path) -> Rpm:
        with rpmfile.open(str(path)) as rpm:
            headers = dict(rpm.headers)
            files = {each.name[1:]: rpm.extractfile(each.name).read() for each in rpm.getmembers()}
        names, folders = headers.get("basenames", []), headers.get("dirnames", [])
        places = zip(column(headers.get("dirindexes", ())), names, strict=True)
        paths = [(folders[place] + name).decode() for place, name in places]
        modes = dict(zip(paths, column(headers.get("filemodes", ())), strict=True))
        flags = dict(zip(paths, column(headers.get("fileflags", ())), strict=True))
        return cls(path, headers, files, modes, flags)

    def text(self, name: str) -> str:
        return str(self.headers[name].decode())

    def relations(self, name: str) -> set[str]:
        own = {"provide": "provides", "obsolete": "obsoletes"}
        names = self.headers.get(own.get(name, f"{name}name"), [])
        rows = zip(names, self.headers.get(f"{name}version", []), column(self.headers.get(f"{name}flags", ())), strict=True)
        return {" ".join(filter(None, (one.decode(), SIGNS[flags & 14], version.decode()))) for one, version, flags in rows}


def column(values: Any) -> tuple[int, ...]:
    return (values,) if isinstance(values, int) else tuple(values)


def linux(root: Path, **changes: Any) -> Release:
    made = sample.release(root, project=sample.project(root / "project", **changes))
    made = replace(made, platforms=(PLATFORMS["linux-amd64"],))
    for cell in made.cells:
        sample.stage(made, cell)
    return made


def pack(made: Release, variant: str = "complete") -> Rpm:
    step = next(step for step in plan_rpms(made) if step.key == f"linux-amd64-{variant}.rpm")
    step.run()
    return Rpm.read(step.outputs[0])


def staged(root: Path, stage_tree: StageTree, tree: dict[str, tuple[int, bytes]], **changes: Any) -> Release:
    made = linux(root, services=(), **changes)
    cell = sample.cell(made, "linux-amd64-complete")
    shutil.rmtree(made.staged(cell))
    stage_tree(made, cell, tree)
    return made


@pytest.mark.req("S0-7", "S0-50")
def test_every_linux_distribution_becomes_a_package_of_its_own_name(tmp_path: Path) -> None:
    made = sample.release(tmp_path)
    steps = unique(plan_rpms(made))
    assert {str(step.outputs[0].relative_to(made.paths.packages)) for step in steps} == {
        f"binaries/{package}-1.2.3-1.{arch}.rpm" for package in ("hello", "hello-minimal") for arch in ("x86_64", "aarch64")
    }
    assert {step.outputs[0].name for step in steps} == set(planned_names(made)["rpm"])
    assert all(pickle.loads(pickle.dumps(step)) == step for step in steps)


@pytest.mark.parametrize(
    ("version", "rules", "name"),
    [
        ("2.0.0-rc.1", {}, "hello-2.0.0~rc.1-1.x86_64.rpm"),
        ("2.0.0-rc.1+build-7", {"release": "3.el9"}, "hello-2.0.0~rc.1+build.7-3.el9.x86_64.rpm"),
        ("2.0.0", {"epoch": 4, "package": "hello-tool"}, "hello-tool-2.0.0-1.x86_64.rpm"),
    ],
)
def test_versions_are_spelled_as_rpm_sorts_them(tmp_path: Path, version: str, rules: dict[str, Any], name: str) -> None:
    made = replace(
        linux(tmp_path, rpm=RpmRules(**rules)), version=Version(version), variants=sample.release(tmp_path).variants[:1]
    )
    for cell in made.cells:
        sample.stage(made, cell)
    rpm = pack(made)
    assert rpm.path.name == name
    evr = f"{'4:' if rules.get('epoch') else ''}{rpm.text('version')}-{rpm.text('release')}"
    assert f"{rpm.text('name')} = {evr}" in rpm.relations("provide")
    assert ("serial" in rpm.headers) == ("epoch" in rules)
    assert ("rpmlib(TildeInVersions) <= 4.10.0-1" in rpm.relations("require")) == ("~" in name)


def test_what_the_project_says_is_in_the_header(tmp_path: Path) -> None:
    rules = RpmRules(
        vendor="Acme",
        group="System/Base",
        requires=("ca-certificates", "openssl-libs >= 1:3.0"),
        recommends=("bash-completion",),
        suggests=("hello-themes < 2",),
        conflicts=("goodbye",),
        obsoletes=("hallo < 1.0",),
        provides=("greeter = 1.2.3",),
    )
    rpm = pack(linux(tmp_path, rpm=rules))
    said = {name: rpm.text(name) for name in ("name", "version", "release", "summary", "copyright", "url", "arch", "os")}
    assert said == {
        "name": "hello",
        "version": "1.2.3",
        "release": "1",
        "summary": "Greet whoever asks",
        "copyright": "Apache-2.0",
        "url": "https://hello.example",
        "arch": "x86_64",
        "os": "linux",
    }
    assert rpm.text("description") == "A program that greets.\n\nIt does nothing else."
    assert (rpm.text("vendor"), rpm.text("group")) == ("Acme", "System/Base")
    assert rpm.text("packager") == "Hello Makers <makers@hello.example>"
    assert rpm.text("sourcerpm") == "hello-1.2.3-1.src.rpm"
    assert rpm.headers["buildtime"] == sample.EPOCH
    assert {"ca-certificates", "openssl-libs >= 1:3.0"} < rpm.relations("require")
    assert rpm.relations("conflict") == {"goodbye", "hello-minimal"}
    assert rpm.relations("obsolete") == {"hallo < 1.0"}
    assert {"greeter = 1.2.3", "hello-minimal = 1.2.3-1"} < rpm.relations("provide")


def test_a_package_of_a_variant_stands_in_for_the_others_and_replaces_none_by_itself(tmp_path: Path) -> None:
    rpm = pack(linux(tmp_path), "minimal")
    assert rpm.relations("conflict") == {"hello"}
    assert "hello = 1.2.3-1" in rpm.relations("provide")
    assert rpm.relations("obsolete") == set()


@pytest.mark.req("S0-50")
def test_files_lie_where_the_system_wants_them_and_are_marked(tmp_path: Path) -> None:
    rpm = pack(linux(tmp_path))
    assert rpm.files["/usr/bin/hello"].decode() == sample.FILES["bin/hello"][1]
    assert rpm.modes["/usr/bin/hello"] == 0o100755
    assert {path: flags for path, flags in rpm.flags.items() if flags} == {
        "/etc/hello/hello.toml": CONFIG | NOREPLACE,
        "/usr/share/doc/hello/README.md": DOC,
        "/usr/share/doc/hello/user/start.md": DOC,
        "/usr/share/licenses/hello/LICENSE": LICENSE,
    }
    folders = {path for path, mode in rpm.modes.items() if mode == 0o040755}
    assert folders == {
        "/etc/hello",
        "/usr/lib/hello",
        "/usr/share/doc/hello",
        "/usr/share/doc/hello/user",
        "/usr/share/licenses/hello",
    }
    assert set(rpm.files) == set(rpm.modes) - folders
    assert b"ExecStart=/usr/bin/hello-server" in rpm.files["/usr/lib/systemd/system/hello-server.service"]
    digests = dict(zip(rpm.modes, rpm.headers["filemd5s"], strict=True))
    for path, data in rpm.files.items():
        assert digests[path].decode() == hashlib.sha256(data).hexdigest()
    assert set(rpm.headers["fileusername"]) == set(rpm.headers["filegroupname"]) == {b"root"}
    assert set(rpm.headers["filemtimes"]) == {sample.EPOCH}


@pytest.mark.parametrize(
    ("codec", "magic", "need"),
    [("gzip", b"\x1f\x8b", ""), ("xz:9", b"\xfd7zXZ", "PayloadIsXz"), ("zstd", b"\x28\xb5\x2f\xfd", "PayloadIsZstd")],
)
def test_the_payload_is_compressed_as_the_project_says(tmp_path: Path, codec: str, magic: bytes, need: str) -> None:
    rpm = pack(linux(tmp_path, rpm=RpmRules(compression=codec)))
    assert rpm.text("archive_compression") == codec.partition(":")[0]
    assert magic in rpm.path.read_bytes()
    needs = {name for name in rpm.relations("require") if "Payload" in name} - {"rpmlib(PayloadFilesHavePrefix) <= 4.0-1"}
    assert [name.split(")")[0] for name in needs] == ([f"rpmlib({need}"] if need else [])


def test_the_same_distribution_gives_the_same_bytes_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = pack(linux(tmp_path / "one")).path.read_bytes()
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    before = os.umask(0o077)
    try:
        other = pack(linux(tmp_path / "elsewhere" / "two")).path.read_bytes()
    finally:
        os.umask(before)
    assert one == other
    assert os.uname().nodename.encode() not in one
    assert str(tmp_path).encode() not in one


def test_what_was_compressed_before_gives_the_same_bytes(tmp_path: Path, stage_tree: StageTree) -> None:
    data = bytes(number * number % 251 for number in range(600_000))
    made = staged(tmp_path, stage_tree, {"share/hello/big": (0o644, data), "share/hello/small": (0o644, b"x")})
    step = plan_rpms(made)[0]
    found = []
    for _ in range(2):
        replace(step.run, shelf=tmp_path / "shelf")()  # type: ignore[type-var]
        found.append(step.outputs[0].read_bytes())
    assert len(list((tmp_path / "shelf").iterdir())) == 1
    assert found[0] == found[1]
    rpm = Rpm.read(step.outputs[0])
    assert rpm.files["/usr/share/hello/big"] == data
    assert list(rpm_faults(step.outputs[0], None, None)) == []


def test_the_record_tells_what_was_made(tmp_path: Path) -> None:
    made = linux(tmp_path)
    step = next(step for step in plan_rpms(made) if step.key == "linux-amd64-complete.rpm")
    step.run()
    noted = load_record(step.outputs[1]).artifact
    assert (noted.kind, noted.path, noted.media_type) == ("rpm", "binaries/hello-1.2.3-1.x86_64.rpm", "application/x-rpm")
    assert noted.digests["sha256"] == hashlib.sha256(step.outputs[0].read_bytes()).hexdigest()
    assert (noted.platform, noted.variant, noted.size) == ("linux-amd64", "complete", step.outputs[0].stat().st_size)


def test_needs_are_spelled_as_rpm_s_own_generators_do(tmp_path: Path, stage_tree: StageTree) -> None:
    program = elf(["libc.so.6", "libz.so.1", "libown.so.1"], {"libc.so.6": ["GLIBC_2.2.5", "GLIBC_2.34"]})
    tree = {
        "bin/hello": (0o755, program),
        "bin/tool": (0o755, b"#! /usr/bin/python3 -B\n"),
        "bin/again": (0o755, b"#!/usr/bin/hello\n"),
        "lib/libown.so.1": (0o755, elf(["libc.so.6"], soname="libown.so.1")),
        "lib/hello/private.so": (0o755, elf(soname="private.so.0")),
        "lib/hello/data": (0o644, b"#!/bin/never\n"),
        "share/hello/firmware": (0o755, elf(["libfar.so.1"], machine=ARM64)),
        "share/hello/broken": (0o644, b"\x7fELF"),
    }
    rpm = pack(staged(tmp_path, stage_tree, tree))
    needs = {need for need in rpm.relations("require") if not need.startswith("rpmlib(")}
    assert needs == {
        "libc.so.6()(64bit)",
        "libc.so.6(GLIBC_2.2.5)(64bit)",
        "libc.so.6(GLIBC_2.34)(64bit)",
        "libz.so.1()(64bit)",
        "rtld(GNU_HASH)",
        "/usr/bin/python3",
    }
    assert rpm.relations("provide") == {
        "hello = 1.2.3-1",
        "hello(x86-64) = 1.2.3-1",
        "hello-minimal = 1.2.3-1",
        "libown.so.1()(64bit)",
    }


def test_a_static_program_needs_nothing(tmp_path: Path, stage_tree: StageTree) -> None:
    rpm = pack(staged(tmp_path, stage_tree, {"bin/hello": (0o755, elf())}))
    assert all(need.startswith("rpmlib(") for need in rpm.relations("require"))
    assert not {"postin", "postun", "prein"} & set(rpm.headers)


def test_a_program_for_another_machine_is_refused(tmp_path: Path, stage_tree: StageTree) -> None:
    made = staged(tmp_path, stage_tree, {"bin/hello": (0o755, elf(machine=ARM64))})
    with pytest.raises(VerificationError, match="/usr/bin/hello is a program for arm64, but the package is for amd64"):
        pack(made)
    assert not (made.paths.packages / "binaries").exists()


def test_a_changed_file_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    made = linux(tmp_path)
    cell = sample.cell(made, "linux-amd64-complete")
    (made.staged(cell) / "README.md").write_text("# hollo\n")
    with pytest.raises(VerificationError, match="has changed since the distribution was laid out"):
        pack(made)
    assert list((made.paths.packages / "binaries").iterdir()) == []


@pytest.mark.parametrize(
    "name",
    ["with space\"and'quotes", "$(touch x) `y` %{name}", "größe-日本", "x" * 250, "/".join(["deep"] * 75)],
)
def test_any_name_that_linux_takes_is_kept(tmp_path: Path, stage_tree: StageTree, name: str) -> None:
    made = staged(tmp_path, stage_tree, {f"share/hello/{name}": (0o644, b"x"), "bin/hello": (0o4755, b"#!/bin/sh\n")})
    rpm = pack(made)
    assert rpm.files[f"/usr/share/hello/{name}"] == b"x"
    assert rpm.modes["/usr/bin/hello"] == 0o104755


def test_names_with_line_ends_are_refused(tmp_path: Path, stage_tree: StageTree) -> None:
    with pytest.raises(VerificationError, match="cannot be packed for linux"):
        pack(staged(tmp_path, stage_tree, {"share/hello/a\nb": (0o644, b"x")}))


def test_an_empty_distribution_becomes_an_empty_package(tmp_path: Path, stage_tree: StageTree) -> None:
    rpm = pack(staged(tmp_path, stage_tree, {}))
    assert (rpm.files, rpm.modes, rpm.headers["size"]) == ({}, {}, 0)


def test_manual_pages_are_compressed_documents(tmp_path: Path, stage_tree: StageTree) -> None:
    rpm = pack(staged(tmp_path, stage_tree, {"share/man/man1/hello.1": (0o644, b".TH HELLO 1\n")}))
    assert rpm.flags == {"/usr/share/man/man1/hello.1.gz": DOC}


def test_programs_get_the_capabilities_that_the_project_gives(tmp_path: Path) -> None:
    rules = RpmRules(capabilities={"bin/hello-server": "cap_net_bind_service=ep", "bin/elsewhere": "cap_sys_nice=ep"})
    rpm = pack(linux(tmp_path, rpm=rules))
    # The reader does not know this tag; the list stands in the header as it is.
    assert b"\0cap_net_bind_service=ep\0" in rpm.path.read_bytes()
    assert "rpmlib(FileCaps) <= 4.6.1-1" in rpm.relations("require")
    assert b"cap_sys_nice" not in rpm.path.read_bytes()
    with pytest.raises(ConfigError, match="is no program: it cannot have capabilities"):
        pack(linux(tmp_path / "two", rpm=RpmRules(capabilities={"README.md": "cap_net_bind_service=ep"})))


def test_a_ghost_is_listed_and_its_folder_is_owned() -> None:
    items = listed([made_file("/usr/bin/hello", b"x", "bin", 0o755)], ["/var/log/hello/hello.log"])
    assert {item.path: (item.flags, item.is_packed) for item in items} == {
        "/usr/bin/hello": (0, True),
        "/var/log/hello": (0, True),
        "/var/log/hello/hello.log": (GHOST, False),
    }


def test_files_are_listed_as_rpm_searches_them() -> None:
    names = [f"usr/share/hello/{left}{sign}{right}" for left in "ab" for sign in "/-. " for right in "012"]
    paths = [item.path.encode() for item in listed(made_file(name, b"") for name in names)]
    assert paths == sorted(paths)


def scripts_of(rpm: Rpm) -> dict[str, str]:
    return {name: rpm.text(name) for name in ("prein", "postin", "preun", "postun") if name in rpm.headers}


@pytest.mark.req("S0-54")
def test_scriptlets_are_plain_shell_for_every_shell(tmp_path: Path) -> None:
    services = (Service(name="hello-server", binary="hello-server", summary="Greets", user="greeter"),)
    rpm = pack(linux(tmp_path, services=services))
    scripts = scripts_of(rpm)
    assert set(scripts) == {"prein", "postin", "postun"}
    for name, text in scripts.items():
        assert rpm.text(f"{name}prog") == "/bin/sh"
        assert not re.search(r"%\{|\{\{|%systemd|%sysusers", text), "a macro that nobody expands"
        assert subprocess.run(["sh", "-n"], input=text, text=True, check=False).returncode == 0
    assert {"systemd", "/bin/sh"} < rpm.relations("require")
    assert "/usr/lib/sysusers.d/hello.conf" in rpm.files
    assert "/usr/lib/tmpfiles.d/hello.conf" in rpm.files


@pytest.mark.parametrize("count", ["0", "1", "2"])
def test_scriptlets_never_fail_an_installation(tmp_path: Path, count: str) -> None:
    """Where every program that they call fails."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("systemctl", "systemd-sysusers", "systemd-tmpfiles", "getent", "groupadd", "useradd", "rmdir"):
        (tools / name).write_text(f'#!/bin/sh\necho {name} "$@" >>{tmp_path}/log\nexit 1\n')
        (tools / name).chmod(0o755)
    services = (Service(name="hello-server", binary="hello-server", summary="Greets", user="greeter"),)
    for name, text in scripts_of(pack(linux(tmp_path, services=services))).items():
        done = subprocess.run(
            ["/bin/sh", "-s", count], input=text, env={"PATH": str(tools)}, text=True, capture_output=True, check=False
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), name
    assert "useradd --system --gid greeter" in (tmp_path / "log").read_text()
