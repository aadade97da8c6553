"""Pointers only go forward, only to what is proven to be there, and back only with a reason."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from release_kit import Kit, Wrapped, folder, kit, public

from slipway.actions.action import Receipt, State
from slipway.actions.site import Site
from slipway.environments import DirStore
from slipway.errors import GateError, SlipwayError, VerificationError
from slipway.publish.dir import Folder
from slipway.version import Version

FORMS = [("symlink", ""), ("symlink", "install.sh"), ("copy", "install.sh")]


def published(tmp_path: Path, *versions: str, **more: Any) -> dict[str, Kit]:
    """Releases that lie in the store, and to which nothing leads."""
    made = {version: kit(tmp_path, version=version, pointers=(), **more) for version in versions}
    for each in made.values():
        each.publish()
    return made


def moved(made: Kit, form: str, to: str, **more: Any) -> Receipt:
    return made.move("latest", form, to, **more).apply(made.site())


@pytest.mark.req("S2-4")
@pytest.mark.parametrize(("form", "to"), FORMS)
def test_it_goes_forward_and_never_back_by_itself(form: str, to: str, tmp_path: Path) -> None:
    made = published(tmp_path, "1.9.0", "1.10.0", "2.0.0-rc.1")
    moved(made["1.10.0"], form, to)
    for version, allowed in {"1.9.0": False, "2.0.0-rc.1": True, "1.10.0": False}.items():
        move, site = made[version].move("latest", form, to), made[version].site()
        before = public(tmp_path / "site")["latest"]
        probe = move.probe(site)
        assert (probe.state, bool(probe.refusal)) == (State.DIFFERENT, not allowed)
        if allowed:
            assert move.apply(site).after == {"target": f"v{version}/{to}", "version": version}
            continue
        with pytest.raises(GateError, match=rf"latest in site leads to .*, which is newer than {version}"):
            move.apply(site)
        assert "slipway rollback" in probe.hint
        assert public(tmp_path / "site")["latest"] == before


SEMVERS = st.builds("{}.{}.{}{}".format, *[st.integers(0, 3)] * 3, st.sampled_from(["", "-rc.1", "-rc.2", "-alpha", "+build.5"]))


@settings(max_examples=8, deadline=None)
@given(st.lists(SEMVERS, min_size=1, max_size=6))
def test_whatever_is_published_in_whatever_order_the_newest_is_led_to(versions: list[str]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        best = Version(versions[0])
        for version in versions:
            made = kit(Path(place), version=version, files=("install.sh",), pointers=(("latest", "copy", "install.sh"),))
            try:
                made.publish()
            except GateError:
                assert Version(version) < best
            else:
                assert Version(version) >= best
                best = Version(version)
            assert (Path(place) / "site" / "latest").read_text().startswith(f"install.sh of {best}\n")


@pytest.mark.parametrize("form", ["symlink", "copy"])
def test_with_a_reason_it_goes_back(form: str, tmp_path: Path) -> None:
    made = published(tmp_path, "1.0.0", "2.0.0")
    moved(made["2.0.0"], form, "install.sh")
    receipt = moved(made["1.0.0"], form, "install.sh", backwards="2.0.0 deletes files")
    assert receipt.before == {"target": "v2.0.0/install.sh", "version": "2.0.0"}


def test_a_version_that_nobody_can_compare_stops(tmp_path: Path) -> None:
    made = published(tmp_path, "1.0.0", "2.0.0")
    site = made["1.0.0"].site()
    replace(made["1.0.0"].move("latest", "symlink", ""), version="yesterday", backwards="a test").apply(site)
    with pytest.raises(SlipwayError):
        made["2.0.0"].move("latest", "symlink", "").probe(site)
    with pytest.raises(SlipwayError):
        made["2.0.0"].move("latest", "symlink", "").apply(site)
    assert public(tmp_path / "site")["latest"] == "-> v1.0.0"


# To what is there.
@pytest.mark.parametrize(("form", "to"), FORMS)
def test_it_does_not_lead_to_what_is_not_there(form: str, to: str, tmp_path: Path) -> None:
    made = kit(tmp_path)
    with pytest.raises(GateError, match=rf"latest in site would lead to v2\.1\.0/{to}, and that is not there"):
        moved(made, form, to)
    (tmp_path / "site" / "v2.1.0").mkdir(parents=True)
    with pytest.raises(GateError, match="that is not there"):
        moved(made, form, to)
    assert public(tmp_path / "site") == {}


def _link_away(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


Tamper = Callable[[Path], object]
TAMPERED: dict[str, Tamper] = {
    "other bytes": lambda path: path.write_bytes(path.read_bytes().swapcase()),
    "other bytes at the old time": lambda path: _at_its_time(path, lambda: path.write_bytes(path.read_bytes().swapcase())),
    "a byte more": lambda path: path.write_bytes(path.read_bytes() + b"!"),
    "removed": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "a link to other bytes": _link_away,
}


def _at_its_time(path: Path, change: Callable[[], object]) -> None:
    stat = path.stat()
    change()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.mark.parametrize("how", TAMPERED)
@pytest.mark.parametrize("name", ["install.sh", "hello.tar.gz"])
@pytest.mark.parametrize(("form", "to"), FORMS)
def test_a_store_that_was_tampered_with_since_it_was_read_back_stops(
    how: str, name: str, form: str, to: str, tmp_path: Path
) -> None:
    made = kit(tmp_path, pointers=())
    made.publish()
    TAMPERED[how](tmp_path / "site" / "v2.1.0" / name)
    with pytest.raises((VerificationError, GateError)) as stopped:
        made.move("latest", form, to).apply(made.site(made.journal()))
    assert f"v2.1.0/{name}" in stopped.value.message
    assert "latest" not in public(tmp_path / "site")


def test_what_only_looks_changed_is_read_again_and_passes(tmp_path: Path) -> None:
    made = kit(tmp_path, pointers=())
    made.publish()
    for path in (tmp_path / "site" / "v2.1.0").iterdir():
        path.touch()
    store: Any = Wrapped(made.stores["site"])
    site = Site(environment="e", root=tmp_path, outputs=tmp_path, stores={"site": store}, done=made.journal().done())
    made.move("latest", "symlink", "").apply(site)
    assert sorted(store.made("reread")) == [(each.name,) for each in sorted(made.contents(), key=lambda each: each.name)]


def test_what_lies_elsewhere_is_not_asked_for(tmp_path: Path) -> None:
    """A pointer of one store, or to one folder, says nothing about the others."""
    made = kit(tmp_path, "site", "mirror", pointers=())
    made.publish()
    done = made.journal().done()
    (tmp_path / "mirror" / "v2.1.0" / "install.sh").write_text("tampered")
    other = kit(tmp_path, version="2.1.0-rc.1", pointers=())
    other.publish()
    done |= other.journal().done()
    (tmp_path / "site" / other.tag / "install.sh").write_text("tampered")
    site = made.site()
    site.done.update(done)
    made.move("latest", "symlink", "").apply(site)
    assert public(tmp_path / "site")["latest"] == "-> v2.1.0"


def test_bytes_that_change_while_they_are_copied_do_not_become_the_pointer(tmp_path: Path) -> None:
    made = published(tmp_path, "1.0.0", "2.0.0")
    moved(made["1.0.0"], "copy", "install.sh")
    target = tmp_path / "site" / "v2.0.0" / "install.sh"

    class Late(Folder):
        def _note(self, name: str, record: Any) -> None:
            super()._note(name, record)
            target.write_text("tampered\n")

    late = Late(DirStore(name="site"), tmp_path / "site")
    with pytest.raises(VerificationError, match="changed while it was copied"):
        moved(replace(made["2.0.0"], stores={"site": late}), "copy", "install.sh")
    assert (tmp_path / "site" / "latest").read_text().startswith("install.sh of 1.0.0\n")
    assert not list((tmp_path / "site").rglob("*.part"))


# Back again.
@pytest.mark.parametrize(("form", "to"), FORMS)
def test_undoing_leads_back_or_removes_and_may_be_done_twice(form: str, to: str, tmp_path: Path) -> None:
    made = published(tmp_path, "1.0.0", "2.0.0")
    first = moved(made["1.0.0"], form, to)
    second = moved(made["2.0.0"], form, to)
    one, two = (made[version].move("latest", form, to) for version in ("1.0.0", "2.0.0"))
    site = made["2.0.0"].site()
    assert two.revert(site, second) == f"latest in site leads to v1.0.0/{to} again"
    assert two.probe(site).now == {"target": f"v1.0.0/{to}", "version": "1.0.0"}
    assert two.revert(site, second) == f"latest in site leads to v1.0.0/{to} already"
    assert one.revert(site, first) == "latest in site is removed"
    assert "latest" not in public(tmp_path / "site")
    assert one.revert(site, first) == "latest in site leads to nothing already"


def test_what_somebody_else_has_moved_is_not_undone(tmp_path: Path) -> None:
    made = published(tmp_path, "1.0.0", "2.0.0", "3.0.0")
    moved(made["1.0.0"], "symlink", "")
    receipt = moved(made["2.0.0"], "symlink", "")
    moved(made["3.0.0"], "symlink", "")
    move, site = made["2.0.0"].move("latest", "symlink", ""), made["2.0.0"].site()
    with pytest.raises(GateError, match=r"latest in site leads to v3\.0\.0/: somebody else has moved it"):
        move.revert(site, receipt)
    (tmp_path / "site" / "latest").unlink()
    with pytest.raises(GateError, match="leads to nothing: somebody else has moved it"):
        move.revert(site, receipt)


def test_it_is_not_led_back_to_what_is_gone(tmp_path: Path) -> None:
    made = published(tmp_path, "1.0.0", "2.0.0")
    moved(made["1.0.0"], "symlink", "")
    receipt = moved(made["2.0.0"], "symlink", "")
    (tmp_path / "site" / "v1.0.0").rename(tmp_path / "away")
    with pytest.raises(GateError, match=r"would lead to v1\.0\.0/, and that is not there"):
        made["2.0.0"].move("latest", "symlink", "").revert(made["2.0.0"].site(), receipt)
    assert public(tmp_path / "site")["latest"] == "-> v2.0.0"


# What can and cannot be said.
def test_a_store_without_pointers_says_so(tmp_path: Path) -> None:
    class Plain:
        name = "plain"

    site = Site(environment="e", root=tmp_path, outputs=tmp_path, stores={"site": Plain()})  # type: ignore[dict-item]
    with pytest.raises(GateError, match="site has no pointers"):
        kit(tmp_path).move("latest", "symlink", "").probe(site)


def test_it_describes_itself(tmp_path: Path) -> None:
    move = kit(tmp_path).move("latest", "symlink", "")
    assert move.describe() == "let latest in site lead to v2.1.0/"
    assert (move.key, move.phase, move.target, move.size) == ("point/site/latest", "point", "site", 0)


_MOVERS = """
import sys
from pathlib import Path
from slipway.actions.site import Site
from slipway.environments import DirStore
from slipway.errors import GateError
from slipway.publish.dir import Folder
from slipway.publish.pointers import MovePointer
root = Path(sys.argv[1])
site = Site(environment="e", root=root, outputs=root, stores={"site": Folder(DirStore(name="site"), root)})
for version in sys.argv[2:]:
    move = MovePointer(store="site", name="latest", form="symlink", to=f"v{version}/", version=version, scheme="semver")
    try:
        move.apply(site)
    except GateError:
        pass
"""


def test_two_processes_never_move_it_back(tmp_path: Path) -> None:
    versions = [f"1.{minor}.0" for minor in range(12)]
    for version in versions:
        (tmp_path / "site" / f"v{version}").mkdir(parents=True)
        (tmp_path / "site" / f"v{version}" / "a").write_text(version)
    children = [
        subprocess.Popen([sys.executable, "-c", _MOVERS, tmp_path / "site", *order])
        for order in (versions, versions[::-1], versions[::2])
    ]
    seen: list[Version] = []
    while any(child.poll() is None for child in children):
        if (tmp_path / "site" / "latest").exists():
            seen.append(Version((tmp_path / "site" / "latest" / "a").read_text()))
    assert all(child.returncode == 0 for child in children)
    assert seen == sorted(seen)
    pointed = folder(tmp_path / "site").pointed("latest", "symlink")
    assert pointed is not None
    assert pointed.version == "1.11.0"
