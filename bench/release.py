"""What releasing costs: the changelog of a long history, many files into a bucket, and publishing what is published already."""

from __future__ import annotations

from typing import Final

from bench import changelog, noop, upload

PARTS: Final = ("changelog", "upload", "noop")


def compare(pairs: int, size: int, part: str = "") -> None:
    """Print the tables, or one of them; `size` is that of a file to upload, in MiB."""
    for number, name in enumerate((part,) if part else PARTS):
        print("\n" if number else "", end="")
        if name == "changelog":
            changelog.compare(pairs)
        elif name == "upload":
            upload.compare(pairs, size)
        else:
            noop.compare(pairs)
