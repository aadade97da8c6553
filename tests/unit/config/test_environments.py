"""Environments, stores and pointers: what holds in each, and what is wrong with them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slipway import environments as facts
from slipway import rules
from slipway.config.cache import cached_project
from slipway.config.load import load_project
from slipway.config.release import ChangelogTable, FragmentsTable, ReleaseTable
from slipway.config.stores import STORES
from slipway.environments import (
    GATE_NAMES,
    GATES,
    Credential,
    DirStore,
    Environment,
    GiteaStore,
    GithubStore,
    PointerRules,
    S3Store,
)
from slipway.errors import ConfigError
from slipway.rules import ChangelogRules, FragmentRules, ReleaseRules, Stamp

Write = Callable[[str], Path]
HEAD = '[project]\nname = "hello"\nsummary = "Greet"\n[component.hello]\nkind = "cargo"\n'
TWO = """\
[store.files]
kind = "s3"
region = "garage"
url = "https://files.example"
credential = { profile = "release" }

[store.code]
kind = "github"
repository = "makers/hello"

[environment.staging]
stores = ["files"]
[environment.staging.store.files]
bucket = "staging"
url = "https://staging.example"

[environment.production]
[environment.production.store]
files = { bucket = "releases", credential = { env = "RELEASE" } }
"""


@pytest.fixture
def read(write: Write) -> Callable[[str], dict[str, Environment]]:
    """The environments of a slipway.toml that goes on like this."""

    def environments(text: str) -> dict[str, Environment]:
        return {each.name: each for each in load_project(write(HEAD + text)).environments}

    return environments


Read = Callable[[str], dict[str, Environment]]


@pytest.mark.req("S1-2")
def test_without_a_word_there_is_a_folder_on_this_machine(read: Read) -> None:
    found = read("")
    assert list(found) == ["local"]
    local = found["local"]
    assert local.stores == (DirStore(name="site", path="published", url="http://127.0.0.1:8000"),)
    assert (local.state, local.tag, local.confirm, local.colour) == ("site", "none", "none", "blue")
    assert not local.install
    assert local.gates == {}
    assert [(each.name, each.form, each.to) for each in local.pointers] == [
        ("latest", "symlink", "{folder}/"),
        ("install.sh", "copy", "{folder}/install.sh"),
        ("install.ps1", "copy", "{folder}/install.ps1"),
        ("index.html", "copy", "{folder}/index.html"),
    ]
    assert not any(each.declared or each.prereleases for each in local.pointers)


@pytest.mark.req("S1-2")
def test_an_environment_lays_what_is_different_over_a_store(read: Read) -> None:
    found = read(TWO)
    assert list(found) == ["local", "staging", "production"]
    files = S3Store(
        name="files",
        bucket="staging",
        region="garage",
        url="https://staging.example",
        credential=Credential(profile="release"),
    )
    changed = dataclasses.replace(files, bucket="releases", url="https://files.example", credential=Credential(env="RELEASE"))
    code = GithubStore(name="code", repository="makers/hello")
    assert code.credential == Credential(env="GITHUB_TOKEN")
    assert found["staging"].stores == (files,)
    assert found["production"].stores == (changed, code)


@pytest.mark.parametrize(
    ("name", "colour", "confirm", "rehearsal"),
    [("staging", "green", "yes", ""), ("production", "red", "phrase", "staging"), ("nightly", "yellow", "yes", "")],
)
def test_what_an_environment_is_like_when_nothing_is_said(
    read: Read, name: str, colour: str, confirm: str, rehearsal: str
) -> None:
    stores = "".join(f'[store.{each}]\nkind = "dir"\npath = "/srv/{each}"\n' for each in ("a", "b", "c"))
    names = ("staging", "production", "nightly")
    text = stores + "".join(f'[environment.{each}]\nstores = ["{store}"]\n' for each, store in zip(names, "abc", strict=True))
    found = read(text)[name]
    assert (found.colour, found.confirm, found.rehearsal) == (colour, confirm, rehearsal)
    assert (found.tag, found.install) == ("push", True)
    assert found.phrase == ("I want to release {version} to {environment}" if confirm == "phrase" else "")
    assert found.gates == {}


def test_what_is_said_goes_before_what_is_usual(read: Read, root: Path) -> None:
    (root / "signers").write_text("a@example.org ssh-ed25519 AAAA\n")
    found = read(
        """\
[store.www]
kind = "dir"
path = "/srv/www"
[store.extra]
kind = "dir"
path = "/srv/extra"
[environment.local]
tag = "local"
install = true
[environment.local.store.site]
path = "~/site"
[environment.production]
stores = ["extra", "www"]
optional = ["extra"]
colour = "magenta"
phrase = "ship {version}"
tag = "none"
approvals = 2
approvers = "signers"
rehearsal = "local"
install = false
pointers = []
[environment.production.gates]
ci = "off"
"""
    )
    local, production = found["local"], found["production"]
    assert local.stores == (DirStore(name="site", path="~/site", url="http://127.0.0.1:8000"),)
    assert (local.tag, local.install) == ("local", True)
    assert [each.name for each in production.stores] == ["extra", "www"]
    assert production.state == "www"
    assert production.pointers == ()
    assert production.gates["ci"] == "off"
    assert "tests" not in production.gates
    shown = dataclasses.replace(production, stores=(), gates={})
    assert shown == Environment(
        name="production",
        optional=("extra",),
        state="www",
        colour="magenta",
        confirm="phrase",
        phrase="ship {version}",
        tag="none",
        approvals=2,
        approvers="signers",
        rehearsal="local",
        install=False,
    )


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("", "b"),
        ('optional = ["b"]', "c"),
        ('optional = ["b"]\nbackups = ["c"]', ""),
        ('state = "c"', "c"),
        ('state = "git"', ""),
    ],
)
def test_the_state_lies_where_it_can_and_is_needed(read: Read, said: str, state: str) -> None:
    text = f"""\
[store.a]
kind = "github"
repository = "a/b"
[store.b]
kind = "dir"
path = "/srv/b"
[store.c]
kind = "ssh"
host = "c.example"
path = "/srv/c"
[environment.staging]
{said}
"""
    assert read(text)["staging"].state == state


def test_a_store_may_be_of_another_kind_in_an_environment(read: Read) -> None:
    text = """\
[environment.local]
stores = ["files"]
[environment.local.store.files]
kind = "dir"
path = "files"
"""
    found = read(TWO + text)
    assert found["local"].stores == (DirStore(name="files", path="files"),)
    assert isinstance(found["production"].store("files"), S3Store)


def test_a_declared_site_is_not_where_local_publishes_unasked(read: Read) -> None:
    text = """\
[store.site]
kind = "s3"
bucket = "releases"
[environment.local.store.site]
folder = "all/{tag}"
[environment.production]
"""
    found = read(text)
    assert found["local"].stores == (DirStore(name="site", folder="all/{tag}", url="http://127.0.0.1:8000"),)
    assert found["production"].stores == (S3Store(name="site", bucket="releases"),)
    named = text.replace(
        "[environment.local.store.site]", '[environment.local]\nstores = ["site"]\n[environment.local.store.site]'
    )
    mine = named.replace('folder = "all/{tag}"', 'bucket = "trial"')
    assert read(mine)["local"].stores == (S3Store(name="site", bucket="trial"),)


@pytest.mark.parametrize(
    ("store", "pointer", "expected"),
    [
        ("www", "", PointerRules(name="new", store="www", form="symlink", declared=True)),
        ("www", 'to = "{folder}/a"', PointerRules(name="new", store="www", form="copy", to="{folder}/a", declared=True)),
        (
            "www",
            'to = "{folder}/a"\nform = "symlink"',
            PointerRules(name="new", store="www", form="symlink", to="{folder}/a", declared=True),
        ),
        ("files", 'name = "all/new"', PointerRules(name="all/new", store="files", form="redirect", declared=True)),
        ("files", 'to = "{folder}/a"', PointerRules(name="new", store="files", form="copy", to="{folder}/a", declared=True)),
        ("code", "", PointerRules(name="new", store="code", form="latest", to="", declared=True)),
        (
            "git",
            "prereleases = true",
            PointerRules(name="new", store="git", form="ref", to="", prereleases=True, declared=True),
        ),
    ],
)
def test_a_pointer_takes_the_form_that_fits(read: Read, store: str, pointer: str, expected: PointerRules) -> None:
    www = '[store.www]\nkind = "dir"\npath = "/srv/www"\n'
    found = read(f'{TWO}{www}[pointer.new]\nstore = "{store}"\n{pointer}\n')["production"].pointers
    assert found[0] == expected
    assert store not in {each.store for each in found[1:]}


def test_stores_without_pointers_have_the_usual_ones_in_order(read: Read) -> None:
    text = """\
[store.www]
kind = "dir"
path = "/srv/www"
[store.mirror]
kind = "ssh"
host = "m.example"
path = "/srv/m"
[pointer."index.html"]
store = "www"
to = "{folder}/index.html"
[pointer.stable]
store = "git"
"""
    found = read(TWO + text)
    shown = [(each.store, each.name) for each in found["production"].pointers]
    copies = ["install.sh", "install.ps1", "index.html"]
    assert shown == [
        ("www", "index.html"),
        ("git", "stable"),
        *(("files", name) for name in copies),
        ("code", "latest"),
        *(("mirror", name) for name in ("latest", *copies)),
    ]
    assert [each.store for each in found["staging"].pointers] == ["git", "files", "files", "files"]
    assert "git" not in {each.store for each in found["local"].pointers}


def test_a_store_of_every_kind_takes_every_key(read: Read) -> None:
    text = """\
[store.s]
kind = "s3"
bucket = "bb"
prefix = "p/q"
folder = "r/{version}"
url = "https://s.example/p/q"
endpoint = "http://127.0.0.1:9000"
region = "r"
addressing = "path"
checksums = "when_required"
conditional = "off"
credential = { command = ["mint", "--short"] }
[store.t]
kind = "gitea"
repository = "o/n"
api = "https://t.example/api/v1"
credential = { file = "~/token" }
[environment.production]
"""
    assert read(text)["production"].stores == (
        S3Store(
            name="s",
            bucket="bb",
            prefix="p/q",
            folder="r/{version}",
            url="https://s.example/p/q",
            endpoint="http://127.0.0.1:9000",
            region="r",
            addressing="path",
            checksums="when_required",
            conditional="off",
            credential=Credential(command=("mint", "--short")),
        ),
        GiteaStore(name="t", repository="o/n", api="https://t.example/api/v1", credential=Credential(file="~/token")),
    )


KINDS: dict[str, Any] = {
    each.KIND: each
    for each in (facts.DirStore, facts.S3Store, facts.SshStore, facts.GithubStore, facts.GitlabStore, facts.GiteaStore)
}


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        *((STORES[name], KINDS[name]) for name in STORES),
        (ReleaseTable, ReleaseRules),
        (ChangelogTable, ChangelogRules),
        (FragmentsTable, FragmentRules),
    ],
)
def test_tables_and_facts_have_the_same_keys_and_usual_values(table: Any, kind: Any) -> None:
    known = {field.name: field for field in dataclasses.fields(kind) if field.name != "name"}
    assert set(table.model_fields) - {"kind"} == set(known)
    for name, field in known.items():
        if field.default is not dataclasses.MISSING:
            said = table.model_fields[name].default
            assert (tuple(said) if isinstance(said, list) else said) == field.default, name


def test_release_changelog_and_fragments_are_read(write: Write, root: Path) -> None:
    (root / "notes.txt").write_text("x\n")
    project = load_project(
        write(
            f"""{HEAD}
[release]
environment = "local"
flow = "detached"
ci-checks = ["build"]
[[release.stamps]]
file = "notes.txt"
find = "^x$"
text = "{{version}}"
[changelog]
paths = ["src"]
[changelog.groups]
New = ["feat", "perf"]
Rest = ["*"]
[fragments]
layout = "front-matter"
categories = {{ b = "B", a = "A" }}
"""
        )
    )
    assert project.release == ReleaseRules(
        flow="detached", ci_checks=("build",), stamps=(Stamp(file="notes.txt", find="^x$", text="{version}"),)
    )
    assert project.changelog == ChangelogRules(paths=("src",), groups={"New": ("feat", "perf"), "Rest": ("*",)})
    assert list(project.changelog.groups) == ["New", "Rest"]
    assert project.fragments == FragmentRules(layout="front-matter", categories={"b": "B", "a": "A"})
    assert list(project.fragments.categories) == ["b", "a"]


def test_without_the_tables_release_and_changelog_are_as_usual(write: Write) -> None:
    project = load_project(write(HEAD))
    assert (project.release, project.changelog, project.fragments) == (
        rules.ReleaseRules(),
        rules.ChangelogRules(),
        rules.FragmentRules(),
    )


def test_a_second_run_knows_the_same_environments(write: Write, root: Path) -> None:
    (root / "signers").write_text("a\n")
    more = 'approvals = 1\napprovers = "signers"\n'
    file = write(HEAD + TWO.replace("[environment.production]\n", f"[environment.production]\n{more}"))
    first = cached_project(file, root / ".slipway")
    stored = (root / ".slipway/project.json").stat().st_mtime_ns
    assert cached_project(file, root / ".slipway") == first == load_project(file)
    assert (root / ".slipway/project.json").stat().st_mtime_ns == stored
    (root / "signers").unlink()
    with pytest.raises(ConfigError, match="there is no file signers"):
        cached_project(file, root / ".slipway")


# ---- Faults: what follows HEAD starts on line 6 ------------------------------------------------------------------------

FILES = '[store.files]\nkind = "s3"\nbucket = "bb"\n'
WWW = '[store.www]\nkind = "dir"\npath = "/srv/www"\n'
CODE = '[store.code]\nkind = "github"\nrepository = "a/b"\n'
MINE = '[environment.local]\nstores = ["files"]\n'
LIVE = "[environment.production]\n"
FAULTS = {
    "kind": ('[store.a]\nkind = "s4"\n', 6, "store.a", "unknown kind 's4'", "known here: dir, s3, ssh"),
    "no kind": ("[store.a]\n", 6, "store.a", "the key kind is missing", "say what the store is: kind = 'dir' or 's3'"),
    "key of a store": (f'{FILES}bukket = "b"\n{LIVE}', 9, "store.files.bukket", "unknown key", "did you mean bucket?"),
    "key of an overlay": (
        f'{FILES}{LIVE}store.files.bukket = "b"\n',
        10,
        "environment.production.store.files.bukket",
        "unknown key",
        "did you mean bucket?",
    ),
    "value of an overlay": (
        f"{FILES}{LIVE}[environment.production.store.files]\nbucket = 1\n",
        11,
        "environment.production.store.files.bucket",
        "must be a string, not a whole number (1)",
        "",
    ),
    "overlay of nothing": (
        f'{FILES}{LIVE}store.file.bucket = "b"\n',
        10,
        "environment.production.store.file",
        "there is no store 'file'",
        "did you mean files?",
    ),
    "overlay of what is not used": (
        f'{FILES}{WWW}{LIVE}stores = ["www"]\nstore.files.bucket = "cc"\n[environment.x]\nstores = ["files"]\n',
        14,
        "environment.production.store.files",
        "nothing is published to files in production",
        "known here: www",
    ),
    "nothing in a bucket": (
        f'[store.files]\nkind = "s3"\n{LIVE}',
        6,
        "store.files.bucket",
        "is missing for production",
        "[environment.production.store.files]",
    ),
    "no server": ('[store.a]\nkind = "ssh"\npath = "/a"\n' + LIVE, 6, "store.a.host", "is missing for production", ""),
    "no api": ('[store.a]\nkind = "gitea"\nrepository = "a/b"\n' + LIVE, 6, "store.a.api", "is missing for production", ""),
    "no store at all": (LIVE, 6, "environment.production", "has no store", "[store.files]"),
    "unknown store": (
        f'{FILES}{LIVE}stores = ["files", "file"]\n',
        10,
        "environment.production.stores[2]",
        "unknown store 'file'",
        "files?",
    ),
    "store twice": (
        f'{FILES}{LIVE}stores = ["files", "files"]\n',
        10,
        "environment.production.stores",
        "names 'files' twice",
        "",
    ),
    "unused store": (FILES, 6, "store.files", "no environment publishes there", '[environment.production] stores = ["files"]'),
    "store called git": (
        '[store.git]\nkind = "dir"\npath = "/a"\n' + LIVE,
        6,
        "store.git",
        "the git remote is called",
        "another name",
    ),
    "optional": (
        f'{FILES}{LIVE}optional = ["file"]\n',
        10,
        "environment.production.optional[1]",
        "is no store of this",
        "files?",
    ),
    "backups": (f'{FILES}{LIVE}backups = ["files"]\n', 10, "environment.production.backups", "every store is a backup", ""),
    "state nowhere": (f'{FILES}{LIVE}state = "file"\n', 10, "environment.production.state", "is no store of this", "files?"),
    "state at a forge": (f'{CODE}{LIVE}state = "code"\n', 10, "environment.production.state", "code is a forge", "'git'"),
    "state that is optional": (
        f'{FILES}{WWW}{LIVE}optional = ["www"]\nstate = "www"\n',
        14,
        "environment.production.state",
        "www may be out of order",
        "neither optional nor a backup",
    ),
    "rehearsal": (
        f'{FILES}{LIVE}rehearsal = "stage"\n',
        10,
        "environment.production.rehearsal",
        "no other environment 'stage'",
        "local",
    ),
    "rehearsal in itself": (
        f'{FILES}{LIVE}rehearsal = "production"\n',
        10,
        "environment.production.rehearsal",
        "no other environment 'production'",
        "",
    ),
    "colour": (f'{FILES}{LIVE}colour = "gren"\n', 10, "environment.production.colour", "'gren' is not possible", "green?"),
    "gate": (
        f'{FILES}{LIVE}gates = {{ clen = "off" }}\n',
        10,
        "environment.production.gates.clen",
        "unknown gate 'clen'",
        "clean?",
    ),
    "gate's weight": (
        f'{FILES}{LIVE}gates = {{ ci = "no" }}\n',
        10,
        "environment.production.gates.ci",
        "'no' is not possible",
        "off",
    ),
    "phrase unread": (
        f'{FILES}{LIVE}confirm = "yes"\nphrase = "x"\n',
        11,
        "environment.production.phrase",
        "is not read when confirm is 'yes'",
        'confirm = "phrase"',
    ),
    "word in a phrase": (
        f'{FILES}{LIVE}phrase = "{{vers}}"\n',
        10,
        "environment.production.phrase",
        "{vers} stands for",
        "version?",
    ),
    "approvals": (f"{FILES}{LIVE}approvals = 2\n", 10, "environment.production.approvals", "nobody is named", "approvers ="),
    "approvers": (f'{FILES}{LIVE}approvers = "a"\n', 10, "environment.production.approvers", "is not read without approvals", ""),
    "no approvers": (
        f'{FILES}{LIVE}approvals = 1\napprovers = "a"\n',
        11,
        "environment.production.approvers",
        "there is no file a",
        "relative to",
    ),
    "folder for all": (f'{FILES}folder = "new"\n{LIVE}', 9, "store.files.folder", "a folder of its own", "{version} or {tag}"),
    "folder in an overlay": (
        f'{FILES}{LIVE}store.files.folder = "/{{tag}}"\n',
        10,
        "environment.production.store.files.folder",
        "is no plain path",
        "",
    ),
    "word in a folder": (f'{FILES}folder = "{{tag}}/{{os}}"\n{LIVE}', 9, "store.files.folder", "{os} stands for nothing", "name"),
    "braces in a folder": (f'{FILES}folder = "{{tag}}/{{OS}}"\n{LIVE}', 9, "store.files.folder", "is no plain path", "releases/"),
    "folder of slipway": (f'{FILES}folder = ".slipway/{{tag}}"\n{LIVE}', 9, "store.files.folder", "holds slipway's own", ""),
    "prefix": (f'{FILES}prefix = "/a"\n{LIVE}', 9, "store.files.prefix", "must be a plain path", ""),
    "profile": (
        f'{CODE}credential = {{ profile = "x" }}\n{LIVE}',
        9,
        "store.code.credential.profile",
        "profiles are for S3",
        "env",
    ),
    "two places": (
        f'{CODE}credential = {{ env = "A", file = "b" }}\n{LIVE}',
        9,
        "store.code.credential",
        "says env and file",
        "",
    ),
    "key of a credential": (
        f'{CODE}credential = {{ envv = "A" }}\n{LIVE}',
        9,
        "store.code.credential.envv",
        "unknown key",
        "env?",
    ),
    "http": (f'{FILES}url = "http://a.example"\n{LIVE}', 9, "store.files.url", "must start with https://", ""),
    "http endpoint": (
        f'{FILES}endpoint = "http://10.0.0.1:9000"\n{LIVE}',
        9,
        "store.files.endpoint",
        "must start with https",
        "",
    ),
    "no address": (f'{FILES}url = "files.example"\n{LIVE}', 9, "store.files.url", "must be a URL", ""),
    "query": (f'{FILES}url = "https://a.example/?x=1"\n{LIVE}', 9, "store.files.url", "must be a URL", ""),
    "folder in dist": (
        f'[store.a]\nkind = "dir"\npath = "dist/x"\n{LIVE}',
        8,
        "store.a.path",
        "dist/x is in dist",
        "a folder of its",
    ),
    "folder in the state": (
        '[environment.local.store.site]\npath = ".slipway"\n',
        7,
        "environment.local.store.site.path",
        "is in .slip",
        "",
    ),
    "the project": ('[store.a]\nkind = "dir"\npath = "."\n' + LIVE, 8, "store.a.path", ". holds the project itself", ""),
    "above the project": ('[store.a]\nkind = "dir"\npath = ".."\n' + LIVE, 8, "store.a.path", "holds the project itself", ""),
    "ssh path": ('[store.a]\nkind = "ssh"\nhost = "h"\npath = "srv"\n' + LIVE, 9, "store.a.path", "starts with '/'", ""),
    "ssh host": ('[store.a]\nkind = "ssh"\nhost = "u@h"\npath = "/s"\n' + LIVE, 8, "store.a.host", "without user and port", ""),
    "ssh option": (
        '[store.a]\nkind = "ssh"\nhost = "-oProxyCommand=x"\npath = "/s"\n' + LIVE,
        8,
        "store.a.host",
        "the name of",
        "",
    ),
    "private": (
        '[store.a]\nkind = "ssh"\nhost = "h"\npath = "/s"\nprivate = "/s/x"\n' + LIVE,
        10,
        "store.a.private",
        "/s/x is in /s, which the public sees",
        "beside it",
    ),
    "one place twice": (
        f'{WWW}[store.b]\nkind = "dir"\npath = "/srv/x/../www/"\n{LIVE}',
        11,
        "store.b.path",
        "b and www are one place",
        "",
    ),
    "one forge twice": (
        f'{CODE}[store.b]\nkind = "github"\nrepository = "A/B"\n{LIVE}',
        11,
        "store.b.repository",
        "b and code are one place",
        "",
    ),
    "two environments, one place": (
        f"{FILES}[environment.staging]\n{LIVE}",
        8,
        "store.files.bucket",
        "production and staging publish to one place",
        "[environment.production.store.files]",
    ),
    "the place of local": (
        f'[store.a]\nkind = "dir"\n{LIVE}',
        6,
        "store.a.path",
        "production and local publish to one place",
        "",
    ),
    "store of a pointer": (
        f'{FILES}{LIVE}[pointer.a]\nstore = "file"\n',
        11,
        "pointer.a.store",
        "unknown store 'file'",
        "files?",
    ),
    "name of a pointer": (f'{FILES}{LIVE}[pointer.A]\nstore = "files"\n', 10, "pointer.A", "a name of lower-case letters", ""),
    "published name": (f'{FILES}{LIVE}[pointer.a]\nstore = "files"\nname = "/a"\n', 12, "pointer.a.name", "is no plain path", ""),
    "a name that changes": (
        f'{FILES}{LIVE}[pointer.a]\nstore = "files"\nname = "{{tag}}"\n',
        12,
        "pointer.a.name",
        "has words in braces",
        "downloads/latest",
    ),
    "to elsewhere": (
        f'{FILES}{LIVE}[pointer.a]\nstore = "files"\nto = "x/y"\n',
        12,
        "pointer.a.to",
        "'x/y' is nothing in a release",
        "{folder}/",
    ),
    "to up": (
        f'{WWW}{LIVE}[pointer.a]\nstore = "www"\nto = "{{folder}}/../x"\n',
        12,
        "pointer.a.to",
        "is nothing in a release",
        "",
    ),
    "redirect in a folder": (
        f'{WWW}{LIVE}[pointer.a]\nstore = "www"\nform = "redirect"\n',
        12,
        "pointer.a.form",
        "www, of the kind dir, has no pointers of the form redirect",
        "symlink, copy",
    ),
    "link in a bucket": (
        f'{FILES}{LIVE}[pointer.a]\nstore = "files"\nform = "symlink"\n',
        12,
        "pointer.a.form",
        "has no",
        "redirect",
    ),
    "copy at a forge": (f'{CODE}{LIVE}[pointer.a]\nstore = "code"\nform = "copy"\n', 12, "pointer.a.form", "has no", "latest"),
    "link in git": (
        f'{FILES}{LIVE}[pointer.a]\nstore = "git"\nform = "symlink"\n',
        12,
        "pointer.a.form",
        "the git remote has",
        "ref",
    ),
    "copy of a folder": (
        f'{WWW}{LIVE}[pointer.a]\nstore = "www"\nform = "copy"\n',
        10,
        "pointer.a.to",
        "a copy is of one file",
        "install.sh",
    ),
    "where a branch leads": (
        f'{FILES}{LIVE}[pointer.a]\nstore = "git"\nto = "{{folder}}/"\n',
        12,
        "pointer.a.to",
        "is not read when the form is ref",
        "",
    ),
    "name of a forge's mark": (
        f'{CODE}{LIVE}[pointer.a]\nstore = "code"\nname = "b"\n',
        12,
        "pointer.a.name",
        "is not read when the form is latest",
        "",
    ),
    "two pointers of one name": (
        f'{WWW}{LIVE}[pointer.a]\nstore = "www"\n[pointer.b]\nstore = "www"\nname = "a"\n',
        14,
        "pointer.b.name",
        "b and a are both a in www",
        "",
    ),
    "a pointer behind a pointer": (
        f'{WWW}{LIVE}[pointer.a]\nstore = "www"\n[pointer.b]\nstore = "www"\nname = "a/b"\n',
        14,
        "pointer.b.name",
        "one of b and a lies behind the other",
        "",
    ),
    "a pointer over the releases": (
        f'{WWW}folder = "all/{{tag}}"\n{LIVE}[pointer.all]\nstore = "www"\n',
        11,
        "pointer.all",
        "the releases themselves lie in all",
        "",
    ),
    "pointers": (f'{FILES}{LIVE}pointers = ["a"]\n', 10, "environment.production.pointers[1]", "unknown pointer 'a'", ""),
    "pointer of another store": (
        f'{FILES}{WWW}{LIVE}pointers = ["a"]\nstores = ["www"]\n[pointer.a]\nstore = "files"\n{MINE}',
        13,
        "environment.production.pointers[1]",
        "a is in files, which is no store of production",
        "www",
    ),
    "release's environment": (
        '[release]\nenvironment = "lokal"\n',
        7,
        "release.environment",
        "unknown environment 'lokal'",
        "local?",
    ),
    "release's forge": (f'{CODE}{LIVE}[release]\nforge = "cod"\n', 11, "release.forge", "there is no forge 'cod'", "code?"),
    "no forge": (f'{FILES}{LIVE}[release]\nforge = "files"\n', 11, "release.forge", "there is no forge 'files'", ""),
    "stamp": (
        '[[release.stamps]]\nfile = "a"\nfind = "("\ntext = "x"\n',
        8,
        "release.stamps[1].find",
        "is no regular expression",
        "",
    ),
    "stamp nowhere": (
        '[[release.stamps]]\nfile = "a"\nfind = "x"\ntext = "x"\n',
        7,
        "release.stamps[1].file",
        "there is no file a",
        "",
    ),
    "word in a stamp": (
        '[[release.stamps]]\nfile = "a"\ntext = "{ x } {vers}"\n',
        8,
        "release.stamps[1].text",
        "{vers} stands for nothing",
        "version?",
    ),
    "word in a message": (
        '[release]\ntag-message = "{branch}"\n',
        7,
        "release.tag-message",
        "{branch} stands for nothing",
        "name",
    ),
    "key of a stamp": (
        '[[release.stamps]]\nfile = "a"\ntxt = "x"\ntext = ""\n',
        8,
        "release.stamps[1].txt",
        "unknown key",
        "text?",
    ),
    "key of a release": ('[release]\nbrnch = "x"\n', 7, "release.brnch", "unknown key", "did you mean branch?"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_names_its_line_and_key_and_says_what_to_do(write: Write, case: str) -> None:
    text, line, key, message, hint = FAULTS[case]
    file = write(HEAD + text)
    with pytest.raises(ConfigError) as caught:
        load_project(file)
    error = caught.value
    assert (error.file, error.line, error.key) == (file, line, key), str(error)
    assert message in error.message
    assert hint in (error.hint or "")
    assert "faults" not in error.message.partition("\n")[0], error.message


SECRET = "ghp_0123456789abcdefABCDEF0123456789abcd"


@pytest.mark.parametrize(
    "line",
    [
        f'url = "https://me:{SECRET}@files.example"',
        f'endpoint = "https://{SECRET}@files.example"',
        f'url = "https://files.example/?token={SECRET}"',
        f'token = "{SECRET}"',
        f'secret-access-key = "{SECRET}"',
        f'credential = {{ env = "{SECRET}" }}',
        f'credential = {{ file = "{SECRET}" }}',
        f'credential = {{ command = ["echo", "{SECRET}"] }}',
        f'credential = {{ profile = "{SECRET}" }}',
        f'credential = {{ token = "{SECRET}" }}',
    ],
)
def test_a_secret_is_refused_and_not_repeated(write: Write, line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_project(write(f"{HEAD}{FILES}{line}\n{LIVE}"))
    assert caught.value.line == 9
    assert SECRET not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize("name", ["token", "secret_key", "password", "api-key", "access_key"])
def test_whoever_writes_a_secret_down_is_told_where_it_belongs(write: Write, name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_project(write(f'{HEAD}{CODE}{name} = "x"\n{LIVE}'))
    assert "secrets never stand in slipway.toml" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8000", "http://localhost/x", "http://[::1]:80/", "https://a.example", "https://a.example:8443/x/y@2"],
)
def test_addresses(read: Read, url: str) -> None:
    assert getattr(read(f'{WWW}url = "{url}"\n{LIVE}')["production"].stores[0], "url") == url  # noqa: B009 - one of many kinds


def test_two_environments_may_share_a_place_when_their_releases_lie_apart(read: Read) -> None:
    text = f'{FILES}[environment.nightly]\nstore.files.folder = "nightly/{{version}}"\npointers = []\n{LIVE}'
    found = read(text)
    assert [each.stores[0].name for each in found.values()] == ["site", "files", "files"]


def test_what_follows_from_a_fault_is_not_told_too(write: Write) -> None:
    text = f'{FILES}bukket = 1\n[pointer.a]\nstore = "files"\n{LIVE}stores = ["files"]\nstate = "files"\n'
    with pytest.raises(ConfigError) as caught:
        load_project(write(HEAD + text))
    assert (caught.value.line, caught.value.key) == (9, "store.files.bukket")
    assert "faults" not in caught.value.message


def test_every_gate_has_a_weight_for_every_question() -> None:
    assert len(set(GATE_NAMES)) == len(GATES)
    assert {weight for gate in GATES for weight in (gate.free, gate.asked, gate.phrased)} == {"error", "warn", "off"}


MANUAL = (Path(__file__).parents[3] / "docs" / "environments.md").read_text()
BLOCKS = re.findall(r"```toml\n(.*?)```", MANUAL, re.DOTALL)


@pytest.mark.parametrize("text", [BLOCKS[0], BLOCKS[1], BLOCKS[1] + BLOCKS[3]])
def test_what_the_manual_shows_works(read: Read, text: str) -> None:
    found = read(text)
    if "[pointer" in text:
        assert [each.name for each in found["production"].pointers if each.declared] == [
            "install.sh",
            "downloads/latest",
            "stable",
        ]


def test_what_the_manual_calls_usual_is(read: Read) -> None:
    stores = "".join(f'[store.{each}]\nkind = "dir"\npath = "/srv/{each}"\n' for each in "abc")
    names = ("local", "staging", "production", "others")
    text = stores + "".join(f'[environment.{each}]\nstores = ["{store}"]\n' for each, store in zip(names[1:], "abc", strict=True))
    found = read(text)
    rows = {row[1].strip("` "): row[2:-1] for row in (line.split("|") for line in MANUAL.splitlines()) if len(row) == 7}
    for key in ("colour", "confirm", "tag"):
        assert [cell.strip() for cell in rows[key]] == [getattr(found[name], key) for name in names]
    assert [cell.strip() == "yes" for cell in rows["install"]] == [found[name].install for name in names]
