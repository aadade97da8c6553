"""Which work makes up each documented target, as data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Final

from slipway import installers
from slipway.build.cargo import plan_compile
from slipway.build.command import plan_commands
from slipway.build.prebuilt import plan_prebuilt
from slipway.build.python import plan_python
from slipway.build.unit import plan_unit_tests
from slipway.build.universal import plan_joins
from slipway.build.validate import plan_validation
from slipway.dist.bundle import plan_bundle
from slipway.dist.clean import plan_clean
from slipway.dist.staging import plan_staging
from slipway.dist.status import plan_status
from slipway.installers.host import plan_install
from slipway.model import Cell, Release
from slipway.packagers import FORMATS, planned_names
from slipway.packagers.checksums import plan_checksums
from slipway.packagers.inventory import manifests
from slipway.packagers.inventory.provenance import origin_of
from slipway.packagers.signatures import plan_signatures, signature_names
from slipway.platforms import Platform
from slipway.publication.steps import plan_left_out, plan_publishing, plan_standing, wants_tests
from slipway.release.evidence import TESTS, proven
from slipway.request import Request
from slipway.rules import PACKAGES
from slipway.steps import Step, unique
from slipway.verify.distribution import plan_tests
from slipway.verify.package import plan_package_validation

PACKAGING: Final = ("create-archives", "package-binaries", "create-installers")
# By which the keys of Steps begin that are not for one platform, such as those of wheels.
ANYWHERE: Final = "any"
EVERYTHING: Final = ("validate-config", "dist-generate", *PACKAGING)
# What has to be done before the rest of a target begins; `release` waits for everything.
PROVING: Final = ("test-dist", "validate-package")
RELEASING: Final = ("release", "left-out")


@dataclass(frozen=True, slots=True)
class Target:
    """A documented name: the stages whose Steps it runs, for which platforms, and whether everything is removed before."""

    name: str
    doc: str
    stages: tuple[str, ...]
    platforms: str = "asked"
    aliases: tuple[str, ...] = ()
    cleans: bool = False


TARGETS: Final = (
    Target("all", "Build, lay out, pack and make installers of everything", EVERYTHING),
    Target("compile-platform", "Compile the binaries of the platforms", ("compile-platform",)),
    Target("build-platform", "Compile for RUST_TARGET (default: this machine)", ("compile-platform",), "rust-target"),
    Target("build-cross", "Compile for every platform of PLATFORMS", ("compile-platform",)),
    Target("bundle-core", "Collect libraries, configuration and documents", ("bundle-core",)),
    Target("validate-config", "Check TOML, KCL and Nushell files", ("validate-config",), aliases=("validate-kcl",)),
    Target("unit-tests", "Run the project's own unit tests", ("unit-tests",)),
    Target("validate-all", "Check every configuration of the project", ("validate-config", "bundle-core")),
    Target("linux", "Distributions and packages for Linux", EVERYTHING[:-1], "linux"),
    Target("macos", "Distributions and packages for macOS", EVERYTHING[:-1], "macos"),
    Target("windows", "Distributions and packages for Windows", EVERYTHING[:-1], "windows"),
    Target("freebsd", "Distributions and packages for FreeBSD", EVERYTHING[:-1], "freebsd"),
    Target("dist-generate", "Lay out the distributions in dist/", ("dist-generate",), aliases=("generate-distribution",)),
    Target("create-archives", "Pack the distributions into archives", ("create-archives",)),
    Target("package-binaries", "Make the packages of the platforms", ("package-binaries",)),
    Target("create-installers", "Make install.sh and its like", ("create-installers",)),
    Target("package-all", "Make archives, packages and installers", PACKAGING),
    Target("sign", "Pack what is stale, and sign it", (*PACKAGING, "sign")),
    Target("test-dist", "Install, run and remove in clean containers", ("test-dist",)),
    Target("validate-package", "Check packages/ and dist/ file by file", ("validate-package",)),
    Target("install", "Install this machine's distribution", ("install",)),
    Target("uninstall", "Remove what install installed", ("uninstall",)),
    Target("status", "Show the version and what is built", ("status",)),
    Target("clean-dist", "Remove dist/ and packages/, keep what is compiled", ("clean-dist",)),
    Target("ci-build", "Build and test for CI", ("validate-config", "unit-tests", "dist-generate", "create-archives")),
    Target("release", "Publish what lies in packages/", ("release",), aliases=("create-release",)),
    Target("release-draft", "Make a draft of the release, with all files", ("release-draft",)),
    Target("upload-artifacts", "Upload what is missing of the release", ("upload-artifacts",)),
    Target("ci-release", "Build, pack, sign and check a release for CI", (*EVERYTHING, "validate-package")),
    Target(
        "cd-deploy",
        "Clean, build, test and publish a release",
        (*EVERYTHING, *PROVING, *RELEASING),
        cleans=True,
    ),
    Target("ci-test", "Run all tests of the project", ("validate-config", "unit-tests", "test-dist")),
)
NAMES: Final = tuple(name for target in TARGETS for name in (target.name, *target.aliases))


@dataclass(frozen=True, slots=True)
class Asked:
    """What the stages are planned from: the request, and the release with every platform and variant it could have.

    Its archives and packages are planned here, by kind, because testing needs them too, and its installers, which are signed.
    """

    request: Request
    whole: Release
    packed: Mapping[str, tuple[Step, ...]]
    scripts: tuple[Step, ...]

    @classmethod
    def of(cls, request: Request) -> Asked:
        """Widen the request's release to everything that the project releases, and the host where that was asked for."""
        release = request.release
        rows = tuple(dict.fromkeys((*release.project.platforms, *release.platforms)))
        whole = _widened(release, rows)
        scripts = installers.plan_installers(release, request.installers, validate=request.validated)
        return cls(request, whole, {each.kind: each.plan(whole) for each in FORMATS}, scripts)

    @property
    def compiled(self) -> Release:
        """What can be compiled: RUST_TARGET too, although the project does not release it."""
        return _widened(self.whole, tuple(dict.fromkeys((*self.whole.platforms, self.request.rust_target))))

    def packages(self) -> dict[str, tuple[Path, ...]]:
        """The files that are packed of each cell, which test-dist therefore depends on."""
        found: dict[str, tuple[Path, ...]] = {cell.id: () for cell in self.whole.matrix}
        packed = (step for kind, steps in self.packed.items() if kind != manifests.KIND for step in steps)
        for step in (step for step in packed if _base(step) in found):
            found[_base(step)] += tuple(path for path in step.outputs if path.is_relative_to(self.whole.paths.packages))
        return found


def _widened(release: Release, rows: tuple[Platform, ...]) -> Release:
    project = replace(release.project, platforms=rows)
    return replace(release, project=project, platforms=rows, variants=project.variants)


@dataclass(frozen=True, slots=True)
class Stage:
    """One kind of work: how its Steps are planned, by what their keys begin, and which format of packages they make."""

    name: str
    plan: Callable[[Asked], Iterable[Step]]
    by: str = ""
    kind: str = ""


def _plan_tests(ask: Asked) -> tuple[Step, ...]:
    request = ask.request
    packages = ask.packages() if request.tested == request.release else None
    return plan_tests(request.tested, packages, levels=request.levels)


def _packed(kind: str, ask: Asked) -> tuple[Step, ...]:
    return ask.packed[kind]


def _plan_signatures(ask: Asked) -> tuple[Step, ...]:
    packed = (step for steps in ask.packed.values() for step in steps)
    return plan_signatures(ask.whole, (*packed, *ask.scripts))


def _publishing(verb: str, ask: Asked) -> tuple[Step, ...]:
    request = ask.request
    return tuple(step for step in plan_publishing(request.release, request.environment, request.wish) if step.stage == verb)


def _plan_status(ask: Asked) -> tuple[Step, ...]:
    request = ask.request
    return (*plan_status(request.release), *plan_standing(request.release, request.environment))


_BUILDERS: Final = (plan_compile, plan_joins, plan_commands, plan_python, plan_prebuilt)
STAGES: Final = (
    Stage(
        "compile-platform",
        lambda ask: tuple(step for plan in _BUILDERS for step in plan(ask.compiled)),
        "platform",
    ),
    Stage("bundle-core", lambda ask: plan_bundle(ask.whole)),
    Stage("validate-config", lambda ask: plan_validation(ask.whole)),
    Stage("unit-tests", lambda ask: proven(ask.whole, TESTS, plan_unit_tests(ask.whole))),
    Stage("dist-generate", lambda ask: plan_staging(ask.whole), "cell"),
    *(Stage(each.stage, partial(_packed, each.kind), "cell", each.kind) for each in FORMATS),
    Stage("create-installers", lambda ask: ask.scripts),
    Stage("sign", _plan_signatures, "cell"),
    Stage("test-dist", _plan_tests, "cell"),
    Stage("validate-package", lambda ask: plan_package_validation(ask.whole)),
    Stage("install", lambda ask: plan_install(ask.request.release, ask.request.prefix)),
    Stage("uninstall", lambda ask: plan_install(ask.request.release, ask.request.prefix, remove=True)),
    *(Stage(verb, partial(_publishing, verb)) for verb in ("release", "release-draft", "upload-artifacts")),
    Stage("left-out", lambda _: plan_left_out()),
    Stage("status", _plan_status),
    Stage("clean-dist", lambda ask: plan_clean(ask.whole)),
)


class Flow:
    """The Steps of one request, planned once, and which of them each target runs."""

    def __init__(self, request: Request) -> None:
        self.request = request
        asked = Asked.of(request)
        self._origin = origin_of(request.release)
        self._planned = tuple((stage, tuple(stage.plan(asked))) for stage in STAGES)
        unique(step for _, steps in self._planned for step in steps)
        self.steps: dict[str, tuple[Step, ...]] = {stage.name: () for stage in STAGES}
        for stage, steps in self._planned:
            self.steps[stage.name] += steps

    def of(self, target: Target) -> tuple[Step, ...]:
        """The Steps of a target: those of its platforms and of the variants asked for, and the lists of what it packs.

        A target of a family that the project does not release has none.
        """
        if not self._platforms(target.platforms):
            return ()
        stages = self._stages(target)
        chosen = tuple(
            step
            for stage, steps in self._planned
            if stage.name in stages and stage.name != "sign"
            for step in self._chosen(stage, steps, target)
        )
        packed = tuple(step for step in chosen if step.stage in PACKAGING)
        if not packed:
            return chosen
        signed = self._signatures(packed, asked="sign" in stages)
        made, release = (*packed, *signed), self.request.release
        lists = plan_checksums(release, target.name, made, planned=self._names, origin=self._origin)
        return _in_turn(target, (*chosen, *signed, lists))

    @cached_property
    def _names(self) -> Mapping[str, tuple[str, ...]]:
        """The file names of everything that the project can make, by kind."""
        release = self.request.release
        named = (planned_names(release), installers.planned_names(release), signature_names(release, self.steps["sign"]))
        return {kind: names for each in named for kind, names in each.items()}

    def _signatures(self, packed: tuple[Step, ...], *, asked: bool) -> tuple[Step, ...]:
        """The signatures of what is packed, without which those that are there would be of other bytes.

        Whoever has asked for them gets the Step, too, that says why there are none.
        """
        files = {path for step in packed for path in step.outputs}
        return tuple(step for step in self.steps["sign"] if files.intersection(step.inputs) or (asked and not step.inputs))

    def _stages(self, target: Target) -> tuple[str, ...]:
        # What is tested is packed first where it is stale, and then the lists follow. Another version is tested as it lies.
        packs = "test-dist" in target.stages and self.request.tested == self.request.release
        if packs:
            tests = ("unit-tests",) if target.cleans and wants_tests(self.request.release, self.request.environment) else ()
            return (*tests, *target.stages, *PACKAGING)
        if "create-installers" in target.stages and installers.PACKAGE in self.request.installers:
            return (*target.stages, "package-binaries")
        return target.stages

    def _chosen(self, stage: Stage, steps: tuple[Step, ...], target: Target) -> Iterable[Step]:
        formats = self.request.release.formats
        if stage.kind in PACKAGES and formats and stage.kind not in formats:
            return ()
        if not stage.by:
            return steps
        platforms = self._platforms(target.platforms)
        cells = self.request.release.cells_of(platforms)
        wanted = {row.id for row in platforms} if stage.by == "platform" else {cell.id for cell in cells}
        wanted.add(ANYWHERE)
        # What is made from several distributions names them all, and needs them all.
        return (step for step in steps if wanted.issuperset(_base(step).split("+")))

    def _platforms(self, which: str) -> tuple[Platform, ...]:
        release = self.request.release
        if which == "asked":
            return release.platforms
        if which == "rust-target":
            return (self.request.rust_target,)
        return tuple(row for row in release.project.platforms if row.family == which)


def plan_packages(request: Request, cells: Iterable[Cell]) -> tuple[Step, ...]:
    """Plan the packages of some distributions, in the formats that were asked for."""
    asked, wanted = Asked.of(request), {cell.id for cell in cells}
    formats = request.release.formats or PACKAGES
    steps = (step for kind in formats for step in asked.packed[kind])
    return tuple(step for step in steps if wanted.issuperset(_base(step).split("+")))


def _in_turn(target: Target, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Let what checks packages/ wait for all that is put there, and what publishes it for everything.

    Those Steps are the target's own: in other targets they wait for nothing.
    """
    last = [stage for stage in ("validate-package", *RELEASING) if stage in target.stages]
    found = tuple(step for step in steps if step.stage not in last)
    for stage in last:
        names = tuple(step.name for step in found)
        later = (step for step in steps if step.stage == stage)
        found += tuple(replace(step, stage=target.name, key=f"{stage}.{step.key}", after=names) for step in later)
    return found


def _base(step: Step) -> str:
    """The platform or the cell by which a Step's key begins, or several cells with `+` between them."""
    return step.key.partition(".")[0]
