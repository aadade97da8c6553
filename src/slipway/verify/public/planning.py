"""Which checks of what the public gets belong to a publication."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol

from slipway import console
from slipway.actions.action import Action
from slipway.actions.store import Content, Store
from slipway.environments import Environment, Form
from slipway.model import Release
from slipway.verify.public.files import PublicFile
from slipway.verify.public.install import PublicInstall
from slipway.verify.public.pointers import PublicPointer
from slipway.verify.public.signatures import PublicSignatures, Signed
from slipway.verify.signatures import SUFFIXES

ACTIONS: Final[tuple[type[Any], ...]] = (PublicFile, PublicSignatures, PublicInstall, PublicPointer)
# The script that knows the store's own address comes before the one that is the same everywhere.
_SCRIPTS: Final = ("online-install.sh", "install.sh")


class Move(Protocol):
    """A pointer that moves."""

    @property
    def store(self) -> str:
        """Its store."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def form(self) -> Form:
        """What it is."""

    @property
    def to(self) -> str:
        """The file or the folder that it leads to."""


def plan_public(
    release: Release, environment: Environment, stores: Mapping[str, Store], contents: Mapping[str, Sequence[Content]]
) -> tuple[Action, ...]:
    """The checks of what is put into the stores of an environment, by store; one without a public address has none."""
    found: list[Action] = []
    for name, mine in contents.items():
        if name in environment.backups or not mine:
            continue
        if not stores[name].url(mine[0].name):
            console.say(f"      {name} has no public address (url in slipway.toml): nothing is checked through it")
            continue
        found += (PublicFile(store=name, content=each) for each in mine)
        found += _signatures(release, name, mine)
        found += _install(release, environment, name, mine)
    return tuple(found)


def plan_public_pointers(stores: Mapping[str, Store], moves: Iterable[Move]) -> tuple[Action, ...]:
    """The checks of pointers, which belong behind all moves; references of git have no address of their own."""
    return tuple(
        PublicPointer(store=each.store, name=each.name, form=each.form, to=each.to)
        for each in moves
        if each.form not in ("ref", "latest") and stores[each.store].url(each.name)
    )


def _signatures(release: Release, store: str, contents: Sequence[Content]) -> Iterator[Action]:
    by_name = {own_name(each): each for each in contents}
    pairs = tuple(
        Signed(signature=content, signed=by_name[name.removesuffix(suffix)])
        for name, content in sorted(by_name.items())
        for suffix in SUFFIXES
        if name.endswith(suffix) and name.removesuffix(suffix) in by_name
    )
    if pairs:
        rules = replace(release.project.sign, gpg_file="", minisign_file="", ssh_file="", authenticode="", authenticode_file="")
        yield PublicSignatures(store=store, pairs=pairs, rules=rules)


def _install(release: Release, environment: Environment, store: str, contents: Sequence[Content]) -> Iterator[Action]:
    by_name = {own_name(each): each for each in contents}
    script = next((by_name[name] for name in _SCRIPTS if name in by_name), None)
    architectures = tuple(dict.fromkeys(each.arch for each in release.platforms if each.family == "linux"))
    if not environment.install or script is None or not architectures:
        return
    tests = release.project.tests
    yield PublicInstall(
        store=store,
        script=script,
        version=str(release.version),
        architectures=architectures,
        image=tests.image,
        bootstrap=tests.bootstrap,
        health=release.project.install.health,
    )


def own_name(content: Content) -> str:
    """What a file is called here; some stores serve it under another name."""
    return content.path.rpartition("/")[2]
