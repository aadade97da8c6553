"""Plan and run the building of Python projects: their wheels, and programs that bring their own Python."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from slipway.build.accept import Delivery, accept
from slipway.build.cargo import STAGE, platforms_of, source_files
from slipway.build.pyinstaller import REQUIREMENT, Freezing, carried_libraries
from slipway.build.rule import Rule, paths_of
from slipway.build.venv import Environment, pins
from slipway.components import PythonComponent
from slipway.config.pyproject import FILE, read_pyproject
from slipway.contents import Contents, File
from slipway.errors import ConfigError, GateError
from slipway.files import copy_hashed, remove_tree, write_atomic
from slipway.model import Release
from slipway.platforms import Platform, host_platform
from slipway.steps import Step, unique

_LAUNCHER = """\
#!/bin/sh
self=$0
while [ -L "$self" ]; do
    to=$(readlink "$self")
    case $to in
    /*) self=$to ;;
    *) self=$(dirname "$self")/$to ;;
    esac
done
exec "$(dirname "$self")/../lib/{name}/{name}" "$@"
"""


def plan_python(release: Release) -> tuple[Step, ...]:
    """One Step per project's wheel, and one per platform and program."""
    parts = [part for part in release.project.components if isinstance(part, PythonComponent)]
    first = {part.path: part for part in reversed(parts)}
    wheels = {path: _wheel(release, part) for path, part in first.items()}
    frozen = (_freeze(release, part, row, wheels[part.path]) for part in parts for row in _platforms(release, part))
    return unique((*wheels.values(), *frozen))


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeWheel:
    """Build a project's wheel from a copy of its files, `files` below `source`; `version` is what it must say."""

    component: str
    source: Path
    files: tuple[str, ...]
    python: str
    requirements: str
    version: str
    epoch: int
    scratch: Path
    target: Path

    def __call__(self) -> None:
        """Build, compare the name with what is expected, and put the wheel in its place."""
        remove_tree(self.scratch)
        copy = self.scratch / "source"
        for name in self.files:
            _copy(self.source / name, copy / name, self.epoch)
        environment = Environment.make(
            self.python, self.scratch / "venv", why=f"component {self.component}", variables=self._variables()
        )
        environment.pip("wheel", "--no-deps", "--wheel-dir", self.scratch / "made", copy)
        made = next((self.scratch / "made").iterdir())
        self._compare(made.name)
        copy_hashed(made, self.target, mode=0o644)
        remove_tree(self.scratch)

    def _variables(self) -> dict[str, str]:
        # Backends that ask git find none beside the copy; these are how they are told.
        told = dict.fromkeys(("SETUPTOOLS_SCM_PRETEND_VERSION", "PDM_BUILD_SCM_VERSION"), self.version)
        found = {**_reproducible(self.epoch), **told}
        if self.requirements:
            constraints = self.scratch / "constraints.txt"
            write_atomic(constraints, pins(self.source / self.requirements).encode())
            found |= {"PIP_CONSTRAINT": str(constraints), "PIP_BUILD_CONSTRAINT": str(constraints)}
        return found

    def _compare(self, made: str) -> None:
        told, wanted = made.split("-"), self.target.name.split("-")
        owner = f"component {self.component}"
        if told[1] != wanted[1]:
            raise ConfigError(
                f"{owner}: its wheel has version {told[1]}, and this release has {self.version}",
                hint=f"write {self.version} into {FILE}, or where that takes the version from, or leave VERSION out",
            )
        if told != wanted:
            raise ConfigError(
                f"{owner}: its wheel is {made}, and only {self.target.name} runs everywhere",
                hint="slipway releases wheels of pure Python; kind = 'command' runs any other build",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """Make a program that brings its own Python, and for the form `onedir` the folder that it needs."""

    component: PythonComponent
    entry: str
    wheel: Path
    epoch: int
    scratch: Path
    delivery: Delivery
    rule: Rule
    folder: Path
    contents: Path

    def __call__(self) -> None:
        """Check the machine, install the wheel where nothing else is, freeze it, check the program, put it in place."""
        self._refuse_foreign()
        remove_tree(self.scratch)
        made = Freezing(self.component, self.entry, self.wheel, self.scratch).run(self._installed())
        secrets = paths_of((self.component.path, self.scratch, Path.home()))
        carried = {self._program: carried_libraries(self.scratch)}
        if self.component.form == "onedir":
            self.contents.unlink(missing_ok=True)
            remove_tree(self.folder)
        accept(self._built(made), (self.delivery,), self.rule, paths=secrets, carried=carried)
        if self.component.form == "onedir":
            self._place_folder(made)
        remove_tree(self.scratch)

    @property
    def _program(self) -> str:
        """The place of what PyInstaller makes."""
        name = self.component.script
        return f"lib/{name}/{name}" if self.component.form == "onedir" else f"bin/{name}"

    def _refuse_foreign(self) -> None:
        if (host := host_platform()) == self.rule.platform:
            if host.family == "windows" and self.component.form == "onedir":
                raise GateError(f"component {self.component.name}: form = 'onedir' is not for Windows", hint="form = 'onefile'")
            return
        wanted = self.rule.platform.id
        raise GateError(
            f"component {self.component.name}: PyInstaller makes programs for the platform that it runs on, {host.id}, "
            f"and {wanted} was asked for",
            hint=f"PLATFORMS={host.id} builds here; run slipway on {wanted} for that, and here say where to find what it makes: "
            f"[component.{self.component.name}.prebuilt.{wanted}]",
        )

    def _installed(self) -> Environment:
        part = self.component
        environment = Environment.make(
            part.python, self.scratch / "venv", why=f"component {part.name}", variables=_reproducible(self.epoch)
        )
        if part.requirements:
            environment.pip("install", "--no-deps", "--requirement", part.path / part.requirements)
        environment.pip("install", *(("--no-deps",) if part.requirements else ()), self.wheel)
        if not environment.has("pyinstaller"):
            environment.pip("install", REQUIREMENT)
        environment.forget_paths()
        return environment

    def _built(self, made: Path) -> dict[str, Path]:
        if self.component.form != "onedir":
            return {self._program: made}
        launcher = self.scratch / "launcher"
        write_atomic(launcher, _LAUNCHER.format(name=made.name).encode(), mode=0o755)
        return {f"bin/{made.name}": launcher, self._program: made / made.name}

    def _place_folder(self, made: Path) -> None:
        files = tuple(self._placed(made, path) for path in sorted(_files(made)))
        found = Contents(name=self.component.script, platform=self.rule.platform.id, variant="", files=files)
        write_atomic(self.contents, found.dump())

    def _placed(self, made: Path, path: Path) -> File:
        name = path.relative_to(made).as_posix()
        mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
        size, digests = copy_hashed(path, self.folder / name, "sha256", "md5", mode=mode)
        return File(path=name, mode=mode, size=size, sha256=digests["sha256"], md5=digests["md5"])


def _platforms(release: Release, part: PythonComponent) -> tuple[Platform, ...]:
    """Those that a program is made for here."""
    return tuple(row for row in platforms_of(release) if part.programs and row.id not in part.prebuilt)


def _wheel(release: Release, part: PythonComponent) -> Step:
    files = source_files(release, part.path, part.inputs)
    run = MakeWheel(
        component=part.name,
        source=part.path,
        files=tuple(path.relative_to(part.path).as_posix() for path in files),
        python=part.python,
        requirements=part.requirements,
        version=release.version.python,
        epoch=release.epoch,
        scratch=release.paths.state / "scratch" / f"any.{part.name}",
        target=release.paths.dist / "platform" / "any" / read_pyproject(part.path).wheel(release.version),
    )
    doc = f"Build the wheel of {part.name}"
    return Step(stage=STAGE, key=f"any.{part.name}", doc=doc, run=run, inputs=files, outputs=(run.target,))


def _freeze(release: Release, part: PythonComponent, platform: Platform, built: Step) -> Step:
    folder, contents = release.folder_of(platform, part)
    places = [f"bin/{part.script}", *((f"lib/{part.script}/{part.script}",) if part.form == "onedir" else ())]
    delivery = Delivery.of(release, platform, part.name, places)
    more = [part.path / name for name in ((part.requirements,) if part.requirements else ())]
    more += [path for name in part.data for path in sorted(_files(part.path / name))]
    rule = Rule.of(release, platform)
    return Step(
        stage=STAGE,
        key=f"{platform.id}.{part.name}",
        doc=f"Freeze {part.script} for {platform.id}",
        run=Freeze(
            component=replace(part, prebuilt={}),
            entry=part.entry or read_pyproject(part.path).scripts.get(part.script, ""),
            wheel=built.outputs[0],
            epoch=release.epoch,
            scratch=release.paths.state / "scratch" / f"{platform.id}.{part.name}",
            delivery=delivery,
            rule=rule,
            folder=folder,
            contents=contents,
        ),
        inputs=(*built.outputs, *more),
        outputs=(*delivery.outputs, *((contents,) if part.form == "onedir" else ())),
        needs=rule.needs,
    )


def _reproducible(epoch: int) -> Mapping[str, str]:
    return {"SOURCE_DATE_EPOCH": str(epoch), "PYTHONHASHSEED": "0", "LC_ALL": "C", "TZ": "UTC"}


def _files(root: Path) -> Iterator[Path]:
    return (path for path in (root.rglob("*") if root.is_dir() else (root,)) if path.is_file())


def _copy(source: Path, target: Path, epoch: int) -> None:
    # Some backends keep modes and times.
    copy_hashed(source, target, mode=0o755 if source.stat().st_mode & 0o100 else 0o644)
    os.utime(target, (epoch, epoch))
