"""The reference of slipway.toml, made from the schema: a page for people and a JSON schema for editors."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic.fields import FieldInfo

from slipway.config.forms import Table
from slipway.config.packages import DebArchitectureTable, DebSuiteTable
from slipway.config.parts import KINDS, SourceTable
from slipway.config.schema import NAMED, TABLES, SlipwayFile

_INTRODUCTION: Final = """\
# slipway.toml

<!-- Made by `python -m slipway.reference docs/reference`; the texts stand in src/slipway/config/. -->

One file, at the top of a project, says everything that slipway has to know about it. An unknown key is an error, and every
error names the line. Only `[project]` and one `[component.NAME]` are required. All paths are relative to the file's folder.
In patterns, `*` and `?` stand for any part of a name and `**` for any number of folders; a pattern that names a folder means
all it holds.
"""
_SOURCE: Final = "component.NAME.prebuilt.PLATFORM"
_WITHIN: Final[Mapping[str, Mapping[str, type[Table]]]] = {
    "deb": {"deb.suite.NAME": DebSuiteTable, "deb.architecture.NAME": DebArchitectureTable},
}
EXAMPLES: Final[Mapping[str, str]] = {
    "project": """\
[project]
name = "hello"
summary = "Greet whoever asks"
license = "MIT OR Apache-2.0"
maintainer = "Hello Makers <makers@hello.example>"
homepage = "https://hello.example"
documents = ["README.md", "LICENSE"]
platforms = ["linux-amd64", "linux-arm64", "macos-arm64", "windows-amd64"]
""",
    "version": """\
[version]
source = "git"
tag = "v{version}"
""",
    "cargo": """\
[component.hello]
kind = "cargo"
binaries = ["hello", "hello-server"]
features = ["tls"]
""",
    "tree": """\
[component.config]
kind = "tree"
path = "config"
to = "etc/hello"
exclude = ["*.bak"]
""",
    "command": """\
[component.manual]
kind = "command"
path = "docs"
command = ["make", "man"]
outputs = { "share/man/man1/hello.1" = "build/hello.1" }
inputs = ["*.md", "Makefile"]
""",
    "python": """\
[component.report]
kind = "python"
path = "report"
requirements = "requirements.txt"
exclude = ["tkinter"]
inputs = ["pyproject.toml", "README.md", "requirements.txt", "src/**"]
""",
    "prebuilt": """\
[component.helper]
kind = "prebuilt"
binaries = ["helper"]

[component.helper.prebuilt.linux-amd64]
source = "https://helper.example/{version}/helper-{triple}.tar.gz"
sha256 = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
""",
    _SOURCE: """\
[component.hello.prebuilt.macos-arm64]
source = "from-ci/{platform}"
files = { hello = "**/release/hello" }
""",
    "variant": """\
[variant.complete]
components = ["*"]

[variant.minimal]
summary = "Without the manual"
components = ["hello", "config"]
""",
    "platform": """\
[platform.linux-amd64]
glibc = "2.28"
archives = ["tar.gz", "tar.zst"]
""",
    "service": """\
[service.hello-server]
summary = "Greets over the network"
arguments = ["--config", "{config}/hello.toml", "--state", "{state}"]
after = ["network-online.target"]
""",
    "install": """\
[install]
health = ["hello", "--version"]
download-url = "https://hello.example/releases/{tag}"
""",
    "deb": """\
[deb]
section = "net"
depends = ["ca-certificates", "libssl3 (>= 3.0) | libssl1.1"]
revision = "1"
suites = ["bookworm", "trixie"]
overrides = { "embedded-library *" = "the library is changed" }
""",
    "deb.suite.NAME": """\
[deb.suite.trixie]
depends = ["libssl3t64"]
""",
    "deb.architecture.NAME": """\
[deb.architecture.arm64]
depends = ["libatomic1"]
""",
    "rpm": """\
[rpm]
requires = ["ca-certificates", "openssl-libs >= 1:3.0"]
capabilities = { "bin/hello-server" = "cap_net_bind_service=ep" }
compression = "zstd"
""",
    "freebsd": """\
[freebsd]
origin = "net/hello"
depends = { ca_root_nss = "security/ca_root_nss" }
compression = "xz"
""",
    "pkg": """\
[pkg]
identifier = "org.example.hello"
""",
    "msi": """\
[msi]
manufacturer = "Hello Makers"
scopes = ["machine", "user"]
upgrade-code = "2B3B1A4C-8B9E-4E62-9F57-0E0C4C6B5A11"
""",
    "source": """\
[source]
vendored = true
""",
    "sign": """\
[sign]
gpg = "0123456789ABCDEF0123456789ABCDEF01234567"
minisign = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"
what = ["checksums", "packages"]
""",
    "container": """\
[container]
image = "registry.example/hello:{version}"
ports = ["127.0.0.1:8080:8080"]
volumes = { state = "/var/lib/hello" }
environment = { HELLO_LOG = "info" }
health-path = "/health"
""",
    "sbom": """\
[sbom]
formats = ["cyclonedx", "spdx"]
manifests = true
provenance = true
builder = "https://ci.hello.example/release"
""",
    "test": """\
[test]
unit = ["cargo test"]
basic = ["hello --help"]
complete = ["sh day.sh"]
files = "tests"

[test.variants]
minimal = ["basic"]
""",
}


def project_schema() -> dict[str, Any]:
    """Return the JSON schema of slipway.toml."""
    schema = _without_titles(SlipwayFile.model_json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "slipway.toml", **schema}


def reference_page() -> str:
    """Return the reference page in Markdown: every table with its keys, their types, defaults and meanings."""
    parts = [_INTRODUCTION]
    for name, table in _tables():
        parts += [f"## {_heading(name)}", _about(table), _keys(table), f"```toml\n{EXAMPLES[name]}```"]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _tables() -> Iterator[tuple[str, type[Table]]]:
    yield from ((name, TABLES[name]) for name in ("project", "version"))
    yield from KINDS.items()
    yield _SOURCE, SourceTable
    for name, table in TABLES.items():
        if name not in {"project", "version"}:
            yield name, table
            yield from _WITHIN.get(name, {}).items()


def _heading(name: str) -> str:
    if name == _SOURCE:
        return f"`[{name}]`"
    if name in KINDS:
        return f'`[component.NAME]` with `kind = "{name}"`'
    return f"`[{name}.NAME]`" if name in NAMED else f"`[{name}]`"


def _about(table: type[Table]) -> str:
    return inspect.cleandoc(table.__doc__ or "")


def _keys(table: type[Table]) -> str:
    types = table.model_json_schema()["properties"]
    rows = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for name, field in table.model_fields.items():
        key = field.alias or name
        cells = (f"`{key}`", _type(types[key]), _default(field), " ".join((field.description or "").split()))
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def _type(schema: Mapping[str, Any]) -> str:
    if "const" in schema:
        return f"`{_toml(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{_toml(item)}`" for item in schema["enum"])
    if schema["type"] == "array":
        inner = schema["items"]
        return f"list of {_type(inner)}" if "enum" in inner else "list of strings"
    if schema["type"] == "object":
        # Where the keys have a form, it stands before what they lead to.
        inner = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")][0]
        return f"table of {_IN_TABLES[inner.get('type', 'object')]}"
    if schema["type"] == "integer":
        return f"{schema['minimum']} to {schema['maximum']}"
    return {"string": "string", "boolean": "true or false"}[schema["type"]]


_IN_TABLES: Final = {"string": "strings", "array": "lists", "object": "tables"}


def _default(field: FieldInfo) -> str:
    return "required" if field.is_required() else f"`{_toml(field.default)}`"


def _toml(value: object) -> str:
    """How TOML spells a default; that is how JSON does, as long as tables are empty."""
    return json.dumps(value, ensure_ascii=False)


def _without_titles(schema: Any) -> Any:
    """The schema without the titles that pydantic makes of the keys; a property that is called `title` would stay."""
    if isinstance(schema, dict):
        kept = {key: value for key, value in schema.items() if not (key == "title" and isinstance(value, str))}
        return {key: _without_titles(value) for key, value in kept.items()}
    return [_without_titles(item) for item in schema] if isinstance(schema, list) else schema
