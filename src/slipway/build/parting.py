"""Part programs from their symbols, after they were built and before they are signed, checked and placed."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from slipway.build.rule import Rule
from slipway.contents import Contents, File
from slipway.files import copy_hashed, remove_tree, write_atomic
from slipway.platforms import Platform
from slipway.symbols import can_split, is_strippable, split, strip


@dataclass(frozen=True, slots=True)
class Parted:
    """The files to place, and the symbols that were taken out of them, by the same places: their own place and their file."""

    files: Mapping[str, Path]
    symbols: Mapping[str, tuple[str, Path]] = field(default_factory=dict)


@contextmanager
def parting(built: Mapping[str, Path], rule: Rule, *, whole: Collection[str]) -> Iterator[Parted]:
    """Give every file as the project wants it: itself, or a copy without symbols that goes away at the end.

    Those at the places `whole` carry more behind the program, which stripping would cut off.
    """
    if rule.symbols not in {"strip", "separate"}:
        yield Parted(built)
        return
    with TemporaryDirectory() as folder:
        files, symbols = dict(built), {}
        for number, (to, path) in enumerate(built.items()):
            if to in whole or not is_strippable(path):
                continue
            files[to] = copy = Path(folder) / str(number) / path.name
            copy.parent.mkdir()
            shutil.copy(path, copy)
            if rule.symbols == "separate" and can_split(rule.platform):
                symbols[to] = split(copy, to)
            else:
                strip(copy, rule.platform)
        yield Parted(files, symbols)


def keep_symbols(listed: Path, platform: Platform, component: str, symbols: Mapping[str, tuple[str, Path]]) -> None:
    """Put the symbols of a component's programs into the folder beside their list, and write the list."""
    folder = symbols_folder(listed)
    remove_tree(folder)
    files = []
    for place, path in sorted(symbols.values()):
        size, digests = copy_hashed(path, folder / place, "md5", mode=0o644)
        files.append(File(path=place, mode=0o644, size=size, sha256=digests["sha256"], md5=digests["md5"]))
    found = Contents(name=component, platform=platform.id, variant="", files=tuple(sorted(files, key=lambda file: file.path)))
    write_atomic(listed, found.dump())


def symbols_folder(listed: Path) -> Path:
    """The folder of the files that a list of symbols names."""
    return listed.with_suffix("")
