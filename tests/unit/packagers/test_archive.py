"""Archives: the documented names, the files that were staged and nothing else, the same bytes every time."""

from __future__ import annotations

import hashlib
import io
import pickle
import re
import stat
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import brotli
import py7zr
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

import sample
from slipway.contents import Contents
from slipway.errors import ConfigError, VerificationError
from slipway.manifest import load_record
from slipway.model import Cell, PlatformSettings, Release
from slipway.packagers import planned_names
from slipway.packagers.archive import ARCHIVES, plan_archives
from slipway.packagers.entries import Entry, text_entry, with_folders
from slipway.packagers.tar import tar_size, write_tar
from slipway.packagers.zip import dos_time, write_zip
from slipway.steps import Step, unique

StageTree = Callable[..., Contents]
Found = dict[str, tuple[str, int, bytes]]


def in_formats(root: Path, *formats: str, platform: str = "linux-amd64") -> Release:
    made = sample.release(root)
    project = replace(made.project, settings={platform: PlatformSettings(archives=formats)})
    return replace(made, project=project, platforms=tuple(row for row in made.platforms if row.id == platform))


def step_of(made: Release, key: str) -> Step:
    return next(step for step in plan_archives(made) if step.key == key)


def read_tar(path: Path) -> Found:
    data = path.read_bytes()
    if path.name.endswith(".zst"):
        data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
    if path.name.endswith(".br"):
        data = brotli.decompress(data)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {each.name: ("dir" if each.isdir() else "file", each.mode, _bytes(archive, each)) for each in archive}


def _bytes(archive: tarfile.TarFile, each: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(each)
    return b"" if file is None else file.read()


def read_zip(path: Path) -> Found:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {
            each.filename.rstrip("/"): (
                "dir" if stat.S_ISDIR(each.external_attr >> 16) else "file",
                stat.S_IMODE(each.external_attr >> 16),
                archive.read(each),
            )
            for each in archive.infolist()
        }


def read_7z(path: Path) -> Found:
    class Kept(io.BytesIO):
        def close(self) -> None:
            """Its bytes are still wanted."""

        def size(self) -> int:
            return len(self.getvalue())

    class Factory(dict[str, Kept]):
        def create(self, name: str) -> Kept:
            return self.setdefault(name, Kept())

    with py7zr.SevenZipFile(path) as archive:
        archive.extract(factory=(made := Factory()))
        return {
            each.filename: (
                "dir" if each.is_directory else "file",
                each.posix_mode or 0,
                b"" if each.is_directory else made[each.filename].getvalue(),
            )
            for each in archive.files
        }


READERS: dict[str, Callable[[Path], Found]] = {".zip": read_zip, ".7z": read_7z}


def read(path: Path) -> Found:
    return READERS.get(path.suffix, read_tar)(path)


@pytest.mark.req("S0-5")
def test_the_documented_names(tmp_path: Path) -> None:
    made = sample.release(tmp_path)
    project = replace(made.project, name="provisioning")
    made = replace(made, project=project, version=replace(made.version, text="2.1.0"))
    names = {step.outputs[0].name for step in plan_archives(made)}
    assert names >= {
        "provisioning-2.1.0-linux-amd64-complete.tar.gz",
        "provisioning-2.1.0-macos-arm64-minimal.tar.gz",
        "provisioning-2.1.0-windows-amd64-complete.zip",
        "provisioning-2.1.0-freebsd-amd64-minimal.tar.xz",
    }
    assert len(names) == 12
    assert set(planned_names(made)["archive"]) == names


@pytest.mark.req("S0-7", "S0-50", "S0-52")
def test_an_archive_holds_the_distribution_below_one_folder(staged: Release) -> None:
    for step in plan_archives(staged):
        step.run()
        path = step.outputs[0]
        assert path.parent == staged.paths.packages
        cell = sample.cell(staged, step.key.partition(".")[0])
        top, folder = staged.name_of(cell), staged.staged(cell)
        found = read(path)
        assert {name.split("/")[0] for name in found} == {top}
        files = {name.removeprefix(f"{top}/"): value for name, value in found.items() if value[0] == "file"}
        listed = Contents.load(staged.contents(cell)).files
        assert files == {file.path: ("file", file.mode, (folder / file.path).read_bytes()) for file in listed}
        folders = {name for name, value in found.items() if value[0] == "dir"}
        assert {name.rpartition("/")[0] for name in found} - {""} == folders
        assert all(found[name][1] == 0o755 for name in folders)


def test_the_record_says_what_the_file_is(staged: Release) -> None:
    made = replace(staged, project=replace(staged.project, checksums=("md5",)))
    step = step_of(made, "windows-amd64-minimal.zip")
    step.run()
    record = load_record(step.outputs[1])
    data = step.outputs[0].read_bytes()
    assert record.release == "hello-1.2.3"
    assert record.artifact.size == len(data)
    assert record.artifact.digests == {"sha256": hashlib.sha256(data).hexdigest(), "md5": hashlib.md5(data).hexdigest()}
    assert (record.artifact.platform, record.artifact.variant) == ("windows-amd64", "minimal")
    assert (record.artifact.path, record.artifact.media_type) == (step.outputs[0].name, "application/zip")
    assert re.fullmatch(r"deflate \d+\.\d+\.\d+, level 6", record.artifact.tools["libdeflate"])


def test_members_are_sorted_owned_by_root_and_of_the_release_s_time(tmp_path: Path, staged: Release) -> None:
    step = step_of(staged, "linux-amd64-complete.tar.gz")
    step.run()
    with tarfile.open(step.outputs[0]) as archive:
        members = archive.getmembers()
    assert [each.name.split("/") for each in members] == sorted(each.name.split("/") for each in members)
    assert {(each.uid, each.gid, each.uname, each.gname, each.mtime) for each in members} == {
        (0, 0, "root", "root", sample.EPOCH)
    }
    assert all(each.pax_headers == {} for each in members), "plain names need no extension"


NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="/\\\0", exclude_categories=("Cc", "Cs")), min_size=1, max_size=40
).filter(lambda name: name.strip(". ") != "" and len(name.encode()) < 200)
TREES = st.dictionaries(
    st.lists(NAMES, min_size=1, max_size=4).map("/".join),
    st.tuples(st.sampled_from((0o644, 0o755)), st.binary(max_size=2000)),
    max_size=8,
).filter(lambda tree: not any(f"{other}/" in f"{name}/" and other != name for name in tree for other in tree))


@settings(max_examples=40, deadline=None)
@given(tree=TREES, suffix=st.sampled_from(sorted(ARCHIVES)))
def test_any_tree_comes_back_and_twice_the_same(tree: dict[str, Any], suffix: str, stage_tree: StageTree) -> None:
    packed = []
    for mtime in (0, 1_000_000_000):
        with tempfile.TemporaryDirectory() as folder:
            made = in_formats(Path(folder), suffix)
            cell = made.cells[0]
            stage_tree(made, cell, tree, mtime)
            step = plan_archives(made)[0]
            step.run()
            packed.append(step.outputs[0].read_bytes())
            found = {name: value[1:] for name, value in read(step.outputs[0]).items() if value[0] == "file"}
            assert found == {f"{made.name_of(cell)}/{name}": value for name, value in tree.items()}
    assert packed[0] == packed[1]


HARD = {
    "a b/c d.txt": (0o644, b"spaces"),
    "empty": (0o644, b""),
    "bin/-rf": (0o755, b"dash"),
    "päth/ünï.txt": (0o644, b"unicode"),
    "日本/語.md": (0o644, b"more"),
    "x" * 100: (0o644, b"100"),
    "y" * 180: (0o644, b"180"),
    "/".join(["deep" * 10] * 6): (0o755, b"deep"),
    "/".join(["deeper" * 15] * 4 + ["é" * 70]): (0o644, b"more than 255"),
    "block": (0o644, b"b" * 512),
    "mega": (0o644, bytes(range(256)) * 9000),
}


@pytest.mark.parametrize("suffix", ARCHIVES)
def test_hard_names_work_in_every_format(suffix: str, tmp_path: Path, stage_tree: StageTree) -> None:
    made = in_formats(tmp_path, suffix)
    stage_tree(made, made.cells[0], HARD)
    step = plan_archives(made)[0]
    step.run()
    found = {name: value[1:] for name, value in read(step.outputs[0]).items() if value[0] == "file"}
    assert found == {f"{made.name_of(made.cells[0])}/{name}": value for name, value in HARD.items()}


def test_the_system_s_tar_unpacks_hard_names(tmp_path: Path, stage_tree: StageTree) -> None:
    made = in_formats(tmp_path, "tar.gz")
    stage_tree(made, made.cells[0], HARD)
    step = plan_archives(made)[0]
    step.run()
    subprocess.run(
        ["tar", "-xzf", step.outputs[0], "-C", tmp_path], check=True, env={"LC_ALL": "C.UTF-8", "PATH": "/bin:/usr/bin"}
    )
    top = tmp_path / made.name_of(made.cells[0])
    assert {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*") if path.is_file()} == {
        name: data for name, (_, data) in HARD.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("suffix", "command"),
    [
        ("tar.gz", ["busybox", "tar", "-xzf"]),
        ("tar.xz", ["tar", "-xJf"]),
        ("tar.zst", ["tar", "--zstd", "-xf"]),
        ("zip", ["unzip", "-q"]),
    ],
)
def test_other_programs_unpack_hard_names(suffix: str, command: list[str], tmp_path: Path, stage_tree: StageTree) -> None:
    # busybox knows ustar and no pax: a name that ustar cannot hold is beyond it.
    tree = {name: value for name, value in HARD.items() if command[0] != "busybox" or len(name.encode()) < 130}
    made = in_formats(tmp_path, suffix)
    stage_tree(made, made.cells[0], tree)
    step = plan_archives(made)[0]
    step.run()
    out = tmp_path / "unpacked"
    out.mkdir()
    subprocess.run([*command, str(step.outputs[0])], check=True, cwd=out, env={"LC_ALL": "C.UTF-8", "PATH": "/bin:/usr/bin"})
    top = out / made.name_of(made.cells[0])
    found = {
        str(path.relative_to(top)): (path.stat().st_mode & 0o777, path.read_bytes()) for path in top.rglob("*") if path.is_file()
    }
    assert found == tree


def _edit(path: Path) -> None:
    path.write_bytes(path.read_bytes().swapcase())


def _grow(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x" * 4_000_000)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("spoil", [_edit, _grow, _cut, Path.unlink])
@pytest.mark.parametrize("key", ["linux-amd64-complete.tar.gz", "windows-amd64-complete.zip", "freebsd-amd64-complete.tar.xz"])
def test_a_file_changed_behind_our_back_stops_the_packing(staged: Release, key: str, spoil: Callable[[Path], None]) -> None:
    folder = staged.staged(sample.cell(staged, key.partition(".")[0]))
    spoil(folder / "README.md")
    step = step_of(staged, key)
    with pytest.raises(VerificationError, match=r"README\.md (has changed|is gone)") as caught:
        step.run()
    assert caught.value.exit_code == 4
    assert not staged.paths.packages.exists() or list(staged.paths.packages.iterdir()) == []


@pytest.mark.parametrize(
    ("key", "name", "fit"),
    [
        ("linux-amd64-complete", "share/a: b?.txt ", True),
        ("linux-amd64-complete", "share/aux", True),
        ("linux-amd64-complete", "share/new\nline", False),
        ("linux-amd64-complete", "share/back\\slash", False),
        ("linux-amd64-complete", "share/delete\x7f", False),
        ("windows-amd64-complete", "share/auxiliary.txt", True),
        ("windows-amd64-complete", "share/a:b", False),
        ("windows-amd64-complete", "share/what?", False),
        ("windows-amd64-complete", "share/dot./x", False),
        ("windows-amd64-complete", "share/space ", False),
        ("windows-amd64-complete", "share/Aux.txt", False),
        ("windows-amd64-complete", "com1/x", False),
    ],
)
def test_names_that_a_system_cannot_hold_are_refused(
    tmp_path: Path, stage_tree: StageTree, key: str, name: str, fit: bool
) -> None:
    made = sample.release(tmp_path)
    cell = sample.cell(made, key)
    stage_tree(made, cell, {name: (0o644, b"x")})
    step = next(step for step in plan_archives(made) if step.key.startswith(key))
    if fit:
        step.run()
        return
    with pytest.raises(VerificationError, match="1 names cannot be packed for") as caught:
        step.run()
    assert repr(name) in str(caught.value)
    assert not step.outputs[0].exists()


def test_an_unknown_format_is_refused_while_planning(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"platforms\.linux-amd64\.archives: unknown archive format 'rar'") as caught:
        plan_archives(in_formats(tmp_path, "rar"))
    assert "tar.zst" in str(caught.value.hint)


def test_several_formats_of_one_platform(tmp_path: Path) -> None:
    steps = plan_archives(in_formats(tmp_path, "tar.gz", "tar.zst", "zip"))
    assert [step.key for step in unique(steps)][:3] == [
        f"linux-amd64-complete.{suffix}" for suffix in ("tar.gz", "tar.zst", "zip")
    ]


def test_steps_can_be_sent_away_and_say_what_decides_their_bytes(tmp_path: Path) -> None:
    made = sample.release(tmp_path)
    step = plan_archives(made)[0]
    assert pickle.loads(pickle.dumps(step)) == step
    other = plan_archives(replace(made, epoch=5))[0]
    assert step.settings != other.settings
    assert step.settings == plan_archives(replace(made, jobs=7, verbose=True))[0].settings


@pytest.mark.parametrize("gnu", [True, False])
def test_the_size_of_a_tar_is_known_before_it_is_written(gnu: bool) -> None:
    entries = with_folders(text_entry(f"top/{name}", data, mode) for name, (mode, data) in HARD.items())
    out = io.BytesIO()
    write_tar(out, entries, epoch=1, gnu=gnu)
    assert len(out.getvalue()) == tar_size(entries, gnu=gnu)


def test_a_size_that_octal_cannot_say_goes_into_pax() -> None:
    from slipway.packagers.tar import header

    data = header(Entry(path="big", mode=0o644, size=9 << 30), 0)
    with tarfile.open(fileobj=io.BytesIO(data + bytes(1024))) as archive:
        assert archive.next().size == 9 << 30  # type: ignore[union-attr]


def small_zip(entries: list[Entry]) -> bytes:
    out = io.BytesIO()
    write_zip(out, entries, epoch=sample.EPOCH, compression=6)
    return out.getvalue()


@pytest.mark.parametrize("limit", [200, 20])
def test_zip64(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slipway.packagers.zip.ZIP64_FROM", limit)
    entries = [text_entry(f"file{number}", b"some text " * (number + 1)) for number in range(30)]
    with zipfile.ZipFile(io.BytesIO(small_zip(entries))) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {each.path: each.data for each in entries}


def test_more_files_than_a_short_zip_can_count() -> None:
    entries = [text_entry(f"{number:05}", b"") for number in range(66_000)]
    with zipfile.ZipFile(io.BytesIO(small_zip(entries))) as archive:
        assert len(archive.namelist()) == 66_000
        assert archive.namelist()[-1] == "65999"


def test_a_big_file_is_streamed_into_a_zip(monkeypatch: pytest.MonkeyPatch, staged: Release) -> None:
    monkeypatch.setattr("slipway.compress.SPLICED_FROM", 3)
    step = step_of(staged, "windows-amd64-complete.zip")
    step.run()
    top = staged.name_of(sample.cell(staged, "windows-amd64-complete"))
    assert read_zip(step.outputs[0])[f"{top}/README.md"] == ("file", 0o644, b"# hello\n")


@pytest.mark.parametrize(
    ("epoch", "date"),
    [
        (0, (1980, 1, 1, 0, 0, 0)),
        (sample.EPOCH, (2026, 1, 1, 0, 0, 0)),
        (1_700_000_001, (2023, 11, 14, 22, 13, 20)),
        (2**40, (2107, 12, 31, 23, 59, 58)),
    ],
)
def test_zip_times_begin_in_1980(epoch: int, date: tuple[int, ...]) -> None:
    time, day = dos_time(epoch)
    found = ((day >> 9) + 1980, day >> 5 & 15, day & 31, time >> 11, time >> 5 & 63, (time & 31) * 2)
    assert found == date


def test_each_staged_file_is_read_once(staged: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []
    real = Path.open

    def spy(self: Path, *arguments: Any, **named: Any) -> Any:
        opened.append(self)
        return real(self, *arguments, **named)

    monkeypatch.setattr(Path, "open", spy)
    cell: Cell = sample.cell(staged, "linux-amd64-complete")
    step_of(staged, "linux-amd64-complete.tar.gz").run()
    read_files = sorted(path for path in opened if path.is_relative_to(staged.staged(cell)))
    assert read_files == sorted(path for path in staged.staged(cell).rglob("*") if path.is_file())


@pytest.mark.slow
def test_a_file_of_more_than_four_gibibytes_goes_into_a_zip(tmp_path: Path) -> None:
    size = (4 << 30) + 5
    path = tmp_path / "big"
    with path.open("wb") as file:
        file.truncate(size)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    entries = [Entry(path="top/big", mode=0o644, size=size, source=path, sha256=digest), text_entry("top/small", b"small")]
    with (tmp_path / "big.zip").open("wb") as out:
        write_zip(out, entries, epoch=sample.EPOCH, compression=1)
    with zipfile.ZipFile(tmp_path / "big.zip") as archive:
        assert archive.getinfo("top/big").file_size == size
        assert archive.read("top/small") == b"small"
    subprocess.run(["unzip", "-tq", tmp_path / "big.zip"], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.req("S0-51")
@pytest.mark.parametrize("suffix", ["tar.gz", "tar.xz", "tar.zst", "tar.br", "7z", "zip"])
def test_an_archive_has_the_level_that_its_platform_says(suffix: str, tmp_path: Path, stage_tree: StageTree) -> None:
    text = b"".join(b"%d %d\n" % (number * number % 977, number % 31) for number in range(40_000))
    sizes = []
    for level in (1, 12):
        made = in_formats(tmp_path / str(level), suffix)
        settings = {"linux-amd64": PlatformSettings(archives=(suffix,), levels={suffix: level})}
        made = replace(made, project=replace(made.project, settings=settings, compression=3))
        stage_tree(made, made.cells[0], {"text": (0o644, text)})
        step = plan_archives(made)[0]
        step.run()
        assert read(step.outputs[0])[f"{made.name_of(made.cells[0])}/text"][2] == text
        sizes.append(step.outputs[0].stat().st_size)
    assert sizes[1] < sizes[0]


def test_links_are_held_by_tar_files_as_they_are(tmp_path: Path) -> None:
    long = "../" * 60 + "ünï"
    entries = with_folders([Entry(path="d/short", mode=0o777, link="../x y"), Entry(path="d/long", mode=0o777, link=long)])
    for gnu in (False, True):
        out = io.BytesIO()
        write_tar(out, entries, epoch=sample.EPOCH, gnu=gnu)
        assert len(out.getvalue()) == tar_size(entries, gnu=gnu)
        with tarfile.open(fileobj=io.BytesIO(out.getvalue())) as archive:
            found = {each.name: each.linkname for each in archive if each.issym()}
        assert found == {"d/short": "../x y", "d/long": long}
