"""Prove that distributions install, run and go away again: in clean containers where they run, statically elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from slipway.errors import GateError, SlipwayError, UsageError
from slipway.files import digest_file
from slipway.layout import InstallSpec
from slipway.manifest import load_record
from slipway.model import Cell, Release
from slipway.platforms import Platform, host_platform
from slipway.steps import Step
from slipway.verify.subject import Level, Subject
from slipway.version import Version

if TYPE_CHECKING:
    from slipway.containers import Engine
    from slipway.verify.report import Report

# The archives that install.sh can unpack.
INSTALLABLE: Final = ("tar.gz", "tar.xz", "tar.zst")
LEVELS: Final = ("basic", "integration", "complete")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckDistribution:
    """Test one distribution and write the report."""

    subject: Subject
    report: Path
    cleanup: bool
    # A report that an older slipway wrote is not enough for the gates of a release.
    schema: int = 2

    def __call__(self) -> None:
        """Test; raises VerificationError with every failure, GateError when something is missing before."""
        from slipway.verify.report import Report
        from slipway.verify.static import check_statically

        subject = _with_recorded(self.subject)
        _require_packages(subject)
        report = Report(name=subject.name, levels=tuple(level.name for level in subject.levels), files=_digests(subject))
        check_statically(subject, report)
        bench = _find_bench(subject)
        if isinstance(bench, str):
            report.without = bench
        else:
            _test_in_container(subject, report, *bench, cleanup=self.cleanup)
        report.write(self.report)
        report.conclude()


def plan_tests(
    release: Release,
    packages: Mapping[str, tuple[Path, ...]] | None = None,
    *,
    levels: Sequence[str] = LEVELS,
    platforms: Sequence[Platform] | None = None,
    cleanup: bool = True,
) -> tuple[Step, ...]:
    """Plan a test of every distribution that was asked for.

    `packages` names the files of each cell that are to be tested, by the cell's id; without it, the archives whose names
    follow from the project, and the Debian packages that lie beside them.
    """
    if unknown := [level for level in levels if level not in LEVELS]:
        raise UsageError(f"unknown kind of test: {', '.join(unknown)}", hint=f"valid are {', '.join(LEVELS)}")
    cells = release.cells if platforms is None else release.cells_of(tuple(platforms))
    return tuple(_step(release, cell, packages, tuple(name for name in LEVELS if name in levels), cleanup) for cell in cells)


def _step(
    release: Release, cell: Cell, packages: Mapping[str, tuple[Path, ...]] | None, levels: tuple[str, ...], cleanup: bool
) -> Step:
    found = _lying(release, cell) if packages is None else packages.get(cell.id, ())
    subject = _subject(release, cell, found, levels)
    run = CheckDistribution(
        subject=subject,
        report=release.paths.state / "reports" / f"test-dist-{subject.name}-{'+'.join(levels)}.json",
        cleanup=cleanup,
    )
    # Without planned packages nobody makes what is missing: the Step itself then says which target does.
    wanted = (subject.contents, *found, release.paths.installers / "install.sh")
    inputs = wanted if packages is not None else tuple(path for path in wanted if path.is_file())
    inputs += subject.earlier
    return Step(
        stage="test-dist",
        key=cell.id,
        doc=f"Install, run and remove {subject.name}",
        run=run,
        inputs=(*inputs, *_test_files(release)),
        outputs=(run.report,),
        always=len(inputs) < len(wanted) + len(subject.earlier),
    )


def _subject(release: Release, cell: Cell, packages: tuple[Path, ...], levels: tuple[str, ...]) -> Subject:
    project, tests = release.project, release.project.tests
    supported = tests.variants.get(cell.variant.name, LEVELS)
    return Subject(
        name=release.name_of(cell),
        spec=InstallSpec.of(release, cell),
        platform=cell.platform,
        contents=release.contents(cell),
        root=release.paths.packages,
        packages=packages,
        installers=release.paths.installers,
        records=release.paths.state / "artifacts",
        arguments=() if cell.variant == project.variants[0] else ("--variant", cell.variant.name),
        image=tests.image,
        bootstrap=tests.bootstrap,
        files=tests.files,
        earlier=_earlier(release, cell),
        levels=tuple(Level(name=name, commands=getattr(tests, name), supported=name in supported) for name in levels),
    )


def _lying(release: Release, cell: Cell) -> tuple[Path, ...]:
    suffixes = release.project.on(cell.platform).archives or (cell.platform.archive,)
    return tuple(release.paths.packages / f"{release.name_of(cell)}.{suffix}" for suffix in suffixes)


def _earlier(release: Release, cell: Cell) -> tuple[Path, ...]:
    """The installer and the archive of the newest version before this one that lie in packages/."""
    name = release.project.name
    found: list[tuple[Version, Path, Path]] = []
    for script in release.paths.installers.glob(f"install-{name}-*.sh"):
        text = script.name.removeprefix(f"install-{name}-").removesuffix(".sh")
        archives = (release.paths.packages / f"{name}-{text}-{cell.id}.{suffix}" for suffix in INSTALLABLE)
        archive = next((path for path in archives if path.is_file()), None)
        with suppress(SlipwayError):
            if archive and (version := Version.parse(text, release.version.scheme)) < release.version:
                found.append((version, script, archive))
    return max(found, key=lambda row: row[0])[1:] if found else ()


def _test_files(release: Release) -> tuple[Path, ...]:
    folder = release.project.tests.files
    return () if folder is None else tuple(sorted(path for path in folder.rglob("*") if path.is_file()))


def _with_recorded(subject: Subject) -> Subject:
    """Add the packages that only their records tell of: their names are the packagers' own."""
    records = [load_record(path) for path in sorted(subject.records.glob("*.json"))]
    mine = (f"{subject.spec.name}-{subject.spec.version}", "deb", subject.platform.id, subject.spec.variant)
    debs = (
        subject.root / made.artifact.path
        for made in records
        if (made.release, made.artifact.kind, made.artifact.platform, made.artifact.variant) == mine
    )
    return replace(subject, packages=tuple(dict.fromkeys((*subject.packages, *debs))))


def _require_packages(subject: Subject) -> None:
    needed = ((subject.contents, "dist-generate"), *((path, "package-all") for path in subject.packages))
    if not subject.packages:
        raise GateError(f"{subject.name} has no packages that could be tested", hint="make them: doit package-all")
    for path, target in needed:
        if not path.is_file():
            raise GateError(f"{path} does not exist, so {subject.name} cannot be tested", hint=f"make it: doit {target}")


def _digests(subject: Subject) -> dict[str, str]:
    wanted = (*subject.packages, subject.installers / "install.sh")
    below = ((path.relative_to(subject.root) if path.is_relative_to(subject.root) else Path(path.name), path) for path in wanted)
    return {name.as_posix(): digest_file(path) for name, path in below if path.is_file()}


def _find_bench(subject: Subject) -> tuple[Engine, str] | str:
    """Find the engine and the image in which a distribution runs, or the reason why it cannot run here."""
    reason = f"{subject.platform.id} cannot run here"
    if subject.platform.family != "linux":
        return reason
    from slipway.containers import engine

    native = subject.platform.arch == host_platform().arch
    try:
        found = engine()
        native = subject.platform.arch == found.arch
        image = found.ensure_image(subject.image, subject.bootstrap, subject.platform.arch)
        if able := found.able(image):
            return able, image
    except SlipwayError as error:
        if native:
            raise
        return f"{reason} ({error.message.splitlines()[0]})"
    if not native:
        return f"{reason}: the engine does not emulate {subject.platform.arch}"
    raise GateError(f"{found.program} cannot run {subject.image}", hint=f"try it: {found.program} run --rm {subject.image} true")


def _test_in_container(subject: Subject, report: Report, engine: Engine, image: str, *, cleanup: bool) -> None:
    from slipway.containers import Container
    from slipway.contents import Contents
    from slipway.verify.bench import Bench
    from slipway.verify.installed import try_all
    from slipway.verify.watch import Watch

    report.how = "container"
    report.image = subject.image if engine.image_id(subject.image) == image else f"Debian {subject.bootstrap} made here"
    with Container(engine, image, cleanup=cleanup) as box:
        contents = Contents.load(subject.contents)
        try_all(Bench(box=box, subject=subject, report=report, contents=contents, watch=Watch(box)))
