"""Releases on Gitea and Forgejo, which keep two files of one name, know no digests, and choose the latest by date."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from forge_gitea import Attachment, Release
from forge_gitea import Gitea as Fake

from slipway.errors import GateError, NetworkError, TransientError, VerificationError
from slipway.forges import Upload, Wanted
from slipway.forges.gitea import Gitea

Make = Callable[..., Upload]
NAMES = ("greeter.tar.gz", "SHA256SUMS")


@pytest.fixture
def client(tea: Fake) -> Gitea:
    """A client that may write."""
    return again(tea)


def again(tea: Fake) -> Gitea:
    """A client that remembers nothing, as in another run."""
    return Gitea(tea.api, tea.repository, tea.token)


def nobody(_: int) -> None:
    """Count nothing."""


def draft(client: Gitea, wanted: Wanted, file: Make) -> None:
    """A draft with both files."""
    client.open(wanted)
    for name in NAMES:
        client.upload(wanted.tag, file(name), nobody)


def test_a_release_lives(tea: Fake, client: Gitea, wanted: Wanted, file: Make) -> None:
    client.access()
    assert client.release(wanted.tag) is None
    draft(client, wanted, file)
    assert tea.published() == {}
    made = client.publish(wanted, NAMES, latest=True)
    assert (made.draft, made.title, made.notes) == (False, wanted.title, wanted.notes)
    assert set(tea.published()[wanted.tag]) == set(NAMES)
    assert client.latest() == tea.latest_tag() == wanted.tag
    writes = len(tea.writes())
    again(tea).publish(wanted, NAMES, latest=True)
    assert len(tea.writes()) == writes


def test_drafts_are_found_by_all_pages_and_made_once(tea: Fake, client: Gitea, wanted: Wanted) -> None:
    tea.releases = [Release(number, f"v1.{number}", number) for number in range(1, 71)]
    made = client.open(wanted)
    tea.releases.insert(0, tea.releases.pop())
    assert again(tea).open(wanted).id == made.id
    assert len(tea.made("create_release")) == 1


def test_a_file_is_never_sent_twice(tea: Fake, client: Gitea, wanted: Wanted, file: Make) -> None:
    draft(client, wanted, file)
    for kind in ("lose", "fail", "half"):
        tea.fail(kind, "upload")
        with pytest.raises(TransientError):
            client.upload(wanted.tag, file(f"{kind}.zip"), nobody)
        client.upload(wanted.tag, file(f"{kind}.zip"), nobody)
    again(tea).upload(wanted.tag, file(NAMES[0]), nobody)
    assert sorted(each.name for each in tea.releases[0].assets) == sorted((*NAMES, "lose.zip", "fail.zip", "half.zip"))


def test_a_name_that_is_taken_is_read_and_compared(tea: Fake, client: Gitea, wanted: Wanted, file: Make) -> None:
    client.open(wanted)
    client.upload(wanted.tag, file(data=b"first"), nobody)
    client.upload(wanted.tag, file(data=b"first"), nobody)
    for other in (b"other", b"longer than the first"):
        with pytest.raises(VerificationError, match="other bytes"):
            again(tea).upload(wanted.tag, file(data=other), nobody)
    assert [each.data for each in tea.releases[0].assets] == [b"first"]


def test_doubles_in_a_draft_are_removed_when_they_are_equal(tea: Fake, client: Gitea, wanted: Wanted, file: Make) -> None:
    client.open(wanted)
    client.upload(wanted.tag, file("a", b"a"), nobody)
    assets = tea.releases[0].assets
    assets.append(Attachment(9998, "a", b"a", "u-2"))
    with pytest.raises(VerificationError, match="more than once"):
        again(tea).publish(wanted, ("a",), latest=False)
    again(tea).upload(wanted.tag, file("a", b"a"), nobody)
    assert len(assets) == 1
    assets.append(Attachment(9999, "a", b"b", "u-3"))
    with pytest.raises(VerificationError, match="other bytes"):
        again(tea).upload(wanted.tag, file("a", b"a"), nobody)
    assert len(assets) == 2, "what is not ours is left to people"


def test_names_with_quotes_and_letters_of_the_world_arrive(tea: Fake, client: Gitea, wanted: Wanted, file: Make) -> None:
    client.open(wanted)
    for name in ('a "b" c.txt', "grüße~1.deb", "a+b.rpm"):
        assert client.served(name) == name
        assert client.upload(wanted.tag, file(name, name.encode()), nobody).name == name


@pytest.mark.parametrize(
    ("change", "status", "hint"),
    [
        (lambda tea: setattr(tea, "largest", 10), "413", "MAX_SIZE"),
        (lambda tea: setattr(tea, "types", (".zip",)), "400", "ALLOWED_TYPES"),
    ],
)
def test_settings_of_the_server_are_told(
    tea: Fake, client: Gitea, wanted: Wanted, file: Make, change: Callable[[Fake], None], status: str, hint: str
) -> None:
    client.open(wanted)
    change(tea)
    with pytest.raises(NetworkError, match=status) as failed:
        client.upload(wanted.tag, file(), nobody)
    assert hint in (failed.value.hint or "")


def test_what_is_new_may_not_be_seen_everywhere_yet(tea: Fake, client: Gitea, wanted: Wanted, file: Make) -> None:
    tea.lag(calls=2)
    client.open(wanted)
    for _ in range(2):
        with pytest.raises(TransientError, match="does not find the release"):
            client.upload(wanted.tag, file(), nobody)
    client.upload(wanted.tag, file(), nobody)


def test_a_draft_that_is_not_listed_yet_is_waited_for(tea: Fake, client: Gitea, wanted: Wanted) -> None:
    tea.lag(calls=1)
    made = client.open(wanted)
    with pytest.raises(TransientError, match="not listed yet"):
        again(tea).open(wanted)
    assert again(tea).open(wanted).id == made.id


def test_a_release_without_all_its_files_is_not_shown(tea: Fake, client: Gitea, wanted: Wanted, file: Make) -> None:
    client.open(wanted)
    client.upload(wanted.tag, file(NAMES[0]), nobody)
    with pytest.raises(VerificationError, match="lacks SHA256SUMS"):
        client.publish(wanted, NAMES, latest=True)
    assert tea.published() == {}


def test_a_tag_that_leads_elsewhere_is_refused(tea: Fake, client: Gitea, wanted: Wanted, file: Make) -> None:
    draft(client, wanted, file)
    tea.tags[wanted.tag] = "d" * 40
    with pytest.raises(GateError, match="leads to dddddddddddd"):
        client.publish(wanted, NAMES, latest=True)
    assert tea.published() == {}


@pytest.mark.parametrize("kind", ["lose", "fail", "reset", "refuse"])
def test_a_lost_answer_to_publishing_is_made_up_for(tea: Fake, client: Gitea, wanted: Wanted, file: Make, kind: str) -> None:
    draft(client, wanted, file)
    tea.fail(kind, "update_release")  # type: ignore[arg-type]
    with pytest.raises(TransientError):
        client.publish(wanted, NAMES, latest=True)
    assert not again(tea).publish(wanted, NAMES, latest=True).draft


@pytest.mark.req("S0-46")
def test_a_prerelease_is_not_the_latest(tea: Fake, client: Gitea, wanted: Wanted, file: Make) -> None:
    tea.releases = [Release(1, "v2.0.0", 1)]
    draft(client, wanted, file)
    client.publish(replace(wanted, prerelease=True), NAMES, latest=False)
    assert client.latest() == "v2.0.0"


def test_the_latest_is_moved_back_by_letting_the_newer_step_aside(tea: Fake, client: Gitea, wanted: Wanted, file: Make) -> None:
    tea.releases = [Release(1, "v2.0.0", 1)]
    draft(client, wanted, file)
    client.publish(wanted, NAMES, latest=False)
    client.mark_latest(wanted.tag)
    client.mark_latest("v2.0.0")
    assert client.latest() == "v2.0.0"
    client.mark_latest(wanted.tag)
    assert client.latest() == wanted.tag


def test_an_older_release_with_a_newer_date_is_not_touched(tea: Fake, client: Gitea, wanted: Wanted, file: Make) -> None:
    tea.releases = [Release(1, "v1.9.9", 99_999)]
    draft(client, wanted, file)
    client.publish(wanted, NAMES, latest=False)
    with pytest.raises(GateError, match=r"calls v1\.9\.9 the latest"):
        client.mark_latest(wanted.tag)
    assert not tea.releases[0].prerelease


def test_a_release_is_withdrawn_to_a_draft(tea: Fake, client: Gitea, wanted: Wanted, file: Make) -> None:
    draft(client, wanted, file)
    client.publish(wanted, NAMES, latest=True)
    for _ in range(2):
        found = client.withdraw(wanted.tag, "It eats files.")
        assert (found.draft, found.withdrawn) == (True, True)
        assert found.notes.count("It eats files.") == 1
    assert tea.published() == {}
    assert len(tea.releases[0].assets) == 2, "no byte is deleted"


@pytest.mark.req("S0-73")
@pytest.mark.parametrize(
    ("change", "said", "hint"),
    [
        (lambda tea: setattr(tea, "token", "other"), "401", "write:repository"),
        (lambda tea: setattr(tea, "may_write", False), "may not make releases", "write:repository"),
        (lambda tea: setattr(tea, "repository", "acme/other"), "404", "name of the repository"),
    ],
    ids=["token", "rights", "name"],
)
def test_a_login_that_will_not_do_is_said_before_the_first_write(
    tea: Fake, client: Gitea, change: Callable[[Fake], None], said: str, hint: str
) -> None:
    change(tea)
    with pytest.raises(GateError, match=said) as failed:
        client.access()
    assert hint in (failed.value.hint or "")
    assert tea.writes() == []


def test_files_go_up_side_by_side_and_are_read_as_drafts(tea: Fake, client: Gitea, wanted: Wanted, file: Make) -> None:
    client.open(wanted)
    files = [file(f"file-{number}", b"%d" % number) for number in range(20)]
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda each: client.upload(wanted.tag, each, nobody), files))
    read: list[bytes] = []
    for asset in client.assets(wanted.tag):
        client.read(asset, read.append)
    assert sorted(read) == sorted(b"%d" % number for number in range(20))


@pytest.mark.req("S1-24")
def test_gates_are_answered(tea: Fake, client: Gitea) -> None:
    tea.issues = [
        {"number": number, "title": f"{number}", "labels": ["release-blocker"], "milestone": "2.1"} for number in range(1, 61)
    ]
    tea.issues.append({"number": 90, "title": "Mend it", "labels": ["release-blocker"], "milestone": "2.1", "pull": True})
    tea.milestones = [{"title": "2.1"}]
    assert len(client.issues("release-blocker")) == 60
    assert len(client.milestone("2.1")) == 61
    with pytest.raises(GateError, match="no milestone 9"):
        client.milestone("9")
    tea.tags["release/1.0"] = "a" * 40
    assert client.tag_commit("release/1.0") == "a" * 40
    assert client.tag_commit("v9") == ""


@pytest.mark.parametrize(
    ("statuses", "state"),
    [
        ({}, "none"),
        ({"build": "success", "lint": "warning"}, "passed"),
        ({"build": "pending"}, "pending"),
        ({f"job-{number}": "success" for number in range(60)} | {"last": "error"}, "failed"),
    ],
)
def test_checks_are_told(tea: Fake, client: Gitea, statuses: dict[str, str], state: str) -> None:
    tea.statuses["abc"] = statuses
    assert client.checks("abc").state == state


def test_addresses_are_those_of_the_pages(tea: Fake, client: Gitea) -> None:
    assert client.address("v2.1.0", "a.zip") == f"{tea.url}/acme/greeter/releases/download/v2.1.0/a.zip"
    below = Gitea("https://example.org/git/api/v1", "acme/greeter", "")
    assert below.address("v2.1.0", "") == "https://example.org/git/acme/greeter/releases/tag/v2.1.0"
