"""Versions as pkg sorts them."""

from __future__ import annotations

import itertools

import pytest
from freebsds import compare
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.errors import UsageError
from slipway.packagers.freebsd.version import freebsd_version
from slipway.version import Version

# The examples of pkg-version(8)'s own description: every version is older than the next.
DESCRIBED = (
    ("10alpha", "10"),
    ("10", "10a"),
    ("2.9f7", "3"),
    ("0.1beta2", "0.1"),
    ("1.0.r1", "1.0"),
    ("1.0.a.1", "1.0.b.1"),
    ("1.9", "1.10"),
    ("1.2.r.2", "1.2.r.10"),
    ("1.2", "1.2+5"),
)
ORDER = (
    *("1.2.2", "1.2.3-alpha.1", "1.2.3-alpha.1.dev.3+gabc", "1.2.3-alpha.2", "1.2.3-alpha.10", "1.2.3-beta", "1.2.3-beta.1"),
    *("1.2.3-dev.3+g12", "1.2.3-dev.4", "1.2.3-pre.1", "1.2.3-rc.1", "1.2.3-rc.1.dev.1+g9", "1.2.3-rc.2", "1.2.3-rc1", "1.2.3"),
    *("1.2.3+gabc", "1.2.4-rc.1", "1.2.4", "1.10.0", "2.0.0"),
)


@pytest.mark.parametrize(("older", "newer"), DESCRIBED)
def test_the_comparison_of_these_tests_is_that_of_pkg(older: str, newer: str) -> None:
    assert (compare(older, newer), compare(newer, older), compare(older, older)) == (-1, 1, 0)


@pytest.mark.parametrize(
    ("version", "spelled"),
    [
        ("1.2.3", "1.2.3"),
        ("1.2.3-rc.1", "1.2.3.r.1"),
        ("1.2.3-rc1", "1.2.3.r1"),
        ("1.2.3-beta", "1.2.3.b"),
        ("1.2.3-dev.3+gab-1.c", "1.2.3.d.3+0gab.1.c"),
        ("1.2.3-rc.1.dev.3", "1.2.3.r.1.0d3"),
        ("1.2.3+5", "1.2.3+5"),
    ],
)
def test_versions_are_spelled_as_in_the_ports_tree(version: str, spelled: str) -> None:
    assert freebsd_version(Version(version)) == spelled


def test_versions_sort_as_releases_do() -> None:
    for older, newer in itertools.combinations(ORDER, 2):
        assert Version(older) <= Version(newer)
        assert compare(freebsd_version(Version(older)), freebsd_version(Version(newer))) == -1, (older, newer)


NUMBER = st.integers(0, 10**6)
LABEL = st.sampled_from(["alpha", "beta", "dev", "pre", "rc"])
CORE = st.builds("{}.{}.{}".format, NUMBER, NUMBER, NUMBER)
BEFORE = st.one_of(st.just(""), st.builds("-{}.{}".format, LABEL, st.integers(1, 10**6)))


@given(CORE, BEFORE, BEFORE, CORE)
@settings(max_examples=40, deadline=None)
def test_no_two_releases_are_turned_round(core: str, one: str, other: str, later: str) -> None:
    for left, right in ((core + one, core + other), (core + one, later + other)):
        mine, others = Version(left), Version(right)
        wanted = 0 if mine == others else -1 if mine < others else 1
        assert compare(freebsd_version(mine), freebsd_version(others)) == wanted


@given(CORE, BEFORE, st.integers(1, 999), st.from_regex(r"[0-9A-Za-z-]{1,8}(\.[0-9A-Za-z-]{1,4})?", fullmatch=True))
@settings(max_examples=30, deadline=None)
def test_a_state_between_two_releases_is_between_them(core: str, before: str, commits: int, build: str) -> None:
    last = Version(core + before)
    state = last.after(commits, build)
    following = Version(state.text.partition("-")[0])
    assert compare(freebsd_version(last), freebsd_version(state)) == -1
    assert compare(freebsd_version(state), freebsd_version(following)) == -1
    assert compare(freebsd_version(last.after(commits + 1, build)), freebsd_version(state)) == 1


@pytest.mark.parametrize("version", ["1.2.3-nightly.1", "1.2.3-1", "1.2.3-rc.1.2", "1.2.3-RC.1", "1.2.3-rc-1", f"1.{'9' * 19}.0"])
def test_what_pkg_cannot_count_is_refused(version: str) -> None:
    with pytest.raises(UsageError, match="pkg") as caught:
        freebsd_version(Version(version))
    assert caught.value.hint
