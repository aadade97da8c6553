"""A release of many small files, for tests and measurements of publishing."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import sample
from slipway.environments import Environment, PointerRules, StoreRules
from slipway.manifest import Artifact, Manifest
from slipway.model import Release

# What a store is asked for; the first is what an action that has to look at a file must not do one by one.
CALLS = ("listing", "put", "digest", "reread", "copy")


def make(root: Path, count: int, *stores: StoreRules, state: str) -> Release:
    """A release whose packages/ hold so many files, and its environment `local` with these stores."""
    pointers = tuple(
        PointerRules(name="latest.txt", store=each.name, form="copy", to="{folder}/file-0000.txt") for each in stores
    )
    local = Environment(name="local", stores=stores, pointers=pointers, state=state, tag="none", install=False)
    project = sample.project(root / "project", environments=(local,))
    release = replace(sample.release(root, project=project), platforms=project.platforms[:1], variants=project.variants[:1])
    cell = release.cells[0]
    artifacts = []
    for number in range(count):
        path = release.paths.packages / f"file-{number:04}.txt"
        data = f"file {number}\n".encode() * 20
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        artifacts.append(
            Artifact(
                kind="archive",
                name=path.name,
                path=path.name,
                size=len(data),
                digests={"sha256": hashlib.sha256(data).hexdigest()},
                media_type="text/plain",
                platform=cell.platform.id,
                variant=cell.variant.name,
            )
        )
    manifest = Manifest(name=project.name, version=str(release.version), epoch=release.epoch, artifacts=tuple(artifacts))
    (release.paths.packages / "manifest.json").write_bytes(manifest.dump())
    return release


@contextmanager
def counted(*kinds: type[Any]) -> Iterator[Counter[str]]:
    """Count inside the block what stores of these kinds are asked for."""
    found: Counter[str] = Counter()
    before = {(kind, name): getattr(kind, name) for kind in kinds for name in CALLS}

    def counting(name: str, call: Any) -> Any:
        def count(store: Any, *words: Any) -> Any:
            found[f"{store.name} {name}"] += 1
            return call(store, *words)

        return count

    for (kind, name), call in before.items():
        setattr(kind, name, counting(name, call))
    try:
        yield found
    finally:
        for (kind, name), call in before.items():
            setattr(kind, name, call)
