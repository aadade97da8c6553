"""From an environment in slipway.toml to the opened site that Actions work on, and the journal of what was done there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from slipway.actions.journal import NAME as JOURNAL
from slipway.actions.journal import Journal, state_dir
from slipway.actions.patient import Patient
from slipway.actions.retries import Retries
from slipway.actions.site import Site
from slipway.actions.store import StateFiles, Store
from slipway.credentials import ask
from slipway.environments import (
    DirStore,
    Environment,
    ForgeStore,
    GiteaStore,
    GithubStore,
    GitlabStore,
    S3Store,
    SshStore,
    StoreRules,
)
from slipway.errors import ChangedError, ConfigError, UsageError, did_you_mean
from slipway.forges import Queries
from slipway.forges.kinds import open_forge
from slipway.git import Repository
from slipway.model import Paths, Project
from slipway.plain import to_plain
from slipway.publication import register

VERSIONS: Final = "versions.json"


def environment_of(project: Project, name: str) -> Environment:
    """The environment of a name; raises UsageError when the project has none."""
    wanted = name or project.release.environment
    known = {each.name: each for each in project.environments}
    if wanted not in known:
        raise UsageError(f"there is no environment {wanted!r}", hint=f"{did_you_mean(wanted, known)}known are {', '.join(known)}")
    return known[wanted]


def _folder(rules: Any, paths: Paths) -> Store:
    from slipway.publish.dir import Folder

    return Folder(rules, (paths.root / Path(rules.path).expanduser()).resolve())


def _bucket(rules: Any, paths: Paths) -> Store:
    from slipway.publish.s3 import Bucket

    del paths
    return Bucket(rules)


def _server(rules: Any, paths: Paths) -> Store:
    from slipway.publish.ssh import Server

    del paths
    return Server(rules)


def _forge(rules: Any, paths: Paths) -> Store:
    from slipway.publish.forge import open_releases

    del paths
    return open_releases(rules, _token(rules))


_OPENERS: Final[Mapping[type, Callable[[Any, Paths], Store]]] = {
    DirStore: _folder,
    S3Store: _bucket,
    SshStore: _server,
    GithubStore: _forge,
    GitlabStore: _forge,
    GiteaStore: _forge,
}


def open_store(rules: StoreRules, paths: Paths, root: Path) -> Store:
    """Open one store; nothing is asked of it yet. The files that its rules name are relative to the project's folder."""
    return _OPENERS[type(rules)](_rooted(rules, root), paths)


def _rooted(rules: StoreRules, root: Path) -> StoreRules:
    """The rules with the files of keys and logins where they are, from wherever slipway is called."""
    changes: dict[str, Any] = {
        name: str(root / Path(said).expanduser()) for name in ("identity", "known_hosts") if (said := getattr(rules, name, ""))
    }
    credential = getattr(rules, "credential", None)
    if credential is not None and credential.file:
        changes["credential"] = replace(credential, file=str(root / Path(credential.file).expanduser()))
    return replace(rules, **changes) if changes else rules


def forge_of(project: Project, environment: Environment) -> Queries | None:
    """The forge that is asked about issues and CI: the one that [release] names, else the environment's first; None without."""
    own, wanted = _forges(environment), project.release.forge
    named = (each for place in (environment, *project.environments) for each in _forges(place) if each.name == wanted)
    rules = next(named if wanted else iter(own), None)
    if rules is None:
        return None
    return open_forge(rules.KIND, api=rules.api, repository=rules.repository, token=_token(rules))


def _forges(environment: Environment) -> tuple[ForgeStore, ...]:
    return tuple(each for each in environment.stores if isinstance(each, GithubStore | GitlabStore | GiteaStore))


def _token(rules: ForgeStore) -> str:
    """The token of a forge; one that is known to end soon is refused before anything is begun."""
    login = ask(rules.credential)
    if login is None:
        return ""
    login.require_lasting()
    return login.secret


@dataclass(slots=True, kw_only=True)
class Opened:
    """An environment with its stores opened, and where its lease and the copy of its journals lie."""

    product: str
    environment: Environment
    site: Site
    state: StateFiles
    _token: str | None = None

    @classmethod
    def of(cls, project: Project, paths: Paths, environment: Environment) -> Opened:
        """Open all stores of an environment."""
        stores = {rules.name: open_store(rules, paths, project.root) for rules in environment.stores}
        if not stores:
            raise ConfigError(
                f"[environment.{environment.name}] has no store, so nothing can be published there",
                file=project.file,
                hint='name one: stores = ["site"], with [store.site] kind = "dir"',
            )
        site = Site(environment=environment.name, root=project.root, outputs=paths.root, stores=stores)
        return cls(product=project.name, environment=environment, site=site, state=_state_of(project, environment, stores))

    @property
    def folder(self) -> Path:
        """Where the journals of this environment lie on this machine; another place of the same name has others."""
        identity = json.dumps([to_plain(rules) for rules in self.environment.stores], sort_keys=True)
        roots = [str(getattr(store, "root", "")) for store in self.site.stores.values()]
        digest = hashlib.sha256(f"{identity}{roots}".encode()).hexdigest()[:10]
        return state_dir() / self.product / f"{self.environment.name}-{digest}"

    def be_patient(self, retries: Retries) -> None:
        """Ask again for slipway's own files when no answer comes."""
        if not isinstance(self.state, Patient):
            self.state = Patient(self.state, retries)

    def shared(self, *parts: str) -> str:
        """The name of a small file in the environment's store."""
        return "/".join((self.product, self.environment.name, *parts))

    def journal(self, version: str) -> Journal:
        """The journal of a version, with whatever another machine has written."""
        found = self.state.load(self.shared(version, JOURNAL))
        self._token = found[1] if found else None
        journal = Journal.open(self.folder / version, found[0] if found else b"")
        self.site.done = journal.done()
        return journal

    def copy(self, journal: Journal, version: str) -> None:
        """Bring the journal, and the plan that it speaks of, to the environment's store."""
        if plan := journal.last:
            path = journal.plan_path(plan.plan)
            with suppress(ChangedError):
                self.state.save(self.shared(version, path.name), path.read_bytes(), None)
        self._save(self.shared(version, JOURNAL), journal.dump())

    def _save(self, name: str, data: bytes) -> None:
        """Write the journal's copy; an earlier one of our own, of which no answer came, is no change by somebody else."""
        try:
            self._token = self.state.save(name, data, self._token)
        except ChangedError:
            found = self.state.load(name)
            if found is None or not set(found[0].splitlines()) <= set(data.splitlines()):
                raise
            self._token = self.state.save(name, data, found[1])

    def note(self, version: str, how: str) -> None:
        """Note in the environment's store how far a version is."""
        register.note(self.state, self.shared(VERSIONS), version, how)

    def versions(self) -> Mapping[str, str]:
        """The versions that the environment has seen, from wherever, and how far each is."""
        return register.versions_of(self.state, self.shared(VERSIONS))

    def plan_data(self, journal: Journal, version: str, digest: str) -> bytes:
        """The bytes of a plan, from here or from the environment's store; none when it is in neither."""
        path = journal.plan_path(digest)
        if path.is_file():
            return path.read_bytes()
        found = self.state.load(self.shared(version, path.name))
        return found[0] if found else b""


def _state_of(project: Project, environment: Environment, stores: Mapping[str, Store]) -> StateFiles:
    """The store that keeps slipway's own files, else the git remote."""
    if environment.state:
        store = stores[environment.state]
        assert isinstance(store, StateFiles), environment.state
        return store
    from slipway.publish.git_state import GitState

    return GitState(Repository(project.root), project.release.remote, environment.name)
