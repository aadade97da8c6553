"""From the tables of environments, stores and pointers to what holds in each environment: overlays and usual values put in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from slipway.config.environments import EnvironmentTable
from slipway.config.forms import Table
from slipway.config.schema import SlipwayFile
from slipway.config.stores import FORGES, GIT, SITE, CredentialTable, DirTable, PointerTable, StoreTable
from slipway.environments import (
    LOCAL,
    Credential,
    DirStore,
    Environment,
    Form,
    GiteaStore,
    GithubStore,
    GitlabStore,
    PointerRules,
    S3Store,
    SshStore,
    StoreRules,
)

# The store that `local` has when nothing else is said; its address is the one of `python3 -m http.server`.
_SITE: Final = DirTable(kind="dir", url="http://127.0.0.1:8000")
_PHRASE: Final = "I want to release {version} to {environment}"
_FACTS: Final[Mapping[str, Any]] = {
    "dir": DirStore,
    "s3": S3Store,
    "ssh": SshStore,
    "github": GithubStore,
    "gitlab": GitlabStore,
    "gitea": GiteaStore,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Usual:
    """What an environment is like when slipway.toml does not say."""

    colour: str
    confirm: Literal["none", "yes", "phrase"]
    tag: Literal["push", "local", "none"] = "push"
    install: bool = True
    rehearsal: str = ""


_USUAL: Final[Mapping[str, _Usual]] = {
    LOCAL: _Usual(colour="blue", confirm="none", tag="none", install=False),
    "staging": _Usual(colour="green", confirm="yes"),
    "production": _Usual(colour="red", confirm="phrase", rehearsal="staging"),
}
_OTHERS: Final = _Usual(colour="yellow", confirm="yes")
_COPIES: Final[tuple[tuple[str, Form, str], ...]] = (
    ("install.sh", "copy", "{folder}/install.sh"),
    ("install.ps1", "copy", "{folder}/install.ps1"),
    ("index.html", "copy", "{folder}/index.html"),
)
_LINKED: Final[tuple[tuple[str, Form, str], ...]] = (("latest", "symlink", "{folder}/"), *_COPIES)
_MARKED: Final[tuple[tuple[str, Form, str], ...]] = (("latest", "latest", ""),)
# The pointers of a store for which none are declared: name, form, and where they lead. A bucket has no links to folders.
_POINTERS: Final = {"dir": _LINKED, "ssh": _LINKED, "s3": _COPIES, **dict.fromkeys(FORGES, _MARKED)}


def environments_of(tables: SlipwayFile) -> tuple[Environment, ...]:
    """All environments in the order of slipway.toml; `local` comes first where nothing is said of it."""
    names = dict.fromkeys((*(() if LOCAL in tables.environment else (LOCAL,)), *tables.environment))
    return tuple(_environment(tables, name) for name in names)


def stores_of(tables: SlipwayFile, environment: str) -> tuple[str, ...]:
    """The names of an environment's stores, as they are said or as they are by default."""
    said = tables.environment.get(environment)
    if said is not None and said.stores:
        return tuple(said.stores)
    return (SITE,) if environment == LOCAL else tuple(tables.store)


def base_of(tables: SlipwayFile, environment: str, store: str) -> StoreTable | None:
    """The store of a name without what is different in an environment; None when there is none."""
    said = tables.environment.get(environment)
    if environment == LOCAL and store == SITE and (store not in tables.store or said is None or not said.stores):
        return _SITE
    return tables.store.get(store)


def store_in(tables: SlipwayFile, environment: str, store: str) -> StoreTable | None:
    """A store as it is in an environment; one that is of another kind there has nothing of its base."""
    base, said = base_of(tables, environment, store), tables.environment.get(environment)
    change = said.store.get(store) if said is not None else None
    if base is None or change is None:
        return base
    if change.kind != base.kind:
        return change
    return base.model_copy(update={name: getattr(change, name) for name in change.model_fields_set})


def confirm_of(tables: SlipwayFile, environment: str) -> Literal["none", "yes", "phrase"]:
    """What is asked before the first write."""
    said = tables.environment.get(environment, EnvironmentTable()).confirm
    return said or _USUAL.get(environment, _OTHERS).confirm


def _tag(tables: SlipwayFile, environment: str) -> Literal["push", "local", "none"]:
    said = tables.environment.get(environment, EnvironmentTable()).tag
    return said or _USUAL.get(environment, _OTHERS).tag


def pointers_of(tables: SlipwayFile, environment: str) -> tuple[str, ...]:
    """The names of the declared pointers that an environment moves."""
    said = tables.environment.get(environment)
    if said is not None and "pointers" in said.model_fields_set:
        return tuple(said.pointers)
    # What leaves the remote's tags alone leaves its branches alone too.
    stores = (*stores_of(tables, environment), *((GIT,) if _tag(tables, environment) == "push" else ()))
    return tuple(name for name, pointer in tables.pointer.items() if pointer.store in stores)


def form_of(pointer: PointerTable, kind: str) -> Form:
    """How a pointer leads to where it does: as is said, else as fits the kind of its store."""
    if pointer.form:
        return pointer.form
    if kind in FORGES:
        return "latest"
    if kind == GIT:
        return "ref"
    if pointer.to and not pointer.to.endswith("/"):
        return "copy"
    return "redirect" if kind == "s3" else "symlink"


def _environment(tables: SlipwayFile, name: str) -> Environment:
    said, usual = tables.environment.get(name, EnvironmentTable()), _USUAL.get(name, _OTHERS)
    found = ((store, store_in(tables, name, store)) for store in stores_of(tables, name))
    stores = {store: table for store, table in found if table is not None}
    confirm = confirm_of(tables, name)
    rehearsal = usual.rehearsal if usual.rehearsal in tables.environment else ""
    return Environment(
        name=name,
        stores=tuple(_store(store, table) for store, table in stores.items()),
        optional=tuple(said.optional),
        backups=tuple(said.backups),
        pointers=(*_declared(tables, name, stores), *_usual_pointers(tables, name, stores)),
        state=_state(said, stores),
        colour=said.colour or usual.colour,
        confirm=confirm,
        phrase=(said.phrase or _PHRASE) if confirm == "phrase" else "",
        tag=_tag(tables, name),
        gates=said.gates,
        approvals=said.approvals,
        approvers=said.approvers,
        rehearsal=said.rehearsal or rehearsal,
        install=said.install if "install" in said.model_fields_set else usual.install,
    )


def _store(name: str, table: StoreTable) -> StoreRules:
    fields = {key: value for key, value in table if key not in ("kind", "credential")}
    given = getattr(table, "credential", None)
    if isinstance(given, CredentialTable) and any(value for _, value in given):
        said = given.model_dump() | {"command": tuple(given.command)}
        fields["credential"] = Credential(**said)
    found: StoreRules = _FACTS[table.kind](name=name, **fields)
    return found


def _state(said: EnvironmentTable, stores: Mapping[str, Table]) -> str:
    """The store that keeps slipway's own files; empty for the git remote."""
    if said.state:
        return "" if said.state == GIT else said.state
    able = (name for name, table in stores.items() if getattr(table, "kind", "") not in FORGES)
    return next((name for name in able if name not in (*said.optional, *said.backups)), "")


def _declared(tables: SlipwayFile, environment: str, stores: Mapping[str, StoreTable]) -> Iterator[PointerRules]:
    for name in pointers_of(tables, environment):
        pointer = tables.pointer[name]
        kind = GIT if pointer.store == GIT else stores[pointer.store].kind
        form = form_of(pointer, kind)
        to = "" if form in ("ref", "latest") else pointer.to or "{folder}/"
        yield PointerRules(
            name=pointer.name or name, store=pointer.store, form=form, to=to, prereleases=pointer.prereleases, declared=True
        )


def _usual_pointers(tables: SlipwayFile, environment: str, stores: Mapping[str, StoreTable]) -> Iterable[PointerRules]:
    """The pointers of those stores that have none of their own, unless the environment says which ones it wants."""
    said = tables.environment.get(environment)
    if said is not None and "pointers" in said.model_fields_set:
        return
    own = {pointer.store for pointer in tables.pointer.values()}
    for store, table in stores.items():
        for name, form, to in _POINTERS[table.kind] if store not in own else ():
            yield PointerRules(name=name, store=store, form=form, to=to)
