"""Versions: what is read, what comes before what, and how packages spell it."""

from __future__ import annotations

import operator
import re
import subprocess
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version as PythonVersion

from slipway.errors import UsageError
from slipway.version import SCHEMES, Version, from_python

ASCENDING = {
    # The first eight are the example of semver.org, item 11.
    "semver": [
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.0.1-0",
        "1.0.1",
        "1.2.0",
        "1.10.0",
        "2.0.5",
        "2.1.0-rc1",
        "2.1.0-rc2",
        "2.1.0",
        "10.0.0",
    ],
    "calver": [
        "25.11",
        "26.04",
        "26.11-rc.1",
        "26.11",
        "2019.01",
        "2024.04-rc.1",
        "2024.04",
        "2024.04.1",
        "2024.04.10",
        "2024.11",
    ],
}

numbers = st.integers(0, 10**6).map(str)
words = st.sampled_from(["alpha", "beta", "rc", "dev"])
# dpkg compares rc10 and rc2 by number where semver compares letters, and `alphab` with `alpha.1` the other way round:
# the spellings agree for the usual pre-releases, words and numbers between dots.
prereleases = st.lists(numbers | words, min_size=1, max_size=4).map(".".join)
semver_cores = st.tuples(numbers, numbers, numbers).map(".".join)
calver_cores = st.tuples(st.integers(0, 9999).map(str), st.integers(0, 99).map("{:02}".format)).map(".".join)
small_cores = st.tuples(*[st.integers(0, 2).map(str)] * 3).map(".".join)


def versions(cores: st.SearchStrategy[str], scheme: str) -> st.SearchStrategy[Version]:
    texts = st.builds("{}-{}".format, cores, prereleases) | cores
    return texts.map(lambda text: Version.parse(text, scheme))


semvers = versions(semver_cores | small_cores, "semver")
calvers = versions(calver_cores, "calver")
pairs = st.tuples(semvers, semvers) | st.tuples(calvers, calvers)


def dpkg_key(text: str) -> list[tuple[list[int], int]]:
    """The order of Debian policy 5.6.12, as a key: `~` before the end, letters before all else, numbers as numbers."""

    def rank(char: str) -> int:
        return -1 if char == "~" else ord(char) if char.isalpha() else ord(char) + 256

    parts = re.findall(r"(\D*)(\d*)", text)
    return [([rank(char) for char in word] + [0], int(number or 0)) for word, number in parts]


def dpkg_less(left: str, right: str) -> bool:
    a, b = dpkg_key(left), dpkg_key(right)
    filler = ([0], 0)
    size = max(len(a), len(b))
    return a + [filler] * (size - len(a)) < b + [filler] * (size - len(b))


@pytest.mark.req("S0-45")
@pytest.mark.parametrize("scheme", ASCENDING)
def test_versions_come_in_the_order_of_their_scheme(scheme: str) -> None:
    found = [Version.parse(text, scheme) for text in ASCENDING[scheme]]
    assert sorted([*found[1::2], *found[::2]]) == found
    for one, other in pairwise(found):
        assert one < other
        assert one <= other
        assert other > one
        assert other >= one
        assert not other <= one


@pytest.mark.req("S0-45")
def test_build_metadata_does_not_count_in_the_order() -> None:
    one, other = Version.parse("2.1.0+20250925.abcdef"), Version.parse("2.1.0")
    assert one <= other <= one
    assert not one < other
    assert not one > other
    assert str(one) == "2.1.0+20250925.abcdef"


@given(pairs, st.data())
def test_the_order_is_total(pair: tuple[Version, Version], data: st.DataObject) -> None:
    one, other = pair
    assert (one < other) + (other < one) + (one <= other <= one) == 1
    assert (one <= other) is (not one > other)
    third = data.draw(semvers if one.scheme == "semver" else calvers)
    low, middle, high = sorted([one, other, third])
    assert low <= middle <= high
    assert low <= high


def test_versions_of_two_schemes_have_no_order() -> None:
    for compare in (operator.lt, operator.le, operator.gt, operator.ge):
        with pytest.raises(TypeError, match="no common order"):
            compare(Version("2024.4.1"), Version("2024.04", "calver"))


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("2.1.0", "semver"),
        ("2.1.0-rc1", "semver"),
        ("2.1.0-alpha", "semver"),
        ("2.1.0-beta.2+build.7", "semver"),
        ("2019.01", "calver"),
        ("2024.04.1", "calver"),
        ("26.11", "calver"),
        ("26.11-rc.1", "calver"),
    ],
)
@pytest.mark.req("S0-30", "S0-45")
def test_a_version_stays_as_it_was_written(text: str, scheme: str) -> None:
    assert str(Version.parse(text, scheme)) == text


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        *(
            (text, "semver")
            for text in ["", "2", "2.1", "2.1.0.0", "v2.1.0", "02.1.0", "2.1.0-", "2.1.0-01", "2.1.0-a..b", "2.1.0 "]
        ),
        *((text, "semver") for text in ["2.1.0+", "2.1.0-é", "٢.1.0", "2.1.0\n"]),
        *((text, "calver") for text in ["", "2024", "v2024.04", "2024.04-", "2024.", "2024.a"]),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_is_expected(text: str, scheme: str) -> None:
    with pytest.raises(UsageError) as caught:
        Version.parse(text, scheme)
    assert caught.value.exit_code == 2
    assert repr(text) in caught.value.message
    assert SCHEMES[scheme].expects in (caught.value.hint or "")


def test_an_unknown_scheme_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"unknown version scheme 'nix'[\s\S]*semver, calver"):
        Version.parse("1.0", "nix")


@pytest.mark.req("S0-45")
@pytest.mark.parametrize(
    ("text", "scheme", "pre", "spelled"),
    [
        ("1.2.0", "semver", "", "1.2.0"),
        ("1.2.0-rc.1", "semver", "rc.1", "1.2.0~rc.1"),
        ("1.2.0-rc-1.x-y", "semver", "rc-1.x-y", "1.2.0~rc.1.x.y"),
        ("1.2.0-rc.1+git.a-b", "semver", "rc.1", "1.2.0~rc.1+git.a.b"),
        ("1.2.0+git-a", "semver", "", "1.2.0+git.a"),
        ("2024.04-rc.1", "calver", "rc.1", "2024.04~rc.1"),
    ],
)
def test_packages_spell_a_prerelease_with_a_tilde(text: str, scheme: str, pre: str, spelled: str) -> None:
    version = Version.parse(text, scheme)
    assert (version.prerelease, version.is_prerelease) == (pre, bool(pre))
    assert (version.deb, version.rpm) == (spelled, spelled)


@given(pairs)
def test_package_spellings_have_the_order_of_the_versions(pair: tuple[Version, Version]) -> None:
    one, other = pair
    assert (one < other) is dpkg_less(one.deb, other.deb)
    assert (one > other) is dpkg_less(other.deb, one.deb)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "scheme", "spelled", "back"),
    [
        ("2.1.0", "semver", "2.1.0", "2.1.0"),
        ("2.1.0-rc.1", "semver", "2.1.0rc1", "2.1.0-rc.1"),
        ("2.1.0-rc1", "semver", "2.1.0rc1", "2.1.0-rc.1"),
        ("2.1.0-alpha", "semver", "2.1.0a0", "2.1.0-alpha.0"),
        ("2.1.0-beta.12", "semver", "2.1.0b12", "2.1.0-beta.12"),
        ("2.1.1-dev.3+gabc.dirty", "semver", "2.1.1.dev3+gabc.dirty", "2.1.1-dev.3+gabc.dirty"),
        ("2.1.0-rc.1.dev.3+gabc", "semver", "2.1.0rc1.dev3+gabc", "2.1.0-rc.1.dev.3+gabc"),
        ("2024.04.1", "calver", "2024.4.1", "2024.4.1"),
    ],
)
def test_python_spells_versions_in_the_normal_form_of_pep_440(text: str, scheme: str, spelled: str, back: str) -> None:
    assert Version(text, scheme).python == spelled
    assert from_python(spelled) == back
    assert str(PythonVersion(spelled)) == spelled


@pytest.mark.parametrize("pre", ["preview.1", "rc.1.2", "rc.x", "dev.1.rc.1"])
def test_a_prerelease_that_python_does_not_have(pre: str) -> None:
    with pytest.raises(UsageError, match="Python has no spelling"):
        Version(f"1.0.0-{pre}").python  # noqa: B018


@pytest.mark.parametrize("text", ["1.0.post1", "1!2.0", "main"])
def test_a_version_that_only_python_has_stays(text: str) -> None:
    assert from_python(text) == text


@pytest.mark.parametrize("scheme", ASCENDING)
def test_dpkg_itself_agrees(scheme: str) -> None:
    spelled = [Version(text, scheme).deb for text in ASCENDING[scheme]]
    for one, other in pairwise(spelled):
        assert subprocess.run(["dpkg", "--compare-versions", one, "lt", other], check=False).returncode == 0, (one, other)
        assert subprocess.run(["dpkg", "--compare-versions", other, "lt", one], check=False).returncode == 1, (one, other)
        assert dpkg_less(one, other)


@pytest.mark.req("S0-45")
@pytest.mark.parametrize(
    ("text", "kind", "following"),
    [
        ("1.2.3", "major", "2.0.0"),
        ("1.2.3", "minor", "1.3.0"),
        ("1.2.3", "patch", "1.2.4"),
        ("2.0.0-rc.1", "major", "2.0.0"),
        ("2.1.0-rc.1", "major", "3.0.0"),
        ("2.1.0-rc.1", "minor", "2.1.0"),
        ("2.1.1-rc.1", "minor", "2.2.0"),
        ("2.1.1-rc.1", "patch", "2.1.1"),
        ("2.1.1+build", "patch", "2.1.2"),
    ],
)
def test_the_next_version(text: str, kind: str, following: str) -> None:
    assert str(Version(text).next(kind)) == following


@pytest.mark.parametrize(("text", "following"), [("2024.04", "2024.04.1"), ("2024.04.09", "2024.04.10"), ("26.11-rc.1", "26.11")])
def test_the_next_patch_of_a_calendar_version(text: str, following: str) -> None:
    assert Version(text, "calver").next("patch") == Version(following, "calver")


@pytest.mark.parametrize(("scheme", "kind"), [("calver", "major"), ("calver", "minor"), ("semver", "huge")])
def test_a_next_version_that_nobody_can_know(scheme: str, kind: str) -> None:
    with pytest.raises(UsageError) as caught:
        Version("2024.4.1", scheme).next(kind)
    assert caught.value.hint


@given(semvers | calvers)
def test_a_next_version_is_later(version: Version) -> None:
    for kind in ("major", "minor", "patch") if version.scheme == "semver" else ("patch",):
        assert version.next(kind) > version


@given(semvers | calvers, st.integers(1, 500))
def test_a_state_after_a_version_lies_between_it_and_what_follows(version: Version, commits: int) -> None:
    between = version.after(commits, "gabc1234")
    assert version < between < version.next("patch")
    assert between < version.after(commits + 1, "gabc1234")
    assert Version.parse(str(between), version.scheme).is_prerelease
