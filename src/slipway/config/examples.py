"""The examples of the reference of slipway.toml, one for each table; together they are a valid file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Tables that lie in others.
SOURCE: Final = "component.NAME.prebuilt.PLATFORM"
STAMPS: Final = "release.stamps"
CREDENTIAL: Final = "store.NAME.credential"
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
    SOURCE: """\
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
    "release": """\
[release]
branch = "main"
release-branch = "release-{major}.{minor}"
milestone = "{version}"
""",
    STAMPS: """\
[[release.stamps]]
file = "config/hello.toml"
find = '^release = ".*"$'
text = 'release = "{version}"'
""",
    "changelog": """\
[changelog]
hidden = ["chore", "ci", "style", "test"]
repository = "https://codeberg.org/hello/hello"

[changelog.groups]
"New" = ["feat"]
"Mended" = ["fix", "revert"]
"Other changes" = ["*"]
""",
    "fragments": """\
[fragments]
layout = "front-matter"
notes = "docs/notes-{major}.md"
categories = { features = "Features", fixes = "Fixes" }
""",
    "dir": """\
[store.www]
kind = "dir"
path = "/srv/www/hello"
url = "https://hello.example"
""",
    "s3": """\
[store.files]
kind = "s3"
bucket = "hello-releases"
prefix = "hello"
endpoint = "https://s3.garage.example"
region = "garage"
url = "https://files.hello.example"
credential = { profile = "release" }
""",
    "ssh": """\
[store.mirror]
kind = "ssh"
host = "mirror.hello.example"
user = "release"
path = "/srv/mirror/hello"
known-hosts = "release/known_hosts"
url = "https://mirror.hello.example/hello"
""",
    "github": """\
[store.github]
kind = "github"
repository = "hello/hello"
""",
    "gitlab": """\
[store.gitlab]
kind = "gitlab"
repository = "makers/tools/hello"
credential = { file = "~/.config/hello/gitlab-token" }
""",
    "gitea": """\
[store.codeberg]
kind = "gitea"
repository = "hello/hello"
api = "https://codeberg.org/api/v1"
""",
    CREDENTIAL: """\
[store.codeberg.credential]
command = ["vault", "read", "-field=token", "secret/codeberg"]
""",
    "pointer": """\
[pointer.newest]
store = "files"
name = "hello/latest"
form = "redirect"

[pointer.stable]
store = "git"
""",
    "environment": """\
[environment.staging]
stores = ["files"]

[environment.staging.store.files]
bucket = "hello-staging"
url = "https://staging.hello.example"

[environment.production]
stores = ["www", "files", "mirror", "github", "gitlab", "codeberg"]
optional = ["codeberg"]
backups = ["mirror"]

[environment.production.gates]
ci = "error"
milestone = "off"
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
