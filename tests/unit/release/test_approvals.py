"""Approvals: signatures of people over one plan, counted once each, and good for nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import git_remote
import keys
import pytest
from git_remote import git

from slipway.actions.store import StateFiles
from slipway.environments import DirStore, Environment
from slipway.errors import ConfigError, GateError, SlipwayError
from slipway.git import Repository
from slipway.publish.dir import Folder
from slipway.release.approvals import (
    NAMESPACE,
    Approver,
    approve,
    approvers_of,
    find_approver,
    granted,
    read_approvers,
    text_of,
)
from slipway.release.gates import ask_gates
from slipway.release.situation import Answer, Situation
from slipway.version import Version

DIGEST = "a1" * 32
REQUEST = (DIGEST, "production", "2.1.0")


@pytest.fixture(autouse=True)
def _passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_SSH_PASSPHRASE", keys.PASSPHRASE)


@pytest.fixture
def state(tmp_path: Path) -> StateFiles:
    return Folder(DirStore(name="site"), tmp_path / "site")


def unread(name: str) -> bytes:
    raise AssertionError(name)


def person(folder: Path, name: str, options: str = "") -> tuple[Approver, str]:
    """Somebody with a key of their own, and the file of the secret part."""
    folder.mkdir(parents=True, exist_ok=True)
    public, secret = keys.ssh(folder)
    (found,) = read_approvers(f"{name} {options} {public}\n", "approvers", unread)
    return found, str(secret)


def test_what_is_signed_names_the_plan_the_environment_and_the_version() -> None:
    assert text_of(*REQUEST) == f"slipway approval v1\n{DIGEST}\nproduction\n2.1.0\n".encode()


def test_each_person_counts_once(tmp_path: Path, state: StateFiles) -> None:
    (mara, hers), (tom, his) = person(tmp_path / "m", "mara@x.example"), person(tmp_path / "t", "tom@x.example")
    people = (mara, tom)
    assert granted(people, state, "approvals", *REQUEST) == ()
    assert approve(mara, hers, state, "approvals", *REQUEST) == f"approvals/{DIGEST}/mara@x.example.sig"
    approve(mara, hers, state, "approvals", *REQUEST)
    assert granted(people, state, "approvals", *REQUEST) == ("mara@x.example",)
    approve(tom, his, state, "approvals", *REQUEST)
    assert granted(people, state, "approvals", *REQUEST) == ("mara@x.example", "tom@x.example")
    twice = replace(mara, name="mara@y.example", line=mara.line.replace("x.example", "y.example"))
    approve(twice, hers, state, "approvals", *REQUEST)
    assert granted((mara, twice), state, "approvals", *REQUEST) == ("mara@x.example",)


@pytest.mark.parametrize(
    "other", [("b2" * 32, "production", "2.1.0"), (DIGEST, "staging", "2.1.0"), (DIGEST, "production", "2.1.1")]
)
def test_an_approval_is_good_for_nothing_else(tmp_path: Path, state: StateFiles, other: tuple[str, str, str]) -> None:
    mara, hers = person(tmp_path / "m", "mara")
    name = approve(mara, hers, state, "approvals", *REQUEST)
    kept = state.load(name)
    assert kept is not None
    seen = state.load(f"approvals/{other[0]}/mara.sig")
    state.save(f"approvals/{other[0]}/mara.sig", kept[0], seen[1] if seen else None)
    assert granted((mara,), state, "approvals", *other) == ()


def test_signatures_of_others_and_for_other_purposes_do_not_count(tmp_path: Path, state: StateFiles) -> None:
    (mara, hers), (tom, his) = person(tmp_path / "m", "mara"), person(tmp_path / "t", "tom")
    with pytest.raises(SlipwayError, match="is not the secret key of"):
        approve(mara, his, state, "approvals", *REQUEST)
    name = approve(tom, his, state, "approvals", *REQUEST)
    kept = state.load(name)
    assert kept is not None
    state.save(f"approvals/{DIGEST}/mara.sig", kept[0], None)
    assert granted((mara, tom), state, "approvals", *REQUEST) == ("tom",)
    (tmp_path / "text").write_bytes(text_of(*REQUEST))
    plain, secret = tmp_path / "plain", Path(hers)
    plain.write_bytes(secret.read_bytes())
    plain.chmod(0o600)
    keys.say("ssh-keygen", "-p", "-q", "-P", keys.PASSPHRASE, "-N", "", "-f", plain)
    for namespace, expected in (("file", ()), (NAMESPACE, ("mara",))):
        keys.say("ssh-keygen", "-Y", "sign", "-q", "-n", namespace, "-f", plain, tmp_path / "text")
        seen = state.load(f"approvals/{DIGEST}/mara.sig")
        state.save(f"approvals/{DIGEST}/mara.sig", (tmp_path / "text.sig").read_bytes(), seen[1] if seen else None)
        (tmp_path / "text.sig").unlink()
        assert granted((mara,), state, "approvals", *REQUEST) == expected


def test_damage_does_not_count(tmp_path: Path, state: StateFiles) -> None:
    mara, _ = person(tmp_path / "m", "mara")
    state.save(f"approvals/{DIGEST}/mara.sig", b"\xff\x00 no signature", None)
    assert granted((mara,), state, "approvals", *REQUEST) == ()


@pytest.mark.parametrize(
    ("options", "counts"),
    [
        ('valid-before="20200101"', False),
        ('valid-after="20200101"', True),
        ('namespaces="git"', False),
        (f'namespaces="{NAMESPACE},git"', True),
    ],
)
def test_options_of_a_line_are_minded(tmp_path: Path, state: StateFiles, options: str, counts: bool) -> None:
    mara, hers = person(tmp_path / "m", "mara", options)
    if counts:
        approve(mara, hers, state, "approvals", *REQUEST)
    else:
        with pytest.raises(GateError, match="not one by mara"):
            approve(mara, hers, state, "approvals", *REQUEST)
    assert granted((mara,), state, "approvals", *REQUEST) == (("mara",) if counts else ())


def test_minisign_approves_too(tmp_path: Path, state: StateFiles) -> None:
    public, secret = keys.minisign(tmp_path)
    (mini,) = read_approvers(f"mini minisign {public}\n", "approvers", unread)
    approve(mini, str(secret), state, "approvals", *REQUEST)
    assert granted((mini,), state, "approvals", *REQUEST) == ("mini",)
    assert granted((mini,), state, "approvals", DIGEST, "staging", "2.1.0") == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mara\n", "approvers:1: 'mara' names no key"),
        ("# who\n\nssh-ed25519 AAAA\n", "approvers:3: 'ssh-ed25519 AAAA' names no key"),
        ("* ssh-ed25519 AAAA\n", "does not name one person"),
        ("a,b ssh-ed25519 AAAA\n", "does not name one person"),
        ("../a ssh-ed25519 AAAA\n", "does not name one person"),
        ("a gpg 0123456789 a.asc\n", "names no key"),
        ("ca cert-authority ssh-ed25519 AAAA\n", "an authority is no person"),
        ("a ssh-ed25519 AAAA\na ssh-ed25519 BBBB\n", "names a twice"),
    ],
)
def test_files_that_name_nobody_surely(text: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_approvers(text, "approvers", unread)
    assert says in caught.value.message


def test_who_may_approve_is_read_from_the_commit(tmp_path: Path) -> None:
    project = git_remote.project(tmp_path / "here")
    first = git_remote.commit(project.root, "keys/approvers", "mara ssh-ed25519 AAAA\n")
    (project.root / "keys/approvers").write_text("eve ssh-ed25519 EEEE\n")
    repository = Repository(project.root)
    assert [each.name for each in approvers_of(repository, first, "keys/approvers")] == ["mara"]
    assert approvers_of(repository, first, "") == ()
    with pytest.raises(ConfigError, match="none is not in"):
        approvers_of(repository, first, "none")
    with pytest.raises(GateError, match="eve may not approve"):
        find_approver(approvers_of(repository, first, "keys/approvers"), "eve")
    below = Repository(project.root / "keys")
    assert [each.name for each in approvers_of(below, first, "approvers")] == ["mara"]


def test_the_gate_wants_as_many_as_the_environment(tmp_path: Path, state: StateFiles) -> None:
    import sample

    project = git_remote.project(tmp_path / "here")
    people = {name: person(tmp_path / name, name) for name in ("mara", "tom")}
    lines = "".join(f"{found.line}\n" for found, _ in people.values())
    commit = git_remote.commit(project.root, "approvers", lines)
    environment = Environment(name="production", approvals=2, approvers="approvers", gates={"approvals": "error"})
    release = replace(sample.release(tmp_path, project=project), version=Version("2.1.0"))
    situation = Situation(release=release, environment=environment, commit=commit, digest=DIGEST, state=state)

    def found(now: Situation) -> Answer:
        return next(each.answer for each in ask_gates(now).found if each.gate == "approvals")

    assert found(situation).text == f"0 of 2 people have approved the plan {DIGEST[:12]} (nobody)"
    approve(*people["mara"], state, "approvals", *REQUEST)
    assert "1 of 2 people" in found(situation).text
    approve(*people["tom"], state, "approvals", *REQUEST)
    assert found(situation) == Answer("passed", "approved by mara, tom")
    assert found(replace(situation, digest="b" * 64)).state == "failed"
    assert found(replace(situation, state=None)).state == "unknown"
    assert found(replace(situation, environment=replace(environment, approvals=3))).state == "unknown"
    assert found(replace(situation, environment=replace(environment, approvals=0))).state == "absent"
    assert git(project.root, "status", "--porcelain") == ""
