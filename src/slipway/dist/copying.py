"""Copy files into a tree of their own: fixed modes and times, hashed while they are copied, lines ended as asked."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from slipway.contents import File
from slipway.errors import SlipwayError
from slipway.files import CHUNK, explained

# Larger files are taken for data.
TEXT_LIMIT: Final = 8 << 20
_SHELL: Final = frozenset({".sh", ".bash", ".zsh", ".ksh", ".fish"})
_WORDS: Final = """
    adoc bat bib cfg cmd cnf conf css csv desktop dockerfile env fish bash ksh sh zsh go graphql hcl htm html ini j2 jinja
    jinja2 js json jsonc json5 k kcl lock log lua markdown md mdx mod nu nuon path plist properties proto ps1 psd1 psm1 py
    rb rs rst scss service socket sql tera tex text tf tfvars timer tmpl toml ts tsv txt vbs xml xsd yaml yml
"""
TEXT: Final = frozenset(f".{word}" for word in _WORDS.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file to copy: from where, to which place below the tree, with which mode; `verbatim` keeps every byte."""

    path: Path
    to: str
    mode: int
    verbatim: bool = False


def copy_all(sources: Iterable[Source], root: Path, *, epoch: int, newline: str = "") -> tuple[File, ...]:
    """Copy files below a new folder and return them sorted; `newline` ends the lines of text, empty leaves them alone."""
    with explained(root):
        root.mkdir(parents=True)
    files = []
    for source in sorted(sources, key=lambda source: source.to):
        target = root / source.to
        with explained(target):
            target.parent.mkdir(parents=True, exist_ok=True)
        files.append(_copy(source, target, epoch, "" if source.verbatim else newline))
    for folder, _, _ in os.walk(root, topdown=False):
        Path(folder).chmod(0o755)
        os.utime(folder, (epoch, epoch))
    return tuple(files)


def is_text_name(name: str) -> bool:
    """Whether a file's suffix says that it is text."""
    return PurePosixPath(name).suffix.lower() in TEXT


def end_lines(name: str, data: bytes, newline: str) -> bytes:
    """Give text the line ends of a platform; anything that is not surely text is returned as it is.

    Scripts keep LF everywhere: no shell reads CRLF, nor the line that names an interpreter, and on Windows they run inside Git
    Bash or WSL.
    """
    suffix = PurePosixPath(name).suffix.lower()
    if not newline or (suffix and suffix not in TEXT) or b"\0" in data or not is_utf8(data):
        return data
    plain = data.replace(b"\r\n", b"\n")
    if suffix in _SHELL or plain.startswith(b"#!"):
        return plain
    return plain.replace(b"\n", newline.encode()) if newline != "\n" else plain


def is_utf8(data: bytes) -> bool:
    """Whether bytes can be read as UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _copy(source: Source, target: Path, epoch: int, newline: str) -> File:
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    size = 0
    with explained(target), target.open("xb") as out:
        for data in _read(source, newline):
            out.write(data)
            sha256.update(data)
            md5.update(data)
            size += len(data)
    target.chmod(source.mode)
    os.utime(target, (epoch, epoch))
    return File(path=source.to, mode=source.mode, size=size, sha256=sha256.hexdigest(), md5=md5.hexdigest())


def _read(source: Source, newline: str) -> Iterator[bytes]:
    try:
        with source.path.open("rb") as file:
            first = file.read(TEXT_LIMIT + 1)
            yield end_lines(source.to, first, newline) if newline and len(first) <= TEXT_LIMIT else first
            while data := file.read(CHUNK):
                yield data
    except OSError as error:
        hint = "run the stage before again" if isinstance(error, FileNotFoundError) else "check the file's owner and mode"
        raise SlipwayError(f"cannot read {source.path}: {error.strerror}", hint=hint) from error
