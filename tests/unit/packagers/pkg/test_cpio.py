"""cpio archives of the portable format."""

from __future__ import annotations

import gzip
import io
from dataclasses import replace

import pytest

from slipway.errors import SlipwayError
from slipway.packagers.entries import text_entry, with_folders
from slipway.packagers.pkg.cpio import cpio_size, header, write_cpio
from slipway.verify.odc import packed_in

ENTRIES = with_folders(
    [
        text_entry("./bin/a b'\"", b"one\n", 0o755),
        text_entry("./share/\u00e9\u6c34", b""),
        text_entry(f"./share/{'n' * 250}", b"x" * 999),
    ]
)


def archive() -> bytes:
    out = io.BytesIO()
    write_cpio(out, ENTRIES, epoch=86_400)
    return out.getvalue()


def test_what_is_written_can_be_read() -> None:
    found = list(packed_in(io.BytesIO(gzip.compress(archive()))))
    assert [(each.path, each.mode & 0o7777, each.size, each.is_folder) for each in found] == [
        (entry.path, entry.mode, entry.size, entry.is_folder) for entry in ENTRIES
    ]
    assert {(each.owner, each.time) for each in found} == {("0:0", 86_400)}
    assert next(each.data for each in found if each.path.startswith("./bin/")) == b"one\n"


def test_its_size_is_known_before_it_is_written() -> None:
    assert cpio_size(ENTRIES) == len(archive())
    assert len(archive()) % 512 == 0


@pytest.mark.parametrize(("size", "fits"), [(8**11 - 1, True), (8**11, False), (2**40, False)])
def test_a_file_of_8_gib_is_refused_with_a_way_out(size: int, fits: bool) -> None:
    entry = replace(text_entry("./usr/local/share/hello/disk.img", b""), size=size)
    if fits:
        assert b"77777777777" in header(entry, 0, 1)
        return
    with pytest.raises(SlipwayError, match=r"disk\.img has \d+ bytes.*smaller than 8 GiB") as caught:
        cpio_size([entry])
    assert caught.value.hint


def test_numbers_of_files_start_again_before_they_need_a_seventh_digit() -> None:
    entry = text_entry("./a", b"")
    assert len(header(entry, 0, 8**6 - 1)) == len(header(entry, 0, 8**6)) == len(header(entry, 0, 8**6 + 1)) == 76 + 4
