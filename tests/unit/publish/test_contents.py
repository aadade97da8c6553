"""Files under names that never change their bytes: put there once, read back, never taken away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from release_kit import FILES, Kit, Wrapped, folder, kit, public

from slipway.actions.action import Receipt, State
from slipway.actions.store import Found
from slipway.errors import GateError, SlipwayError, VerificationError
from slipway.publish.contents import ReadBack, Upload


@pytest.fixture
def made(tmp_path: Path) -> Kit:
    return Kit(home=tmp_path / "machine", stores={"site": Wrapped(folder(tmp_path / "site"))}, pointers=())


def upload(made: Kit) -> Upload:
    return Upload(store="site", content=made.contents()[0])


def read_back(made: Kit) -> ReadBack:
    return ReadBack(store="site", content=made.contents()[0])


def store_of(made: Kit) -> Any:
    return made.stores["site"]


def test_what_was_put_there_is_known_by_the_listing_alone(made: Kit) -> None:
    made.publish()
    store_of(made).calls.clear()
    site = made.site(made.journal())
    assert upload(made).probe(site).state is State.SAME
    assert [verb for verb, _ in store_of(made).calls] == ["listing"]


def test_what_nobody_remembers_is_read_once(made: Kit) -> None:
    made.publish()
    store_of(made).calls.clear()
    probe = upload(made).probe(made.site())
    assert (probe.state, probe.now["sha256"]) == (State.SAME, made.contents()[0].sha256)
    assert [verb for verb, _ in store_of(made).calls] == ["listing", "digest"]


def test_a_store_that_knows_digests_is_not_read(made: Kit) -> None:
    made.publish()
    content = made.contents()[0]

    def knowing(folder: str) -> dict[str, Found]:
        return {content.name: Found(size=content.size, sha256=content.sha256, token="other")}

    store_of(made).listing = knowing
    store_of(made).calls.clear()
    assert upload(made).probe(made.site()).state is State.SAME
    assert store_of(made).calls == []


@pytest.mark.parametrize("data", [b"", b"x", b"HELLO.TAR.GZ OF 2.1.0\n" * 50])
def test_other_bytes_are_refused_before_and_while_writing(data: bytes, made: Kit, tmp_path: Path) -> None:
    content = made.contents()[0]
    path = tmp_path / "site" / content.name
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    probe = upload(made).probe(made.site())
    assert probe.state is State.DIFFERENT
    assert probe.refusal == f"{content.name} is in site with other bytes, and what is published never changes"
    with pytest.raises(VerificationError):
        upload(made).apply(made.site())
    assert path.read_bytes() == data


def test_a_failed_upload_gives_its_bytes_back(made: Kit) -> None:
    def fail(verb: str, *_: object) -> None:
        if verb == "put":
            raise SlipwayError("broken off")

    store_of(made).after = fail
    site = made.site()
    with pytest.raises(SlipwayError, match="broken off"):
        upload(made).apply(site)
    assert site.meter.done == 0


def test_a_file_that_is_not_here_cannot_be_published(made: Kit) -> None:
    action = upload(made)
    (made.outputs / action.content.path).unlink()
    with pytest.raises(VerificationError, match=r"hello\.tar\.gz is not here, and it is to be published") as stopped:
        action.apply(made.site())
    assert "doit all" in str(stopped.value.hint)


def test_what_arrived_damaged_is_found_by_reading_it_back(made: Kit, tmp_path: Path) -> None:
    def damage(verb: str, content: Any, *_: object) -> None:
        if verb == "put" and content.file == "install.sh":
            path = tmp_path / "site" / content.name
            path.write_bytes(b"\0" * path.stat().st_size)

    store_of(made).after = damage
    with pytest.raises(VerificationError, match=r"v2\.1\.0/install\.sh in site is not what was put there: its SHA-256 is "):
        made.publish()


def test_what_vanished_is_found_by_reading_it_back(made: Kit, tmp_path: Path) -> None:
    site = made.site()
    upload(made).apply(site)
    (tmp_path / "site" / upload(made).content.name).unlink()
    with pytest.raises(VerificationError, match="was put into site and is not there"):
        read_back(made).apply(site)
    site.refresh()
    with pytest.raises(VerificationError, match="was put into site and is not there"):
        read_back(made).apply(site)


def test_it_is_read_back_again_only_when_it_may_have_changed(made: Kit, tmp_path: Path) -> None:
    made.publish()
    site = made.site(made.journal())
    assert read_back(made).probe(site).state is State.SAME
    (tmp_path / "site" / read_back(made).content.name).touch()
    site.refresh()
    assert read_back(made).probe(site).state is State.ABSENT
    assert read_back(made).probe(made.site()).state is State.ABSENT, "nobody remembers that it was"


def test_published_bytes_are_never_taken_away(made: Kit, tmp_path: Path) -> None:
    made.publish()
    with pytest.raises(GateError, match=r"hello\.tar\.gz stays in site: published bytes are never deleted"):
        upload(made).revert(made.site(), Receipt())
    assert read_back(made).revert(made.site(), Receipt()) == "nothing to undo"
    assert len(public(tmp_path / "site")) == len(FILES)


def test_they_describe_themselves(tmp_path: Path) -> None:
    made = kit(tmp_path)
    assert upload(made).describe() == "put v2.1.0/hello.tar.gz into site"
    assert read_back(made).describe() == "read v2.1.0/hello.tar.gz back from site"
    assert upload(made).key == "stage/site/v2.1.0/hello.tar.gz"
    assert read_back(made).key == "read-back/site/v2.1.0/hello.tar.gz"
