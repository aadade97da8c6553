"""Releases on GitLab: packages first, then the release with all its links, for there are no drafts."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from forge_gitlab import GitLab as Fake
from forge_gitlab_texts import PackageFile, Release

from slipway.errors import GateError, NetworkError, TransientError, VerificationError
from slipway.forges import Upload, Wanted
from slipway.forges.gitlab import JOB, GitLab
from slipway.forges.names import gitlab_name

Make = Callable[..., Upload]
NAMES = ("greeter.tar.gz", "SHA256SUMS")


@pytest.fixture
def client(lab: Fake) -> GitLab:
    """A client that may write."""
    return again(lab)


def again(lab: Fake) -> GitLab:
    """A client that remembers nothing, as in another run."""
    return GitLab(lab.api, lab.project, lab.token)


def nobody(_: int) -> None:
    """Count nothing."""


def older(lab: Fake, tag: str, when: str) -> None:
    """A release that is there already."""
    lab.releases[tag] = Release(tag, tag, "", when, when)


def upload_all(client: GitLab, wanted: Wanted, file: Make) -> None:
    """Both files in place."""
    for name in NAMES:
        client.upload(wanted.tag, file(name), nobody)


def test_a_release_lives(lab: Fake, client: GitLab, wanted: Wanted, file: Make) -> None:
    client.access()
    assert client.open(wanted).draft
    assert lab.writes() == [], "there is nothing to open"
    upload_all(client, wanted, file)
    assert client.release(wanted.tag) is None
    assert lab.published() == {}
    made = client.publish(wanted, NAMES, latest=True)
    assert (made.draft, made.title, made.notes) == (False, wanted.title, wanted.notes)
    assert set(lab.published()[wanted.tag]) == set(NAMES)
    assert len(lab.made("create_release")) == 1
    assert lab.made("create_link") == [], "all links in one call"
    assert client.latest() == lab.latest_tag() == wanted.tag
    writes = len(lab.writes())
    again(lab).publish(wanted, NAMES, latest=True)
    assert len(lab.writes()) == writes


def test_a_file_is_never_sent_twice(lab: Fake, client: GitLab, wanted: Wanted, file: Make) -> None:
    upload_all(client, wanted, file)
    for kind in ("lose", "fail"):
        lab.fail(kind, "upload")
        with pytest.raises(TransientError):
            client.upload(wanted.tag, file(f"{kind}.zip"), nobody)
        client.upload(wanted.tag, file(f"{kind}.zip"), nobody)
    again(lab).upload(wanted.tag, file(NAMES[0]), nobody)
    names = [each.name for each in lab.packages[0].files]
    assert sorted(names) == sorted((*NAMES, "lose.zip", "fail.zip"))


@pytest.mark.parametrize("strict", [True, False])
def test_a_name_that_is_taken_is_compared(lab: Fake, client: GitLab, wanted: Wanted, file: Make, strict: bool) -> None:
    lab.rejects_duplicates = strict
    client.upload(wanted.tag, file(data=b"first"), nobody)
    client.upload(wanted.tag, file(data=b"first"), nobody)
    with pytest.raises(VerificationError, match="other bytes"):
        again(lab).upload(wanted.tag, file(data=b"other"), nobody)
    assert [each.data for each in lab.packages[0].files] == [b"first"]


def test_a_file_that_another_run_sent_meanwhile_is_compared(lab: Fake, client: GitLab, wanted: Wanted, file: Make) -> None:
    lab.rejects_duplicates = True
    client.upload(wanted.tag, file("a", b"a"), nobody)
    lab.packages[0].files.append(PackageFile(7, "b", b"b"))
    assert client.upload(wanted.tag, file("b", b"b"), nobody).size == 1
    lab.packages[0].files.append(PackageFile(8, "c", b"other"))
    with pytest.raises(VerificationError):
        client.upload(wanted.tag, file("c", b"c"), nobody)


def test_the_newest_of_a_name_counts_since_it_is_what_is_served(lab: Fake, client: GitLab, wanted: Wanted, file: Make) -> None:
    client.upload(wanted.tag, file("a", b"a"), nobody)
    lab.packages[0].files.append(PackageFile(9999, "a", b"b"))
    read: list[bytes] = []
    (asset,) = client.assets(wanted.tag)
    client.read(asset, read.append)
    assert read == [b"b"]
    with pytest.raises(VerificationError, match="other bytes"):
        again(lab).upload(wanted.tag, file("a", b"a"), nobody)


def test_the_first_file_of_a_package_goes_up_alone(lab: Fake, client: GitLab, wanted: Wanted, file: Make) -> None:
    files = [file(f"file-{number}", b"%d" % number) for number in range(20)]
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda each: client.upload(wanted.tag, each, nobody), files))
    assert len(client.assets(wanted.tag)) == 20
    assert {call.status for call in lab.made("upload")} == {201}


def test_other_packages_with_a_name_like_ours_are_not_ours(lab: Fake, wanted: Wanted, file: Make) -> None:
    lab.project = "acme/greeter-tools"
    again(lab).upload(wanted.tag, file(), nobody)
    lab.project = "acme/greeter"
    assert again(lab).assets(wanted.tag) == ()


def test_what_arrives_damaged_is_removed(lab: Fake, client: GitLab, wanted: Wanted, file: Make) -> None:
    lab.damages = True
    with pytest.raises(TransientError, match="as it is"):
        client.upload(wanted.tag, file(), nobody)
    assert lab.packages[0].files == []


def test_a_release_without_all_its_files_is_not_made(lab: Fake, client: GitLab, wanted: Wanted, file: Make) -> None:
    client.upload(wanted.tag, file(NAMES[0]), nobody)
    with pytest.raises(VerificationError, match="lacks SHA256SUMS"):
        client.publish(wanted, NAMES, latest=True)
    assert lab.releases == {}


@pytest.mark.parametrize("kind", ["lose", "fail", "reset", "refuse"])
def test_a_lost_answer_to_publishing_is_made_up_for(lab: Fake, client: GitLab, wanted: Wanted, file: Make, kind: str) -> None:
    upload_all(client, wanted, file)
    lab.fail(kind, "create_release")  # type: ignore[arg-type]
    with pytest.raises(TransientError):
        client.publish(wanted, NAMES, latest=True)
    again(lab).publish(wanted, NAMES, latest=True)
    assert set(lab.published()[wanted.tag]) == set(NAMES)


def test_links_that_are_missing_or_wrong_are_mended(lab: Fake, client: GitLab, wanted: Wanted, file: Make) -> None:
    upload_all(client, wanted, file)
    client.publish(wanted, NAMES, latest=True)
    links = lab.releases[wanted.tag].links
    links[0]["url"] = f"{lab.place}/packages/generic/greeter/v2.1.0/wrong"
    del links[1]
    again(lab).publish(wanted, NAMES, latest=True)
    assert set(lab.published()[wanted.tag]) == set(NAMES)
    assert len(links) == 2


def test_a_tag_that_leads_elsewhere_is_refused(lab: Fake, client: GitLab, wanted: Wanted, file: Make) -> None:
    upload_all(client, wanted, file)
    lab.tags[wanted.tag] = "d" * 40
    with pytest.raises(GateError, match="leads to dddddddddddd"):
        client.publish(wanted, NAMES, latest=True)
    assert lab.releases == {}


def test_a_protected_tag_is_explained(lab: Fake, client: GitLab, wanted: Wanted, file: Make) -> None:
    upload_all(client, wanted, file)
    lab.protected = True
    with pytest.raises(NetworkError, match="403") as failed:
        client.publish(wanted, NAMES, latest=True)
    assert "Maintainer where tags are protected" in (failed.value.hint or "")


@pytest.mark.req("S0-46")
@pytest.mark.parametrize(("prerelease", "latest"), [(True, True), (False, False)])
def test_the_latest_stays_unless_it_is_said(
    lab: Fake, client: GitLab, wanted: Wanted, file: Make, prerelease: bool, latest: bool
) -> None:
    older(lab, "v3.0.0", "2026-01-02T03:04:05.000Z")
    upload_all(client, wanted, file)
    client.publish(replace(wanted, prerelease=prerelease), NAMES, latest=latest)
    assert client.latest() == lab.latest_tag() == "v3.0.0"


def test_the_latest_is_moved_and_moved_back(lab: Fake, client: GitLab, wanted: Wanted, file: Make) -> None:
    older(lab, "v2.0.0", "2026-01-02T03:04:05.000Z")
    upload_all(client, wanted, file)
    client.publish(wanted, NAMES, latest=False)
    assert client.latest() == "v2.0.0"
    client.mark_latest(wanted.tag)
    assert client.latest() == wanted.tag
    client.mark_latest("v2.0.0")
    assert client.latest() == "v2.0.0"
    assert lab.releases["v2.0.0"].released_at == "2026-01-02T03:04:05.000Z", "a good release keeps its date"
    client.mark_latest(wanted.tag)
    assert client.latest() == wanted.tag


def test_a_release_is_withdrawn_with_a_notice_and_is_not_the_latest(
    lab: Fake, client: GitLab, wanted: Wanted, file: Make
) -> None:
    older(lab, "v2.0.0", "2026-01-02T03:04:05.000Z")
    upload_all(client, wanted, file)
    client.publish(wanted, NAMES, latest=True)
    found = client.withdraw(wanted.tag, "It eats files.")
    assert found.withdrawn
    assert found.notes.endswith(wanted.notes)
    assert client.latest() == "v2.0.0"
    assert set(lab.published()[wanted.tag]) == set(NAMES), "no byte is deleted"


@pytest.mark.req("S0-73")
@pytest.mark.parametrize(
    ("change", "said", "hint"),
    [
        (lambda lab: setattr(lab, "token", "other"), "401", "scope `api`"),
        (lambda lab: setattr(lab, "may_write", False), "may not make releases", "role Developer"),
        (lambda lab: setattr(lab, "project", "acme/other"), "404", "name of the project"),
    ],
    ids=["token", "rights", "name"],
)
def test_a_login_that_will_not_do_is_said_before_the_first_write(
    lab: Fake, client: GitLab, change: Callable[[Fake], None], said: str, hint: str
) -> None:
    change(lab)
    with pytest.raises(GateError, match=said) as failed:
        client.access()
    assert hint in (failed.value.hint or "")
    assert lab.writes() == []


def test_to_the_token_of_a_job_a_missing_release_is_forbidden(lab: Fake, wanted: Wanted, file: Make) -> None:
    lab.token = f"{JOB}abc"
    client = again(lab)
    client.access()
    upload_all(client, wanted, file)
    lab.fail("refuse", "release", status=403, body={"message": "403 Forbidden"})
    client.publish(wanted, NAMES, latest=True)
    assert set(lab.published()[wanted.tag]) == set(NAMES)


@pytest.mark.parametrize(
    ("name", "served"),
    [
        ("greeter_2.1.0~rc1_amd64.deb", "greeter_2.1.0.rc1_amd64.deb"),
        ("a+b c.rpm", "a.b.c.rpm"),
        ("ok-1.tar.gz", "ok-1.tar.gz"),
        (".end-_.", "end"),
    ],
)
def test_names_are_known_beforehand(lab: Fake, client: GitLab, wanted: Wanted, file: Make, name: str, served: str) -> None:
    assert gitlab_name(name) == served
    assert client.upload(wanted.tag, file(served), nobody).name == served
    client.publish(wanted, (served,), latest=True)
    assert set(lab.published()[wanted.tag]) == {served}


def test_a_name_that_is_too_long_to_be_linked_is_refused_before_it_is_sent(
    lab: Fake, client: GitLab, wanted: Wanted, file: Make
) -> None:
    client.upload(wanted.tag, file("x" * 127), nobody)
    with pytest.raises(GateError, match="127 characters"):
        client.upload(wanted.tag, file("x" * 128), nobody)
    client.publish(wanted, ("x" * 127,), latest=True)


def test_a_tag_with_a_slash_is_a_version_of_the_package(lab: Fake, client: GitLab, wanted: Wanted, file: Make) -> None:
    other = replace(wanted, tag="release/2.1.0")
    upload_all(client, other, file)
    client.publish(other, NAMES, latest=True)
    assert set(lab.published()["release/2.1.0"]) == set(NAMES)


@pytest.mark.req("S1-24", "S4-5")
def test_gates_are_answered(lab: Fake, client: GitLab) -> None:
    lab.issues = [
        {"number": number, "title": f"{number}", "labels": ["release-blocker"], "milestone": "2.1"} for number in range(1, 41)
    ]
    lab.issues.append({"number": 50, "title": "Done", "labels": ["release-blocker"], "state": "closed"})
    lab.merge_requests = [{"number": 60, "title": "Mend it", "milestone": "2.1"}, {"number": 61, "title": "x"}]
    lab.milestones = ["2.1"]
    assert len(client.issues("release-blocker")) == 40
    assert [found.number for found in client.milestone("2.1")][-1] == 60
    assert len(client.milestone("2.1")) == 41
    with pytest.raises(GateError, match="no milestone 9"):
        client.milestone("9")
    lab.tags["release/1.0"] = "a" * 40
    assert client.tag_commit("release/1.0") == "a" * 40
    assert client.tag_commit("v9") == ""


@pytest.mark.parametrize(
    ("jobs", "state"),
    [
        ([], "none"),
        ([("build", "success", False), ("docs", "skipped", False)], "passed"),
        ([("build", "running", False)], "pending"),
        ([("build", "failed", False), ("test", "running", False)], "failed"),
        ([("build", "success", False), ("lint", "failed", True), ("deploy", "manual", True)], "passed"),
        ([("deploy", "manual", False)], "pending"),
    ],
)
def test_checks_are_told(lab: Fake, client: GitLab, jobs: list[tuple[str, str, bool]], state: str) -> None:
    lab.jobs["abc"] = [{"name": name, "status": status, "allow_failure": free} for name, status, free in jobs]
    assert client.checks("abc").state == state
