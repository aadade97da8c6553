"""FreeBSD packages, read with Python alone: members and their order, manifests, scripts, what programs ask for."""

from __future__ import annotations

import hashlib
import pickle
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from elves import elf
from freebsds import Pkg, freebsd, pack

import sample
from slipway.binaries import Binary
from slipway.contents import Contents
from slipway.errors import ConfigError, GateError, VerificationError
from slipway.manifest import Built, load_record, record_built
from slipway.model import Release, Variant
from slipway.packagers import planned_names
from slipway.packagers.entries import Entry
from slipway.packagers.freebsd import plan_freebsd
from slipway.packagers.freebsd.manifest import encoded
from slipway.packagers.freebsd.members import member_header
from slipway.rules import FreebsdRules
from slipway.steps import unique

StageTree = Callable[..., Contents]
KEYS = [
    *("name", "origin", "version", "comment", "maintainer", "www", "abi", "arch", "prefix", "flatsize", "licenselogic"),
    *("licenses", "desc", "deps", "categories", "users", "groups", "files", "directories", "scripts", "messages"),
]
INSIDE = {"files", "directories", "scripts"}


def program(needed: tuple[str, ...] = ("libc.so.7",), versions: tuple[str, ...] = ("FBSD_1.5",)) -> bytes:
    """A FreeBSD program (EI_OSABI 9) that needs these libraries."""
    data = elf(needed, {"libc.so.7": versions} if versions else None)
    return data[:7] + b"\x09" + data[8:]


def packed(root: Path, stage_tree: StageTree, tree: dict[str, tuple[int, bytes]], **changes: Any) -> Pkg:
    made = freebsd(root, **changes)
    cell = sample.cell(made, "freebsd-amd64-complete")
    for path in made.staged(cell).rglob("*"):
        if path.is_file():
            path.unlink()
    stage_tree(made, cell, tree)
    return pack(made)


@pytest.mark.req("S0-5", "S0-7", "S0-50", "S0-54")
def test_every_freebsd_distribution_becomes_a_package_that_no_macos_package_is_called_like(tmp_path: Path) -> None:
    made = sample.release(tmp_path)
    steps = unique(plan_freebsd(made))
    names = {f"hello-1.2.3-freebsd-amd64-{variant}.pkg" for variant in ("complete", "minimal")}
    assert {str(step.outputs[0].relative_to(made.paths.packages)) for step in steps} == {f"binaries/{name}" for name in names}
    assert names == set(planned_names(made)["freebsd"])
    every = [name for kind in planned_names(made).values() for name in kind]
    assert len(every) == len(set(every))


def test_the_manifests_come_first_then_files_then_folders(tmp_path: Path) -> None:
    found = pack(freebsd(tmp_path))
    assert found.names == [
        "+COMPACT_MANIFEST",
        "+MANIFEST",
        "/usr/local/bin/hello",
        "/usr/local/bin/hello-server",
        "/usr/local/etc/hello/hello.toml.sample",
        "/usr/local/etc/rc.d/hello_server",
        "/usr/local/lib/hello/greetings.txt",
        "/usr/local/share/doc/hello/LICENSE",
        "/usr/local/share/doc/hello/README.md",
        "/usr/local/share/doc/hello/user/start.md",
        "/var/db/hello",
    ]
    for name, (member, data) in found.members.items():
        state = name == "/var/db/hello"
        assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, *(("hello",) * 2 if state else ("root", "wheel")))
        assert (member.mtime, member.isdir(), member.isreg()) == (sample.EPOCH, state, not state)
        if not state:
            said = found.whole["files"][name]
            assert said["sum"] == f"1${hashlib.sha256(data).hexdigest()}"
            assert (said["perm"], said["uname"], said["gname"]) == (f"0{member.mode:03o}", "root", "wheel")
    assert found.whole["directories"] == {"/var/db/hello": {"uname": "hello", "gname": "hello", "perm": "0750"}}
    assert found.members["/usr/local/etc/rc.d/hello_server"][0].mode == 0o555


def test_the_manifest_says_what_the_project_says_in_pkg_s_order(tmp_path: Path) -> None:
    rules = FreebsdRules(origin="net/hello", categories=("net", "www"), depends={"git": "devel/git"})
    found = pack(freebsd(tmp_path, freebsd=rules, license="MIT OR Apache-2.0"))
    assert list(found.whole) == KEYS
    assert found.compact == {key: value for key, value in found.whole.items() if key not in INSIDE}
    expected = {
        "name": "hello",
        "origin": "net/hello",
        "version": "1.2.3",
        "comment": "Greet whoever asks",
        "maintainer": "Hello Makers <makers@hello.example>",
        "www": "https://hello.example",
        "abi": "FreeBSD:*:*",
        "arch": "freebsd:*:*",
        "prefix": "/usr/local",
        "flatsize": sum(len(data) for _, data in found.members.values()),
        "licenselogic": "or",
        "licenses": ["APACHE20", "MIT"],
        "desc": "A program that greets.\n\nIt does nothing else.",
        "deps": {"git": {"origin": "devel/git"}},
        "categories": ["net", "www"],
        "users": ["hello"],
        "groups": ["hello"],
    }
    assert {key: found.whole[key] for key in expected} == expected
    assert "service hello_server enable" in found.whole["messages"][0]["message"]


def test_manifests_are_compact_json_in_which_texts_are_encoded(tmp_path: Path) -> None:
    found = pack(freebsd(tmp_path, summary="Grüße\nan alle", description='100% "naïve"\n\ttext $$ ${X}', services=()))
    assert found.whole["comment"] == "Grüße an alle"
    assert found.whole["desc"] == '100%25 "na%c3%afve"\n\ttext $$ ${X}'
    assert not {"users", "groups", "directories", "messages", "deps", "annotations"} & set(found.whole)


@pytest.mark.parametrize(("text", "wanted"), [("a%b", "a%25b"), ("ü", "%c3%bc"), ("a b", "a b"), ("\U0001f600", "%f0%9f%98%80")])
def test_only_percent_signs_and_what_is_not_ascii_is_encoded(text: str, wanted: str) -> None:
    assert encoded(text) == wanted


@pytest.mark.parametrize(
    ("expression", "logic", "names"),
    [
        ("MIT", "single", ["MIT"]),
        ("GPL-3.0-or-later", "single", ["GPLv3+"]),
        ("MIT AND (BSD-2-Clause AND Zlib)", "and", ["BSD2CLAUSE", "MIT", "ZLIB"]),
        ("MIT OR Apache-2.0 WITH LLVM-exception", "single", ["MIT OR Apache-2.0 WITH LLVM-exception"]),
        ("MIT OR (ISC AND Zlib)", "single", ["MIT OR (ISC AND Zlib)"]),
        ("LicenseRef-Own", "single", ["LicenseRef-Own"]),
    ],
)
def test_licenses_have_the_names_of_the_ports_tree(tmp_path: Path, expression: str, logic: str, names: list[str]) -> None:
    whole = pack(freebsd(tmp_path, license=expression)).whole
    assert (whole["licenselogic"], whole["licenses"]) == (logic, names)


def test_the_package_of_another_variant_has_a_name_of_its_own_and_no_list_of_conflicts(tmp_path: Path) -> None:
    made = freebsd(tmp_path)
    first, second = pack(made), pack(made, "minimal")
    assert (first.whole["name"], second.whole["name"]) == ("hello", "hello-minimal")
    assert first.whole["origin"] == second.whole["origin"] == "misc/hello"
    # pkg knows variants by the files that they share; what it is told of, it wants to be installed.
    assert "conflicts" not in {*first.whole, *second.whole}
    assert "/usr/local/bin/hello" in set(first.members) & set(second.members)


@pytest.mark.parametrize("compression", ["zstd", "xz", "zstd:1"])
def test_packages_are_the_same_bytes_each_time(tmp_path: Path, compression: str) -> None:
    rules = FreebsdRules(compression=compression)
    one, other = (pack(freebsd(tmp_path / name, freebsd=rules)).path.read_bytes() for name in ("one", "other"))
    assert one == other
    assert one.startswith(b"\xfd7zXZ" if compression == "xz" else b"\x28\xb5\x2f\xfd")


def test_the_record_tells_the_digest_and_what_made_the_bytes(tmp_path: Path) -> None:
    made = freebsd(tmp_path)
    found = pack(made)
    step = plan_freebsd(made)[0]
    artifact = load_record(step.outputs[1]).artifact
    assert artifact.digests["sha256"] == hashlib.sha256(found.path.read_bytes()).hexdigest()
    assert (artifact.kind, artifact.path, artifact.platform) == ("freebsd", f"binaries/{found.path.name}", "freebsd-amd64")
    assert "zstd" in artifact.tools
    assert pickle.loads(pickle.dumps(step)) == step


def test_odd_names_and_modes_are_kept(tmp_path: Path, stage_tree: StageTree) -> None:
    tree = {
        'lib/hello/it\'s a "file" 100%.txt': (0o644, b"1"),
        "lib/hello/grüße.txt": (0o600, b"2"),
        f"lib/hello/{'x' * 240}/{'y' * 60}": (0o644, b"3"),
        "bin/hello": (0o4755, b"#!/bin/sh\n"),
        "etc/hello/my own.toml": (0o640, b"4"),
    }
    found = packed(tmp_path, stage_tree, tree, services=())
    files = {name: (member.mode, data) for name, (member, data) in found.members.items()}
    assert files == {
        **{f"/usr/local/{name}": value for name, value in tree.items() if not name.startswith("etc/")},
        "/usr/local/etc/hello/my own.toml.sample": tree["etc/hello/my own.toml"],
    }
    assert found.whole["files"]["/usr/local/bin/hello"]["perm"] == "04755"
    assert {"/usr/local/lib/hello/gr%c3%bc%c3%9fe.txt", '/usr/local/lib/hello/it\'s a "file" 100%25.txt'} < set(
        found.whole["files"]
    )


def test_names_that_are_not_ascii_are_the_bytes_that_they_are(tmp_path: Path, stage_tree: StageTree) -> None:
    tree = {"lib/hello/grüße.txt": (0o644, b""), f"lib/hello/{'ü' * 100}/{'x' * 60}": (0o644, b"")}
    found = packed(tmp_path, stage_tree, tree, services=())
    # pkg works in the locale C, and libarchive has no way there to use names that are said to be UTF-8, as pax says.
    assert all(not member.pax_headers for member, _ in found.members.values())
    assert set(found.members) == {f"/usr/local/{name}" for name in tree}


@pytest.mark.parametrize("name", ["lib/hello/big", "lib/hello/groß"])
def test_files_of_eight_gibibytes_have_a_size_or_are_refused(name: str) -> None:
    entry = Entry(path=f"/usr/local/{name}", mode=0o644, size=8**11)
    if name.isascii():
        # The pax header of the member: a block that says how long it is, then what it says.
        assert member_header(entry, 0)[512:].startswith(b"19 size=8589934592\n")
    else:
        with pytest.raises(VerificationError, match="not ASCII") as caught:
            member_header(entry, 0)
        assert caught.value.hint


@pytest.mark.parametrize(("length", "fits"), [(1023, True), (1024, False)])
def test_a_path_is_as_long_as_freebsd_allows(length: int, fits: bool) -> None:
    entry = Entry(path=("/" + "x" * 200) * 6, mode=0o644)
    entry = replace(entry, path=entry.path[:length])
    if fits:
        assert entry.path.encode() in member_header(entry, 0)
    else:
        with pytest.raises(VerificationError, match="up to 1023"):
            member_header(entry, 0)


def test_manual_pages_are_compressed(tmp_path: Path, stage_tree: StageTree) -> None:
    found = packed(tmp_path, stage_tree, {"share/man/man1/hello.1": (0o644, b".TH HELLO 1\n")}, services=())
    assert list(found.members) == ["/usr/local/share/man/man1/hello.1.gz"]


def test_a_sample_of_the_project_s_own_is_refused(tmp_path: Path, stage_tree: StageTree) -> None:
    tree = {"etc/hello/a.toml": (0o644, b"1"), "etc/hello/a.toml.sample": (0o644, b"2")}
    with pytest.raises(ConfigError, match=r"/usr/local/etc/hello/a\.toml\.sample") as caught:
        packed(tmp_path, stage_tree, tree, services=())
    assert caught.value.hint


def test_an_empty_distribution_is_a_package_without_files(tmp_path: Path, stage_tree: StageTree) -> None:
    found = packed(tmp_path, stage_tree, {}, services=())
    assert (found.members, found.whole["flatsize"]) == ({}, 0)
    assert found.whole == found.compact


@pytest.mark.parametrize("name", ["lib/hello/a\nb", "lib/hello/a\\b", "lib/hello/a\x7fb"])
def test_names_that_no_list_can_hold_are_refused(tmp_path: Path, stage_tree: StageTree, name: str) -> None:
    with pytest.raises(VerificationError, match="cannot be packed"):
        packed(tmp_path, stage_tree, {name: (0o644, b"")})


def test_nothing_stays_when_a_file_has_changed(tmp_path: Path) -> None:
    made = freebsd(tmp_path)
    step = plan_freebsd(made)[0]
    (made.staged(made.cells[0]) / "bin/hello").write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(VerificationError, match="has changed"):
        step.run()
    assert not [path for path in made.paths.packages.rglob("*") if path.is_file()]


# --- what the programs say ---------------------------------------------------------


def said(root: Path, stage_tree: StageTree, data: bytes, **rules: Any) -> tuple[str, str, dict[str, str], list[str]]:
    whole = packed(root, stage_tree, {"bin/hello": (0o755, data)}, services=(), freebsd=FreebsdRules(**rules)).whole
    return whole["abi"], whole["arch"], whole.get("annotations", {}), whole.get("shlibs_required", [])


@pytest.mark.parametrize(
    ("data", "rules", "wanted"),
    [
        (program(), {}, ("FreeBSD:12:amd64", "freebsd:12:x86:64", {"FreeBSD_version": "1200000"}, [])),
        (
            program(versions=("FBSD_1.2", "FBSD_1.7")),
            {},
            ("FreeBSD:14:amd64", "freebsd:14:x86:64", {"FreeBSD_version": "1400000"}, []),
        ),
        (program(), {"major": "*"}, ("FreeBSD:*:amd64", "freebsd:*:x86:64", {"FreeBSD_version": "1200000"}, [])),
        (program(), {"major": "15"}, ("FreeBSD:15:amd64", "freebsd:15:x86:64", {"FreeBSD_version": "1200000"}, [])),
        (program((), ()), {}, ("FreeBSD:*:amd64", "freebsd:*:x86:64", {}, [])),
        (program(versions=("FBSD_1.0",)), {}, ("FreeBSD:*:amd64", "freebsd:*:x86:64", {}, [])),
        (b"#!/bin/sh\n", {}, ("FreeBSD:*:*", "freebsd:*:*", {}, [])),
        (
            program(("libc.so.7", "libgit2.so.1.7")),
            {"depends": {"libgit2": "devel/libgit2"}},
            ("FreeBSD:12:amd64", "freebsd:12:x86:64", {"FreeBSD_version": "1200000"}, ["libgit2.so.1.7"]),
        ),
    ],
)
def test_the_system_is_read_from_the_programs(
    tmp_path: Path, stage_tree: StageTree, data: bytes, rules: dict[str, Any], wanted: tuple[Any, ...]
) -> None:
    assert said(tmp_path, stage_tree, data, **rules) == wanted


def test_what_was_recorded_at_the_build_counts(tmp_path: Path, stage_tree: StageTree) -> None:
    made = freebsd(tmp_path, services=())
    cell = sample.cell(made, "freebsd-amd64-complete")
    data = program((), ())
    stage_tree(made, cell, {"bin/hello": (0o755, data)})
    facts = Binary(format="elf", family="freebsd", arch="amd64", kind="executable", libraries=("libc.so.7",), minimum="14.1")
    built = Built(
        path="bin/hello", platform="freebsd-amd64", component="programs", size=len(data), sha256=digest(data), facts=facts
    )
    record_built(made.facts(cell.platform, "programs"), made.base, [built])
    whole = pack(made).whole
    assert (whole["abi"], whole["annotations"]) == ("FreeBSD:14:amd64", {"FreeBSD_version": "1401000"})


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_library_that_freebsd_does_not_have_is_refused(tmp_path: Path, stage_tree: StageTree) -> None:
    with pytest.raises(GateError, match=r"libgit2\.so\.1\.7 \(needed by /usr/local/bin/hello\)") as caught:
        said(tmp_path, stage_tree, program(("libc.so.7", "libgit2.so.1.7")))
    assert "[freebsd.depends]" in (caught.value.hint or "")


@pytest.mark.parametrize(("data", "system"), [(elf(("libc.so.6",)), "linux/amd64"), (elf(machine=0xB7), "linux/arm64")])
def test_a_program_for_another_system_is_refused(tmp_path: Path, stage_tree: StageTree, data: bytes, system: str) -> None:
    with pytest.raises(
        VerificationError, match=f"^/usr/local/bin/hello is a program for {system}, but the package is for freebsd/amd64"
    ):
        said(tmp_path, stage_tree, data)


# --- scripts -----------------------------------------------------------------------


def run(script: str, root: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a package's script as pkg does, with a pw and a service that write down how they were called."""
    tools = root.parent / "tools"
    tools.mkdir(exist_ok=True)
    for name in ("pw", "service"):
        answer = "case $* in *show*) exit 1 ;; esac" if name == "pw" else "exit 0"
        (tools / name).write_text(f'#!/bin/sh\necho "{name} $*" >>"{root.parent}/calls"\n{answer}\n')
        (tools / name).chmod(0o755)
    values = {"PATH": f"{tools}:/usr/bin:/bin", "PKG_ROOTDIR": str(root), **variables}
    text = f"set -- hello-1.2.3\n{script}"
    return subprocess.run(["sh", "-c", text], env=values, capture_output=True, text=True, check=False)


def calls(root: Path) -> list[str]:
    path = root.parent / "calls"
    return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root folder with an installed sample of the configuration."""
    folder = tmp_path / "root folder"
    (folder / "usr/local/etc/hello").mkdir(parents=True)
    (folder / "usr/local/etc/hello/hello.toml.sample").write_text("sample\n")
    return folder


def test_accounts_are_made_below_the_root_that_pkg_names(tmp_path: Path, root: Path) -> None:
    script = pack(freebsd(tmp_path)).script("pre-install")
    assert run(script, root).returncode == 0
    assert calls(root) == [
        f"pw -R {root} groupshow hello",
        f"pw -R {root} groupadd -n hello",
        f"pw -R {root} usershow hello",
        f"pw -R {root} useradd -n hello -g hello -c hello services -d /var/db/hello -s /usr/sbin/nologin -w no",
    ]
    assert run(script, root, PKG_ROOTDIR="/").returncode == 0
    assert calls(root)[4] == "pw groupshow hello"


def test_every_user_is_made_and_the_first_has_the_folder_of_state(tmp_path: Path, root: Path) -> None:
    (one,) = sample.project(tmp_path / "p").services
    found = pack(freebsd(tmp_path, services=(one, replace(one, name="other", user="_other"))))
    assert run(found.script("pre-install"), root).returncode == 0
    assert [call.split()[-1] for call in calls(root) if "groupadd" in call] == ["_other", "hello"]
    assert found.whole["users"] == ["_other", "hello"]
    assert found.whole["directories"]["/var/db/hello"]["uname"] == "hello"
    assert {"/usr/local/etc/rc.d/other", "/usr/local/etc/rc.d/hello_server"} < set(found.members)


def test_root_needs_no_account(tmp_path: Path) -> None:
    services = tuple(replace(each, user="root") for each in sample.project(tmp_path / "p").services)
    found = pack(freebsd(tmp_path, services=services))
    assert "pre-install" not in found.whole["scripts"]
    assert "users" not in found.whole
    assert found.whole["directories"]["/var/db/hello"] == {"uname": "root", "gname": "wheel", "perm": "0750"}


def test_configuration_is_copied_once_and_outlives_the_package_when_it_was_changed(tmp_path: Path, root: Path) -> None:
    found = pack(freebsd(tmp_path))
    file = root / "usr/local/etc/hello/hello.toml"
    assert run(found.script("post-install"), root).returncode == 0
    assert file.read_text() == "sample\n"
    file.write_text("mine\n")
    for name in ("post-install", "pre-deinstall"):
        assert run(found.script(name), root).returncode == 0
        assert file.read_text() == "mine\n"
    file.write_text("sample\n")
    assert run(found.script("pre-deinstall"), root).returncode == 0
    assert not file.exists()


def test_links_of_the_administrator_are_left_alone(tmp_path: Path, root: Path) -> None:
    found = pack(freebsd(tmp_path))
    file = root / "usr/local/etc/hello/hello.toml"
    file.symlink_to("nowhere")
    for name in ("post-install", "pre-deinstall"):
        assert run(found.script(name), root).returncode == 0
    assert file.is_symlink()


@pytest.mark.parametrize(
    ("variables", "stops"),
    [({"PKG_ROOTDIR": "/"}, True), ({"PKG_ROOTDIR": "/", "PKG_UPGRADE": "true"}, False), ({}, False)],
)
def test_services_stop_when_the_package_goes_for_good(tmp_path: Path, root: Path, variables: dict[str, str], stops: bool) -> None:
    script = pack(freebsd(tmp_path)).script("pre-deinstall")
    assert run(script, root, **variables).returncode == 0
    assert calls(root) == (["service hello_server onestatus", "service hello_server onestop"] if stops else [])


def test_a_package_without_services_and_configuration_has_no_scripts(tmp_path: Path, stage_tree: StageTree) -> None:
    found = packed(tmp_path, stage_tree, {"bin/hello": (0o755, b"#!/bin/sh\n")}, services=())
    assert "scripts" not in found.whole


def test_a_file_at_the_place_of_an_rc_script_is_refused(tmp_path: Path, stage_tree: StageTree) -> None:
    made: Release = freebsd(tmp_path, name="rc.d", variants=(Variant(name="complete", components=("programs",)),))
    stage_tree(made, made.cells[0], {"bin/hello-server": (0o755, b"#!/bin/sh\n"), "etc/rc.d/hello_server": (0o644, b"")})
    with pytest.raises(ConfigError, match=r"rc\.d/hello_server"):
        pack(made)
