"""The scripts that install for users: whether they can be run, and whether they know the archives beside them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from slipway import process
from slipway.manifest import Artifact, Manifest

# What every script for Windows of ours ends with: the arguments of its one block, without which it does nothing.
_WHOLE: Final = "}"


def shell_faults(path: Path, _artifact: Artifact | None, _dist: Path, manifest: Manifest | None) -> Iterator[str]:
    """Find what is wrong with a script for a POSIX shell."""
    if not path.stat().st_mode & 0o111:
        yield "it cannot be run: its mode lacks x"
    done = process.run(["sh", "-n", path], check=False)
    if done.code != 0:
        yield f"a shell cannot read it: {done.output.strip()}"
    yield from _stale(path.read_text("utf-8", "replace"), manifest)


def powershell_faults(path: Path, artifact: Artifact | None, _dist: Path, manifest: Manifest | None) -> Iterator[str]:
    """Find what is wrong with a script for PowerShell, of which there may be none here: only its letters and its end are read."""
    text = path.read_text("utf-8", "replace")
    if artifact is not None and not text.isascii():
        yield "Windows PowerShell 5.1 would read letters beyond ASCII in another code page"
    if not text.rstrip().endswith(_WHOLE):
        yield "it is not whole: its end is missing"
    yield from _stale(text, manifest)


def _stale(text: str, manifest: Manifest | None) -> Iterator[str]:
    """Archives of the same release whose digests the script does not know: it would refuse them."""
    for made in manifest.artifacts if manifest is not None else ():
        if made.kind == "archive" and made.name in text and made.digests["sha256"] not in text:
            yield f"it knows another digest of {made.name}: it was made for another build"
