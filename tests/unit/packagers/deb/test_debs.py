"""Debian packages, read with Python alone: members, fields, files, scripts."""

from __future__ import annotations

import gzip
import hashlib
import pickle
import subprocess
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from debs import Deb, linux, pack
from elves import elf

import sample
from slipway.contents import Contents
from slipway.errors import ConfigError, VerificationError
from slipway.manifest import load_record
from slipway.model import Service, Variant
from slipway.packagers import planned_names
from slipway.packagers.deb import PackDeb, plan_debs
from slipway.packagers.entries import Entry
from slipway.packagers.tar import header
from slipway.platforms import PLATFORMS
from slipway.rules import DebRules, SignRules
from slipway.signing.openpgp import Gpg
from slipway.signing.signers import Usable
from slipway.steps import unique
from slipway.version import Version

StageTree = Callable[..., Contents]


@pytest.mark.req("S0-7", "S0-50")
def test_every_linux_distribution_becomes_a_package_of_its_own_name(tmp_path: Path) -> None:
    made = sample.release(tmp_path)
    steps = unique(plan_debs(made))
    assert {str(step.outputs[0].relative_to(made.paths.packages)) for step in steps} == {
        f"binaries/{package}_1.2.3_{arch}.deb" for package in ("hello", "hello-minimal") for arch in ("amd64", "arm64")
    }
    assert {step.outputs[0].name for step in steps} == set(planned_names(made)["deb"])


@pytest.mark.parametrize(
    ("platforms", "keys"),
    [
        (("linux-amd64", "linux-amd64-musl"), {"linux-amd64-complete.deb", "linux-amd64-minimal.deb"}),
        (("linux-amd64-musl",), {"linux-amd64-musl-complete.deb", "linux-amd64-musl-minimal.deb"}),
        (
            ("linux-amd64-musl", "linux-arm64"),
            {f"linux-{it}.deb" for it in ("amd64-musl-complete", "amd64-musl-minimal", "arm64-complete", "arm64-minimal")},
        ),
        (("macos-arm64", "windows-amd64", "freebsd-amd64"), set()),
    ],
)
def test_glibc_s_package_wins_over_musl_s(tmp_path: Path, platforms: tuple[str, ...], keys: set[str]) -> None:
    rows = tuple(PLATFORMS[name] for name in platforms)
    made = sample.release(tmp_path, project=sample.project(tmp_path / "project", platforms=rows))
    assert {step.key for step in unique(plan_debs(made))} == keys


def test_the_fields_say_what_the_project_says(tmp_path: Path) -> None:
    rules = DebRules(depends=("git", "libssl3"), recommends=("curl",), suggests=("vim",), section="admin")
    fields = pack(linux(tmp_path, deb=rules)).fields
    expected = {
        "Package": "hello",
        "Version": "1.2.3",
        "Architecture": "amd64",
        "Maintainer": "Hello Makers <makers@hello.example>",
        "Depends": "git, libssl3",
        "Recommends": "curl",
        "Suggests": "vim",
        "Conflicts": "hello-minimal",
        "Replaces": "hello-minimal",
        "Provides": "hello-minimal (= 1.2.3)",
        "Section": "admin",
        "Priority": "optional",
        "Homepage": "https://hello.example",
        "Description": "Greet whoever asks",
    }
    assert {name: fields.get(name) for name in expected} == expected
    assert set(fields) == {*expected, "Installed-Size"}


def test_the_rarer_fields_are_there_when_the_project_says_something(tmp_path: Path) -> None:
    rules = DebRules(pre_depends=("dpkg (>= 1.17)",), enhances=("vim",), breaks=("hello-old (<< 1)",), multi_arch="foreign")
    fields = pack(linux(tmp_path, deb=rules)).fields
    expected = {"Pre-Depends": "dpkg (>= 1.17)", "Enhances": "vim", "Breaks": "hello-old (<< 1)", "Multi-Arch": "foreign"}
    assert {name: fields[name] for name in expected} == expected


def test_variants_take_each_other_s_place(tmp_path: Path) -> None:
    fields = pack(linux(tmp_path), "minimal").fields
    assert fields["Package"] == "hello-minimal"
    assert (fields["Conflicts"], fields["Replaces"], fields["Provides"]) == ("hello", "hello", "hello (= 1.2.3)")


def test_one_variant_has_no_rival(tmp_path: Path) -> None:
    fields = pack(linux(tmp_path, variants=(Variant(name="complete", components=("programs",)),))).fields
    assert not {"Conflicts", "Replaces", "Provides"} & set(fields)


@pytest.mark.parametrize(
    ("version", "spelled"), [("2.0.0-rc.1", "2.0.0~rc.1"), ("2.0.0+5", "2.0.0+5"), ("2.0.0-a-b", "2.0.0~a.b")]
)
def test_a_version_is_spelled_as_dpkg_sorts_it(tmp_path: Path, version: str, spelled: str) -> None:
    made = replace(linux(tmp_path), version=Version(version))
    for cell in made.cells:
        sample.stage(made, cell)
    deb = pack(made)
    assert deb.fields["Version"] == spelled
    assert deb.path.name == f"hello_{spelled}_amd64.deb"


@pytest.mark.parametrize(("name", "package"), [("Hello_World", "hello-world"), ("hello2", "hello2")])
def test_a_name_that_debian_does_not_allow_is_bent(tmp_path: Path, name: str, package: str) -> None:
    made = sample.release(tmp_path, project=sample.project(tmp_path / "project", name=name))
    assert f"{package}-minimal_1.2.3_amd64.deb" in {step.outputs[0].name for step in plan_debs(made)}


def test_the_description_is_wrapped_and_its_lists_are_kept(tmp_path: Path) -> None:
    text = "word " * 40 + "\n\n- one\n- two\n\nlast"
    deb = pack(linux(tmp_path, description=text, summary="Greet.\n"))
    said = deb.control["control"].decode().partition("Description: ")[2].splitlines()
    assert said[0] == "Greet"
    assert all(line.startswith(" ") and len(line) <= 80 for line in said[1:])
    assert said[-5:] == [" .", "  - one", "  - two", " .", " last"]


@pytest.mark.parametrize(
    ("summary", "description", "synopsis", "further"),
    [
        ("A tool that greets.", "A tool\nthat greets.", "Tool that greets", [" Everything"]),
        ("the greeter", "the greeter\n\nGreets all.", "greeter", [" Greets all.", " .", " Everything"]),
        ("Another tool", "", "Another tool", [" Everything"]),
        ("A hello to all", "", "A hello to all", [" Everything"]),
        ("Hello: a greeter", "", "Greeter", [" Everything"]),
        ("hello is a greeter", "", "greeter", [" Everything"]),
        ("Hello-world in Rust", "", "Hello-world in Rust", [" Everything"]),
        ("An app", "A", "App", [" A", " .", " Everything"]),
    ],
)
def test_the_synopsis_has_no_article_and_is_not_said_again(
    tmp_path: Path, summary: str, description: str, synopsis: str, further: list[str]
) -> None:
    variants = (Variant(name="complete", components=("programs",), summary="Everything"),)
    deb = pack(linux(tmp_path, summary=summary, description=description, variants=variants))
    said = deb.control["control"].decode().partition("Description: ")[2].splitlines()
    assert said == [synopsis, *further]


def test_a_description_that_says_nothing_more_is_replaced(tmp_path: Path) -> None:
    variants = (Variant(name="complete", components=("programs",)),)
    deb = pack(linux(tmp_path, summary="Greets", description="Greets.", variants=variants))
    assert "Description: Greets\n This package holds hello.\n" in deb.control["control"].decode()


def test_files_are_where_the_hierarchy_standard_wants_them(tmp_path: Path) -> None:
    files = pack(linux(tmp_path)).files
    assert {name: mode for name, (mode, _) in files.items()} == {
        "etc/hello/hello.toml": 0o644,
        "usr/bin/hello": 0o755,
        "usr/bin/hello-server": 0o755,
        "usr/lib/hello/greetings.txt": 0o644,
        "usr/lib/systemd/system/hello-server.service": 0o644,
        "usr/share/doc/hello/LICENSE": 0o644,
        "usr/share/doc/hello/README.md": 0o644,
        "usr/share/doc/hello/changelog.gz": 0o644,
        "usr/share/doc/hello/copyright": 0o644,
        "usr/share/doc/hello/user/start.md": 0o644,
        "usr/share/lintian/overrides/hello": 0o644,
    }
    assert files["usr/bin/hello"][1].decode() == sample.FILES["bin/hello"][1]


def test_the_documents_of_a_variant_are_in_its_own_folder(tmp_path: Path, stage_tree: StageTree) -> None:
    made = linux(tmp_path)
    tree = {"README.md": (0o644, b"readme"), "share/doc/hello/deep/x.md": (0o644, b"deep"), "share/other/x": (0o644, b"x")}
    stage_tree(made, sample.cell(made, "linux-amd64-minimal"), tree)
    files = pack(made, "minimal").files
    assert {"usr/share/doc/hello-minimal/README.md", "usr/share/doc/hello-minimal/deep/x.md", "usr/share/other/x"} < set(files)
    assert not [name for name in files if name.startswith("usr/share/doc/hello/")]


def test_conffiles_and_sums_cover_every_file_once(tmp_path: Path) -> None:
    deb = pack(linux(tmp_path))
    assert deb.control["conffiles"] == b"/etc/hello/hello.toml\n"
    sums = {line[34:]: line[:32] for line in deb.control["md5sums"].decode().splitlines()}
    expected = {name: hashlib.md5(data).hexdigest() for name, (_, data) in deb.files.items() if not name.startswith("etc/")}
    assert sums == expected


def test_the_installed_size_counts_files_by_kib_and_folders(tmp_path: Path, stage_tree: StageTree) -> None:
    made = linux(tmp_path, services=())
    cell = sample.cell(made, "linux-amd64-complete")
    stage_tree(made, cell, {"bin/hello": (0o755, b"x" * 5000)})
    # hello 5, copyright 1, changelog 1, overrides 1; the folders ., usr, bin, share, doc, hello, lintian, overrides.
    assert pack(made).fields["Installed-Size"] == "16"


def test_copyright_and_changelog(tmp_path: Path) -> None:
    files = pack(linux(tmp_path)).files
    said = files["usr/share/doc/hello/copyright"][1].decode()
    assert said.startswith("Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n")
    assert "\nFiles: *\nCopyright: 2026 Hello Makers <makers@hello.example>\nLicense: Apache-2.0\n" in said
    assert "/usr/share/common-licenses/Apache-2.0." in said
    packed = files["usr/share/doc/hello/changelog.gz"][1]
    assert packed[3:9] == bytes(5) + b"\x02", "no name, no time, best compression"
    lines = gzip.decompress(packed).decode().splitlines()
    assert lines[0] == "hello (1.2.3) unstable; urgency=medium"
    assert lines[-1] == " -- Hello Makers <makers@hello.example>  Thu, 01 Jan 2026 00:00:00 +0000"


@pytest.mark.parametrize(
    ("license_name", "documents", "expected"),
    [
        ("MIT", {"LICENSE": "Do what you like.\n\nNo warranty.\n"}, "License: MIT\n Do what you like.\n .\n No warranty.\n"),
        ("GPL-3.0-or-later", {}, "License: GPL-3.0-or-later\n On Debian systems"),
        (
            "MIT OR Apache-2.0",
            {"LICENSE-MIT": "Mit.\n", "LICENSE-APACHE": "Apache.\n"},
            "License: MIT or Apache-2.0\n\nLicense: MIT\n Mit.\n\nLicense: Apache-2.0\n On",
        ),
        ("Zlib", {}, "as Zlib."),
    ],
)
def test_licenses(tmp_path: Path, license_name: str, documents: dict[str, str], expected: str) -> None:
    paths = []
    for name, text in documents.items():
        paths.append(tmp_path / name)
        paths[-1].write_text(text)
    said = pack(linux(tmp_path, license=license_name, documents=tuple(paths))).files["usr/share/doc/hello/copyright"][1]
    assert expected in said.decode()


def test_services_come_with_scripts_that_a_shell_can_read(tmp_path: Path) -> None:
    services = (
        Service(name="hello-server", binary="hello-server", summary="Serve", user="hello"),
        Service(name="hello-extra", binary="hello-server", summary="Serve more", enable=False, state=False),
    )
    deb = pack(linux(tmp_path, services=services))
    for name in ("postinst", "prerm", "postrm"):
        assert deb.control[name].startswith(b"#!/bin/sh\nset -e\n")
        subprocess.run(["sh", "-n"], input=deb.control[name], check=True)
    assert deb.fields["Depends"] == "systemd | systemd-standalone-sysusers | systemd-sysusers"
    assert deb.files["usr/lib/sysusers.d/hello.conf"][1] == b'u hello - "hello services" /var/lib/hello -\n'
    assert deb.files["usr/lib/tmpfiles.d/hello.conf"][1] == b"d /var/lib/hello 0755 hello hello -\n"
    postinst = deb.control["postinst"].decode()
    order = [
        postinst.index(word) for word in ("systemd-sysusers", "systemd-tmpfiles", "deb-systemd-helper", "deb-systemd-invoke")
    ]
    assert order == sorted(order), "accounts before folders before services"
    assert b"ExecStart=/usr/bin/hello-server" in deb.files["usr/lib/systemd/system/hello-extra.service"][1]


def test_without_services_there_are_no_scripts(tmp_path: Path) -> None:
    deb = pack(linux(tmp_path, services=()))
    assert set(deb.control) == {"control", "md5sums", "conffiles"}


def test_a_script_of_the_project_s_own_needs_no_service(tmp_path: Path) -> None:
    made = linux(tmp_path, services=(), deb=DebRules(triggers=("interest-noawait /usr/share/hello",)))
    own = made.project.root / "templates/deb/postinst.j2"
    own.parent.mkdir(parents=True)
    own.write_text('#!/bin/sh\n[ "$1" != triggered ] || hello --refresh {{ state }}\n')
    deb = pack(made)
    assert deb.control["postinst"] == b'#!/bin/sh\n[ "$1" != triggered ] || hello --refresh /var/lib/hello\n'
    assert not {"prerm", "postrm"} & set(deb.control)
    assert own in plan_debs(made)[0].inputs


def test_binaries_decide_what_is_needed(tmp_path: Path, stage_tree: StageTree) -> None:
    made = linux(tmp_path, services=(), deb=DebRules(depends=("git",)))
    program = elf(["libc.so.6", "libgcc_s.so.1"], {"libc.so.6": ["GLIBC_2.34", "GLIBC_2.4"]})
    stage_tree(made, sample.cell(made, "linux-amd64-complete"), {"bin/hello": (0o755, program)})
    assert pack(made).fields["Depends"] == "libc6 (>= 2.34), libgcc-s1, git"


def test_scripts_need_their_interpreters(tmp_path: Path, stage_tree: StageTree) -> None:
    made = linux(tmp_path, services=())
    tree = {"bin/hello": (0o755, b"#!/usr/bin/env python3\n"), "share/doc/hello/example": (0o755, b"#!/usr/bin/ruby\n")}
    stage_tree(made, sample.cell(made, "linux-amd64-complete"), tree)
    assert pack(made).fields["Depends"] == "python3:any"


def test_manual_pages_and_completions_are_where_debian_looks_for_them(tmp_path: Path, stage_tree: StageTree) -> None:
    made = linux(tmp_path, services=())
    tree = {
        "bin/hello": (0o755, b"#!/bin/sh\n"),
        "share/man/man1/hello.1": (0o644, b".TH HELLO 1\n"),
        "share/man/de/man1/hello.1": (0o644, b".TH HALLO 1\n"),
        "share/bash-completion/completions/hello": (0o644, b"complete\n"),
        "share/zsh/site-functions/_hello": (0o644, b"#compdef hello\n"),
        "share/fish/completions/hello.fish": (0o644, b"complete\n"),
        "share/fish/vendor_completions.d/hi.fish": (0o644, b"complete\n"),
    }
    stage_tree(made, sample.cell(made, "linux-amd64-complete"), tree)
    files = pack(made).files
    assert {name for name in files if name.startswith("usr/share/") and "/doc/" not in name} == {
        "usr/share/man/man1/hello.1.gz",
        "usr/share/man/de/man1/hello.1.gz",
        "usr/share/bash-completion/completions/hello",
        "usr/share/zsh/vendor-completions/_hello",
        "usr/share/fish/vendor_completions.d/hello.fish",
        "usr/share/fish/vendor_completions.d/hi.fish",
    }
    assert gzip.decompress(files["usr/share/man/man1/hello.1.gz"][1]) == b".TH HELLO 1\n"


def test_a_library_for_all_renews_the_loader_s_cache(tmp_path: Path, stage_tree: StageTree) -> None:
    made = linux(tmp_path, services=(), deb=DebRules(triggers=("interest-noawait /usr/share/hello",)))
    tree = {
        "lib/libhello.so.1.2": (0o644, elf(soname="libhello.so.1")),
        "lib/hello/libown.so": (0o644, elf(soname="libown.so.3")),
    }
    stage_tree(made, sample.cell(made, "linux-amd64-complete"), tree)
    control = pack(made).control
    assert control["triggers"] == b"interest-noawait /usr/share/hello\nactivate-noawait ldconfig\n"
    assert control["shlibs"] == b"libhello 1 hello (>= 1.2.3)\n"


def test_a_size_that_octal_digits_cannot_tell_is_told_as_dpkg_understands_it() -> None:
    size = 9 << 30
    block = header(Entry(path="./usr/lib/hello/big", mode=0o644, size=size), 0, gnu=True)
    assert tarfile.TarInfo.frombuf(block, "utf-8", "strict").size == size


@pytest.mark.parametrize(("codec", "member"), [("gzip", "data.tar.gz"), ("xz", "data.tar.xz")])
def test_compression(tmp_path: Path, codec: str, member: str) -> None:
    deb = pack(linux(tmp_path, deb=DebRules(compression=codec)))
    assert list(deb.members) == ["debian-binary", "control.tar.gz", member]
    assert len(deb.files) == 11


def test_two_packings_are_equal_and_all_times_are_the_release_s(tmp_path: Path) -> None:
    one, two = pack(linux(tmp_path / "a")), pack(linux(tmp_path / "b"))
    assert one.path.read_bytes() == two.path.read_bytes()
    assert one.times == {sample.EPOCH}


def test_long_names_are_told_as_dpkg_understands_them(tmp_path: Path, stage_tree: StageTree) -> None:
    made = linux(tmp_path, services=())
    tree = {f"lib/hello/{name}": (0o644, b"x") for name in ("a b", "é" * 60, "l" * 200, "/".join(["d" * 80] * 5))}
    stage_tree(made, sample.cell(made, "linux-amd64-complete"), tree)
    deb = pack(made)
    assert {f"usr/{name}" for name in tree} < set(deb.files)
    raw = gzip.decompress(deb.members["data.tar.gz"])
    assert b"PaxHeader" not in raw, "dpkg does not read pax"
    assert b"././@LongLink" in raw


def test_a_name_that_no_list_can_hold_is_refused(tmp_path: Path, stage_tree: StageTree) -> None:
    made = linux(tmp_path)
    stage_tree(made, made.cells[0], {"etc/hello/new\nline": (0o644, b"x")})
    with pytest.raises(VerificationError, match="cannot be packed for linux"):
        pack(made)


def test_two_files_of_one_place_are_refused(tmp_path: Path, stage_tree: StageTree) -> None:
    made = linux(tmp_path)
    cell = sample.cell(made, "linux-amd64-complete")
    stage_tree(made, cell, {"README.md": (0o644, b"one"), "share/doc/hello/README.md": (0o644, b"two")})
    with pytest.raises(ConfigError, match=r"two files of the package would be /usr/share/doc/hello/README\.md"):
        pack(made)
    stage_tree(made, cell, {"copyright": (0o644, b"mine")})
    with pytest.raises(ConfigError, match="slipway makes"):
        pack(made)


def test_a_changed_file_stops_the_packing(tmp_path: Path) -> None:
    made = linux(tmp_path)
    (made.staged(sample.cell(made, "linux-amd64-complete")) / "bin/hello").write_text("#!/bin/sh\nrm -rf /\n")
    with pytest.raises(VerificationError, match="bin/hello has changed"):
        pack(made)
    assert list((made.paths.packages / "binaries").iterdir()) == []


def test_the_record_and_the_settings(tmp_path: Path) -> None:
    made = linux(tmp_path)
    step = plan_debs(made)[0]
    assert pickle.loads(pickle.dumps(step)) == step
    assert step.stage == "package-binaries"
    step.run()
    artifact = load_record(step.outputs[1]).artifact
    assert (artifact.kind, artifact.path) == ("deb", "binaries/hello_1.2.3_amd64.deb")
    assert artifact.digests["sha256"] == hashlib.sha256(step.outputs[0].read_bytes()).hexdigest()
    assert {path.name for path in step.inputs} > {"postinst.j2", "copyright.j2", "service.j2"}


class Echo(Gpg):
    """Signs with what is to be signed."""

    def sign(self, chunks: Iterable[bytes]) -> bytes:
        return b"".join(chunks)


def test_the_signature_is_over_the_contents_of_the_members(tmp_path: Path) -> None:
    step = plan_debs(linux(tmp_path, sign=SignRules(gpg="KEY")))[0]
    assert isinstance(step.run, PackDeb)
    assert step.run.signer == Gpg(key="KEY", epoch=sample.EPOCH)
    assert Usable(Gpg(key="KEY", epoch=sample.EPOCH)) in step.needs
    replace(step.run, signer=Echo(key="KEY", epoch=0))()
    members = Deb.read(step.outputs[0]).members
    assert list(members) == ["debian-binary", "control.tar.gz", "data.tar.gz", "_gpgorigin"]
    signature = members.pop("_gpgorigin")
    assert signature == b"".join(members.values())


def test_without_a_key_nothing_is_signed(tmp_path: Path) -> None:
    for rules in (SignRules(), SignRules(gpg="KEY", what=("artifacts",))):
        step = plan_debs(sample.release(tmp_path, project=sample.project(tmp_path / "project", sign=rules)))[0]
        assert isinstance(step.run, PackDeb)
        assert step.run.signer is None
        assert not any(isinstance(need, Usable) for need in step.needs)
