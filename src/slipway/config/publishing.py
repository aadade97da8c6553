"""What environments and stores have to agree on among each other, and what they must not be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from slipway.config import lines
from slipway.config.case import Case, unknown
from slipway.config.faults import Fault, suggestion
from slipway.config.overlays import confirm_of
from slipway.config.pointing import pointing_faults
from slipway.config.stores import (
    FORGES,
    GIT,
    NEEDED,
    CredentialTable,
    DirTable,
    S3Table,
    SshTable,
    StoreTable,
)
from slipway.config.templates import WORDS, no_path, unknown_words
from slipway.environments import GATE_NAMES, LOCAL
from slipway.model import Paths


def publishing_faults(case: Case) -> Iterator[Fault]:
    """Check the environments, the stores and the pointers."""
    for check in (*_CHECKS, pointing_faults):
        yield from check(case)


def _references(case: Case) -> Iterator[Fault]:
    for name, part in case.tables.environment.items():
        at, known, mine = ("environment", name), case.known(name), case.stores(name)
        if not mine:
            yield Fault(at, "has no store, so nothing can be published there", 'describe one: [store.files] with kind = "s3"')
        yield from unknown((*at, "stores"), part.stores, known, "unknown store")
        for key in ("optional", "backups"):
            yield from unknown((*at, key), getattr(part, key), mine, "is no store of this environment:")
        if mine and set(mine) <= set(part.backups):
            yield Fault((*at, "backups"), "every store is a backup, and none is published to", "leave one of them out")
        for store in part.store:
            if store not in mine:
                yield Fault((*at, "store", store), f"nothing is published to {store} in {name}", suggestion(store, mine))
        others = [each for each in (*case.named.environments, LOCAL) if each != name]
        yield from unknown((*at, "rehearsal"), [part.rehearsal], others, "there is no other environment", listed=False)


def _states(case: Case) -> Iterator[Fault]:
    for name, part in case.tables.environment.items():
        at, mine = ("environment", name, "state"), case.stores(name)
        yield from unknown(at, [part.state], (*mine, GIT), "is no store of this environment:", listed=False)
        table = case.used(name).get(part.state)
        if table is not None and table.kind in FORGES:
            yield Fault(at, f"{part.state} is a forge, and those keep no files of slipway's", "name another store, or 'git'")
        elif part.state and part.state in (*part.optional, *part.backups):
            yield Fault(at, f"{part.state} may be out of order", "the state needs a store that is neither optional nor a backup")


def _questions(case: Case) -> Iterator[Fault]:
    for name, part in case.tables.environment.items():
        at = ("environment", name)
        yield from unknown_words((*at, "phrase"), part.phrase, WORDS)
        if part.phrase and (confirm := confirm_of(case.tables, name)) != "phrase":
            yield Fault((*at, "phrase"), f"is not read when confirm is {confirm!r}", 'leave it out, or set confirm = "phrase"')
        if part.approvals and not part.approvers:
            hint = 'name the file with the keys of those who may: approvers = "release/allowed_signers"'
            yield Fault((*at, "approvals"), "nobody is named who may approve", hint)
        if part.approvers and not part.approvals:
            yield Fault((*at, "approvers"), "is not read without approvals", "say how many: approvals = 2")
        elif part.approvers and not (case.root / part.approvers).is_file():
            yield Fault((*at, "approvers"), f"there is no file {part.approvers}", f"paths are relative to {case.root}")
        for gate in part.gates:
            if gate not in GATE_NAMES:
                yield Fault((*at, "gates", gate), f"unknown gate {gate!r}", suggestion(gate, GATE_NAMES))


def _values(case: Case) -> Iterator[Fault]:
    """What is wrong with a store wherever it is used."""
    if GIT in case.tables.store:
        yield Fault(("store", GIT), "is what the git remote is called", "give the store another name")
    for at, table in case.said():
        if isinstance(table, DirTable | S3Table | SshTable) and "folder" in table.model_fields_set:
            yield from _folder((*at, "folder"), table.folder)
        credential = getattr(table, "credential", None)
        if isinstance(credential, CredentialTable) and credential.profile and table.kind != "s3":
            yield Fault((*at, "credential", "profile"), "profiles are for S3", "use env, file or command")
        if isinstance(table, DirTable) and (said := _misplaced(table.path, case.root)):
            yield Fault((*at, "path"), said, "name a folder of its own, such as published or /srv/www/hello")


def _folder(at: lines.Path, folder: str) -> Iterator[Fault]:
    yield from unknown_words(at, folder, WORDS)
    if "{version}" not in folder and "{tag}" not in folder:
        yield Fault(at, "every release needs a folder of its own", "put {version} or {tag} into it")
    elif said := no_path(folder):
        yield Fault(at, said, "write it as in 'releases/{tag}'")


def _misplaced(path: str, root: Path) -> str:
    """Say why a folder cannot be published; empty when it can."""
    place, paths = (root / Path(path).expanduser()).resolve(), Paths.under(root.resolve())
    if paths.root.is_relative_to(place):
        return f"{path} holds the project itself"
    inside = next((each for each in (paths.dist, paths.packages, paths.state) if place.is_relative_to(each)), None)
    return f"{path} is in {inside.name}, which slipway makes and removes" if inside else ""


def _needed(case: Case) -> Iterator[Fault]:
    for environment in case.environments():
        for name, table in case.used(environment).items():
            for key in NEEDED[table.kind]:
                if not getattr(table, key):
                    told = f"is missing for {environment}"
                    hint = f"say it there, or for this environment alone in [environment.{environment}.store.{name}]"
                    yield Fault(case.where(environment, name, key), told, hint)
            private = table.private if isinstance(table, SshTable) else ""
            if isinstance(table, SshTable) and f"{private}/".startswith(f"{table.path}/"):
                told = f"{private} is in {table.path}, which the public sees"
                yield Fault(case.where(environment, name, "private"), told, "name a folder beside it")


def _places(case: Case) -> Iterator[Fault]:
    """No two stores are one place, unless two environments have other folders there."""
    owners: dict[tuple[str, ...], str] = {}
    for environment in case.environments():
        mine: dict[tuple[str, ...], str] = {}
        for name, table in case.used(environment).items():
            place, key = _place(table, case.root), _key_of_place(table)
            if place is None:
                continue
            if (twin := mine.setdefault(place, name)) != name:
                yield Fault(case.where(environment, name, key), f"{name} and {twin} are one place", "leave one of them out")
            if (other := owners.setdefault((*place, getattr(table, "folder", "")), environment)) != environment:
                told = f"{environment} and {other} publish to one place"
                hint = f"what is published never changes; give it another one in [environment.{environment}.store.{name}]"
                yield Fault(case.where(environment, name, key), told, hint)


def _place(table: StoreTable, root: Path) -> tuple[str, ...] | None:
    """What tells one store from another; None when it is not said."""
    if isinstance(table, DirTable):
        return ("dir", str((root / Path(table.path).expanduser()).resolve()))
    if isinstance(table, S3Table):
        return ("s3", table.endpoint.rstrip("/"), table.bucket, table.prefix) if table.bucket else None
    if isinstance(table, SshTable):
        return ("ssh", table.host, str(table.port), table.path) if table.host and table.path else None
    return ("forge", table.api.rstrip("/"), table.repository.lower()) if table.repository else None


def _key_of_place(table: StoreTable) -> str:
    return {"dir": "path", "s3": "bucket", "ssh": "path"}.get(table.kind, "repository")


def _unused(case: Case) -> Iterator[Fault]:
    if set(case.named.environments) != set(case.tables.environment):
        return
    used = {store for name in case.environments() for store in case.stores(name)}
    for name in case.tables.store:
        if name not in used and name != GIT:
            hint = f'name it: [environment.production] stores = ["{name}"]'
            yield Fault(("store", name), "no environment publishes there", hint)


def _release(case: Case) -> Iterator[Fault]:
    rules, forges = case.tables.release, [each for each, table in case.tables.store.items() if table.kind in FORGES]
    unread = rules.forge in case.named.stores and rules.forge not in case.tables.store
    if rules.forge and rules.forge not in forges and not unread:
        yield Fault(("release", "forge"), f"there is no forge {rules.forge!r} among the stores", suggestion(rules.forge, forges))
    others = (LOCAL, *case.named.environments)
    if rules.environment not in others:
        yield Fault(
            ("release", "environment"), f"unknown environment {rules.environment!r}", suggestion(rules.environment, others)
        )
    for key in ("release_branch", "tag_message", "commit_message", "notes_message", "merge_message", "milestone"):
        words = (*WORDS, "branch") if key == "merge_message" else WORDS
        yield from unknown_words(("release", key.replace("_", "-")), getattr(rules, key), words)
    for index, stamp in enumerate(rules.stamps):
        yield from unknown_words(("release", "stamps", index, "text"), stamp.text, WORDS)
        if stamp.find and not (case.root / stamp.file).is_file():
            hint = f"paths are relative to {case.root}"
            yield Fault(("release", "stamps", index, "file"), f"there is no file {stamp.file}", hint)


_CHECKS: Final[tuple[Callable[[Case], Iterator[Fault]], ...]] = (
    _references,
    _states,
    _questions,
    _values,
    _needed,
    _places,
    _unused,
    _release,
)
