"""Faults in slipway.toml: each is told in plain words, with its line, its key and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.config.load import load_project
from slipway.errors import ConfigError

Write = Callable[[str], Path]
START = """\
[project]
name = "hello"
summary = "Greet"
{project}
[component.hello]
kind = "cargo"
{rest}
"""


def in_project(text: str) -> str:
    return START.format(project=text, rest="")


def after(text: str) -> str:
    """What starts on line 7."""
    return START.format(project="", rest=text)


CASES = {
    "unknown key": (in_project('licens = "MIT"'), 4, "project.licens", "unknown key", "did you mean license?"),
    "unknown key far from all": (in_project("xyzzy = 1"), 4, "project.xyzzy", "unknown key", "known here: name, summary"),
    "key of another table": (in_project('scheme = "semver"'), 4, "project.scheme", "unknown key", "belongs in [version]"),
    "underscore for hyphen": (
        after("default_features = false"),
        7,
        "component.hello.default_features",
        "unknown",
        "default-features?",
    ),
    "unknown table": (after("[instal]\na = 1"), 7, "instal", "unknown table", "did you mean install?"),
    "key of another kind": (after("to = ''"), 7, "component.hello.to", "unknown key", "known here: kind, path, package"),
    "type": (in_project("license = 3"), 4, "project.license", "must be a string, not a whole number (3)", ""),
    "type of a list": (in_project('documents = "README.md"'), 4, "project.documents", "must be a list, not a string", ""),
    "type in a list": (in_project('documents = [\n  "README.md",\n  1]'), 6, "project.documents[2]", "must be a string", ""),
    "type of a truth": (after('default-features = "no"'), 7, "component.hello.default-features", "must be true or false", ""),
    "type of a date": (in_project("license = 2026-01-01"), 4, "project.license", "not a date or time", ""),
    "type of a table": ("project = 1\n[component.a]\nkind = 'cargo'", 1, "project", "must be a table, not a whole number", ""),
    "truth for a number": (in_project("compression = true"), 4, "project.compression", "must be a whole number", ""),
    "compiling what is joined": (
        after('[platform.darwin-universal]\nmacos = "12.0"\ncross-image = "x"'),
        9,
        "platform.darwin-universal.cross-image",
        "nothing is compiled for darwin-universal itself",
        "say it in [platform.macos-amd64] and [platform.macos-arm64]",
    ),
    "no licence": (
        in_project('license = "Foo Bar/ OR ("'),
        4,
        "project.license",
        "is no licence expression of SPDX",
        "MIT OR Apache-2.0",
    ),
    "number too high": (in_project("compression = 13"), 4, "project.compression", "must be at most 12, not 13", ""),
    "number too low": (in_project("compression = 0"), 4, "project.compression", "must be at least 1, not 0", ""),
    "choice": (in_project('checksums = ["sha25"]'), 4, "project.checksums[1]", "'sha25' is not possible", "did you mean sha256?"),
    "choice of another type": (
        in_project("checksums = [1]"),
        4,
        "project.checksums[1]",
        "must be one of sha256, sha512, blake2b, md5",
        "",
    ),
    "twice": (in_project('documents = ["README.md", "README.md"]'), 4, "project.documents", "names 'README.md' twice", ""),
    "empty list": (in_project("platforms = []"), 4, "project.platforms", "must not be empty", ""),
    "maintainer": (in_project('maintainer = "me"'), 4, "project.maintainer", "must be of the form 'Name <mail@example.org>'", ""),
    "homepage": (in_project('homepage = "hello.example"'), 4, "project.homepage", "must be a URL", ""),
    "document": (in_project('documents = ["LICENSE"]'), 4, "project.documents[1]", "there is no file LICENSE", "relative to"),
    "platform": (in_project('platforms = ["linux-amd46"]'), 4, "project.platforms[1]", "unknown platform", "mean linux-amd64?"),
    "platform host": (in_project('platforms = ["host"]'), 4, "project.platforms[1]", "unknown platform 'host'", "known here"),
    "platform twice": (in_project('platforms = ["macos-arm64", "darwin-arm64"]'), 4, "project.platforms[2]", "are the same", ""),
    "platform table": (after("[platform.beos]\nglibc = '2.28'"), 7, "platform.beos", "unknown platform 'beos'", "known here"),
    "archive": (
        after("[platform.linux-amd64]\narchives = ['tar.bz2']"),
        8,
        "platform.linux-amd64.archives[1]",
        "'tar.bz2'",
        "tar.",
    ),
    "glibc": (after("[platform.linux-amd64]\nglibc = 'old'"), 8, "platform.linux-amd64.glibc", "must be two numbers", ""),
    "no name": ("[project]\nsummary = 's'\n[component.a]\nkind = 'cargo'", 1, "project.name", "is missing", "The project's name"),
    "bad name": ("[project]\nname = 'He llo'\nsummary = 's'\n[component.a]\nkind = 'cargo'", 2, "project.name", "lower-case", ""),
    "no summary": ("[project]\nname = 'hello'\n[component.a]\nkind = 'cargo'", 1, "project.summary", "is missing", "in one line"),
    "long summary": (
        "[project]\nname='ab'\nsummary='''\na\nb'''\n[component.a]\nkind='cargo'",
        3,
        "project.summary",
        "one line",
        "",
    ),
    "no project": ("[component.a]\nkind = 'cargo'", 1, "project", "is missing", ""),
    "no component": ("[project]\nname = 'hello'\nsummary = 's'", 1, "component", "is missing", "parts of a distribution"),
    "empty component": (
        "component = {}\n[project]\nname = 'hello'\nsummary = 's'",
        1,
        "component",
        "must not be empty",
        "[component.",
    ),
    "no kind": (after("[component.a]\npath = 'docs'"), 7, "component.a", "the key kind is missing", "'cargo' or 'tree'"),
    "unknown kind": (after("[component.a]\nkind = 'cago'"), 7, "component.a", "unknown kind 'cago'", "did you mean cargo?"),
    "component name": (after("[component.A_b]\nkind = 'tree'\npath='docs'\nto=''"), 7, "component.A_b", "lower-case", ""),
    "no path": (after("[component.a]\nkind = 'tree'\nto = ''"), 7, "component.a.path", "is missing", "The folder to copy"),
    "path": (after("[component.a]\nkind = 'tree'\npath = 'dox'\nto = ''"), 9, "component.a.path", "no folder dox", "relative to"),
    "file": (
        after("[component.a]\nkind = 'tree'\npath = 'README.md'\nto = ''"),
        9,
        "component.a.path",
        "is a file",
        "in include",
    ),
    "no crate": (after("path = 'docs'"), 7, "component.hello.path", "no Cargo.toml in docs", ""),
    "place": (
        after("[component.a]\nkind='tree'\npath='docs'\nto='opt/x'"),
        10,
        "component.a.to",
        "'opt/x' has no place",
        "etc/hello/",
    ),
    "place etc": (
        after("[component.a]\nkind='tree'\npath='docs'\nto='etc/x'"),
        10,
        "component.a.to",
        "has no place",
        "bin/, lib/",
    ),
    "place up": (after("[component.a]\nkind='tree'\npath='docs'\nto='lib/../..'"), 10, "component.a.to", "no plain path", ""),
    "place root": (after("[component.a]\nkind='tree'\npath='docs'\nto='/usr/lib'"), 10, "component.a.to", "no plain path", ""),
    "place windows": (after("[component.a]\nkind='tree'\npath='docs'\nto='lib\\x'"), 10, "component.a.to", "no plain path", ""),
    "output": (
        after("[component.a]\nkind='command'\ncommand=['x']\n[component.a.outputs]\n'bin/x'='x'\n'opt/x'='x'"),
        12,
        "component.a.outputs.opt/x",
        "'opt/x' has no place",
        "bin/",
    ),
    "output twice": (
        after(
            "[component.a]\nkind='command'\ncommand=['x']\noutputs={'NOTES'='x'}\n"
            "[component.b]\nkind='command'\ncommand=['x']\noutputs={'NOTES'='x'}"
        ),
        14,
        "component.b.outputs.NOTES",
        "component a makes NOTES too",
        "",
    ),
    "binary twice": (
        after("[component.b]\nkind='cargo'\nbinaries=['hello']"),
        9,
        "component.b.binaries",
        "by component hello",
        "",
    ),
    "package twice": (after("[component.b]\nkind='cargo'\npackage='hello'"), 9, "component.b.package", "by component hello", ""),
    "variant": (
        after("[variant.a]\ncomponents=[\n'hello',\n'helo']"),
        10,
        "variant.a.components[2]",
        "'helo'",
        "did you mean hello?",
    ),
    "pattern": (after("[variant.a]\ncomponents=['docs-*']"), 8, "variant.a.components[1]", "no component matches 'docs-*'", ""),
    "service": (after("[service.helo]\nstate=true"), 7, "service.helo", "no component makes the binary 'helo'", "mean hello?"),
    "service binary": (after("[service.a]\nbinary='b'"), 8, "service.a.binary", "no component makes the binary 'b'", "hello"),
    "folder": (
        after("[service.hello]\narguments=['{confg}/a']"),
        8,
        "service.hello.arguments[1]",
        "{confg}",
        "did you mean config?",
    ),
    "folder env": (after("[service.hello.environment]\nA='{x}'"), 8, "service.hello.environment.A", "{x} stands for nothing", ""),
    "version": (after("[version]\nsource='value'\nvalue='1.2'"), 9, "version.value", "'1.2' is not a semver", "three numbers"),
    "no version": (after("[version]\nsource='value'"), 7, "version.value", "is missing", "three numbers"),
    "version unread": (after("[version]\nvalue='1.2.0'"), 8, "version.value", "is not read", "set source = 'value'"),
    "version path unread": (after("[version]\nsource='git'\npath='x'"), 9, "version.path", "is not read", "leave it out"),
    "version file": (after("[version]\nsource='file'"), 7, "version.path", "there is no file VERSION", "name the file"),
    "version source": (after("[version]\nsource='carg'"), 8, "version.source", "'carg' is not possible", "did you mean cargo?"),
    "tag": (after("[version]\ntag='v'"), 8, "version.tag", "must be a tag with {version} in it once", ""),
    "download": (
        after("[install]\ndownload-url='http://x'"),
        8,
        "install.download-url",
        "must be a URL that starts with https",
        "",
    ),
    "deb package": (after("[deb]\npackage='Hello'"), 8, "deb.package", "must be a Debian package name", ""),
    "deb relation": (after("[deb]\ndepends=['aa','libc6 >= 2']"), 8, "deb.depends[2]", "must be a Debian relation", ""),
    "short name": (
        "[project]\nname='a'\nsummary='s'\n[component.a]\nkind='cargo'",
        1,
        "deb.package",
        "two letters or more",
        "[deb]",
    ),
    "test files": (after("[test]\nfiles='test'"), 8, "test.files", "there is no folder test", ""),
    "test variant": (after("[test.variants]\nsmall=['basic']"), 8, "test.variants.small", "unknown variant 'small'", "complete"),
    "test level": (
        after("[test.variants]\ncomplete=['unit']"),
        8,
        "test.variants.complete[1]",
        "'unit' is not possible",
        "basic",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_fault_names_its_line_and_key_and_says_what_to_do(write: Write, case: str) -> None:
    text, line, key, message, hint = CASES[case]
    file = write(text)
    with pytest.raises(ConfigError) as caught:
        load_project(file)
    error = caught.value
    assert (error.file, error.line, error.key) == (file, line, key), str(error)
    assert message in error.message
    assert hint in (error.hint or "")
    assert error.message.startswith(f"{file}:{line}: {key}: ")
    assert error.exit_code == 2


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("[project]\nname = hello\n", 2, "invalid value, at column 8"),
        ("[project]\nname = 'a'\nname = 'b'\n", 3, "cannot overwrite a value"),
        ("[project]\n\n[project]\n", 3, "cannot declare ('project',) twice"),
        ("[project]\nname = [1,\n2", 3, "unclosed array"),
        ("[project]\nname = 'a", 2, "expected"),
    ],
)
def test_what_is_not_toml_names_the_line(write: Write, text: str, line: int, told: str) -> None:
    file = write(text)
    with pytest.raises(ConfigError) as caught:
        load_project(file)
    assert caught.value.line == line
    assert caught.value.message.startswith(f"{file}:{line}: this is not TOML: ")
    assert told in caught.value.message
    assert "(at " not in caught.value.message


def test_a_missing_file_says_how_to_get_one(root: Path) -> None:
    with pytest.raises(ConfigError, match=r"no such file[\s\S]*slipway init"):
        load_project(root / "slipway.toml")


def test_what_is_not_text_is_refused(root: Path) -> None:
    (root / "slipway.toml").write_bytes(b"name = '\xff'")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_project(root / "slipway.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_project(root / "docs")


def test_all_faults_are_told_at_once_in_the_order_of_the_file(write: Write) -> None:
    file = write(
        """\
[project]
name = "Hello"
sumary = "x"
platforms = ["linux-amd46"]
[version]
schema = "semver"
source = "value"
[component.hello]
kind = "cargo"
pakage = "hello"
[component.docs]
kind = "tree"
path = "dox"
to = "opt"
[variant.small]
components = ["hello", "doc"]
[platform.beos]
archives = ["rar"]
[service.hello]
arguments = ["{x}"]
"""
    )
    with pytest.raises(ConfigError) as caught:
        load_project(file)
    told = [line.strip().removeprefix(f"{file}:") for line in caught.value.message.splitlines() if str(file) in line]
    assert [": ".join(line.split(": ")[:2]) for line in told] == [
        "1: project.summary",
        "2: project.name",
        "3: project.sumary",
        "4: project.platforms[1]",
        "6: version.schema",
        "10: component.hello.pakage",
        "13: component.docs.path",
        "14: component.docs.to",
        "16: variant.small.components[2]",
        "17: platform.beos",
        "18: platform.beos.archives[1]",
        "20: service.hello.arguments[1]",
    ]
    assert caught.value.message.startswith("slipway.toml has 12 faults\n")
    assert "did you mean docs?" in caught.value.message
    assert (caught.value.file, caught.value.line, caught.value.key) == (file, 1, "project.summary")
