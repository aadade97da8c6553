"""Bills of materials, read back by a reader that shares nothing with their writer."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sample
from slipway.packagers.pkg.bom import Item, bill
from slipway.packagers.pkg.cksum import cksum
from slipway.verify.bill import Listed, listed_in

FOLDER, FILE = 0o040000, 0o100000


def tree(paths: list[str], size: int = 5) -> list[Item]:
    """Files and the folders above them, as a payload has them; each file has a checksum of its own."""
    above = {"/".join(path.split("/")[:end]) for path in paths for end in range(1, path.count("/") + 1)} | {"."}
    files = [Item(path, 0o644, size, 1000 + number, False) for number, path in enumerate(paths)]
    return sorted((*(Item(path, 0o755, 0, 0, True) for path in above), *files), key=lambda item: item.path.split("/"))


def expected(item: Item) -> Listed:
    mode = (FOLDER if item.is_folder else FILE) | item.mode
    return Listed(item.path, mode, "0:0", sample.EPOCH, item.size, item.checksum)


@pytest.mark.req("S0-50")
@pytest.mark.parametrize("count", [0, 1, 253, 254, 255, 256, 257, 510, 511, 5000])
def test_every_file_is_listed_whatever_number_of_leaves_they_need(count: int) -> None:
    items = tree([f"./usr/local/share/f{number:05}" for number in range(count)])
    found = listed_in(bill(items, epoch=sample.EPOCH))
    assert found == {item.path: expected(item) for item in items}


def test_folders_of_many_levels_keep_their_files_apart() -> None:
    items = tree([f"./{'/'.join('abc'[: 1 + number % 3])}/{number}/same" for number in range(300)])
    assert listed_in(bill(items, epoch=sample.EPOCH)) == {item.path: expected(item) for item in items}


@pytest.mark.parametrize("size", [0, 2**32 - 1, 2**32, 8**11 - 1])
def test_sizes_beyond_32_bits_have_a_list_of_their_own(size: int) -> None:
    items = tree(["./usr/one", "./usr/two"], size)
    assert [each.size for each in listed_in(bill(items, epoch=0)).values() if each.mode & FILE] == [size, size]


_NAME = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=40).filter(
    lambda name: name not in {".", ".."}
)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(_NAME, min_size=2, max_size=4).map(lambda parts: "./" + "/".join(parts)), max_size=12, unique=True))
def test_any_names_come_back(paths: list[str]) -> None:
    folders = {"/".join(path.split("/")[:end]) for path in paths for end in range(1, path.count("/") + 1)}
    items = tree([path for path in paths if path not in folders])
    assert listed_in(bill(items, epoch=7)).keys() == {item.path for item in items}


def test_the_same_files_make_the_same_bytes_in_any_order() -> None:
    items = tree([f"./a/{number}" for number in range(600)])
    assert bill(items, epoch=1) == bill(items[::-1], epoch=1)


@pytest.mark.parametrize("data", [b"", b"hello\n", bytes(range(256)) * 3, b"x" * 70_000])
def test_checksums_are_those_that_cksum_prints(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    said = subprocess.run(["cksum", path], capture_output=True, text=True, check=True).stdout.split()
    pieces = [data[start : start + 999] for start in range(0, len(data), 999)]
    assert str(cksum(pieces)) == said[0]
