"""OpenPGP keys in a release: those that sign its tag, that end, and by which people approve."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import git_remote
import keys
import pytest
from git_remote import git

import sample
from slipway.actions.action import PHASE_NAMES, State
from slipway.environments import GATE_NAMES, DirStore, Environment, Severity
from slipway.errors import GateError
from slipway.git import Repository
from slipway.model import Project
from slipway.publish.dir import Folder
from slipway.release.approvals import approve, approvers_of, granted
from slipway.release.gates import ask_gates
from slipway.release.plan_tags import plan_tagging
from slipway.release.situation import Answer, Situation
from slipway.rules import SignRules
from slipway.version import Version

pytestmark = pytest.mark.slow
PRODUCTION = Environment(name="production")
VERSION = Version("2.1.0")
DIGEST = "a1" * 32
REQUEST = (DIGEST, "production", "2.1.0")


@pytest.fixture
def home() -> Iterator[keys.Home]:
    made = keys.Home()
    yield made
    made.close()


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    return git_remote.remote(tmp_path / "origin.git")


@pytest.fixture
def here(tmp_path: Path, origin: Path) -> Project:
    return git_remote.project(tmp_path / "here", origin)


def states(project: Project) -> set[str]:
    """How everything about the tag is found."""
    actions = plan_tagging(project, VERSION, git(project.root, "rev-parse", "HEAD"), PRODUCTION)
    return {action.probe(git_remote.site(project.root)).state.value for action in actions}


def release(project: Project) -> None:
    """Tag and push."""
    site = git_remote.site(project.root)
    actions = plan_tagging(project, VERSION, git(project.root, "rev-parse", "HEAD"), PRODUCTION)
    for action in sorted(actions, key=lambda each: PHASE_NAMES.index(each.phase)):
        if action.probe(site).state is not State.SAME:
            action.apply(site)


@pytest.mark.req("S4-11")
def test_git_itself_verifies_a_tag_and_so_does_a_machine_with_the_public_key_alone(
    here: Project, origin: Path, home: keys.Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = home.make("tags")
    monkeypatch.setenv("SLIPWAY_GPG_KEY", home.secret(key))
    monkeypatch.setenv("SLIPWAY_GPG_PASSPHRASE", keys.PASSPHRASE)
    project = replace(here, sign=SignRules(gpg=key))
    release(project)
    there = git_remote.clone(origin, tmp_path / "there")
    git(there, "tag", "--verify", "v2.1.0", env={"GNUPGHOME": str(home.path)})
    assert states(project) == {"same"}
    monkeypatch.delenv("SLIPWAY_GPG_KEY")
    monkeypatch.setenv("GNUPGHOME", str(tmp_path))
    with pytest.raises(GateError, match=r"the public OpenPGP key .* is not here"):
        states(project)
    public = home.public(key, tmp_path / "release.asc")
    assert states(replace(project, sign=replace(project.sign, public_keys=(str(public),)))) == {"same"}


def test_a_tag_of_another_key_is_refused(here: Project, home: keys.Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, other = home.make("mine"), home.make("other")
    public = tmp_path / "both.asc"
    public.write_text(home.gpg("--armor", "--export", mine, other))
    monkeypatch.setenv("SLIPWAY_GPG_KEY", home.secret(other))
    monkeypatch.setenv("SLIPWAY_GPG_PASSPHRASE", keys.PASSPHRASE)
    release(replace(here, sign=SignRules(gpg=other)))
    expected = replace(here, sign=SignRules(gpg=mine, public_keys=(str(public),)))
    assert "different" in states(expected)


def key_gate(project: Project, tmp_path: Path) -> Answer:
    gates: dict[str, Severity] = {gate: "error" if gate == "keys" else "off" for gate in GATE_NAMES}
    situation = Situation(
        release=sample.release(tmp_path, project=project),
        environment=replace(PRODUCTION, gates=gates),
        commit=git(project.root, "rev-parse", "HEAD"),
    )
    (found,) = ask_gates(situation).found
    return found.answer


@pytest.mark.req("S4-1")
def test_keys_that_end_soon_or_are_revoked(here: Project, home: keys.Home, tmp_path: Path) -> None:
    today = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    month, ever = home.make("month", made=today, until="30d"), home.make("ever")
    revoked = home.make("revoked")
    home.revoke(revoked)

    def answer(key: str, days: int) -> str:
        public = home.public(key, tmp_path / f"{key}.asc")
        rules = replace(here.release, sign="none", key_days=days)
        return key_gate(replace(here, sign=SignRules(gpg=key, public_keys=(str(public),)), release=rules), tmp_path).text

    assert answer(month, 14) == "every key is good for 14 days more at least"
    assert answer(month, 60) == f"the OpenPGP key {month} is good for 30 days more"
    assert answer(ever, 3650) == "every key is good for 3650 days more at least"
    assert answer(revoked, 0) == f"the OpenPGP key {revoked} cannot sign any more"


@pytest.mark.req("S4-5")
def test_people_approve_by_gpg(here: Project, home: keys.Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = Folder(DirStore(name="site"), tmp_path / "site")
    mine, other = home.make("mine"), home.make("other")
    (here.root / "both.asc").write_text(home.gpg("--armor", "--export", mine, other))
    commit = git_remote.commit(here.root, "approvers", f"ada gpg {mine.lower()} both.asc\n")
    (ada,) = approvers_of(Repository(here.root), commit, "approvers")
    monkeypatch.setenv("SLIPWAY_GPG_PASSPHRASE", keys.PASSPHRASE)
    monkeypatch.setenv("SLIPWAY_GPG_KEY", home.secret(other))
    with pytest.raises(GateError, match="no secret OpenPGP key"):
        approve(ada, "", state, "approvals", *REQUEST)
    name = approve(replace(ada, key=other), "", state, "approvals", *REQUEST)
    assert granted((ada,), state, "approvals", *REQUEST) == ()
    monkeypatch.setenv("SLIPWAY_GPG_KEY", home.secret(mine))
    assert approve(ada, "", state, "approvals", *REQUEST) == name
    assert granted((ada,), state, "approvals", *REQUEST) == ("ada",)
    assert granted((ada,), state, "approvals", DIGEST, "staging", "2.1.0") == ()
