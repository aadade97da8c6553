"""Releases on GitHub: every way known in which others were left half-published ends well here, or is said."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from forge_github import GitHub as Fake
from forge_github import mangled
from forge_github_texts import Asset, Release

from slipway.errors import GateError, NetworkError, TransientError, VerificationError
from slipway.forges import Checks, Upload, Wanted
from slipway.forges.github import GitHub
from slipway.forges.names import github_name

Make = Callable[..., Upload]
NAMES = ("greeter.tar.gz", "SHA256SUMS")


@pytest.fixture
def client(hub: Fake) -> GitHub:
    """A client that may write."""
    return again(hub)


def again(hub: Fake) -> GitHub:
    """A client that remembers nothing, as in another run."""
    return GitHub(hub.api, hub.repository, hub.token)


def nobody(_: int) -> None:
    """Count nothing."""


def draft(client: GitHub, wanted: Wanted, file: Make) -> None:
    """A draft with both files."""
    client.open(wanted)
    for name in NAMES:
        client.upload(wanted.tag, file(name), nobody)


def test_a_release_lives(hub: Fake, client: GitHub, wanted: Wanted, file: Make) -> None:
    client.access()
    assert client.release(wanted.tag) is None
    draft(client, wanted, file)
    assert hub.published() == {}
    assert hub.tags == {}, "a draft makes no tag"
    hub.tags[wanted.tag] = wanted.commit
    made = client.publish(wanted, NAMES, latest=True)
    assert (made.draft, made.title, made.notes) == (False, wanted.title, wanted.notes)
    assert set(hub.published()[wanted.tag]) == set(NAMES)
    assert client.latest() == hub.latest_tag() == wanted.tag
    writes = len(hub.writes())
    client.publish(wanted, NAMES, latest=True)
    assert len(hub.writes()) == writes, "published again, nothing is written"


def test_drafts_are_found_by_all_pages_and_made_once(hub: Fake, client: GitHub, wanted: Wanted) -> None:
    hub.releases = [Release(number, f"v1.{number}", number) for number in range(1, 71)]
    made = client.open(wanted)
    hub.releases.insert(0, hub.releases.pop())
    assert again(hub).open(wanted).id == made.id
    assert len(hub.made("create_release")) == 1


def test_of_several_drafts_the_oldest_with_files_is_used_and_the_others_are_told(
    hub: Fake, wanted: Wanted, capsys: pytest.CaptureFixture[str]
) -> None:
    file = Asset(1, "a", None, b"a", "text/plain")
    for number, assets in ((5, []), (6, [file]), (7, [file])):
        hub.releases.append(Release(number, wanted.tag, number, draft=True, assets=list(assets)))
    assert again(hub).open(wanted).id == "6"
    said = capsys.readouterr().err
    assert "untagged-5" in said
    assert "untagged-7" in said
    assert hub.writes() == []


def test_half_an_upload_is_removed_and_sent_anew(hub: Fake, client: GitHub, wanted: Wanted, file: Make) -> None:
    client.open(wanted)
    hub.fail("half", "upload")
    with pytest.raises(TransientError, match="502"):
        client.upload(wanted.tag, file(), nobody)
    assert [asset.state for asset in hub.releases[0].assets] == ["starter"]
    client.upload(wanted.tag, file(), nobody)
    assert [asset.state for asset in hub.releases[0].assets] == ["uploaded"]


def test_half_an_upload_behind_many_files_is_found(hub: Fake, client: GitHub, wanted: Wanted, file: Make) -> None:
    client.open(wanted)
    hub.releases[0].assets = [Asset(number, f"{number}", None, b"x", "text/plain") for number in range(65)]
    hub.fail("half", "upload")
    with pytest.raises(TransientError):
        client.upload(wanted.tag, file(), nobody)
    assert client.upload(wanted.tag, file(), nobody).complete


@pytest.mark.parametrize("kind", ["lose", "fail"])
def test_an_upload_whose_answer_was_lost_is_a_success(hub: Fake, client: GitHub, wanted: Wanted, file: Make, kind: str) -> None:
    client.open(wanted)
    hub.fail(kind, "upload")  # type: ignore[arg-type]
    with pytest.raises(TransientError):
        client.upload(wanted.tag, file(), nobody)
    assert again(hub).upload(wanted.tag, file(), nobody).sha256 == file().sha256
    assert len(hub.releases[0].assets) == 1
    assert not hub.made("delete_asset")


@pytest.mark.parametrize("digests", [True, False])
@pytest.mark.parametrize("equal", [True, False])
def test_a_name_that_is_taken_is_compared(
    hub: Fake, client: GitHub, wanted: Wanted, file: Make, digests: bool, equal: bool
) -> None:
    hub.digests = digests
    client.open(wanted)
    client.upload(wanted.tag, file(data=b"first"), nobody)
    if equal:
        assert client.upload(wanted.tag, file(data=b"first"), nobody).size == 5
    else:
        with pytest.raises(VerificationError, match="other bytes"):
            client.upload(wanted.tag, file(data=b"other"), nobody)
    assert [asset.data for asset in hub.releases[0].assets] == [b"first"]


def test_what_arrives_damaged_is_removed_and_may_be_tried_again(hub: Fake, client: GitHub, wanted: Wanted, file: Make) -> None:
    client.open(wanted)
    hub.damages = True
    with pytest.raises(TransientError, match="as it is"):
        client.upload(wanted.tag, file(), nobody)
    assert hub.releases[0].assets == []


@pytest.mark.parametrize("data", [b""])
def test_an_empty_file_is_refused_before_it_is_sent(hub: Fake, client: GitHub, wanted: Wanted, file: Make, data: bytes) -> None:
    client.open(wanted)
    with pytest.raises(GateError, match="0 bytes"):
        client.upload(wanted.tag, file(data=data), nobody)
    assert not hub.made("upload")


@pytest.mark.parametrize(
    ("name", "served"),
    [
        ("greeter-2.1.0-linux-amd64.tar.gz", "greeter-2.1.0-linux-amd64.tar.gz"),
        ("greeter_2.1.0~rc1_amd64.deb", "greeter_2.1.0.rc1_amd64.deb"),
        ("greeter 2.exe", "greeter.2.exe"),
        (".hidden.", "hidden"),
        ("a+b_c.rpm", "a+b_c.rpm"),
        ("grüße.txt", "gr.e.txt"),
    ],
)
def test_names_are_known_beforehand(name: str, served: str) -> None:
    assert github_name(name) == mangled(name) == served


def test_a_name_that_github_changes_otherwise_is_noticed(
    hub: Fake, client: GitHub, wanted: Wanted, file: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.open(wanted)
    monkeypatch.setattr("forge_github.mangled", lambda name: f"x-{name}")
    with pytest.raises(VerificationError, match=r"calls greeter\.tar\.gz x-greeter\.tar\.gz"):
        client.upload(wanted.tag, file(), nobody)
    assert hub.releases[0].assets == []


def test_what_is_new_may_not_be_seen_everywhere_yet(hub: Fake, client: GitHub, wanted: Wanted, file: Make) -> None:
    hub.lag(calls=2)
    client.open(wanted)
    for _ in range(2):
        with pytest.raises(TransientError, match="does not find the release"):
            client.upload(wanted.tag, file(), nobody)
    client.upload(wanted.tag, file(), nobody)
    hub.lag(calls=0)
    assert len(hub.made("create_release")) == 1, "no second draft"


def test_a_lagging_list_does_not_make_a_second_draft_in_one_run(hub: Fake, client: GitHub, wanted: Wanted) -> None:
    hub.lag(seconds=0.2)
    made = client.open(wanted)
    with pytest.raises(TransientError):
        client.open(wanted)
    time.sleep(0.2)
    assert client.open(wanted).id == made.id


def test_a_draft_whose_answer_was_lost_is_looked_for_before_another_is_made(hub: Fake, client: GitHub, wanted: Wanted) -> None:
    hub.lag(calls=1)
    hub.fail("lose", "create_release")
    for _ in range(2):
        with pytest.raises(TransientError):
            client.open(wanted)
    assert client.open(wanted).draft
    assert len(hub.releases) == 1


def test_the_secondary_limit_is_transient_and_says_how_long(hub: Fake, client: GitHub, wanted: Wanted, file: Make) -> None:
    client.open(wanted)
    hub.fail("refuse", "upload", status=403, headers={"Retry-After": "61"}, body={"message": "secondary rate limit"})
    with pytest.raises(TransientError) as failed:
        client.upload(wanted.tag, file(), nobody)
    assert failed.value.wait == 61


def test_a_release_without_all_its_files_is_not_shown(hub: Fake, client: GitHub, wanted: Wanted, file: Make) -> None:
    client.open(wanted)
    client.upload(wanted.tag, file(NAMES[0]), nobody)
    hub.fail("half", "upload")
    with pytest.raises(TransientError):
        client.upload(wanted.tag, file(NAMES[1]), nobody)
    with pytest.raises(VerificationError, match="lacks SHA256SUMS"):
        client.publish(wanted, NAMES, latest=True)
    assert hub.published() == {}


def test_a_tag_that_leads_elsewhere_is_refused(hub: Fake, client: GitHub, wanted: Wanted, file: Make) -> None:
    draft(client, wanted, file)
    hub.tags[wanted.tag] = "d" * 40
    with pytest.raises(GateError, match="leads to dddddddddddd"):
        client.publish(wanted, NAMES, latest=True)
    assert hub.published() == {}


def test_rules_that_forbid_tags_are_explained(hub: Fake, client: GitHub, wanted: Wanted, file: Make) -> None:
    draft(client, wanted, file)
    hub.tag_rules = True
    with pytest.raises(NetworkError) as failed:
        client.publish(wanted, NAMES, latest=True)
    assert "push the signed tag first" in (failed.value.hint or "")


@pytest.mark.parametrize("kind", ["lose", "fail", "reset", "refuse"])
def test_a_lost_answer_to_publishing_is_made_up_for(hub: Fake, client: GitHub, wanted: Wanted, file: Make, kind: str) -> None:
    draft(client, wanted, file)
    hub.fail(kind, "update_release")  # type: ignore[arg-type]
    with pytest.raises(TransientError):
        client.publish(wanted, NAMES, latest=True)
    assert not again(hub).publish(wanted, NAMES, latest=True).draft
    assert hub.latest_tag() == wanted.tag
    assert not hub.made("delete_release")


@pytest.mark.req("S0-46")
@pytest.mark.parametrize(("prerelease", "latest"), [(True, True), (True, False), (False, False)])
def test_the_latest_stays_unless_it_is_said(
    hub: Fake, client: GitHub, wanted: Wanted, file: Make, prerelease: bool, latest: bool
) -> None:
    hub.releases = [Release(1, "v3.0.0", 1)]
    hub.latest = 1
    draft(client, wanted, file)
    client.publish(replace(wanted, prerelease=prerelease), NAMES, latest=latest)
    assert hub.latest_tag() == "v3.0.0"
    assert hub.of(wanted.tag)[0].prerelease is prerelease


def test_the_latest_is_moved_and_moved_back(hub: Fake, client: GitHub, wanted: Wanted, file: Make) -> None:
    hub.releases = [Release(1, "v2.0.0", 1), Release(2, "v2.2.0", 2, prerelease=True)]
    draft(client, wanted, file)
    client.publish(wanted, NAMES, latest=False)
    client.mark_latest(wanted.tag)
    assert client.latest() == wanted.tag
    client.mark_latest("v2.0.0")
    assert client.latest() == "v2.0.0"
    with pytest.raises(GateError, match="is a pre-release"):
        client.mark_latest("v2.2.0")


def test_a_release_that_is_mutable_is_withdrawn_to_a_draft(hub: Fake, client: GitHub, wanted: Wanted, file: Make) -> None:
    draft(client, wanted, file)
    client.publish(wanted, NAMES, latest=True)
    for _ in range(2):
        found = client.withdraw(wanted.tag, "It eats files.\nUse 2.0.0.")
        assert (found.draft, found.withdrawn) == (True, True)
        assert found.notes.count("It eats files. Use 2.0.0.") == 1
        assert found.notes.endswith(wanted.notes)
    assert hub.published() == {}
    assert len(hub.releases[0].assets) == 2, "no byte is deleted"
    withdrawn = again(hub).release(wanted.tag)
    assert withdrawn is not None
    assert withdrawn.withdrawn


def test_a_release_that_is_immutable_is_marked(hub: Fake, client: GitHub, wanted: Wanted, file: Make) -> None:
    hub.immutable = True
    hub.releases = [Release(1, "v2.0.0", 1)]
    draft(client, wanted, file)
    client.publish(wanted, NAMES, latest=True)
    found = client.withdraw(wanted.tag, "It eats files.")
    assert (found.draft, found.prerelease, found.withdrawn, found.immutable) == (False, True, True, True)
    assert client.latest() == "v2.0.0"
    with pytest.raises(NetworkError, match="immutable") as failed:
        client.upload(wanted.tag, file("more"), nobody)
    assert "new version" in (failed.value.hint or "")


def test_the_tag_of_an_immutable_release_is_gone_for_good(hub: Fake, client: GitHub, wanted: Wanted) -> None:
    hub.burned.add(wanted.tag)
    with pytest.raises(NetworkError, match="422") as failed:
        client.open(wanted)
    assert "new version" in (failed.value.hint or "")


def test_notes_that_are_too_long_are_refused_before_anything_is_made(hub: Fake, client: GitHub, wanted: Wanted) -> None:
    with pytest.raises(GateError, match="125001 characters"):
        client.open(replace(wanted, notes="x" * 125_001))
    assert hub.writes() == []


@pytest.mark.req("S0-73")
@pytest.mark.parametrize(
    ("change", "said", "hint"),
    [
        (lambda hub: setattr(hub, "token", "other"), "401", "gh auth refresh"),
        (lambda hub: setattr(hub, "may_write", False), "may not make releases", "contents: write"),
        (lambda hub: setattr(hub, "repository", "acme/other"), "404", "name of the repository"),
    ],
    ids=["token", "rights", "name"],
)
def test_a_login_that_will_not_do_is_said_before_the_first_write(
    hub: Fake, client: GitHub, change: Callable[[Fake], None], said: str, hint: str
) -> None:
    change(hub)
    with pytest.raises(GateError, match=said) as failed:
        client.access()
    assert hint in (failed.value.hint or "")
    assert hub.writes() == []


def test_files_go_up_side_by_side(hub: Fake, client: GitHub, wanted: Wanted, file: Make) -> None:
    client.open(wanted)
    files = [file(f"file-{number}", b"%d" % number) for number in range(40)]
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda each: client.upload(wanted.tag, each, nobody), files))
    assert len(client.assets(wanted.tag)) == 40
    # One call each: nothing is asked again for every file.
    assert len(hub.calls) <= 40 + 6


def test_a_draft_is_read_through_the_api_and_the_token_stays_there(hub: Fake, client: GitHub, wanted: Wanted, file: Make) -> None:
    draft(client, wanted, file)
    read: list[bytes] = []
    client.read(client.assets(wanted.tag)[0], read.append)
    assert b"".join(read) == file().path.read_bytes()
    assert hub.made("storage"), "which is another server"


@pytest.mark.req("S1-24")
def test_gates_are_answered(hub: Fake, client: GitHub) -> None:
    hub.issues = [
        {"number": 1, "title": "It burns", "labels": ["release-blocker", "bug"], "milestone": 1},
        {"number": 2, "title": "Done", "labels": ["release-blocker"], "state": "closed", "milestone": 1},
        {"number": 3, "title": "Other", "labels": ["bug"]},
        {"number": 4, "title": "Mend it", "pull": True, "milestone": 1},
    ]
    hub.issues += [{"number": number, "title": "x", "labels": ["many"]} for number in range(10, 80)]
    hub.milestones = [{"title": "2.1", "state": "closed"}]
    assert [issue.title for issue in client.issues("release-blocker")] == ["It burns"]
    assert len(client.issues("many")) == 70
    assert [issue.number for issue in client.milestone("2.1")] == [1, 4]
    with pytest.raises(GateError, match="no milestone 9"):
        client.milestone("9")


@pytest.mark.parametrize("annotated", [True, False])
def test_the_commit_of_a_tag_is_told(hub: Fake, client: GitHub, annotated: bool) -> None:
    hub.tags, hub.annotated = {"release/1.0": "a" * 40}, annotated
    assert client.tag_commit("release/1.0") == "a" * 40
    assert client.tag_commit("release/2.0") == ""


@pytest.mark.parametrize(
    ("runs", "statuses", "state"),
    [
        ({}, {}, "none"),
        ({"build": "success"}, {}, "passed"),
        ({"build": "success", "docs": "skipped"}, {"ci": "success"}, "passed"),
        ({"build": ""}, {"ci": "success"}, "pending"),
        ({"build": "success"}, {"ci": "pending"}, "pending"),
        ({"build": "timed_out"}, {"ci": "pending"}, "failed"),
        ({f"job-{number}": "success" for number in range(40)} | {"last": "failure"}, {}, "failed"),
    ],
)
def test_checks_are_told(hub: Fake, client: GitHub, runs: dict[str, str], statuses: dict[str, str], state: str) -> None:
    hub.check_runs, hub.statuses = {"abc": runs}, {"abc": statuses}
    assert client.checks("abc").state == state


def test_checks_are_told_by_name() -> None:
    found = Checks.of([("b", "failed"), ("a", "passed"), ("c", "pending"), ("a", "passed")])
    assert found == Checks(passed=("a",), pending=("c",), failed=("b",))


def test_addresses_are_those_of_the_pages(hub: Fake, client: GitHub) -> None:
    assert client.address("v2.1.0", "a+b.tar.gz") == f"{hub.url}/acme/greeter/releases/download/v2.1.0/a%2Bb.tar.gz"
    public = GitHub("https://api.github.com", "acme/greeter", "")
    assert public.address("v2.1.0", "") == "https://github.com/acme/greeter/releases/tag/v2.1.0"
