"""What is wrong with the pointers in slipway.toml."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from slipway.config import lines
from slipway.config.case import Case, unknown
from slipway.config.faults import Fault, suggestion
from slipway.config.overlays import form_of, pointers_of
from slipway.config.stores import FORGES, GIT, PointerTable
from slipway.config.templates import WORDS, no_path, unknown_words
from slipway.environments import LOCAL, Form

_FORMS: Final[Mapping[str, tuple[Form, ...]]] = {
    "dir": ("symlink", "copy"),
    "ssh": ("symlink", "copy"),
    "s3": ("redirect", "copy"),
    GIT: ("ref",),
    **dict.fromkeys(FORGES, ("latest",)),
}


def pointing_faults(case: Case) -> Iterator[Fault]:
    """Check the pointers."""
    for check in _CHECKS:
        yield from check(case)


def _pointers(case: Case) -> Iterator[Fault]:
    for name, pointer in case.tables.pointer.items():
        at = ("pointer", name)
        known = dict.fromkeys((*case.known(LOCAL), GIT))
        yield from unknown((*at, "store"), [pointer.store], known, "unknown store", listed=False)
        yield from unknown_words((*at, "to"), pointer.to, (*WORDS, "folder"))
        if (
            said := "has words in braces, and it has to stay as it is"
            if "{" in pointer.name
            else no_path(published(name, pointer))
        ):
            yield Fault((*at, "name"), said, "write it as in 'install.sh' or 'downloads/latest'")
        if pointer.to and (not pointer.to.startswith("{folder}/") or no_path(pointer.to.removesuffix("/"))):
            yield Fault((*at, "to"), f"{pointer.to!r} is nothing in a release", "write {folder}/ and perhaps a file behind it")


def _chosen(case: Case) -> Iterator[Fault]:
    for environment, part in case.tables.environment.items():
        at, mine = ("environment", environment, "pointers"), (*case.stores(environment), GIT)
        yield from unknown(at, part.pointers, case.named.pointers, "unknown pointer")
        for index, name in enumerate(part.pointers):
            if (found := case.tables.pointer.get(name)) is not None and found.store not in mine:
                yield Fault((*at, index), f"{name} is in {found.store}, which is no store of {environment}", suggestion("", mine))


def published(name: str, pointer: PointerTable) -> str:
    """The name of a pointer in its store."""
    return pointer.name or name


def _forms(case: Case) -> Iterator[Fault]:
    """Whether the stores can have the pointers, whatever kind they are of in an environment."""
    for environment in case.environments():
        used = case.used(environment)
        for name in pointers_of(case.tables, environment):
            pointer = case.tables.pointer.get(name)
            kind = GIT if pointer is not None and pointer.store == GIT else ""
            if pointer is not None and (kind := kind or getattr(used.get(pointer.store), "kind", "")):
                yield from _form(("pointer", name), pointer, kind)


def _form(at: lines.Path, pointer: PointerTable, kind: str) -> Iterator[Fault]:
    form = form_of(pointer, kind)
    if form not in _FORMS[kind]:
        what = "the git remote" if kind == GIT else f"{pointer.store}, of the kind {kind},"
        yield Fault((*at, "form"), f"{what} has no pointers of the form {form}", f"it can have: {', '.join(_FORMS[kind])}")
    elif form == "copy" and (pointer.to or "/").endswith("/"):
        yield Fault((*at, "to"), "a copy is of one file", "name the file, such as to = '{folder}/install.sh'")
    elif form in ("ref", "latest") and pointer.to:
        yield Fault((*at, "to"), f"is not read when the form is {form}", "leave it out")
    elif form == "latest" and pointer.name:
        yield Fault((*at, "name"), "is not read when the form is latest", "leave it out")


def _collisions(case: Case) -> Iterator[Fault]:
    """No pointer is another's name, lies behind another or holds the folders of the releases."""
    for environment in case.environments():
        used, owners = case.used(environment), dict[tuple[str, str], str]()
        for name in pointers_of(case.tables, environment):
            if (pointer := case.tables.pointer.get(name)) is None or "{" in (shown := published(name, pointer)):
                continue
            at: lines.Path = ("pointer", name, "name") if pointer.name else ("pointer", name)
            if (other := owners.setdefault((pointer.store, shown), name)) != name:
                yield Fault(at, f"{name} and {other} are both {shown} in {pointer.store}", "give one of them another name")
            for (store, before), other in owners.items():
                if store == pointer.store and (f"{shown}/".startswith(f"{before}/") != f"{before}/".startswith(f"{shown}/")):
                    yield Fault(at, f"one of {name} and {other} lies behind the other", "give one of them another name")
            folder = getattr(used.get(pointer.store), "folder", "")
            if f"{folder}/".startswith(f"{shown}/"):
                yield Fault(at, f"the releases themselves lie in {shown}", "give the pointer another name")


_CHECKS: Final[tuple[Callable[[Case], Iterator[Fault]], ...]] = (_pointers, _chosen, _forms, _collisions)
