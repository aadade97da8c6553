"""A release in git as it is made for real: two machines, a server behind SSH, signed tags, and state that both share."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import git_remote
import keys
import pytest
import ssh_server
from git_remote import git

from slipway.actions.action import PHASE_NAMES, Action, State
from slipway.environments import Environment
from slipway.errors import ChangedError, GateError, NetworkError
from slipway.git import Repository
from slipway.model import Paths, Project
from slipway.publish.git_state import GitState
from slipway.release.approvals import approve, approvers_of, granted
from slipway.release.plan_tags import plan_tagging
from slipway.release.stamp import back_to_branch, prepare
from slipway.rules import SignRules, Stamp
from slipway.version import Version

pytestmark = pytest.mark.slow
PRODUCTION = Environment(name="production")
STAMP = Stamp(file="version.json", find='"official": false', text='"official": true, "version": "{version}"')


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ssh_server.Ssh]:
    with ssh_server.ssh_server(tmp_path_factory.mktemp("ssh")) as found:
        yield found


@pytest.fixture(params=["file", "ssh"])
def url(request: pytest.FixtureRequest, server: ssh_server.Ssh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bare repository, and how it is reached."""
    bare = git_remote.remote(tmp_path / "origin.git")
    for name, value in server.git_environment.items():
        monkeypatch.setenv(name, value)
    return server.url(bare) if request.param == "ssh" else f"file://{bare}"


@pytest.fixture(params=["ssh", "gpg"])
def signing(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SignRules]:
    if request.param == "ssh":
        public, secret = keys.ssh(tmp_path)
        monkeypatch.setenv("SLIPWAY_SSH_PASSPHRASE", keys.PASSPHRASE)
        yield SignRules(ssh=public, ssh_file=str(secret))
        return
    home = keys.Home()
    key = home.make("release")
    monkeypatch.setenv("SLIPWAY_GPG_KEY", home.secret(key))
    monkeypatch.setenv("SLIPWAY_GPG_PASSPHRASE", keys.PASSPHRASE)
    monkeypatch.setenv("GNUPGHOME", str(home.path))
    yield SignRules(gpg=key)
    home.close()


def do(actions: tuple[Action, ...], root: Path, until: int = 99) -> list[str]:
    """Do what is not so already; returns what had to be done."""
    site, done = git_remote.site(root), []
    for action in sorted(actions, key=lambda each: PHASE_NAMES.index(each.phase))[:until]:
        probe = action.probe(site)
        assert not probe.refusal, probe.refusal
        if probe.state is not State.SAME:
            action.apply(site)
            done.append(action.key)
    return done


@pytest.mark.req("S1-1", "S1-4", "S1-5", "S1-6", "S1-7", "S1-16", "S1-19", "S1-20", "S1-21", "S4-11")
def test_a_release_of_the_detached_flow(url: str, signing: SignRules, tmp_path: Path) -> None:
    rules = {"flow": "detached", "release_branch": "release-{major}.{minor}", "codename": "Vanilla Ice Cream"}
    project = git_remote.project(tmp_path / "here", url, stamps=(STAMP,), tag_message='release: {version} "{codename}"', **rules)
    project = replace(project, sign=signing)
    version = Version("2.1.0")
    made = prepare(project, Paths.under(project.root), version, lambda _: {"notes.md": b"# 2.1.0\n"})
    actions = plan_tagging(project, version, made.commit, PRODUCTION)
    assert [each.key for each in actions] == [
        "tag/git/v2.1.0",
        "push/git/branch/release-2.1",
        "push/git/branch/main",
        "merge/git/release-2.1",
        "merge/git/main",
        "push/git/v2.1.0",
    ]
    # The first machine is gone after the third of them; another one goes on from the same plan.
    do(actions, project.root, until=3)
    git(project.root, "push", "--quiet", "origin", f"{made.commit}:refs/heads/carry")
    there = git_remote.clone(url, tmp_path / "there")
    assert do(actions, there) == ["tag/git/v2.1.0", "merge/git/release-2.1", "merge/git/main", "push/git/v2.1.0"]
    assert do(actions, project.root) == []
    third = git_remote.clone(url, tmp_path / "third")
    verify(third, signing, tmp_path)
    assert git(third, "show", "v2.1.0:version.json") == '{"official": true, "version": "2.1.0"}'
    for branch in ("main", "release-2.1"):
        assert git(third, "show", f"origin/{branch}:version.json") == '{"official": false}'
        assert git(third, "describe", f"origin/{branch}").startswith("v2.1.0-")
    assert back_to_branch(project, Paths.under(project.root)) == "main"
    assert git(project.root, "status", "--porcelain") == ""


def verify(folder: Path, signing: SignRules, scratch: Path) -> None:
    """Check the tag as anybody would."""
    allowed = scratch / "allowed"
    allowed.write_text(f"* {signing.ssh}\n")
    git(folder, "-c", f"gpg.ssh.allowedSignersFile={allowed}", "tag", "--verify", "v2.1.0")


def test_nothing_asks_for_anything(server: ssh_server.Ssh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = git_remote.remote(tmp_path / "origin.git")
    project = git_remote.project(tmp_path / "here")
    git(project.root, "remote", "add", "origin", server.url(bare))
    monkeypatch.setenv("GIT_SSH_COMMAND", f"ssh -F /dev/null -o IdentitiesOnly=yes -o UserKnownHostsFile={server.known_hosts}")
    (action, *_) = plan_tagging(project, Version("2.1.0"), git(project.root, "rev-parse", "HEAD"), PRODUCTION)
    with pytest.raises(NetworkError, match="does not let us in"):
        action.probe(git_remote.site(project.root))


def test_two_machines_share_state(url: str, tmp_path: Path) -> None:
    project = git_remote.project(tmp_path / "here", url)
    there = git_remote.clone(url, tmp_path / "there")
    one, other = (GitState(Repository(root), "origin", "production") for root in (project.root, there))
    token = one.save("hello/journal.jsonl", b"1\n", None)
    assert other.load("hello/journal.jsonl") == (b"1\n", token)
    newer = other.save("hello/journal.jsonl", b"1\n2\n", token)
    with pytest.raises(ChangedError):
        one.save("hello/journal.jsonl", b"1\n3\n", token)
    assert one.load("hello/journal.jsonl") == (b"1\n2\n", newer)


def test_people_on_two_machines_approve(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_SSH_PASSPHRASE", keys.PASSPHRASE)
    project = git_remote.project(tmp_path / "here", url)
    secrets, lines = {}, ""
    for name in ("mara", "tom"):
        (tmp_path / name).mkdir()
        public, secret = keys.ssh(tmp_path / name)
        secrets[name], lines = str(secret), f"{lines}{name} {public}\n"
    commit = git_remote.commit(project.root, "approvers", lines)
    git(project.root, "push", "--quiet")
    request = ("ab" * 32, "production", "2.1.0")
    for number, person in enumerate(approvers_of(Repository(project.root), commit, "approvers")):
        machine = GitState(Repository(git_remote.clone(url, tmp_path / f"machine-{number}")), "origin", "production")
        approve(person, secrets[person.name], machine, "hello/approvals", *request)
    people = approvers_of(Repository(project.root), commit, "approvers")
    state = GitState(Repository(project.root), "origin", "production")
    assert granted(people, state, "hello/approvals", *request) == ("mara", "tom")


def test_a_server_that_keeps_tags_to_itself(tmp_path: Path) -> None:
    bare = git_remote.remote(tmp_path / "origin.git")
    project = git_remote.project(tmp_path / "here", bare)
    hook = bare / "hooks" / "update"
    hook.write_text('#!/bin/sh\ncase $1 in refs/tags/*) echo "tags are for others" >&2; exit 1;; esac\n')
    hook.chmod(0o755)
    actions = plan_tagging(project, Version("2.1.0"), git(project.root, "rev-parse", "HEAD"), PRODUCTION)
    with pytest.raises(GateError) as caught:
        do(actions, project.root)
    assert "tags are for others" in caught.value.message
    assert "refs/tags/v2.1.0" not in git_remote.refs(bare)


KILLED = """
import sys
from pathlib import Path
sys.path[:0] = {path!r}
import git_remote
from slipway.model import Paths
from slipway.release.stamp import prepare
from slipway.rules import ReleaseRules, Stamp
from slipway.version import Version
import sample
from dataclasses import replace
root = Path({root!r})
stamp = Stamp(file="version.json", find='"official": false', text='"official": true, "version": "{{version}}"')
project = replace(sample.project(root), release=ReleaseRules(flow="detached", stamps=(stamp,)))
notes = {{"notes.md": b"x"}}
prepare(project, Paths.under(root), Version("2.1.0"), lambda folder: {{}} if (folder / "notes.md").is_file() else notes)
"""


KILL = 'kill -9 "$PPID"'


@pytest.mark.parametrize("moment", [f"{KILL}; exit 1", f'PATH=${{PATH#*:}} git "$@"; {KILL}; exit 1'], ids=["before", "after"])
def test_a_preparation_that_is_killed_anywhere_can_be_typed_again(tmp_path: Path, moment: str) -> None:
    """Killed before or after each start of git in turn, which are all places where something changes."""
    endings: list[str] = []
    project = git_remote.project(tmp_path / "0")
    while killed(project, tmp_path / f"bin-{len(endings)}", len(endings) + 1, moment):
        endings.append(finished(project))
        project = git_remote.project(tmp_path / str(len(endings)))
    assert len(endings) > 5 and set(endings) == {finished(project)}


def killed(project: Project, folder: Path, number: int, moment: str) -> bool:
    """Whether a preparation was killed at so many starts of git."""
    folder.mkdir()
    program = folder / "git"
    program.write_text(
        f"""#!/bin/sh
echo x >> {folder}/count
if [ "$(wc -l < {folder}/count)" -eq {number} ]; then {moment}; fi
PATH=${{PATH#*:}} exec git "$@"
"""
    )
    program.chmod(0o755)
    env = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "TMPDIR": str(folder)}
    code = KILLED.format(path=sys.path, root=str(project.root))
    done = subprocess.run([sys.executable, "-c", code], env=env, check=False, capture_output=True, text=True)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


def finished(project: Project) -> str:
    """Prepare again as a person would, and say how everything stands then."""
    root = project.root
    assert git(root, "status", "--porcelain") == ""
    release, paths = replace(project, release=replace(project.release, flow="detached", stamps=(STAMP,))), Paths.under(root)
    made = prepare(release, paths, Version("2.1.0"), lambda folder: {} if (folder / "notes.md").is_file() else {"notes.md": b"x"})
    assert git(root, "rev-parse", "HEAD") == made.commit and git(root, "status", "--porcelain") == ""
    return git(root, "log", "--format=%s", "HEAD") + git(root, "rev-parse", "HEAD^{tree}", "main^{tree}")
