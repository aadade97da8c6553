"""What stands around publishing: releases by their flags, approvals, confirmations, gates that are passed by."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import git_hello
import keys
import pytest
from git_hello import commit, leads, make, slipway, tag, typed
from git_remote import git

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with 1.2.3 tagged, a fix after it, and packages/ of 1.3.0."""
    folder = git_hello.write(tmp_path_factory.mktemp("creating") / "hello", toml=git_hello.RELEASING)
    tag(folder, "v1.2.3")
    commit(folder, "fix: answer quickly")
    make(folder, "1.3.0")
    return folder


@pytest.fixture
def project(built: Path, tmp_path: Path) -> Path:
    """A copy of it that nobody has published from."""
    return git_hello.copy(built, tmp_path / "work")


def in_code(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return slipway(project, "create-release", "--environment", "code", "--version", "1.3.0", *words)


def tags(folder: Path) -> set[str]:
    return set(git(folder, "tag", "--list").split())


@pytest.mark.req("S0-40", "S0-48")
@pytest.mark.parametrize(
    ("words", "tagged", "pushed", "uploaded", "shown"),
    [
        ((), True, True, False, False),
        (("--no-push-tag",), True, False, False, False),
        (("--draft",), False, False, True, False),
        (("--auto-upload",), True, True, True, True),
        (("--auto-upload", "--no-push-tag"), True, False, True, True),
        (("--auto-upload", "--dry-run"), False, False, False, False),
    ],
)
def test_a_release_is_created_as_far_as_the_flags_say(
    project: Path, words: tuple[str, ...], tagged: bool, pushed: bool, uploaded: bool, shown: bool
) -> None:
    done = in_code(project, *words)
    assert (done.returncode, "1.3.0 comes after 1.2.3" in done.stderr) == (0, True), done.stderr
    found = (
        "v1.3.0" in tags(project),
        "v1.3.0" in tags(project.parent / "remote.git"),
        (project / "site-code" / "v1.3.0" / "manifest.json").is_file(),
        leads(project, "site-code") == "v1.3.0",
    )
    assert found == (tagged, pushed, uploaded, shown)
    if not shown and "--dry-run" not in words:
        assert "slipway resume --version 1.3.0 --environment code does the rest" in done.stderr
        again = slipway(project, "resume", "--version", "1.3.0", "--environment", "code")
        assert again.returncode == 0, again.stderr
        assert ("v1.3.0" in tags(project.parent / "remote.git"), leads(project, "site-code")) == (
            "--no-push-tag" not in words,
            "v1.3.0",
        )
        assert "nothing to do" in in_code(project, "--auto-upload", *words).stderr or words == ("--draft",)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--version", "1.3.0", "--pre-release"), 2, "1.3.0 is no pre-release"),
        (("--version", "1.3.0", "--draft", "--auto-upload"), 2, "leave out one of them"),
        (("--version", "1.3.0", "--draft", "--push-tag"), 2, "a draft has no tag yet"),
        (
            (
                "--version",
                "1.2.2",
            ),
            3,
            "1.2.2 would come after 1.2.3",
        ),
        (("--version", "1.3.0", "--rollback-from", "9.9.9"), 2, "1.3.0 cannot replace 9.9.9"),
        (("--release-type", "minor", "--pre-release"), 4, "not of hello-1.3.0-rc.1"),
        (("--release-type", "major", "--dry-run"), 4, "the version is 2.0.0: a major release was asked for"),
        (("--version", "1.3.0", "--environment", "asked", "--no-auto-upload"), 3, "has neither drafts nor tags"),
    ],
)
def test_a_release_that_makes_no_sense_is_not_created(project: Path, words: tuple[str, ...], code: int, says: str) -> None:
    done = slipway(project, "create-release", *(() if "--environment" in words else ("--environment", "code")), *words)
    assert (done.returncode, says in done.stderr) == (code, True), done.stderr
    assert tags(project) == {"v1.2.3"}


@pytest.mark.req("S2-5", "S0-40")
def test_a_release_by_its_type_is_the_same_release_when_it_is_typed_again(project: Path) -> None:
    words = ("create-release", "--environment", "code", "--release-type", "minor", "--auto-upload")
    assert slipway(project, *words).returncode == 0
    before = git(project, "for-each-ref")
    again = slipway(project, *words)
    assert (again.returncode, "nothing to do" in again.stderr) == (0, True), again.stderr
    assert git(project, "for-each-ref") == before


@pytest.mark.req("S0-40")
@pytest.mark.parametrize(
    ("environment", "site", "here"), [("code", "site-code", ""), ("local", "published", ""), ("local", "published", "1.2.9")]
)
def test_files_are_taken_from_where_they_are_said_to_lie(
    project: Path, tmp_path: Path, environment: str, site: str, here: str
) -> None:
    (project / "packages").rename(tmp_path / "brought")
    # Another machine has built them; this one has built nothing, or something else.
    subprocess.run(["rm", "-r", project / ".slipway", project / "dist"], check=True)
    if here:
        make(project, here)
    words = ("--environment", environment, "--version", "1.3.0", "--draft", "--asset-dir")
    done = slipway(project, "create-release", *words, tmp_path / "brought")
    assert done.returncode == 0, done.stderr
    done = slipway(project, "resume", *words[:4])
    assert done.returncode == 0, done.stderr
    assert leads(project, site) == "v1.3.0"


@pytest.mark.req("S0-40")
def test_the_page_says_what_the_flags_say(project: Path) -> None:
    (project / "changes").mkdir()
    commit(project, "docs: a note", changes__quick_fixed_md="People noticed it.\n")
    assert "People noticed it." in slipway(project, "notes", "--version", "1.3.0").stdout
    done = in_code(project, "--auto-upload", "--generate-changelog", "--urgent")
    assert done.returncode == 0, done.stderr
    page = (project / "site-code" / "v1.3.0" / "index.html").read_text()
    assert "Urgent: install this release now." in page
    assert "answer quickly" in page
    assert "People noticed it." not in page


@pytest.fixture
def signed(built: Path, tmp_path: Path) -> tuple[Path, dict[str, Path]]:
    """A project that wants two approvals, and the secret keys of three people, of whom two may give one."""
    project = git_hello.copy(built, tmp_path / "work")
    secrets, lines = {}, []
    for name in ("mara", "tom", "eve"):
        (tmp_path / name).mkdir()
        public, secrets[name] = keys.ssh(tmp_path / name)
        lines += [f"{name}@hello.example {public}\n"] if name != "eve" else []
    toml = (project / "slipway.toml").read_text() + git_hello.APPROVED
    commit(project, "chore: approvals", slipway_toml=toml, approvers="".join(lines))
    return project, secrets


@pytest.mark.req("S4-5", "S0-49")
def test_a_plan_is_published_once_enough_people_have_approved_it(signed: tuple[Path, dict[str, Path]], tmp_path: Path) -> None:
    project, secrets = signed
    plan, where = tmp_path / "plan.json", ("--environment", "approved", "--version", "1.3.0")

    def approve(name: str, *words: str) -> subprocess.CompletedProcess[str]:
        who = ("--as", f"{name}@hello.example", "--key", secrets[name])
        return slipway(project, "approve", plan, *who, *words, SLIPWAY_SSH_PASSPHRASE=keys.PASSPHRASE)

    def publish() -> subprocess.CompletedProcess[str]:
        return slipway(project, "publish", *where)

    assert slipway(project, "plan", *where, "--output", plan).returncode == 0
    digest = json.loads(plan.read_bytes())["digest"]
    assert "0 of 2 people have approved" in publish().stderr
    assert f"would sign the plan {digest} as mara@hello.example" in approve("mara", "--dry-run").stdout
    for _ in range(2):
        done = approve("mara")
        assert done.stdout == "1.3.0 in approved is approved by mara@hello.example: 1 of 2\n", done.stderr
        assert digest in done.stderr
        refused = publish()
        assert (refused.returncode, "1 of 2 people have approved" in refused.stderr) == (3, True), refused.stderr
    done = approve("eve")
    assert (done.returncode, "eve@hello.example may not approve" in done.stderr) == (3, True)
    assert approve("tom").stdout.endswith("mara@hello.example, tom@hello.example: 2 of 2\n")
    assert not (project / "site-approved" / "v1.3.0").exists()
    commit(project, "fix: something that nobody has read")
    assert "0 of 2 people have approved" in publish().stderr
    git(project, "reset", "--quiet", "--hard", "HEAD~1")
    done = publish()
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("change", "words", "code", "says"),
    [
        (('"version": "1.3.0"', '"version": "1.4.0"'), (), 4, "was changed after it was written"),
        (("", ""), ("--environment", "staging"), 2, "is a plan for approved, not for staging"),
        (("{", "["), (), 4, "is not a plan"),
    ],
)
def test_what_is_no_plan_of_this_is_not_approved(
    signed: tuple[Path, dict[str, Path]], tmp_path: Path, change: tuple[str, str], words: tuple[str, ...], code: int, says: str
) -> None:
    project, secrets = signed
    plan = tmp_path / "plan.json"
    assert slipway(project, "plan", "--environment", "approved", "--version", "1.3.0", "--output", plan).returncode == 0
    plan.write_text(plan.read_text().replace(*change))
    who = ("--as", "mara@hello.example", "--key", secrets["mara"])
    done = slipway(project, "approve", plan, *who, *words, SLIPWAY_SSH_PASSPHRASE=keys.PASSPHRASE)
    assert (done.returncode, says in done.stderr) == (code, True), done.stderr


PHRASE = "I want to release 1.3.0 to phrased"


@pytest.mark.req("S1-2", "S1-28", "S3-12")
@pytest.mark.parametrize(
    ("environment", "words", "variables", "code", "says"),
    [
        ("asked", (), {}, 3, "nobody sits at a terminal"),
        ("asked", ("--yes",), {}, 0, "ASKED: publish hello 1.3.0"),
        ("asked", (), {"CONFIRM": "yes"}, 0, ""),
        ("asked", ("--confirm", "no"), {}, 3, "not confirmed"),
        ("phrased", ("--yes",), {}, 3, PHRASE),
        ("phrased", ("--confirm", "I want to release 1.2.9 to phrased"), {}, 3, PHRASE),
        ("phrased", ("--confirm", PHRASE), {}, 0, "PHRASED: publish hello 1.3.0"),
        ("phrased", (), {"CONFIRM": PHRASE}, 0, ""),
        ("staging", ("--steps",), {}, 2, "no terminal to answer at"),
    ],
)
def test_without_a_terminal_the_answer_has_to_be_given(
    project: Path, environment: str, words: tuple[str, ...], variables: dict[str, str], code: int, says: str
) -> None:
    done = slipway(project, "publish", "--version", "1.3.0", "--environment", environment, *words, **variables)
    assert (done.returncode, says in done.stderr) == (code, True), done.stderr
    assert bool(list(project.glob("site*/v1.3.0/*"))) == (code == 0)


@pytest.mark.req("S1-2", "S1-28")
@pytest.mark.parametrize(
    ("environment", "answer", "code"),
    [
        ("asked", "yes", 0),
        ("asked", "n", 3),
        ("asked", "", 3),
        ("phrased", PHRASE, 0),
        ("phrased", "yes", 3),
    ],
)
def test_at_a_terminal_the_question_is_asked(project: Path, environment: str, answer: str, code: int) -> None:
    words = ("publish", "--version", "1.3.0", "--environment", environment)
    question = "type yes to go on in asked: " if environment == "asked" else f"type this to go on: {PHRASE}"
    found, said = typed(project, words, [(question, answer)])
    assert found == code, said
    assert (project / f"site-{environment}" / "v1.3.0").exists() == (code == 0)


def test_each_step_is_asked_for_and_a_no_can_be_resumed(project: Path) -> None:
    words = ("publish", "--version", "1.3.0", "--environment", "staging")
    code, said = typed(project, (*words, "--steps"), [("? [Y/n] ", "y"), ("? [Y/n] ", ""), ("? [Y/n] ", "n")])
    assert (code, "stopped before: " in said) == (3, True), said
    assert len(list((project / "site-staging" / "v1.3.0").iterdir())) == 2
    done = slipway(project, "resume", "--version", "1.3.0", "--environment", "staging")
    assert done.returncode == 0, done.stderr
    assert "2 were done already" in done.stderr
    assert leads(project, "site-staging") == "v1.3.0"


@pytest.mark.req("S0-49", "S1-29")
def test_a_gate_is_passed_by_for_a_reason_that_stays_known(project: Path) -> None:
    (project / "slipway.toml").write_text((project / "slipway.toml").read_text().replace('clean = "off"', 'clean = "error"', 1))
    words = ("publish", "--version", "1.3.0", "--environment", "code")
    refused = slipway(project, *words)
    assert (refused.returncode, "clean: " in refused.stderr) == (3, True), refused.stderr
    for text, says in (("clean", "says no reason"), ("cleam=x", "did you mean clean?"), ("approvals=x", "cannot be passed by")):
        done = slipway(project, *words, "--bypass", text)
        assert (done.returncode, says in done.stderr) == (2, True), done.stderr
    done = slipway(project, *words, "--bypass", "clean=only the gate itself is changed")
    assert done.returncode == 0, done.stderr
    assert "passed by: clean: only the gate itself is changed" in slipway(project, "status", "ENVIRONMENT=code").stdout
