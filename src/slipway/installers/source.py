"""install-NAME-source.sh: builds the project from its source package and installs what comes out as install.sh does."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from slipway.companions import Companion, completion_of, manual_of
from slipway.components import CommandComponent, Component, PrebuiltComponent, TreeComponent
from slipway.contents import Contents, File
from slipway.errors import ConfigError
from slipway.installers import options
from slipway.installers.building import Build, Tool, below, build_of, tools_of
from slipway.installers.options import GET, HOW, WHAT, Option
from slipway.installers.origin import NOWHERE, Origin, origin_of
from slipway.installers.scripts import Script, asked, rows_of, script_of, script_step, write_scripts
from slipway.installers.unix import TEMPLATES as UNIX
from slipway.installers.unix import Source, install_script
from slipway.installers.unix import templates as unix_templates
from slipway.layout import InstallSpec
from slipway.manifest import Artifact, digest_names, load_record, record, record_path
from slipway.model import Cell, Project, Release, Variant
from slipway.platforms import PLATFORMS
from slipway.render import render, sources
from slipway.steps import Step
from slipway.trees import select

TEMPLATES: Final = "installers/source"
SUFFIX: Final = ".tar.gz"
# install.sh knows platforms; which one it is for is known only where it is built. These stand in for those of their families.
STAND_INS: Final = {"linux": "linux-amd64", "macos": "macos-arm64", "freebsd": "freebsd-amd64"}
_SIZE: Final = 909_090_909_090
_MODE: Final = 0o7070
_FOLDER: Final = "@FOLDER@"
_UNSHARED: Final = ("platform", "version", "from")
OWN: Final = (
    Option(
        name="from",
        group=GET,
        doc="the source package or its folder (else: beside this script, else downloaded)",
        sets="from",
        value="PATH",
    ),
    Option(name="version", group=WHAT, doc="say which version this is", sets="want_version"),
    Option(name="build-only", group=HOW, doc="build, and put what comes out into DIR", sets="want_build_only", value="DIR"),
    Option(name="build-dir", group=HOW, doc="where to build (else: TMPDIR or /tmp)", sets="want_build_dir", value="DIR"),
    Option(name="jobs", group=HOW, doc="how much cargo does at once", sets="want_jobs", value="NUMBER"),
    Option(
        name="yes",
        group=HOW,
        doc="answer every question with yes; also install programs that building needs",
        sets="want_yes",
        default="0",
        short="y",
    ),
)
# What is no matter of the installer that gets what was built.
_KEPT: Final = ("from", "version", "build-only", "build-dir", "jobs", "variant", "signature", "base-url", "mirror")


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """Files of the source that are only copied: a component's, or single documents; `source` is relative to the package."""

    variants: tuple[str, ...]
    folder: Path
    source: str
    to: str
    include: tuple[str, ...] = ("**",)
    exclude: tuple[str, ...] = ()

    def rows(self) -> Iterator[Mapping[str, str]]:
        """Where each file lies in the source, and its place in a distribution."""
        names = select(self.folder, self.include, self.exclude) if self.folder.is_dir() else ("",)
        for name in names:
            place = "/".join(part for part in (self.to, name) if part)
            source = "/".join(part for part in (self.source, name) if part and part != ".")
            yield {"variants": _among(self.variants), "source": source, "place": place}


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteSourceInstaller:
    """Render install-NAME-source.sh with the digest of the source package; `package` is its record."""

    specs: tuple[InstallSpec, ...]
    builds: Mapping[str, Build]
    made_in: Mapping[str, tuple[str, ...]]
    tools: tuple[tuple[tuple[str, ...], Tool], ...]
    copied: tuple[Copied, ...]
    package: Path
    vendored: bool
    origin: Origin
    epoch: int
    overrides: Path
    script: Script
    release: str
    digests: tuple[str, ...]

    def __call__(self) -> None:
        """Render; raises VerificationError when the package's record cannot be read."""
        write_scripts(self.text(), (self.script,), self.release, self.digests)

    def text(self) -> str:
        """The text of the script."""
        first = self.specs[0]
        made = load_record(self.package).artifact
        purpose = f"Build {first.name} {first.version} from its source and install it: {first.summary}."
        variants = [spec.variant for spec in self.specs]
        shared = [option.name for option in options.OPTIONS if option.name not in _UNSHARED]
        return render(
            f"{TEMPLATES}/install.sh.j2",
            overrides=self.overrides,
            name=first.name,
            version=first.version,
            script=self.script.target.name,
            **asked(first.name, purpose, rows_of(first.name, shared, OWN, ", ".join(variants))),
            own=_KEPT,
            origin=self.origin.shown(),
            package={"name": made.name, "sha256": made.digests["sha256"], "folder": made.name.removesuffix(SUFFIX)},
            vendored=self.vendored,
            variants=[
                {"name": name, "builds": [key for key, users in self.made_in.items() if name in users]} for name in variants
            ],
            builds={key: build.shown() for key, build in self.builds.items()},
            tools=[{"variants": _among(users), "name": tool.name, "version": tool.version} for users, tool in self.tools],
            files=[row for each in self.copied for row in each.rows()],
            platforms=[{"id": row.id, "triple": row.triple} for row in PLATFORMS.values() if row.family != "windows"],
            epoch=self.epoch,
            engine=self._engine(),
            stand_ins=STAND_INS,
            size=_SIZE,
            mode=f"{_MODE:04o}",
        )

    def _builds_of(self, variant: str) -> list[str]:
        return [key for key, users in self.made_in.items() if variant in users]

    def _engine(self) -> str:
        """install.sh for distributions that there are not yet: marks stand for what their files and digests will be."""
        file = File(path="@PATH@", mode=_MODE, size=0, sha256="@DIGEST@", md5="")
        with tempfile.TemporaryDirectory() as scratch:
            found = []
            for number, (spec, platform) in enumerate((spec, platform) for spec in self.specs for platform in STAND_INS.values()):
                contents, noted = Path(scratch, f"{number}.contents.json"), Path(scratch, f"{number}.json")
                contents.write_bytes(Contents(name=_FOLDER, platform=platform, variant=spec.variant, files=(file,)).dump())
                record(noted, self.release, _archive(platform, spec.variant))
                here = replace(spec, platform=platform)
                found.append(Source(spec=here, folder=_FOLDER, floor="", facts=(), contents=contents, record=noted))
            return install_script(found, NOWHERE, self.overrides)


def plan_source_installers(release: Release, *, cells: tuple[Cell, ...] | None = None, services: bool = True) -> tuple[Step, ...]:
    """Plan install-NAME-source.sh for the Unix distributions that were asked for, in the variants that can be built from source.

    Raises ConfigError when there is no source package, or nothing that can be built from it.
    """
    chosen = [cell for cell in (release.cells if cells is None else cells) if cell.platform.family != "windows"]
    if not chosen:
        return ()
    project = release.project
    if "source" not in (*project.packages, *release.formats):
        raise ConfigError(
            "there is no source package for a source installer", file=project.file, key="project.packages", hint='add "source"'
        )
    variants = _buildable(project, dict.fromkeys(cell.variant for cell in chosen))
    (name,) = source_script_names(release)
    run = _writer(release, variants, script_of(release, name), services=services)
    folders = (TEMPLATES, UNIX)
    found = {*unix_templates(release), *(path for folder in folders for path in sources(folder, overrides=project.root))}
    inputs = (run.package, *run.origin.inputs, *sorted(found), *_contents(release, variants))
    return (script_step(name, run, (run.script,), inputs),)


def source_script_names(release: Release) -> tuple[str, ...]:
    """The file names of the source installers that the project can have."""
    return (f"install-{release.project.name}-source.sh",)


def _writer(release: Release, variants: tuple[Variant, ...], script: Script, *, services: bool) -> WriteSourceInstaller:
    project = release.project
    root = (project.root / project.source.root).resolve()
    parts = _parts(project, variants)
    built = {f"{number}": row for number, row in enumerate(row for row in parts if row[0].programs or _makes_files(row[0]))}
    specs = [InstallSpec.of(release, Cell(platform=PLATFORMS[STAND_INS["linux"]], variant=each)) for each in variants]
    package = f"{release.base}{'-vendored' if project.source.vendored else ''}{SUFFIX}"
    return WriteSourceInstaller(
        specs=tuple(spec if services else replace(spec, services=()) for spec in specs),
        builds={key: build_of(release, part, root) for key, (part, _) in built.items()},
        made_in={key: names for key, (_, names) in built.items()},
        tools=tuple(dict.fromkeys((names, tool) for part, names in built.values() for tool in tools_of(part))),
        copied=tuple(_copied(project, root, parts, tuple(each.name for each in variants))),
        package=record_path(release, package),
        vendored=project.source.vendored,
        origin=origin_of(release),
        epoch=release.epoch,
        overrides=project.root,
        script=script,
        release=release.base,
        digests=digest_names(project),
    )


def _parts(project: Project, variants: Iterable[Variant]) -> list[tuple[Component, tuple[str, ...]]]:
    """The components that one of the variants has, and which of them have it."""
    rows = ((part, tuple(each.name for each in variants if part.name in each.components)) for part in project.components)
    return [(part, names) for part, names in rows if names]


def _makes_files(part: Component) -> bool:
    return isinstance(part, CommandComponent)


def _buildable(project: Project, asked_for: Iterable[Variant]) -> tuple[Variant, ...]:
    found = tuple(each for each in asked_for if not any(isinstance(part, PrebuiltComponent) for part in project.of(each)))
    if not found:
        raise ConfigError(
            "no variant can be built from source: all of them have programs that are never built here",
            file=project.file,
            hint="leave the source installer out, or add a variant without components of the kind prebuilt",
        )
    return found


def _contents(release: Release, variants: Iterable[Variant]) -> Iterator[Path]:
    """One list of files for each variant: when the files that are copied change, so does it."""
    for variant in variants:
        yield next(release.contents(cell) for cell in release.matrix if cell.variant == variant)


def _copied(
    project: Project, root: Path, parts: Iterable[tuple[Component, tuple[str, ...]]], variants: tuple[str, ...]
) -> Iterator[Copied]:
    for part, names in parts:
        if isinstance(part, TreeComponent):
            yield Copied(
                variants=names,
                folder=part.path,
                source=below(project, root, part.path),
                to=part.to,
                include=part.include,
                exclude=part.exclude,
            )
    for document in project.documents:
        yield Copied(variants=variants, folder=document, source=below(project, root, document), to=document.name)
    for path, kind in _companions(project):
        if (found := kind(path.name)) is not None:
            yield Copied(variants=variants, folder=path, source=below(project, root, path), to=found.place)


def _companions(project: Project) -> Iterator[tuple[Path, Callable[[str], Companion | None]]]:
    """Completions and manual pages; those about a program that a variant lacks do no harm."""
    yield from ((path, completion_of) for path in project.install.completions)
    yield from ((path, manual_of) for path in project.install.manuals)


def _among(names: Iterable[str]) -> str:
    return f",{','.join(names)},"


def _archive(platform: str, variant: str) -> Artifact:
    return Artifact(
        kind="archive",
        name=f"{_FOLDER}{SUFFIX}",
        path=f"{_FOLDER}{SUFFIX}",
        size=_SIZE,
        digests={"sha256": "@SHA256@"},
        media_type="application/gzip",
        platform=platform,
        variant=variant,
    )
