"""All crates that a source tree needs, laid beside it, so that it builds without a network."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from slipway import process
from slipway.errors import ConfigError, GateError, SlipwayError
from slipway.packagers.entries import Entry, text_entry
from slipway.packagers.source.committed import file_entry

FOLDER: Final = "vendor"
CONFIG: Final = ".cargo/config.toml"


def vendored(tree: Path, manifests: tuple[str, ...]) -> tuple[Entry, ...]:
    """Put the crates that the locked workspaces need into `vendor/` of a tree; returns them and cargo's configuration.

    `manifests` are the Cargo.toml files, relative to the tree.
    """
    if (tree / FOLDER).exists():
        raise GateError(f"the source has a folder {FOLDER} of its own", hint="leave vendored out of [source] in slipway.toml")
    first, *others = manifests
    sync = [word for other in others for word in ("--sync", other)]
    words = ["cargo", "vendor", "--locked", "--versioned-dirs", "--manifest-path", first, *sync, FOLDER]
    done = process.question(words, cwd=tree)
    if done.code != 0:
        raise SlipwayError(
            process.failure("cargo vendor", done.code, done.output),
            hint="Cargo.lock has to be committed, and every crate of the project has to lie in the source package",
        )
    return (*_crates(tree), *_config(tree, done.answer))


def _crates(tree: Path) -> Iterator[Entry]:
    for path in sorted((tree / FOLDER).rglob("*")):
        name = path.relative_to(tree).as_posix()
        if path.is_symlink():
            yield Entry(path=name, mode=0o777, link=str(path.readlink()))
        elif path.is_file():
            yield file_entry(path, name, path.stat().st_mode)


def _config(tree: Path, said: str) -> Iterator[Entry]:
    if not said.strip():
        return
    own = tree / CONFIG
    text = f"{own.read_text('utf-8').rstrip()}\n\n{said}" if own.is_file() else said
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"{CONFIG} of the source and what cargo needs to find {FOLDER}/ do not go together: {error}",
            hint=f"take the tables [source] out of {CONFIG}, or leave vendored out of [source] in slipway.toml",
        ) from error
    yield text_entry(CONFIG, text.encode())
