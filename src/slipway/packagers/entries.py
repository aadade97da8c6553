"""What goes into a package: staged files, made texts and the folders above them, in the one order of all formats."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway.deflated import Gzip
from slipway.errors import VerificationError
from slipway.files import CHUNK, Sink

# Lists of checksums and of conffiles have a line per name; unzip takes a backslash for a slash.
_UNFIT: Final = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")
_UNFIT_WINDOWS: Final = re.compile(
    _UNFIT.pattern + r"|[<>:\"|?*]|[. ](?:/|$)|(?:^|/)(?:con|prn|aux|nul|com[1-9]|lpt[1-9])(?:\.[^/]*)?(?:/|$)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file, a folder or a link of a package; `path` has forward slashes and no slash at the end.

    A file's bytes come from `source`, and then have to have the digest `sha256`, or they are `data`. A `link` is what a
    symbolic link says; only tar files hold them. `role` says what the file is for in an installation: bin, lib, share, doc,
    config, unit, license or manual.
    """

    path: str
    mode: int
    size: int = 0
    source: Path | None = None
    sha256: str = ""
    md5: str = ""
    role: str = ""
    data: bytes = b""
    is_folder: bool = False
    link: str = ""

    def chunks(self) -> Iterator[bytes]:
        """The file's bytes; raises VerificationError at the end when they are not those that were staged."""
        return iter((self.data,)) if self.source is None else _verified(self, self.source)

    def write_to(self, out: Sink) -> None:
        """Write the file's bytes to a sink; every format writes through here, so that all share what is deflated once."""
        if isinstance(out, Gzip) and self.source is not None:
            out.file(self.sha256, self.size, self.chunks)
            return
        for chunk in self.chunks():
            out.write(chunk)


def text_entry(path: str, data: bytes, mode: int = 0o644) -> Entry:
    """A file that the packager makes itself."""
    return Entry(path=path, mode=mode, size=len(data), data=data)


def require_fit(paths: Iterable[str], family: str) -> None:
    """Raise VerificationError for names that systems of a family, or the lists and the programs in between, cannot hold."""
    unfit = _UNFIT_WINDOWS if family == "windows" else _UNFIT
    if found := [path for path in paths if unfit.search(path)]:
        listed = "".join(f"\n  {path!r}" for path in found[:20])
        raise VerificationError(
            f"{len(found)} names cannot be packed for {family or 'any system'}:{listed}",
            hint="rename the files, or exclude them from their component in slipway.toml: no backslashes and control characters, "
            'and for Windows none of <>:"|?*, no dots or spaces at the end, no device names',
        )


def with_folders(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Add the folders above the entries; a folder comes before what it holds."""
    files = tuple(entries)
    parts = {tuple(entry.path.split("/")[:-1]) for entry in files}
    folders = {"/".join(path[:end]) for path in parts for end in range(1, len(path) + 1)}
    made = (Entry(path=folder, mode=0o755, is_folder=True) for folder in folders)
    return tuple(sorted((*made, *files), key=lambda entry: entry.path.split("/")))


def _verified(entry: Entry, source: Path) -> Iterator[bytes]:
    seen, size = hashlib.sha256(), 0
    try:
        with source.open("rb") as file:
            while chunk := file.read(CHUNK):
                seen.update(chunk)
                size += len(chunk)
                if size > entry.size:
                    break
                yield chunk
    except FileNotFoundError as error:
        raise _changed(source, "is gone") from error
    if size != entry.size or seen.hexdigest() != entry.sha256:
        raise _changed(source, "has changed")


def _changed(source: Path, how: str) -> VerificationError:
    return VerificationError(
        f"{source} {how} since the distribution was laid out",
        hint="doit clean-dist removes it, and the same command lays it out again",
    )
