"""The door to the file system: whole files or none, and digests of what was written."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway import files
from slipway.errors import SlipwayError
from slipway.files import HashingWriter, copy_hashed, digest_file, digest_file_cached, explained, remove_tree, write_atomic


@given(parts=st.lists(st.binary(max_size=300), max_size=6))
def test_what_is_written_is_there_and_hashed(tmp_path_factory: pytest.TempPathFactory, parts: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("files") / "deep/er/file"
    with HashingWriter(path, "sha256", "md5") as out:
        for part in parts:
            assert out.write(memoryview(part)) == len(part)
    data = b"".join(parts)
    assert path.read_bytes() == data
    assert (out.size, out.tell()) == (len(data), len(data))
    assert out.digests() == {"sha256": hashlib.sha256(data).hexdigest(), "md5": hashlib.md5(data).hexdigest()}


def test_nothing_is_under_the_name_until_all_is_written(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with HashingWriter(path) as out:
        out.write(b"new")
        out.flush()
        assert path.read_text() == "old"
    assert path.read_text() == "new"


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_a_failure_leaves_nothing_behind(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def fail() -> None:
        with HashingWriter(path, "sha256") as out:
            out.write(b"half")
            raise error

    with pytest.raises(type(error)):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o644, 0o755, 0o600])
def test_modes_do_not_depend_on_the_umask(tmp_path: Path, mode: int) -> None:
    before = os.umask(0o077)
    try:
        write_atomic(tmp_path / "file", b"x", mode=mode)
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o7777 == mode


def test_many_writers_of_one_file_leave_one_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    texts = [bytes([65 + number]) * 100_000 for number in range(8)]
    threads = [threading.Thread(target=write_atomic, args=(path, text)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() in texts
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "quota"),
        (errno.EACCES, "change the owner or the mode"),
        (errno.EROFS, "read-only"),
        (errno.EIO, "check the folder"),
    ],
)
def test_a_refusal_of_the_system_says_what_to_do(tmp_path: Path, number: int, hint: str) -> None:
    with pytest.raises(SlipwayError, match="cannot write") as caught, explained(tmp_path / "file"):
        raise OSError(number, os.strerror(number))
    assert str(tmp_path / "file") in caught.value.message
    assert hint in str(caught.value.hint)


def test_a_file_in_the_way_of_a_folder_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(SlipwayError, match=r"cannot write .*file/below"):
        write_atomic(tmp_path / "file/below", b"x")


def test_a_full_disk_while_writing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def write(self, _data: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self) -> None: ...

    real = os.fdopen

    def full(handle: int, mode: str) -> Any:
        real(handle, mode).close()
        return Full()

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(SlipwayError, match="No space left") as caught:
        write_atomic(tmp_path / "file", b"x")
    assert "doit clean" in str(caught.value.hint)
    assert list(tmp_path.iterdir()) == []


def test_a_copy_is_hashed_and_gets_its_mode(tmp_path: Path) -> None:
    data = os.urandom(3_000_000)
    (tmp_path / "source").write_bytes(data)
    size, digests = copy_hashed(tmp_path / "source", tmp_path / "to/target", "sha256", mode=0o755)
    assert (size, digests) == (len(data), {"sha256": hashlib.sha256(data).hexdigest()})
    assert (tmp_path / "to/target").read_bytes() == data
    assert (tmp_path / "to/target").stat().st_mode & 0o777 == 0o755


def test_digests_of_files(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    assert digest_file(path) == hashlib.sha256(b"abc").hexdigest()
    assert digest_file(path, "md5") == hashlib.md5(b"abc").hexdigest()


def test_a_digest_is_remembered_until_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    with HashingWriter(path, "sha256") as out:
        out.write(b"abc")
    read: list[Path] = []

    def reading(path: Path) -> str:
        read.append(path)
        return digest_file(path)

    monkeypatch.setattr(files, "digest_file", reading)
    assert digest_file_cached(str(path), path.stat()) == hashlib.sha256(b"abc").hexdigest()
    assert read == []
    path.write_bytes(b"abcd")
    for _ in range(2):
        assert digest_file_cached(str(path), path.stat()) == hashlib.sha256(b"abcd").hexdigest()
    assert read == [path]


def test_a_copy_makes_both_digests_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "source").write_bytes(b"abc")
    _, digests = copy_hashed(tmp_path / "source", tmp_path / "target", mode=0o644)
    monkeypatch.setattr(files, "digest_file", lambda path: pytest.fail(f"{path} is read again"))
    for path in (tmp_path / "source", tmp_path / "target"):
        assert digest_file_cached(str(path), path.stat()) == digests["sha256"] == hashlib.sha256(b"abc").hexdigest()


def test_removing_trees_files_links_and_nothing(tmp_path: Path) -> None:
    (tmp_path / "tree/deep").mkdir(parents=True)
    (tmp_path / "tree/deep/file").write_text("x")
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to("kept")
    (tmp_path / "file").write_text("x")
    for name in ("tree", "link", "file", "nothing"):
        remove_tree(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
