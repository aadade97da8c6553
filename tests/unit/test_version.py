"""Versions: what is read, what comes before what, and how packages spell it."""

from __future__ import annotations

import operator
import re
import subprocess
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version as PythonVersion

from slipway.errors import UsageError
from slipway.version import SCHEMES, Version, debian_version, from_python

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
    "nix": [
        "2.3pre1",
        "2.3pre3",
        "2.3pre12",
        "2.3",
        "2.3a",
        "2.3c",
        "2.3q",
        "2.3.1",
        "2.5",
        "22.11pre400000.aaaaaaaaaaaa",
        "24.11.715879.b75693fb46bf",
        "24.11.715880.b75693fb46bf",
        "26.05.1",
        "26.11pre1032806.bbb4df715cb6",
        "26.11pre1032807.0bb4df715cb6",
        "26.11",
        "26.11.1.0bb4df715cb6",
    ],
    "debian": [
        "2.1.0~rc.1-1",
        "2.1.0-1",
        "2.1.0-1+b1",
        "2.1.0-2",
        "2.1.0+dfsg-1",
        "2.1.1-1~deb12u1",
        "2.1.1-1",
        "2018.10-1",
        "2018.11.post3-1",
        "2019.01-1",
        "2020.05-1",
        "1:0.9-1",
    ],
}
# What the Lix project called its versions, from a nightly of a beta to the release.
LIX = ["2.90-beta.1", "2.90.0pre20240411", "2.90.0pre20240412", "2.90.0-rc1", "2.90.0"]

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
dotted = st.lists(st.sampled_from(["0", "1", "9", "10", "010", "pre", "pre1", "rc", "a", "b7", "bbb4d"]), min_size=1, max_size=4)
nixes = st.builds("{}{}{}".format, st.integers(0, 3), st.sampled_from([".", "-", "pre"]), dotted.map(".".join)).filter(
    lambda text: SCHEMES["nix"].pattern.fullmatch(text) is not None
)
debian_words = st.text("019az.+~", max_size=5)
debians = st.builds(
    "{}{}.{}{}".format,
    st.sampled_from(["", "", "0:", "1:"]),
    st.integers(0, 2),
    debian_words,
    st.sampled_from(["", "-0", "-1", "-0~1", "-1~deb12u1", "-2-1", "-1.1", "-1+b1"]),
)
by_scheme = (
    semvers,
    calvers,
    nixes.map(lambda text: Version.parse(text, "nix")),
    debians.map(lambda text: Version.parse(text, "debian")),
)
any_scheme = st.one_of(*by_scheme)
trios = st.one_of(*(st.tuples(kind, kind, kind) for kind in by_scheme))


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


@given(trios)
def test_the_order_is_total(trio: tuple[Version, Version, Version]) -> None:
    one, other, third = trio
    assert (one < other) + (other < one) + (one <= other <= one) == 1
    assert (one <= other) is (not one > other)
    low, middle, high = sorted([one, other, third])
    assert low <= middle <= high
    assert low <= high


@given(any_scheme)
def test_whatever_can_be_read_stays_as_it_was_written(version: Version) -> None:
    again = Version.parse(str(version), version.scheme)
    assert again == version
    assert again.key == version.key


@pytest.mark.req("S1-25")
def test_the_forms_of_one_project_s_history_are_read_and_ordered() -> None:
    found = [Version.parse(text, "calver") for text in LIX]
    assert sorted([*found[1::2], *found[::2]]) == found
    assert [version.is_prerelease for version in found] == [True, True, True, True, False]
    assert all(dpkg_less(one.deb, other.deb) for one, other in pairwise(found))
    # compareVersions knows `pre` alone as something that comes before a release, so rc1 is later there.
    nix = [Version.parse(text, "nix") for text in LIX]
    assert [str(version) for version in sorted(nix)] == [*LIX[:3], "2.90.0", "2.90.0-rc1"]
    assert [version.is_prerelease for version in nix] == [True, True, True, True, False]


# The examples of the Nix manual (nix-env --upgrade, "Versions") and of the tests that its comparison was made with.
NIX_MANUAL = [
    ("1.0", "2.3", "<"),
    ("2.1", "2.3", "<"),
    ("2.3", "2.3", "="),
    ("2.5", "2.3", ">"),
    ("3.1", "2.3", ">"),
    ("2.3.1", "2.3", ">"),
    ("2.3.1", "2.3a", ">"),
    ("2.3pre1", "2.3", "<"),
    ("2.3pre3", "2.3pre12", "<"),
    ("2.3a", "2.3c", "<"),
    ("2.3pre1", "2.3c", "<"),
    ("2.3pre1", "2.3q", "<"),
]


@pytest.mark.parametrize(("one", "other", "sign"), NIX_MANUAL)
def test_nix_versions_have_the_order_of_the_manual(one: str, other: str, sign: str) -> None:
    left, right = Version.parse(one, "nix"), Version.parse(other, "nix")
    assert (left < right, left > right) == (sign == "<", sign == ">")


@settings(max_examples=60, deadline=None)
@given(debians, debians)
def test_dpkg_itself_has_the_order_of_the_scheme_debian(one: str, other: str) -> None:
    left, right = Version.parse(one, "debian"), Version.parse(other, "debian")
    assert (left < right) is dpkg(one, "lt", other)
    assert (left > right) is dpkg(one, "gt", other)


def dpkg(one: str, relation: str, other: str) -> bool:
    done = subprocess.run(["dpkg", "--compare-versions", one, relation, other], check=False, capture_output=True)
    assert done.returncode in {0, 1}, done.stderr
    return done.returncode == 0


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
        ("24.11.715880.b75693fb46bf", "nix"),
        ("2.90.0pre20240411", "nix"),
        ("2019.01-1", "debian"),
        ("1:2.1.0~rc.1+dfsg-0ubuntu1", "debian"),
    ],
)
@pytest.mark.req("S4-8")
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
        *((text, "calver") for text in ["", "2024", "v2024.04", "2024.04-", "2024.", "2024.a", "24.11pre", "24.11prefix1"]),
        *((text, "nix") for text in ["", "v2.3", "12ab34c", "2.3-", "2.3 1", "2.3/1", "pre1"]),
        *((text, "debian") for text in ["", "v1.0", "12ab34c", "a:1.0", "1.0_1", "1.0-", "~1.0", "1.0-1\n"]),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_is_expected(text: str, scheme: str) -> None:
    with pytest.raises(UsageError) as caught:
        Version.parse(text, scheme)
    assert caught.value.exit_code == 2
    assert repr(text) in caught.value.message
    assert SCHEMES[scheme].expects in (caught.value.hint or "")


def test_an_unknown_scheme_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"unknown version scheme 'date'[\s\S]*semver, calver, nix, debian"):
        Version.parse("1.0", "date")


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
        ("2.90.0pre20240411_abc123", "calver", "pre.20240411.abc123", "2.90.0~pre.20240411.abc123"),
        ("26.11pre1032806.bbb4df715cb6", "nix", "pre1032806.bbb4df715cb6", "26.11~pre1032806.bbb4df715cb6"),
        ("24.11.715880.b75693fb46bf", "nix", "", "24.11.715880.b75693fb46bf"),
        ("2.1.0~rc.1", "debian", "rc.1", "2.1.0~rc.1"),
        ("2.1.0~deb12u1", "debian", "", "2.1.0~deb12u1"),
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
        ("2019.01-1", "debian", "2019.1", "2019.1"),
        ("2.1.0~rc.1-1", "debian", "2.1.0rc1", "2.1.0-rc.1"),
        ("2.93.0", "nix", "2.93.0", "2.93.0"),
    ],
)
def test_python_spells_versions_in_the_normal_form_of_pep_440(text: str, scheme: str, spelled: str, back: str) -> None:
    assert Version(text, scheme).python == spelled
    assert from_python(spelled) == back
    assert str(PythonVersion(spelled)) == spelled


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        *((f"1.0.0-{pre}", "semver") for pre in ["preview.1", "rc.1.2", "rc.x", "dev.1.rc.1"]),
        ("24.11.715880.b75693fb46bf", "nix"),
        ("2.1.0a", "debian"),
    ],
)
def test_a_version_that_python_does_not_have(text: str, scheme: str) -> None:
    with pytest.raises(UsageError, match="Python has no spelling"):
        Version(text, scheme).python  # noqa: B018


@pytest.mark.parametrize(
    ("text", "revision", "ending", "expected"),
    [
        ("2019.01-1", "", None, "2019.01-1"),
        ("2019.01-1", "3", "~deb12u1", "2019.01-1~deb12u1"),
        ("1:2019.01", "2", None, "1:2019.01-2"),
        ("1:2019.01", "", None, "1:2019.01"),
    ],
)
def test_a_debian_version_brings_its_own_epoch_and_revision(text: str, revision: str, ending: str | None, expected: str) -> None:
    assert debian_version(Version(text, "debian"), revision, ending) == expected


@pytest.mark.parametrize("text", ["1.0.post1", "1!2.0", "main"])
def test_a_version_that_only_python_has_stays(text: str) -> None:
    assert from_python(text) == text


@pytest.mark.parametrize("scheme", ASCENDING)
def test_dpkg_itself_agrees(scheme: str) -> None:
    # Words behind a release, as nix has them, are no pre-releases: dpkg puts letters before numbers there, as nix does.
    found = [text for text in ASCENDING[scheme] if scheme != "nix" or text not in {"2.3a", "2.3c", "2.3q"}]
    spelled = [text if scheme == "debian" else Version(text, scheme).deb for text in found]
    for one, other in pairwise(spelled):
        assert subprocess.run(["dpkg", "--compare-versions", one, "lt", other], check=False).returncode == 0, (one, other)
        assert subprocess.run(["dpkg", "--compare-versions", other, "lt", one], check=False).returncode == 1, (one, other)
        assert scheme == "debian" or dpkg_less(one, other)


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


@pytest.mark.parametrize(
    ("text", "scheme", "kind", "following"),
    [
        ("2.93.0", "nix", "minor", "2.94.0"),
        ("2.93.0pre20250101.abc1234", "nix", "minor", "2.93.0"),
        ("24.11", "nix", "patch", "24.11.1"),
        ("2019.01-1", "debian", "patch", "2019.01.1-1"),
        ("1:2.1.0-3", "debian", "minor", "1:2.2.0-1"),
        ("2.1.0~rc.1-1", "debian", "minor", "2.1.0-1"),
        ("2.1.0", "debian", "major", "3.0.0"),
    ],
)
def test_the_next_version_of_other_schemes(text: str, scheme: str, kind: str, following: str) -> None:
    assert Version(text, scheme).next(kind) == Version(following, scheme)


@pytest.mark.parametrize(
    ("text", "scheme", "kind"),
    [
        ("2024.4.1", "calver", "major"),
        ("2024.4.1", "calver", "minor"),
        ("2024.4.1", "semver", "huge"),
        ("24.11", "nix", "major"),
        ("24.11.715880.b75693fb46bf", "nix", "patch"),
        ("2.90.0-rc1", "nix", "minor"),
        ("2019.01-1", "debian", "minor"),
        ("2.1.0+dfsg-1", "debian", "patch"),
    ],
)
def test_a_next_version_that_nobody_can_know(text: str, scheme: str, kind: str) -> None:
    with pytest.raises(UsageError) as caught:
        Version(text, scheme).next(kind)
    assert caught.value.hint


@given(any_scheme)
def test_a_next_version_is_later(version: Version) -> None:
    for kind in ("major", "minor", "patch"):
        try:
            following = version.next(kind)
        except UsageError:
            assert version.scheme != "semver"
            assert (version.scheme, kind) != ("calver", "patch")
        else:
            assert following > version


plain_states = st.sampled_from(
    [
        ("2.93.0", "nix"),
        ("24.11", "nix"),
        ("26.11pre100.abc", "nix"),
        ("2019.01-1", "debian"),
        ("2.1.0", "debian"),
        ("1:2.1.0~rc.1-1", "debian"),
        ("2.90.0pre20240411", "calver"),
    ]
).map(lambda pair: Version(*pair))


@given(semvers | calvers | plain_states, st.integers(1, 500))
def test_a_state_after_a_version_lies_between_it_and_what_follows(version: Version, commits: int) -> None:
    between = version.after(commits, "gabc1234")
    assert version < between < version.next("patch")
    assert between < version.after(commits + 1, "gabc1234")
    assert Version.parse(str(between), version.scheme).is_prerelease
