"""Take the files of a platform that were built elsewhere, instead of making them here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from slipway import download
from slipway.build import holding
from slipway.build.accept import Delivery, accept
from slipway.build.cargo import STAGE, platforms_of
from slipway.build.rule import Rule
from slipway.components import CargoComponent, CommandComponent, Prebuilt, PrebuiltComponent, PythonComponent, filled, words_of
from slipway.errors import ConfigError, SlipwayError, VerificationError
from slipway.files import cache_dir, digest_file, remove_tree
from slipway.model import Release
from slipway.plain import ASIDE
from slipway.platforms import Platform
from slipway.steps import Step, unique
from slipway.trees import matches

Part = CargoComponent | CommandComponent | PythonComponent | PrebuiltComponent


def plan_prebuilt(release: Release) -> tuple[Step, ...]:
    """One Step per platform and component whose files were built elsewhere."""
    parts = [part for part in release.project.components if isinstance(part, Part)]
    platforms = dict.fromkeys((*platforms_of(release), *release.compiled))
    return unique(
        _step(release, platform, part)
        for platform in platforms
        for part in parts
        if platform.id in part.prebuilt or isinstance(part, PrebuiltComponent)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NoPrebuilt:
    """Stands where a component is never built, and nothing says where its binaries come from."""

    component: str
    platform: str

    def __call__(self) -> None:
        """Say which key is missing."""
        raise ConfigError(
            f"nothing says where the binaries of {self.component} for {self.platform} come from",
            key=f"component.{self.component}",
            hint=f"add [component.{self.component}.prebuilt.{self.platform}] with source = a folder, an archive or a URL, "
            "or leave the platform out",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TakePrebuilt:
    """Take the files of one component for one platform; `wanted` maps each to a pattern, or to nothing for its own name.

    What a URL gives is decided by its digest, so the URL itself is left aside.
    """

    key: str
    sha256: str
    wanted: Mapping[str, str]
    delivery: Delivery
    rule: Rule
    scratch: Path
    local: Path | None
    url: str = field(metadata=ASIDE)

    def __call__(self) -> None:
        """Find every file, check it, and only when all are right put each in its place."""
        remove_tree(self.scratch)
        try:
            built = self._taken(self._source())
            with self._told():
                accept(built, [self.delivery], self.rule)
        finally:
            remove_tree(self.scratch)

    def _source(self) -> Path:
        if self.local is None:
            return download.fetch(self.url, sha256=self.sha256, cache=cache_dir())
        if self.local.is_dir() and not self.sha256:
            return self.local
        if self.local.is_dir():
            raise ConfigError(f"{self.local} is a folder, which has no digest", key=f"{self.key}.sha256", hint="leave it out")
        if not self.local.is_file():
            raise SlipwayError(
                f"{self.key}: there is no {self.local}", hint="put the files there before this target runs, or correct source"
            )
        self._check_digest(self.local)
        return self.local

    def _check_digest(self, path: Path) -> None:
        found = digest_file(path)
        if not self.sha256 and holding.is_archive(path):
            raise ConfigError(
                f"{path} is an archive, which is opened only when its digest is known",
                key=self.key,
                hint=f'if this is the right one: sha256 = "{found}"',
            )
        if self.sha256 not in {"", found}:
            raise VerificationError(
                f"{self.key}: {path} is not the file that is expected: its SHA-256 is {found}, not {self.sha256}",
                hint="find out why it changed before the new digest is put in the place of the old one",
            )

    def _taken(self, source: Path) -> Mapping[str, Path]:
        if source.is_dir():
            return {to: source / name for to, name in self._chosen(holding.names_in(source)).items()}
        if not holding.is_archive(source):
            return self._single(source)
        with self._told():
            chosen = self._chosen(holding.names_in(source))
            files = {name: self.scratch / str(number) / PurePosixPath(name).name for number, name in enumerate(chosen.values())}
            holding.take(source, files)
        return {to: files[name] for to, name in chosen.items()}

    def _single(self, source: Path) -> Mapping[str, Path]:
        if len(self.wanted) > 1 or any(self.wanted.values()):
            raise ConfigError(
                f"{self._shown} is a single file, from which nothing can be chosen for {', '.join(self.wanted)}",
                key=self.key,
                hint="name a folder or an archive as source; for a single binary leave out files",
            )
        return dict.fromkeys(self.wanted, source)

    def _chosen(self, names: Sequence[str]) -> Mapping[str, str]:
        chosen = {}
        for to, pattern in self.wanted.items():
            found = candidates(names, to, pattern, self.rule.platform)
            if len(found) != 1:
                raise self._not_one(to, pattern, found or names, matched=len(found))
            chosen[to] = found[0]
        return chosen

    def _not_one(self, to: str, pattern: str, names: Sequence[str], *, matched: int) -> SlipwayError:
        wanted = pattern or _own_name(to, self.rule.platform)
        some = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
        said = f"{matched} files are {wanted}" if matched else f"nothing is {wanted}"
        held = f": {some}" if matched else f"; it holds {some or 'nothing'}"
        name = to.removeprefix("bin/")
        return SlipwayError(
            f"{self.key}: in {self._shown} {said}{held}", hint=f'name the one file: files = {{ "{name}" = "its/path" }}'
        )

    @property
    def _shown(self) -> str:
        return download.shown(self.url) if self.local is None else str(self.local)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say in front of a complaint what it is about."""
        try:
            yield
        except VerificationError as error:
            raise VerificationError(f"{self.key}: {self._shown}: {error.message}", hint=error.hint) from error


def candidates(names: Sequence[str], to: str, pattern: str, platform: Platform) -> tuple[str, ...]:
    """The names that a pattern means; without one, those that are called like the file itself, in whatever folder."""
    if pattern:
        return tuple(name for name in names if matches(name, pattern))
    return tuple(name for name in names if PurePosixPath(name).name == _own_name(to, platform))


def _own_name(to: str, platform: Platform) -> str:
    return PurePosixPath(to).name + (platform.exe if to.startswith("bin/") else "")


def _step(release: Release, platform: Platform, part: Part) -> Step:
    places = part.outputs if isinstance(part, CommandComponent) else [f"bin/{name}" for name in part.programs]
    delivery = Delivery.of(release, platform, part.name, places)
    table = part.prebuilt.get(platform.id)
    take = None if table is None else _take(release, platform, part, table, delivery)
    inputs = _inputs(take) if take else ()
    # SOURCE_DIR may be where the programs are put: they are looked at again, and stay.
    own = not set(inputs).isdisjoint(delivery.outputs)
    return Step(
        stage=STAGE,
        key=_key(release, platform, part),
        doc=f"Take {part.name}, built elsewhere, for {platform.id}",
        run=take or NoPrebuilt(component=part.name, platform=platform.id),
        inputs=tuple(path for path in inputs if path not in delivery.outputs),
        outputs=delivery.outputs,
        always=own,
        needs=take.rule.needs if take else (),
    )


def _key(release: Release, platform: Platform, part: Part) -> str:
    """That of the Step which would compile it: a project's only cargo component needs no name."""
    alone = [each for each in release.project.components if isinstance(each, CargoComponent)] == [part]
    return platform.id if alone else f"{platform.id}.{part.name}"


def _take(release: Release, platform: Platform, part: Part, table: Prebuilt, delivery: Delivery) -> TakePrebuilt:
    words = _words(release, platform)
    source = filled(table.source, words)
    is_url = download.is_url(source)
    names = {to: to if isinstance(part, CommandComponent) else to.removeprefix("bin/") for to in delivery.places}
    return TakePrebuilt(
        key=f"component.{part.name}.prebuilt.{platform.id}",
        sha256=table.sha256.lower(),
        wanted={to: filled(table.files.get(name, ""), words) for to, name in names.items()},
        delivery=delivery,
        rule=Rule.of(release, platform),
        scratch=release.paths.state / "scratch" / f"{platform.id}.{part.name}",
        local=None if is_url else release.project.root / source,
        url=source if is_url else "",
    )


def _words(release: Release, platform: Platform) -> Mapping[str, str]:
    version = str(release.version)
    known = words_of(platform, name=release.project.name, version=version)
    return {**known, "tag": release.project.version.tag_of(version)}


def _inputs(take: TakePrebuilt) -> tuple[Path, ...]:
    """What is there of the files that will be taken: what is missing is told when the Step runs, if it runs."""
    if take.local is None:
        return ()
    if not take.local.is_dir():
        return (take.local,) if take.local.is_file() else ()
    names = holding.names_in(take.local)
    found = {name for to, pattern in take.wanted.items() for name in candidates(names, to, pattern, take.rule.platform)}
    return tuple(path for name in sorted(found) if (path := take.local / name).is_file())
