"""The same input for all: programs of this machine, laid out as two variants of one distribution."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from slipway.binaries import read_binary
from slipway.components import CargoComponent, CommandComponent
from slipway.contents import Contents, File
from slipway.files import digest_file
from slipway.manifest import Built, record_built
from slipway.model import Cell, InstallRules, Paths, PlatformSettings, Project, Release, TestRules, Variant, VersionRule
from slipway.platforms import DOCUMENTED, PLATFORMS, Platform
from slipway.rules import DebRules, SbomRules
from slipway.version import Version

EPOCH: Final = 1_767_225_600
_PLACES: Final = ("~/.cargo/bin", "~/.rustup/toolchains/*/lib", "~/.rustup/toolchains/*/bin", "/usr/bin", "/usr/lib/*-linux-gnu")
_LARGEST: Final = 16 << 20


def stage(folder: Path, size: int) -> Release:
    """Lay out `size` bytes of programs as `complete` and a third of them as `minimal`, each with some texts."""
    release = _release(folder)
    programs = dict(_programs(size))
    for cell in release.cells:
        share = size if cell.variant.name == "complete" else size // 3
        _lay_out(release, cell, _some(programs, share))
    return release


def _some(programs: Mapping[str, bytes], size: int) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for name, data in programs.items():
        if sum(len(each) for each in found.values()) + len(data) <= size or not found:
            found[name] = data
    return found


def _programs(size: int) -> Iterator[tuple[str, bytes]]:
    """ELF files of this machine, each once, until there are enough."""
    seen: set[int] = set()
    total = 0
    for path in _candidates():
        if total >= size:
            return
        stat = path.stat()
        if path.is_symlink() or stat.st_ino in seen or not 100_000 < stat.st_size < min(_LARGEST, size - total + 200_000):
            continue
        data = path.read_bytes()
        if data.startswith(b"\x7fELF"):
            seen.add(stat.st_ino)
            total += len(data)
            yield path.name, data


def _candidates() -> Iterator[Path]:
    for place in _PLACES:
        pattern = Path(place).expanduser()
        yield from sorted(path for path in Path("/").glob(f"{str(pattern)[1:]}/*") if path.is_file())


def _lay_out(release: Release, cell: Cell, programs: Mapping[str, bytes]) -> None:
    texts = {f"lib/bench/module{number}.nu": f"# module {number}\n".encode() * 60 for number in range(200)}
    _write(release, cell, {f"lib/bench/bin/{name}": data for name, data in programs.items()} | texts)


def _write(release: Release, cell: Cell, tree: Mapping[str, bytes]) -> None:
    files = []
    for name, data in sorted(tree.items()):
        path = release.staged(cell) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        mode = 0o755 if data.startswith(b"\x7fELF") else 0o644
        path.chmod(mode)
        os.utime(path, (EPOCH, EPOCH))
        digest, md5 = hashlib.sha256(data).hexdigest(), hashlib.md5(data, usedforsecurity=False).hexdigest()
        files.append(File(path=name, mode=mode, size=len(data), sha256=digest, md5=md5))
    contents = Contents(name=release.name_of(cell), platform=cell.platform.id, variant=cell.variant.name, files=tuple(files))
    release.contents(cell).write_bytes(contents.dump())


def stage_matrix(folder: Path, size: int) -> Release:
    """Lay out two variants for every documented platform, each with another program of `size` bytes and two texts."""
    release = _release(folder, tuple(PLATFORMS[name] for name in DOCUMENTED))
    head = Path("/bin/true").read_bytes()
    code = max((path for path in _candidates() if path.name.startswith("librustc_driver")), key=lambda path: path.stat().st_size)
    with code.open("rb") as file:
        for number, cell in enumerate(release.cells):
            file.seek(number * 12 << 20)
            # It begins as a program that can be read; what comes behind it is as hard to compress as any.
            program = head + file.read(size - len(head))
            texts = {"README.md": b"# app\n" * 50, "LICENSE": b"Apache-2.0\n" * 50}
            _write(release, cell, {f"lib/bench/app{cell.platform.exe}": program, **texts})
    for platform in release.platforms:
        cells = (cell for cell in release.cells if cell.platform == platform)
        # What a build notes of its programs, so that nothing that packs has to look into them.
        record_built(release.facts(platform, "programs"), release.base, [_built(release, cell) for cell in cells])
    return release


def with_crates(release: Release, number: int) -> Release:
    """The same release with a Rust program that depends on so many of the crates whose sources cargo keeps on this machine."""
    folder = release.project.root / "rust"
    folder.mkdir(parents=True, exist_ok=True)
    found = [match for path in _crates() if (match := re.fullmatch(r"(.+?)-(\d+\.\d+\.\d+.*)", path.name))]
    crates = list({match[1]: match[2] for match in found}.items())[:number]
    lines = ["version = 4", _package("app", "1.0.0", "", [name for name, _ in crates])]
    lines += [_package(name, version, hashlib.sha256(name.encode()).hexdigest(), []) for name, version in crates]
    (folder / "Cargo.lock").write_text("\n\n".join(lines))
    wanted = "".join(f'{name} = "{version}"\n' for name, version in crates)
    (folder / "Cargo.toml").write_text(f'[package]\nname = "app"\nversion = "1.0.0"\n[dependencies]\n{wanted}')
    part = CargoComponent(name="app", path=folder, package="app", binaries=("app",))
    rules = SbomRules(formats=("cyclonedx", "spdx"))
    return replace(release, project=replace(release.project, components=(part,), sbom=rules))


def _package(name: str, version: str, checksum: str, needs: list[str]) -> str:
    source = f'source = "registry+https://github.com/rust-lang/crates.io-index"\nchecksum = "{checksum}"\n' if checksum else ""
    listed = "".join(f' "{need}",\n' for need in sorted(needs))
    return f'[[package]]\nname = "{name}"\nversion = "{version}"\n{source}dependencies = [\n{listed}]'


def _crates() -> list[Path]:
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    return sorted(home.glob("registry/src/*/*"))


def _built(release: Release, cell: Cell) -> Built:
    place = f"lib/bench/app{cell.platform.exe}"
    path = release.staged(cell) / place
    facts = read_binary(path)
    assert facts is not None
    size, digest = path.stat().st_size, digest_file(path)
    return Built(path=place, platform=cell.platform.id, component="programs", size=size, sha256=digest, facts=facts)


def _release(folder: Path, platforms: tuple[Platform, ...] = (PLATFORMS["linux-amd64"],)) -> Release:
    part = CommandComponent(name="programs", path=folder, command=("true",), outputs={"bin/bench": "bench"})
    project = Project(
        file=folder / "slipway.toml",
        root=folder,
        name="bench",
        summary="Something to pack",
        description="",
        license="Apache-2.0",
        maintainer="Bench <bench@example.org>",
        homepage="",
        documents=(),
        components=(part,),
        variants=tuple(Variant(name=name, components=("programs",)) for name in ("complete", "minimal")),
        platforms=platforms,
        # All tools make the same format of archives.
        settings={"freebsd-amd64": PlatformSettings(archives=("tar.gz",))},
        packages=("deb", "rpm"),
        services=(),
        version=VersionRule(source="value", value="1.0.0"),
        install=InstallRules(),
        # What the programs of this machine need is not the question here.
        deb=DebRules(depends=("libc6",)),
        tests=TestRules(),
        checksums=("sha256",),
        compression=6,
    )
    paths = Paths.under(folder / "out")
    return Release(
        project=project, version=Version("1.0.0"), paths=paths, platforms=platforms, variants=project.variants, epoch=EPOCH
    )
