"""Tags: made once, signed by the right key, pushed once, never moved."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import git_remote
import keys
import pytest
from git_remote import git

from slipway.actions.action import PHASE_NAMES, Action, Receipt, State
from slipway.actions.plan import Plan, load_plan
from slipway.environments import Environment, PointerRules
from slipway.errors import ConfigError, GateError, VerificationError
from slipway.model import Project
from slipway.release.branches import MergeBack, MoveRef, PushBranch
from slipway.release.plan_tags import plan_ref, plan_tagging
from slipway.release.tagging import CreateTag, PushTag
from slipway.rules import SignRules, Stamp
from slipway.version import Version

PRODUCTION = Environment(name="production")
STAMP = Stamp(file="version.json", find='"official": false', text='"official": true')


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    return git_remote.remote(tmp_path / "origin.git")


@pytest.fixture
def here(tmp_path: Path, origin: Path) -> Project:
    return git_remote.project(tmp_path / "here", origin)


def planned(project: Project, version: str = "2.1.0", environment: Environment = PRODUCTION) -> tuple[Action, ...]:
    commit = git(project.root, "rev-parse", "HEAD")
    return plan_tagging(project, Version(version), commit, environment)


def do(actions: tuple[Action, ...], root: Path) -> dict[str, str]:
    """Do what is not so already, as the engine does; returns how each was found before."""
    site, found = git_remote.site(root), {}
    for action in sorted(actions, key=lambda each: PHASE_NAMES.index(each.phase)):
        probe = action.probe(site)
        found[action.key] = probe.state.value
        if probe.refusal:
            raise GateError(probe.refusal, hint=probe.hint)
        if probe.state is not State.SAME:
            action.apply(site)
    return found


def states(actions: tuple[Action, ...], root: Path) -> set[str]:
    return {action.probe(git_remote.site(root)).state.value for action in actions}


def only(actions: tuple[Action, ...], kind: type) -> Any:
    (found,) = [each for each in actions if isinstance(each, kind)]
    return found


@pytest.mark.req("S0-48", "S3-10")
def test_a_release_is_tagged_and_pushed_once(here: Project, origin: Path) -> None:
    actions = planned(here)
    assert [type(each).__name__ for each in actions] == ["CreateTag", "PushBranch", "PushTag"]
    assert do(actions, here.root) == {"tag/git/v2.1.0": "absent", "push/git/branch/main": "same", "push/git/v2.1.0": "absent"}
    assert git(origin, "rev-parse", "v2.1.0^{commit}") == git(here.root, "rev-parse", "HEAD")
    assert git(origin, "cat-file", "-t", "v2.1.0") == "tag"
    assert "tagger Hello Makers <makers@hello.example>" in git(origin, "cat-file", "tag", "v2.1.0")
    assert git(origin, "for-each-ref", "--format=%(contents:subject)", "refs/tags") == "hello 2.1.0"
    before = git_remote.refs(origin)
    assert states(planned(here), here.root) == {"same"}
    assert do(planned(here), here.root) and git_remote.refs(origin) == before


def test_a_plan_of_tags_survives_json(here: Project) -> None:
    sign = replace(here.sign, ssh="ssh-ed25519 AAAA", ssh_file="keys/release")
    project = replace(here, sign=sign, release=replace(here.release, flow="detached", stamps=(STAMP,)))
    pointer = PointerRules(name="stable", store="git", form="ref")
    commit = git(here.root, "rev-parse", "HEAD")
    actions = (*planned(project), plan_ref(project, Version("2.1.0"), commit, pointer))
    plan = Plan.of(actions, verb="publish", product="hello", version="2.1.0", environment="production")
    kinds = {kind.KIND: kind for kind in (CreateTag, PushTag, PushBranch, MergeBack, MoveRef)}
    read = load_plan(plan.dump(), kinds, where="plan")
    assert read.actions == plan.actions and read.digest == plan.digest
    assert str(here.root) not in plan.dump().decode()


@pytest.mark.req("S1-16")
def test_another_machine_goes_on_with_the_same_tag(here: Project, origin: Path, tmp_path: Path) -> None:
    actions = planned(here)
    make, push = only(actions, CreateTag), only(actions, PushTag)
    first = make.apply(git_remote.site(here.root))
    there = git_remote.clone(origin, tmp_path / "there")
    second = make.apply(git_remote.site(there))
    assert first == second
    push.apply(git_remote.site(there))
    assert push.probe(git_remote.site(here.root)).state is State.SAME
    third = git_remote.clone(origin, tmp_path / "third")
    git(third, "tag", "--delete", "v2.1.0")
    assert make.probe(git_remote.site(third)).state is State.ABSENT
    assert make.apply(git_remote.site(third)).after == first.after


def test_a_tag_elsewhere_is_a_refusal(here: Project, origin: Path, tmp_path: Path) -> None:
    there = git_remote.clone(origin, tmp_path / "there")
    other = git_remote.commit(there, "other")
    git(there, "tag", "--annotate", "--message", "no", "v2.1.0")
    git(there, "push", "--quiet", "origin", "v2.1.0")
    for action in (only(planned(here), CreateTag), only(planned(here), PushTag)):
        probe = action.probe(git_remote.site(here.root))
        assert f"v2.1.0 is on origin at {other[:12]}" in probe.refusal
    with pytest.raises(GateError):
        only(planned(here), PushTag).apply(git_remote.site(here.root))
    assert git(origin, "rev-parse", "v2.1.0^{commit}") == other
    local = replace(PRODUCTION, tag="local")
    git(here.root, "tag", "v2.1.0")
    git_remote.commit(here.root, "newer")
    assert "is here at" in planned(here, environment=local)[0].probe(git_remote.site(here.root)).refusal


def test_a_commit_that_is_not_here_is_a_refusal(here: Project) -> None:
    make = replace(only(planned(here), CreateTag), commit="1" * 40)
    assert "is not in this repository" in make.probe(git_remote.site(here.root)).refusal
    with pytest.raises(GateError, match="no commit"):
        plan_tagging(here, Version("2.1.0"), "", PRODUCTION)


@pytest.mark.parametrize(("tag", "kinds"), [("none", []), ("local", ["CreateTag"])])
def test_an_environment_says_how_far_a_tag_goes(here: Project, origin: Path, tag: Any, kinds: list[str]) -> None:
    actions = planned(here, environment=replace(PRODUCTION, tag=tag))
    assert [type(each).__name__ for each in actions] == kinds
    before = git_remote.refs(origin)
    do(actions, here.root)
    assert git_remote.refs(origin) == before


def signing_by_ssh(project: Project, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    folder.mkdir(exist_ok=True)
    public, secret = keys.ssh(folder)
    monkeypatch.setenv("SLIPWAY_SSH_PASSPHRASE", keys.PASSPHRASE)
    return replace(project, sign=SignRules(ssh=public, ssh_file=os.path.relpath(secret, project.root)))


@pytest.mark.req("S4-11")
def test_git_itself_verifies_a_tag_signed_by_ssh(
    here: Project, origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = signing_by_ssh(here, tmp_path, monkeypatch)
    actions = planned(project)
    assert only(actions, CreateTag).describe().endswith("as v2.1.0, signed by ssh")
    do(actions, project.root)
    allowed = tmp_path / "allowed"
    allowed.write_text(f"* {project.sign.ssh}\n")
    there = git_remote.clone(origin, tmp_path / "there")
    git(there, "-c", f"gpg.ssh.allowedSignersFile={allowed}", "tag", "--verify", "v2.1.0")
    assert states(planned(project), project.root) == {"same"}
    assert keys.PASSPHRASE not in git(origin, "cat-file", "tag", "v2.1.0")


@pytest.mark.req("S4-11")
def test_a_tag_of_another_key_or_of_none_is_refused(
    here: Project, origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    do(planned(here), here.root)
    mine = signing_by_ssh(here, tmp_path / "mine", monkeypatch)
    for kind, where in ((CreateTag, "here"), (PushTag, "on origin")):
        refusal = only(planned(mine), kind).probe(git_remote.site(here.root)).refusal
        assert f"the tag v2.1.0 {where} is not signed by the key of the release" in refusal
    other = signing_by_ssh(here, tmp_path / "other", monkeypatch)
    make = only(planned(other, "2.2.0"), CreateTag)
    make.apply(git_remote.site(here.root))
    assert "not signed by the key" in only(planned(mine, "2.2.0"), CreateTag).probe(git_remote.site(here.root)).refusal
    with pytest.raises(VerificationError, match="not signed"):
        only(planned(mine, "2.2.0"), PushTag).apply(git_remote.site(here.root))
    assert "refs/tags/v2.2.0" not in git_remote.refs(origin)


def test_a_wish_for_a_key_that_nobody_named_is_an_error(here: Project) -> None:
    project = replace(here, release=replace(here.release, sign="gpg"))
    with pytest.raises(ConfigError, match="signed by gpg"):
        planned(project)
    unsigned = replace(here, sign=SignRules(gpg="X"), release=replace(here.release, sign="none"))
    assert only(planned(unsigned), CreateTag).signer is None


def test_a_tag_is_only_taken_away_while_nobody_has_it(here: Project, origin: Path) -> None:
    site, actions = git_remote.site(here.root), planned(here)
    make, push = only(actions, CreateTag), only(actions, PushTag)
    receipt = make.apply(site)
    assert "nowhere but here" in make.revert(site, receipt)
    assert "refs/tags/v2.1.0" not in git_remote.refs(here.root)
    receipt = make.apply(site)
    pushed = push.apply(site)
    with pytest.raises(GateError, match="stays: it is on origin"):
        make.revert(site, receipt)
    with pytest.raises(GateError, match="stays on origin"):
        push.revert(site, pushed)
    assert "refs/tags/v2.1.0" in git_remote.refs(origin)
    assert "was there before" in make.revert(site, make.apply(site))
    git(origin, "update-ref", "-d", "refs/tags/v2.1.0")
    git(here.root, "tag", "--force", "--annotate", "--message", "by hand", "v2.1.0")
    with pytest.raises(GateError, match="no longer the one"):
        make.revert(site, receipt)


def test_words_of_templates(here: Project) -> None:
    message = 'release: {version} "{codename}"'
    rules = replace(here.release, tag_message=message, codename="Vanilla", tagger="R. M. <rm@x.example>")
    make = only(planned(replace(here, release=rules)), CreateTag)
    assert (make.message, make.tagger) == ('release: 2.1.0 "Vanilla"', "R. M. <rm@x.example>")
    with pytest.raises(ConfigError, match=r"\{verion\} in \[release\] tag-message"):
        planned(replace(here, release=replace(rules, tag_message="{verion}")))


def test_without_a_name_nobody_tags(here: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project = replace(here, maintainer="The makers")
    make = only(planned(project), CreateTag)
    assert "tagger Mara Maker" in git(here.root, "cat-file", "tag", make.apply(git_remote.site(here.root)).after["object"])
    for name in ("user.name", "user.email"):
        git(here.root, "config", "--unset", name)
    git(here.root, "config", "user.useConfigOnly", "true")
    with pytest.raises(GateError, match="nobody is named"):
        only(planned(project, "3.0.0"), CreateTag).apply(git_remote.site(here.root))


class TestBranches:
    @pytest.mark.req("S3-4", "S1-20")
    def test_a_branch_of_the_release_is_made_and_goes_forward(self, here: Project, origin: Path, tmp_path: Path) -> None:
        project = replace(here, release=replace(here.release, release_branch="release-{major}.{minor}"))
        first = git(here.root, "rev-parse", "HEAD")
        do(planned(project), here.root)
        assert git_remote.refs(origin)["refs/heads/release-2.1"] == first
        second = git_remote.commit(here.root, "fix")
        do(planned(project, "2.1.1"), here.root)
        assert {git_remote.refs(origin)[f"refs/heads/{name}"] for name in ("main", "release-2.1")} == {second}
        assert states(planned(project, "2.1.1"), here.root) == {"same"}

    @pytest.mark.req("S2-16")
    def test_a_branch_that_went_elsewhere_is_never_forced(self, here: Project, origin: Path, tmp_path: Path) -> None:
        theirs = git_remote.commit(git_remote.clone(origin, tmp_path / "there"), "theirs")
        git(tmp_path / "there", "push", "--quiet")
        git_remote.commit(here.root, "ours")
        push = only(planned(here), PushBranch)
        assert "is at" in push.probe(git_remote.site(here.root)).refusal
        with pytest.raises(GateError):
            push.apply(git_remote.site(here.root))
        assert git_remote.refs(origin)["refs/heads/main"] == theirs
        with pytest.raises(GateError, match="stays as it is"):
            push.revert(git_remote.site(here.root), Receipt())

    def test_a_branch_of_somebody_is_not_pushed_to_main(self, here: Project) -> None:
        git(here.root, "switch", "--quiet", "--create", "topic")
        git_remote.commit(here.root, "topic")
        assert not [each for each in planned(here) if isinstance(each, PushBranch)]

    @pytest.mark.req("S2-16")
    def test_a_ref_that_users_follow_goes_forward_alone(self, here: Project, origin: Path) -> None:
        pointer = PointerRules(name="stable", store="git", form="ref")
        site, old = git_remote.site(here.root), git(here.root, "rev-parse", "HEAD")
        new = git_remote.commit(here.root, "newer")
        old_ref, new_ref = (plan_ref(here, Version(v), c, pointer) for v, c in (("2.1.0", old), ("2.2.0", new)))
        assert old_ref.phase == "point" and do((old_ref,), here.root) == {"point/git/stable": "absent"}
        assert do((new_ref,), here.root) == {"point/git/stable": "different"}
        assert do((new_ref,), here.root) == {"point/git/stable": "same"}
        assert "which is newer than 2.1.0" in old_ref.probe(site).refusal
        with pytest.raises(GateError, match="newer"):
            old_ref.apply(site)
        with pytest.raises(GateError, match="cannot follow it back"):
            new_ref.revert(site, Receipt())
        git(here.root, "checkout", "--quiet", "--orphan", "apart")
        apart = git_remote.commit(here.root, "apart")
        assert "is not in the history" in replace(new_ref, commit=apart).probe(site).refusal
        assert git_remote.refs(origin)["refs/heads/stable"] == new


@pytest.mark.req("S1-6")
class TestMergeBack:
    def beside(self, project: Project) -> Project:
        """The project with a release commit beside main, checked out."""
        git(project.root, "switch", "--quiet", "--detach")
        git_remote.commit(project.root, "version.json", '{"official": true}\n')
        return replace(project, release=replace(project.release, flow="detached", stamps=(STAMP,)))

    def test_history_is_linked_and_no_file_changes(self, here: Project, origin: Path) -> None:
        project = self.beside(here)
        release, files = git(here.root, "rev-parse", "HEAD"), git(here.root, "rev-parse", "main^{tree}")
        actions = planned(project)
        assert [type(each).__name__ for each in actions] == ["CreateTag", "PushBranch", "MergeBack", "PushTag"]
        do(actions, here.root)
        assert git(origin, "rev-parse", "main^{tree}") == files
        assert git(origin, "rev-parse", "main^2") == release == git(here.root, "rev-parse", "HEAD")
        assert git(origin, "log", "-1", "--format=%s %an", "main") == "release: merge release 2.1.0 back to main Hello Makers"
        assert git(here.root, "rev-parse", "main") == git(origin, "rev-parse", "main")
        assert git(here.root, "status", "--porcelain") == ""
        assert states(planned(project), here.root) == {"same"}

    def test_what_was_pushed_meanwhile_is_kept(self, here: Project, origin: Path, tmp_path: Path) -> None:
        project = self.beside(here)
        there = git_remote.clone(origin, tmp_path / "there")
        theirs = git_remote.commit(there, "theirs")
        git(there, "push", "--quiet")
        before = git(here.root, "rev-parse", "main")
        do(planned(project), here.root)
        assert git(origin, "rev-parse", "main^1") == theirs
        assert git(here.root, "rev-parse", "main") == before

    def test_here_alone_when_nothing_is_pushed(self, here: Project, origin: Path) -> None:
        project = self.beside(here)
        git(here.root, "switch", "--quiet", "main")
        before = git_remote.refs(origin)
        commit = git(here.root, "rev-parse", "HEAD@{1}")
        actions = plan_tagging(project, Version("2.1.0"), commit, replace(PRODUCTION, tag="local"))
        do(actions, here.root)
        assert git(here.root, "rev-parse", "main^2") == commit
        assert git(here.root, "status", "--porcelain") == "" and git_remote.refs(origin) == before

    def test_a_maintenance_release_does_not_touch_main(self, here: Project, origin: Path) -> None:
        git(here.root, "switch", "--quiet", "--create", "release-2.1")
        git_remote.commit(here.root, "fix")
        git(here.root, "push", "--quiet", "origin", "release-2.1")
        project = self.beside(replace(here, release=replace(here.release, release_branch="release-{major}.{minor}")))
        main = git_remote.refs(origin)["refs/heads/main"]
        do(planned(project, "2.1.1"), here.root)
        assert git_remote.refs(origin)["refs/heads/main"] == main
        assert git(origin, "log", "-1", "--format=%s", "release-2.1") == "release: merge release 2.1.1 back to release-2.1"

    def test_a_shallow_history_cannot_tell(self, here: Project, origin: Path, tmp_path: Path) -> None:
        project = self.beside(here)
        git_remote.commit(git_remote.clone(origin, tmp_path / "there"), "theirs")
        git(tmp_path / "there", "push", "--quiet")
        git(here.root, "push", "--quiet", "origin", "HEAD:refs/heads/carry")
        git(tmp_path, "clone", "--quiet", "--depth=1", "--no-single-branch", f"file://{origin}", "shallow")
        merge = only(planned(project), MergeBack)
        assert "unshallow" in merge.probe(git_remote.site(tmp_path / "shallow")).hint
