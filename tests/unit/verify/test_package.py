"""validate-package: silent about what is whole, and naming every kind of tampering."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import sample
from slipway.contents import Contents
from slipway.errors import VerificationError
from slipway.files import digest_file
from slipway.manifest import Artifact, Manifest, load_record, record, record_path
from slipway.model import Release
from slipway.packagers.archive import plan_archives
from slipway.packagers.checksums import plan_checksums
from slipway.packagers.deb import plan_debs
from slipway.verify.deb import ar_members
from slipway.verify.package import inspect, plan_package_validation, validate
from slipway.verify.scripts import powershell_faults

LINUX = "hello-1.2.3-linux-amd64-complete.tar.gz"
WINDOWS = "hello-1.2.3-windows-amd64-complete.zip"
DEB = "binaries/hello_1.2.3_amd64.deb"
PLATFORMS = ("linux-amd64", "windows-amd64", "freebsd-amd64")


def packed(root: Path) -> Release:
    """The sample release, laid out with the right line ends, packed, listed, with an installer."""
    made = sample.release(root)
    made = replace(made, platforms=tuple(row for row in made.platforms if row.id in PLATFORMS))
    for cell in made.cells:
        contents = sample.stage(made, cell)
        if cell.platform.newline == "\r\n":
            for file in contents.files:
                path = made.staged(cell) / file.path
                if not file.path.startswith("bin/"):
                    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
            relist(made, contents)
    script = made.paths.installers / "install.sh"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\necho install\n")
    script.chmod(0o755)
    digests = {"sha256": digest_file(script)}
    size = script.stat().st_size
    made_of = Artifact(
        kind="installer", name=script.name, path="installers/install.sh", size=size, digests=digests, media_type="x"
    )
    record(record_path(made, script.name), made.base, made_of)
    for step in (steps := (*plan_archives(made), *plan_debs(made))):
        step.run()
    plan_checksums(made, "all", steps).run()
    return made


def relist(made: Release, contents: Contents) -> None:
    folder = made.paths.dist / contents.name
    files = tuple(
        replace(
            file,
            size=(folder / file.path).stat().st_size,
            sha256=digest_file(folder / file.path),
            md5=digest_file(folder / file.path, "md5"),
        )
        for file in contents.files
    )
    (made.paths.dist / f"{contents.name}.contents.json").write_bytes(replace(contents, files=files).dump())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return packed(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def root(whole: Release, tmp_path: Path) -> Path:
    """A copy of the whole release's outputs, to spoil."""
    shutil.copytree(whole.paths.root, tmp_path / "out")
    return tmp_path / "out"


def found(folder: Path) -> str:
    return "\n".join(str(finding) for finding in validate(folder))


def admit(root: Path, path: str) -> None:
    """Make the lists agree with a spoiled file, so that only looking inside can tell."""
    packages = root / "packages"
    manifest = Manifest.load(packages / "manifest.json")
    artifacts = tuple(
        replace(each, size=(packages / path).stat().st_size, digests={"sha256": digest_file(packages / path)})
        if each.path == path
        else each
        for each in manifest.artifacts
    )
    old = {each.path: each.digests["sha256"] for each in manifest.artifacts}
    (packages / "manifest.json").write_bytes(replace(manifest, artifacts=artifacts).dump())
    for name in ("checksums.sha256", "SHA256SUMS"):
        text = (packages / name).read_text()
        (packages / name).write_text(text.replace(old[path], digest_file(packages / path)))


@pytest.mark.req("S0-39")
def test_what_is_whole_has_no_findings(whole: Release) -> None:
    assert found(whole.paths.packages) == ""
    assert found(whole.paths.dist) == ""
    for step in plan_package_validation(whole):
        step.run()


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def link(path: Path) -> None:
    path.rename(path.with_name("moved"))
    path.symlink_to("moved")


@pytest.mark.parametrize("path", [LINUX, WINDOWS, DEB, "installers/install.sh"])
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (flip, "it has another sha256 digest than the manifest says"),
        (truncate, "bytes, the manifest says"),
        (Path.unlink, "it is missing"),
        (link, "it is a link"),
    ],
)
def test_a_spoiled_artifact_is_named(root: Path, path: str, spoil: Callable[[Path], None], message: str) -> None:
    spoil(root / "packages" / path)
    lines = found(root / "packages").splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"{path}: ")
    assert message in lines[0]


def test_two_swapped_files_are_both_named(root: Path) -> None:
    one, two = root / "packages" / LINUX, root / "packages" / WINDOWS
    data = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(data)
    assert {line.split(":")[0] for line in found(root / "packages").splitlines()} == {LINUX, WINDOWS}


@pytest.mark.parametrize("name", ["checksums.sha256", "SHA256SUMS"])
@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda text: text.replace("a", "b", 1), "its digest of"),
        (lambda text: text.partition("\n")[2], "it does not list"),
        (lambda text: text + "0" * 64 + "  packages/more\n", "which the manifest does not know"),
        (lambda text: text + text.splitlines()[0] + "\n", "it lists a file twice"),
        (lambda _text: "", "it does not list"),
    ],
)
def test_an_edited_checksum_file_is_named(root: Path, name: str, edit: Callable[[str], str], message: str) -> None:
    path = root / "packages" / name
    path.write_text(edit(path.read_text()))
    assert message in found(root / "packages")
    assert all(line.startswith(name) for line in found(root / "packages").splitlines())


def test_a_missing_checksum_file_is_named(root: Path) -> None:
    (root / "packages/SHA256SUMS").unlink()
    assert found(root / "packages") == "SHA256SUMS: it is missing"


@pytest.mark.parametrize("name", ["hello-1.2.3-linux-arm64-complete.tar.gz", "binaries/hello_1.2.3_arm64.deb", "hello-1.2.3.zip"])
def test_an_unlisted_package_is_named(root: Path, name: str) -> None:
    (root / "packages" / name).write_bytes(b"")
    assert found(root / "packages") == f"{name}: it is not in the manifest: nobody checks, signs or publishes it"


def test_packages_of_other_releases_are_left_alone(root: Path) -> None:
    (root / "packages/hello-1.2.2-linux-amd64-complete.tar.gz").write_bytes(b"")
    assert found(root / "packages") == ""


@pytest.mark.parametrize("text", ["", "{}", '{"name": "x"}'])
def test_a_broken_manifest_is_named(root: Path, text: str) -> None:
    (root / "packages/manifest.json").write_text(text)
    assert "manifest.json" in found(root / "packages")


@pytest.mark.parametrize("path", ["../outside.tar.gz", "/etc/passwd", "other-name.tar.gz"])
def test_a_manifest_that_points_elsewhere_is_named(root: Path, path: str) -> None:
    (root / "outside.tar.gz").write_bytes(b"")
    data = json.loads((root / "packages/manifest.json").read_text())
    data["artifacts"][0]["path"] = path
    (root / "packages/manifest.json").write_text(json.dumps(data))
    assert "is not one inside the folder" in found(root / "packages")


def test_an_artifact_that_is_listed_twice_is_named(root: Path) -> None:
    data = json.loads((root / "packages/manifest.json").read_text())
    data["artifacts"].append(data["artifacts"][0])
    (root / "packages/manifest.json").write_text(json.dumps(data))
    assert "it lists binaries/" in found(root / "packages")


def repack(
    path: Path, change: Callable[[tarfile.TarInfo, bytes], tuple[tarfile.TarInfo, bytes] | None], *more: tarfile.TarInfo
) -> None:
    """Write a tar.gz again with changed members."""
    out = io.BytesIO()
    with tarfile.open(path) as old, tarfile.open(fileobj=out, mode="w:gz") as new:
        for each in old:
            file = old.extractfile(each)
            if (kept := change(each, b"" if file is None else file.read())) is not None:
                kept[0].size = len(kept[1])
                new.addfile(kept[0], io.BytesIO(kept[1]))
        for info in more:
            new.addfile(info, io.BytesIO(b"x" * info.size))
    path.write_bytes(out.getvalue())


TOP = LINUX.removesuffix(".tar.gz")


def member(name: str, **changes: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = 1, 0o644
    for key, value in changes.items():
        setattr(info, key, value)
    return info


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (member(f"{TOP}/../../etc/passwd"), "points out of the package"),
        (member("/etc/passwd"), "points out of the package"),
        (member("elsewhere"), f"elsewhere is not below {TOP}/"),
        (member(f"{TOP}/evil", type=tarfile.SYMTYPE, linkname="/etc", size=0), "evil is a link or device"),
        (member(f"{TOP}/evil", type=tarfile.LNKTYPE, linkname="../x", size=0), "evil is a link or device"),
        (member(f"{TOP}/README.md"), "is there twice"),
        (member(f"{TOP}/more"), "more is not among the distribution's files"),
    ],
)
def test_an_archive_with_more_than_it_should_hold_is_named(root: Path, more: tarfile.TarInfo, message: str) -> None:
    repack(root / "packages" / LINUX, lambda info, data: (info, data), more)
    admit(root, LINUX)
    assert message in found(root / "packages")
    assert {line.split(":")[0] for line in found(root / "packages").splitlines()} == {LINUX}


def edited(name: str, old: bytes, new: bytes) -> Callable[[tarfile.TarInfo, bytes], tuple[tarfile.TarInfo, bytes]]:
    return lambda info, data: (info, data.replace(old, new) if info.name.endswith(name) else data)


def moded(name: str, mode: int) -> Callable[[tarfile.TarInfo, bytes], tuple[tarfile.TarInfo, bytes]]:
    def change(info: tarfile.TarInfo, data: bytes) -> tuple[tarfile.TarInfo, bytes]:
        info.mode = mode if info.name.endswith(name) else info.mode
        return info, data

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (edited("README.md", b"hello", b"jello"), "README.md is not the distribution's file"),
        (edited("README.md", b"\n", b"\r\n"), "README.md has crlf line ends, not lf"),
        (moded("bin/hello", 0o644), "bin/hello cannot be run: its mode is 0644"),
        (moded("README.md", 0o600), "README.md has the mode 0600, not 0644"),
        (moded("/share", 0o700), "share is a folder with the mode 0700, not 0755"),
        (
            lambda info, data: None if info.name.endswith("README.md") else (info, data),
            "README.md of the distribution is missing",
        ),
    ],
)
def test_an_archive_that_differs_from_its_distribution_is_named(
    root: Path, change: Callable[[tarfile.TarInfo, bytes], tuple[tarfile.TarInfo, bytes] | None], message: str
) -> None:
    repack(root / "packages" / LINUX, change)
    admit(root, LINUX)
    assert message in found(root / "packages")


def test_without_distributions_an_archive_is_still_looked_into(root: Path) -> None:
    shutil.rmtree(root / "dist")
    assert found(root / "packages") == ""
    repack(root / "packages" / LINUX, moded("bin/hello", 0o644))
    admit(root, LINUX)
    assert "bin/hello cannot be run" in found(root / "packages")


@pytest.mark.req("S0-52")
def test_a_zip_with_unix_lines_or_a_link_is_named(root: Path) -> None:
    path = root / "packages" / WINDOWS
    top = WINDOWS.removesuffix(".zip")
    out = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w") as new:
        for each in old.infolist():
            new.writestr(each, old.read(each).replace(b"\r\n", b"\n"))
        info = zipfile.ZipInfo(f"{top}/evil")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        new.writestr(info, "/etc")
    path.write_bytes(out.getvalue())
    admit(root, WINDOWS)
    said = found(root / "packages")
    assert "README.md has lf line ends, not crlf" in said
    assert "evil is a link or device" in said


@pytest.mark.parametrize("path", [LINUX, WINDOWS, DEB, "hello-1.2.3-freebsd-amd64-complete.tar.xz"])
@pytest.mark.parametrize("cut", [0, 20, 150])
def test_a_damaged_package_that_the_lists_agree_with_is_named(root: Path, path: str, cut: int) -> None:
    file = root / "packages" / path
    file.write_bytes(file.read_bytes()[:cut])
    admit(root, path)
    lines = found(root / "packages").splitlines()
    assert lines
    assert all(line.startswith(path) for line in lines)


def rebuild(path: Path, changes: dict[str, Callable[[bytes], bytes]], drop: str = "") -> None:
    """Write a deb again with changed members of its archives."""
    members = {name: part.read() for name, part in ar_members(io.BytesIO(path.read_bytes())).items()}
    data = b"!<arch>\n"
    for name, value in members.items():
        body = value
        if ".tar" in name:
            part = path.with_name("part.tar.gz")
            part.write_bytes(value)
            repack(part, lambda info, text: None if info.name[2:] == drop else (info, changes.get(info.name[2:], bytes)(text)))
            body = part.read_bytes()
            part.unlink()
        data += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(body):<10}`\n".encode() + body + b"\n" * (len(body) % 2)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("usr/bin/hello", lambda data: data + b"#", "usr/bin/hello has another digest than md5sums says"),
        ("md5sums", lambda data: data.partition(b"\n")[2], "is not in md5sums"),
        ("md5sums", lambda data: data + b"0" * 32 + b"  usr/more\n", "usr/more is in md5sums, but not in the package"),
        ("conffiles", lambda _data: b"", "etc/hello/hello.toml is not in conffiles"),
        ("conffiles", lambda data: data + b"/etc/more\n", "etc/more is in conffiles, but not in the package"),
        ("control", lambda data: data.replace(b"Maintainer", b"Maintained"), "its control file has no Maintainer"),
        ("control", lambda data: data.replace(b"1.2.3", b"1.2.4"), "its control file calls it hello_1.2.4_amd64.deb"),
        ("usr/lib/hello/greetings.txt", lambda data: data + b"?", "lib/hello/greetings.txt of the distribution is not in it"),
    ],
)
def test_a_deb_that_contradicts_itself_is_named(root: Path, name: str, change: Callable[[bytes], bytes], message: str) -> None:
    rebuild(root / "packages" / DEB, {name: change})
    admit(root, DEB)
    assert message in found(root / "packages")


def test_names_with_spaces_are_no_fault(tmp_path: Path) -> None:
    made = sample.release(tmp_path)
    cell = sample.cell(made, "linux-amd64-complete")
    contents = sample.stage(made, cell)
    config = next(file for file in contents.files if file.path.startswith("etc/"))
    for name in ("etc/hello/a  b.toml", "share/hello/c d"):
        path = made.staged(cell) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((made.staged(cell) / config.path).read_bytes())
        contents = replace(contents, files=(*contents.files, replace(config, path=name)))
    made.contents(cell).write_bytes(contents.dump())
    made = replace(made, platforms=(cell.platform,), variants=(cell.variant,))
    for step in (steps := (*plan_archives(made), *plan_debs(made))):
        step.run()
    plan_checksums(made, "all", steps).run()
    assert found(made.paths.packages) == ""


def _with(name: str, mode: int, text: bytes = b"#!/bin/sh\n") -> Callable[[tarfile.TarFile], None]:
    def change(archive: tarfile.TarFile) -> None:
        info = tarfile.TarInfo(name)
        info.mode, info.size = mode, len(text)
        archive.addfile(info, io.BytesIO(text))

    return change


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        ("data.tar.gz", _with("./usr/bin/more", 0o755), "usr/bin/more is not among the distribution's files"),
        ("data.tar.gz", _with("./usr/lib/systemd/system/more.service", 0o600), "more.service has the mode 0600, not 0644"),
        ("control.tar.gz", _with("./preinst", 0o755), "preinst in its control archive is nothing that slipway makes"),
        ("control.tar.gz", _with("./postrm", 0o755, b"if\n"), "a shell cannot read its postrm"),
    ],
)
def test_a_deb_that_holds_more_than_it_should_is_named(
    root: Path, part: str, change: Callable[[tarfile.TarFile], None], message: str
) -> None:
    path = root / "packages" / DEB
    rewrite(path, part, added(change))
    admit(root, DEB)
    assert message in found(root / "packages")


def added(change: Callable[[tarfile.TarFile], None]) -> Callable[[bytes], bytes]:
    def more(packed: bytes) -> bytes:
        tar = io.BytesIO(gzip.decompress(packed))
        with tarfile.open(fileobj=tar, mode="a") as archive:
            change(archive)
        return gzip.compress(tar.getvalue())

    return more


def every(**values: object) -> Callable[[bytes], bytes]:
    """Give these values to all members of a tar.gz."""

    def change(packed: bytes) -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=io.BytesIO(packed)) as old, tarfile.open(fileobj=out, mode="w:gz") as new:
            for info in old:
                file = old.extractfile(info) if info.isreg() else None
                for key, value in values.items():
                    setattr(info, key, value)
                new.addfile(info, file)
        return out.getvalue()

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (every(mode=0o4755), "usr/bin/hello has the mode 4755, not 0755"),
        (every(mode=0o777), "./usr is a folder with the mode 0777, not 0755"),
        (every(uid=1000), "./usr/bin/hello belongs to 1000:0, not to root"),
    ],
)
def test_a_deb_with_other_modes_or_owners_is_named(root: Path, change: Callable[[bytes], bytes], message: str) -> None:
    rewrite(root / "packages" / DEB, "data.tar.gz", change)
    admit(root, DEB)
    assert message in found(root / "packages")


def test_a_deb_whose_file_lies_elsewhere_is_named(root: Path) -> None:
    path = root / "packages" / DEB
    rewrite(path, "data.tar.gz", lambda packed: every_name(packed, "usr/lib/hello/", "usr/lib/hallo/"))
    admit(root, DEB)
    said = found(root / "packages")
    assert "lib/hello/greetings.txt of the distribution is not in it" in said
    assert "usr/lib/hallo/greetings.txt is not among the distribution's files" in said


def every_name(packed: bytes, old: str, new: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(packed)) as source, tarfile.open(fileobj=out, mode="w:gz") as target:
        for info in source:
            file = source.extractfile(info) if info.isreg() else None
            info.name = info.name.replace(old, new)
            target.addfile(info, file)
    return out.getvalue()


def rewrite(path: Path, part: str, change: Callable[[bytes], bytes]) -> None:
    """Write a deb again with one of its parts changed."""
    with path.open("rb") as file:
        parts = {name: each.read() for name, each in ar_members(file).items()}
    parts[part] = change(parts[part])
    data = b"!<arch>\n"
    for name, body in parts.items():
        data += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(body):<10}`\n".encode() + body + b"\n" * (len(body) % 2)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda data: data[:-4], "it ends in the middle"),
        (lambda data: data[:-6] + bytes([data[-6] ^ 1]) + data[-5:], "it is damaged"),
        (lambda data: data + b"more", "there is something behind its end"),
        (lambda data: gzip.compress(gzip.decompress(data) + b"more" * 128), "there is something behind the end of the archive"),
    ],
)
def test_an_archive_is_checked_to_its_very_end(root: Path, spoil: Callable[[bytes], bytes], message: str) -> None:
    path = root / "packages" / LINUX
    path.write_bytes(spoil(path.read_bytes()))
    admit(root, LINUX)
    assert message in found(root / "packages")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"uid": 1000}, "belongs to 1000:0, not to root"),
        ({"gid": 1000}, "belongs to 0:1000, not to root"),
    ],
)
def test_an_archive_of_another_owner_is_named(root: Path, values: dict[str, object], message: str) -> None:
    path = root / "packages" / LINUX
    path.write_bytes(every(**values)(path.read_bytes()))
    admit(root, LINUX)
    assert message in found(root / "packages")


def test_an_empty_folder_too_much_is_named(root: Path) -> None:
    path = root / "packages" / LINUX
    folder = tarfile.TarInfo("hello-1.2.3-linux-amd64-complete/more")
    folder.type, folder.mode = tarfile.DIRTYPE, 0o755
    path.write_bytes(added(lambda archive: archive.addfile(folder))(path.read_bytes()))
    admit(root, LINUX)
    assert "hello-1.2.3-linux-amd64-complete/more is a folder of no file of the distribution" in found(root / "packages")


@pytest.mark.req("S0-39")
def test_lists_that_agree_on_a_lie_are_told_by_what_was_noted_when_packing(root: Path) -> None:
    path = root / "packages/installers/install.sh"
    path.write_text("#!/bin/sh\necho other\n")
    admit(root, "installers/install.sh")
    assert "installers/install.sh: it is not what slipway made" in found(root / "packages")
    shutil.rmtree(root / ".slipway")
    assert found(root / "packages") == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"platform": "amiga"}, "it is for amiga, which is no platform"),
        ({"digests": {"sha256": "0" * 64, "sha999": "0"}}, "a digest of it that nobody can check: sha999"),
        ({"digests": {"sha256": "0" * 64, "shake_128": "0"}}, "a digest of it that nobody can check: shake_128"),
        ({"path": f"./{LINUX}"}, "its path in the manifest is not one inside the folder"),
        ({"path": "", "name": ""}, "its path in the manifest is not one inside the folder"),
    ],
)
def test_a_manifest_that_says_odd_things_is_named(root: Path, change: dict[str, object], message: str) -> None:
    file = root / "packages/manifest.json"
    manifest = json.loads(file.read_text())
    next(each for each in manifest["artifacts"] if each["name"] == LINUX).update(change)
    file.write_text(json.dumps(manifest))
    assert message in found(root / "packages")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": "9.9.9"}, f"{LINUX}: its name is not one of hello 9.9.9"),
        ({"version": "9.9.9"}, f"{DEB}: its version is 1.2.3, not 9.9.9"),
        ({"schema": 99}, "is a manifest of schema 99"),
    ],
)
def test_a_manifest_of_something_else_is_named(root: Path, change: dict[str, object], message: str) -> None:
    file = root / "packages/manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    assert message in found(root / "packages")


def test_a_manifest_that_cannot_be_read_is_named(root: Path) -> None:
    file = root / "packages/manifest.json"
    file.write_text("[" * 100_000)
    assert "is not a manifest" in found(root / "packages")
    file.unlink()
    file.mkdir()
    assert "is not a manifest" in found(root / "packages")


def test_packages_behind_a_link_are_named(root: Path) -> None:
    (root / "packages/binaries").rename(root / "elsewhere")
    (root / "packages/binaries").symlink_to(root / "elsewhere")
    assert f"{DEB}: it is in a folder that is a link" in found(root / "packages")


def test_a_checksum_file_with_windows_lines_is_named(root: Path) -> None:
    path = root / "packages/SHA256SUMS"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert "SHA256SUMS: it does not list" in found(root / "packages")


def test_a_deb_without_a_part_is_named(root: Path) -> None:
    path = root / "packages" / DEB
    path.write_bytes(path.read_bytes()[:72])
    admit(root, DEB)
    assert f"{DEB}: it holds debian-binary, not debian-binary, control.tar and data.tar" in found(root / "packages")


@pytest.mark.parametrize(
    ("text", "mode", "message"),
    [
        ("if then\n", 0o755, "a shell cannot read it"),
        ("echo\n", 0o644, "its mode lacks x"),
        (f"echo {LINUX} {'0' * 64}\n", 0o755, f"it knows another digest of {LINUX}: it was made for another build"),
    ],
)
def test_an_installer_that_cannot_install_is_named(root: Path, text: str, mode: int, message: str) -> None:
    path = root / "packages/installers/install.sh"
    path.write_text(text)
    path.chmod(mode)
    admit(root, "installers/install.sh")
    assert message in found(root / "packages")


def test_an_installer_for_windows_is_read(root: Path) -> None:
    script = root / "packages/installers/install.ps1"
    digest = digest_file(root / "packages" / WINDOWS)
    for text, message in {
        f"& {{ '{WINDOWS} {digest}' }} @{{}}\n": "",
        f"& {{ '{WINDOWS} {'0' * 64}' }} @{{}}\n": f"it knows another digest of {WINDOWS}",
        f"& {{ '{WINDOWS} {digest}'": "it is not whole",
        "& { 'Grüße' } @{}\n": "letters beyond ASCII",
    }.items():
        script.write_text(text, "utf-8")
        # As if slipway had made it in the place of the other one.
        made = Artifact(kind="installer", name=script.name, path="", size=0, digests={}, media_type="")
        said = list(powershell_faults(script, made, root / "dist", Manifest.load(root / "packages/manifest.json")))
        assert [message in one for one in said] == ([True] if message else [])


def rename(path: Path) -> None:
    path.rename(path.with_name("renamed"))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (flip, "README.md: it has changed"),
        (truncate, "README.md: it has changed"),
        (Path.unlink, "README.md: it is missing"),
        (link, "README.md: it is a link"),
        (rename, "renamed: it is not among the distribution's files"),
        (lambda path: path.chmod(0o600), "README.md: its mode is not 0644 any more"),
        (lambda path: path.with_name("evil").symlink_to("/etc"), "evil: it is not among the distribution's files"),
    ],
)
def test_a_changed_distribution_is_named(root: Path, spoil: Callable[[Path], None], message: str) -> None:
    spoil(root / "dist" / TOP / "README.md")
    assert f"{TOP}/{message}" in found(root / "dist")


def test_a_broken_contents_file_is_named(root: Path) -> None:
    (root / "dist" / f"{TOP}.contents.json").write_text("{}")
    assert f"{TOP}.contents.json" in found(root / "dist")


def test_an_empty_folder_is_no_release(tmp_path: Path) -> None:
    assert "nothing has been made" in found(tmp_path)
    assert "nothing has been made" in found(tmp_path / "not there")


def test_all_findings_are_in_one_error(root: Path) -> None:
    flip(root / "packages" / LINUX)
    (root / "packages" / DEB).unlink()
    with pytest.raises(VerificationError) as caught:
        inspect(root / "packages").conclude()
    assert caught.value.exit_code == 4
    assert LINUX in caught.value.message
    assert DEB in caught.value.message


def test_the_step_fails_where_packages_are_missing_but_not_where_dist_is(whole: Release, tmp_path: Path) -> None:
    paths = replace(whole.paths, packages=tmp_path / "packages", dist=tmp_path / "dist")
    packages, dist = plan_package_validation(replace(whole, paths=paths))
    with pytest.raises(VerificationError, match="nothing has been made"):
        packages.run()
    dist.run()
    assert load_record(record_path(whole, LINUX)).artifact.name == LINUX
