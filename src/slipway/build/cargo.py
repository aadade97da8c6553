"""Plan the compiling of the cargo components: one Step per platform and cargo invocation."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from slipway.build import cross
from slipway.build.accept import Delivery
from slipway.build.compile import Compile
from slipway.build.invocation import Invocation
from slipway.build.preflight import Preflight
from slipway.build.rule import Rule
from slipway.build.toolchain import choose
from slipway.build.workspace import ROOT_FILES, inherited_flags
from slipway.components import CargoComponent
from slipway.config.crates import find_root
from slipway.errors import ConfigError
from slipway.model import Project, Release
from slipway.platforms import Platform
from slipway.steps import Step, unique
from slipway.symbols import can_split
from slipway.trees import select

STAGE = "compile-platform"
Group = tuple[CargoComponent, ...]


def plan_compile(release: Release) -> tuple[Step, ...]:
    """One Step per platform and cargo invocation; components of one workspace and profile share an invocation."""
    groups = _groups(release.project)
    preflight = Preflight.of(release)
    inputs = [_inputs(release, group) for group in groups]
    steps = [
        _step(release, platform, here, files, preflight, key=f"{platform.id}.{here[0].name}" if len(groups) > 1 else platform.id)
        for platform in release.compiled
        for group, files in zip(groups, inputs, strict=True)
        if (here := _compiled_here(group, platform))
    ]
    return unique(steps)


def platforms_of(release: Release) -> tuple[Platform, ...]:
    """Every platform that the release can be made for."""
    return tuple({cell.platform.id: cell.platform for cell in release.matrix}.values())


def source_files(release: Release, root: Path, patterns: Sequence[str]) -> tuple[Path, ...]:
    """The files below a folder that decide what is built, without anything that was built."""
    skip = {*release.paths.made, root / "target", release.project.file}
    return tuple(path for name in select(root, patterns, skip=skip) if (path := root / name).is_file())


def _groups(project: Project) -> list[Group]:
    groups: dict[object, list[CargoComponent]] = {}
    for part in project.components:
        if isinstance(part, CargoComponent):
            same = (part.path, part.profile, part.features, part.default_features, part.arguments)
            groups.setdefault(same, []).append(part)
    return [tuple(group) for group in groups.values()]


def _compiled_here(group: Group, platform: Platform) -> Group:
    """The components of a group that are not built elsewhere; where others come from is no setting of the compiler."""
    return tuple(replace(part, prebuilt={}) for part in group if platform.id not in part.prebuilt)


def _step(
    release: Release, platform: Platform, group: Group, inputs: tuple[Path, ...], preflight: Preflight, *, key: str
) -> Step:
    project, way = release.project, choose(release, platform)
    deliveries = _deliveries(release, platform, group)
    call = Invocation(
        project=project.name,
        version=str(release.version),
        epoch=release.epoch,
        components=group,
        platform=platform,
        way=way,
        rustflags=project.on(platform).rustflags,
        inherited=inherited_flags(),
        toolchain=os.environ.get("RUSTUP_TOOLCHAIN", ""),
        # A container's build scripts need the container's libc, so the two never share a folder.
        target_dir=release.paths.state / "target" / (f"{platform.id}-cross" if way.name == "cross" else platform.id),
        symbols="strip" if project.symbols == "separate" and not can_split(platform) else project.symbols,
    )
    rule = Rule.of(release, platform)
    return Step(
        stage=STAGE,
        key=key,
        doc=f"Compile {', '.join(part.name for part in group)} for {platform.id}",
        run=Compile(call=call, deliveries=deliveries, rule=rule, preflight=preflight),
        inputs=inputs,
        outputs=tuple(path for each in deliveries for path in each.outputs),
        late=tuple(path for path in (find_root(group[0].path) / "Cargo.lock",) if path not in inputs),
        needs=rule.needs,
    )


def _deliveries(release: Release, platform: Platform, group: Group) -> tuple[Delivery, ...]:
    owners: dict[str, str] = {}
    for part in group:
        for name in part.binaries:
            if (other := owners.setdefault(name, part.name)) != part.name:
                raise ConfigError(f"{other} and {part.name} would both make the binary {name}", hint="name it in one of them")
    return tuple(Delivery.of(release, platform, part.name, [f"bin/{name}" for name in part.binaries]) for part in group)


def _inputs(release: Release, group: Group) -> tuple[Path, ...]:
    folder = group[0].path
    root = find_root(folder)
    patterns = tuple(dict.fromkeys(glob for part in group for glob in part.inputs))
    # A member of a workspace may use any other member.
    base = root if patterns == ("**",) else folder
    fixed = (path for name in ROOT_FILES if (path := root / name).is_file())
    # CROSS_CONFIG may name one outside of the workspace.
    said = cross.config_file(root)
    return tuple(sorted({*source_files(release, base, patterns), *fixed, *((said,) if said else ())}))
