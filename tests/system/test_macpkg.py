"""macOS packages as other programs read them, and their scripts where the programs of macOS are played by others."""

from __future__ import annotations

import hashlib
import plistlib
import shutil
import subprocess
import textwrap
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from small_root import SmallRoot

import sample
from slipway.contents import Contents
from slipway.errors import VerificationError
from slipway.files import digest_file
from slipway.model import InstallRules, Release, Service
from slipway.packagers.pkg import plan_pkgs
from slipway.packagers.pkg.bom import Item, bill
from slipway.platforms import PLATFORMS
from slipway.verify.bill import listed_in
from slipway.verify.macpkg import macpkg_faults
from slipway.version import Version

pytestmark = pytest.mark.slow
MACS = ("macos-amd64", "macos-arm64")
NEW = "new default\n"
LABEL = "example.hello.hello.hello-server"
CONFIG, DEFAULT = "usr/local/etc/hello/hello.toml", "etc/hello/hello.toml"


def say(*words: str | Path, **options: Any) -> str:
    done: subprocess.CompletedProcess[str] = subprocess.run([*words], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pack(root: Path, version: str = "1.2.3", texts: dict[str, str] | None = None, **changes: Any) -> dict[str, Path]:
    """The packages of a release, by their keys; some files of its distributions have other texts."""
    rows = tuple(PLATFORMS[name] for name in MACS)
    project = sample.project(root / "project", platforms=rows, **changes)
    made: Release = sample.release(root, project=project, version=Version(version))
    for cell in made.cells:
        contents = sample.stage(made, cell)
        for name, text in (texts or {}).items():
            change(made.staged(cell) / name, text, made.contents(cell), contents)
    for step in plan_pkgs(made):
        step.run()
    return {step.key.removesuffix(".pkg"): step.outputs[0] for step in plan_pkgs(made)}


def change(path: Path, text: str, listed: Path, contents: Contents) -> None:
    path.write_text(text)
    files = tuple(
        replace(file, size=path.stat().st_size, sha256=digest_file(path), md5=digest_file(path, "md5"))
        if path.parts[-len(Path(file.path).parts) :] == Path(file.path).parts
        else file
        for file in contents.files
    )
    listed.write_bytes(replace(contents, files=files).dump())


def taken_apart(package: Path, folder: Path) -> dict[str, Path]:
    """Unpack a package by libarchive; returns its component packages by processor, each with payload/ and scripts/ unpacked."""
    folder.mkdir(parents=True)
    say("bsdtar", "-xf", package, "-C", folder)
    found = {}
    for part in folder.glob("*.pkg"):
        for name in ("Payload", "Scripts"):
            (part / name.lower()).with_suffix(".files").mkdir()
            say("bsdtar", "-xf", part / name, "-C", (part / name.lower()).with_suffix(".files"))
        found[part.stem.rpartition("-")[2]] = part
    return found


@pytest.mark.req("S0-50", "S0-54")
@pytest.mark.parametrize("key", ["macos-arm64-complete", "macos-amd64-complete+macos-arm64-complete"])
def test_libarchive_and_7zip_read_package_and_payload(tmp_path: Path, key: str) -> None:
    package = pack(tmp_path)[key]
    parts = taken_apart(package, tmp_path / "apart")
    assert set(parts) == ({"arm64", "x86_64"} if "+" in key else {"arm64"})
    names = set(say("bsdtar", "-tf", package).splitlines())
    assert {"Distribution", "Resources/license.html"} <= names
    listing = say("7z", "l", "-ba", "-slt", package)
    assert {line.removeprefix("Path = ") for line in listing.splitlines() if line.startswith("Path = ")} >= names
    say("7z", "t", package)
    for part in parts.values():
        assert {f"{part.name}/{name}" for name in ("PackageInfo", "Bom", "Payload", "Scripts")} <= names
        with (part / "Payload").open("rb") as file:
            say("gzip", "-t", stdin=file)
        listed = {line.split(None, 8)[8] for line in say("bsdtar", "-tvf", part / "Payload").splitlines()}
        assert listed == set(listed_in((part / "Bom").read_bytes()))
        owners = {
            tuple(line.split()[2:4]) for line in say("bsdtar", "-tv", "--numeric-owner", "-f", part / "Payload").splitlines()
        }
        assert owners == {("0", "0")}
        say("7z", "t", "-tgzip", part / "Payload")


@pytest.mark.req("S0-50")
def test_every_digest_of_the_table_is_that_of_the_bytes(tmp_path: Path) -> None:
    package = pack(tmp_path)["macos-amd64-complete+macos-arm64-complete"]
    data, folder = package.read_bytes(), tmp_path / "apart"
    taken_apart(package, folder)
    import zlib

    size = int.from_bytes(data[8:16], "big")
    table, heap = data[28 : 28 + size], data[28 + size :]
    assert hashlib.sha1(table).digest() == heap[:20]
    seen = 0

    def look(element: ET.Element, above: Path) -> None:
        nonlocal seen
        for file in element.findall("file"):
            path = above / (file.findtext("name") or "")
            if file.findtext("type") == "directory":
                look(file, path)
                continue
            kept, offset = (int(file.findtext(f"data/{name}") or "") for name in ("length", "offset"))
            assert hashlib.sha1(heap[offset : offset + kept]).hexdigest() == file.findtext("data/archived-checksum")
            assert hashlib.sha1(path.read_bytes()).hexdigest() == file.findtext("data/extracted-checksum")
            seen += 1

    toc = ET.fromstring(zlib.decompress(table)).find("toc")
    assert toc is not None
    look(toc, folder)
    assert seen == 2 + 2 * 4


@pytest.mark.req("S0-50")
def test_the_payload_is_the_distribution(tmp_path: Path) -> None:
    package = pack(tmp_path)["macos-arm64-complete"]
    payload = taken_apart(package, tmp_path / "apart")["arm64"] / "payload.files"
    for name, (mode, text) in sample.FILES.items():
        place = name.replace("etc/hello/", "share/hello/default/")
        place = place if "/" in name else f"share/doc/hello/{name}"
        path = payload / "usr/local" / place
        assert (path.read_text(), path.stat().st_mode & 0o7777) == (text, mode)
    daemon = payload / f"Library/LaunchDaemons/{LABEL}.plist"
    assert plistlib.loads(daemon.read_bytes())["Label"] == LABEL
    assert {path.stat().st_mtime for path in payload.rglob("*") if path.is_file()} == {sample.EPOCH}


def test_packages_of_other_makers_are_read(tmp_path: Path) -> None:
    (tmp_path / "a/Resources").mkdir(parents=True)
    for name in ("Distribution", "Resources/empty", "Resources/text"):
        (tmp_path / "a" / name).write_text("" if name.endswith("empty") else f"<{name}/>\n" * 99)
    package = tmp_path / "other.pkg"
    for compression in ("none", "gzip"):
        say("bsdtar", "--format=xar", "--options", f"xar:compression={compression}", "-C", tmp_path / "a", "-cf", package, ".")
        assert list(macpkg_faults(package, None, None)) == []
        data = bytearray(package.read_bytes())
        data[28 + int.from_bytes(data[8:16], "big") + 20] ^= 1
        package.write_bytes(data)
        try:
            said = list(macpkg_faults(package, None, None))
        except VerificationError as error:
            said = [error.message]
        assert said


def test_shells_and_shellcheck_take_the_scripts(tmp_path: Path) -> None:
    services = tuple(Service(name=name, binary="hello", summary="x", enable=name == "one", user=name) for name in ("one", "two"))
    configured = {"services": (), "install": InstallRules(configure=("hello", "it's", "{config}"))}
    for name, changes in (
        ("services", {"services": services}),
        ("plain", {"services": ()}),
        ("one", {}),
        ("configured", configured),
        ("all", {**configured, "services": SERVICES}),
    ):
        package = pack(tmp_path / name, **changes)["macos-arm64-complete"]
        part = taken_apart(package, tmp_path / name / "apart")["arm64"]
        scripts = [part / "scripts.files/preinstall", part / "scripts.files/postinstall"]
        scripts.append(part / "payload.files/usr/local/share/hello/uninstall.sh")
        say("shellcheck", "-s", "sh", *scripts)
        for shell in ("sh", "dash", "bash --posix", "busybox sh", "mksh", "yash", "posh", "zsh --emulate sh"):
            for script in scripts:
                say(*shell.split(), "-n", script)


def test_two_builds_in_different_folders_are_the_same(tmp_path: Path) -> None:
    first, second = pack(tmp_path / "one"), pack(tmp_path / "an other/folder")
    assert {key: digest_file(path) for key, path in first.items()} == {key: digest_file(path) for key, path in second.items()}


def test_bills_of_more_files_than_two_levels_of_a_tree_hold() -> None:
    items = [Item(".", 0o755, 0, 0, True), *(Item(f"./f{number:06}", 0o644, number, number, False) for number in range(66_000))]
    found = listed_in(bill(items, epoch=1))
    assert len(found) == len(items)
    assert [found[item.path].size for item in items] == [item.size for item in items]


PKGUTIL = """\
#!/bin/sh
what=all
while [ $# -gt 0 ]; do
	case $1 in
	--volume) shift ;;
	--only-files) what=f ;;
	--only-dirs) what=d ;;
	--files) sed -n "s/^$what //p" "/receipts/$2"; exit ;;
	--pkg-info) [ -e "/receipts/$2" ]; exit ;;
	--forget) rm "/receipts/$2"; exit ;;
	esac
	shift
done
exit 1
"""
LAUNCHCTL = """\
#!/bin/sh
echo "$*" >>/calls
name=${2#system/}
case $1 in
bootstrap)
	label=$(basename "$3" .plist)
	[ ! -e "/loaded/$label" ] || exit 37
	if [ -s /busy ]; then sed -i 1d /busy; exit 5; fi
	: >"/loaded/$label" ;;
bootout) [ -e "/loaded/$name" ] && rm "/loaded/$name" ;;
print) [ -e "/loaded/$name" ] ;;
enable) echo enabled >"/chosen/$name" ;;
kickstart) [ -e "/loaded/$name" ] ;;
print-disabled)
	for each in /chosen/*; do [ ! -e "$each" ] || echo "	\\"$(basename "$each")\\" => $(cat "$each")"; done ;;
esac
"""
DSCL = """\
#!/bin/sh
shift
entry=/directory/$(echo "$2" | tr / .)
case $1 in
-list) echo "_taken  450"; echo "_other  449" ;;
-create) shift 2; echo "$*" >>"$entry" ;;
-read) [ -e "$entry" ] && sed "s/ /: /" "$entry" | grep "^${3:-}" ;;
-delete) rm "$entry" ;;
esac
"""


@dataclass(frozen=True)
class Mac(SmallRoot):
    """A root folder in which small scripts play the programs of macOS."""

    @classmethod
    def ready(cls, root: Path) -> Mac:
        played = {"pkgutil": PKGUTIL, "launchctl": LAUNCHCTL, "dscl": DSCL, "sleep": "#!/bin/sh\n"}
        made = cls.made(root, played | {"chown": '#!/bin/sh\necho "chown $*" >>/calls\n'})
        for name in ("receipts", "loaded", "chosen", "directory", "Library/LaunchDaemons"):
            (root / name).mkdir(parents=True)
        return cls(made.root)

    def install(self, package: Path, processor: str = "arm64") -> str:
        """Do what an installer does: run preinstall, unpack, run postinstall, keep a receipt."""
        work = self.root / "work"
        shutil.rmtree(work, ignore_errors=True)
        part = taken_apart(package, work)[processor]
        inside = f"/{part.relative_to(self.root)}/scripts.files"
        said = self.sh(f"{inside}/preinstall", "x.pkg", "/", "/", "/")
        say("bsdtar", "-xf", part / "Payload", "-C", self.root)
        said += self.sh(f"{inside}/postinstall", "x.pkg", "/", "/", "/")
        identifier = ET.fromstring((part / "PackageInfo").read_text()).get("identifier")
        listed = listed_in((part / "Bom").read_bytes()).values()
        lines = (f"{'d' if each.mode & 0o040000 else 'f'} {each.path[2:]}\n" for each in listed if each.path != ".")
        (self.root / f"receipts/{identifier}").write_text("".join(lines))
        shutil.rmtree(work)
        return said

    def files(self) -> set[str]:
        below = (self.root / "usr/local", self.root / "Library")
        return {str(path.relative_to(self.root)) for top in below for path in top.rglob("*") if path.is_file()}

    def text(self, name: str) -> str:
        return (self.root / name).read_text()


@pytest.fixture
def mac(tmp_path: Path) -> Mac:
    return Mac.ready(tmp_path / "mac")


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Path]]:
    """Two versions of the sample; the newer has another default of the configuration."""
    older, newer = tmp_path_factory.mktemp("older"), tmp_path_factory.mktemp("newer")
    return {"1.2.3": pack(older), "1.3.0": pack(newer, "1.3.0", {DEFAULT: NEW})}


CHOICES = [("disabled", False), ("true", False), ("enabled", True), ("false", True), ("", True)]
ARM = "macos-arm64-complete"


@pytest.mark.req("S0-54", "S0-58")
def test_a_first_installation_starts_the_service_as_a_user_of_its_own(mac: Mac, packages: dict[str, dict[str, Path]]) -> None:
    mac.install(packages["1.2.3"][ARM])
    assert mac.text(CONFIG) == sample.FILES[DEFAULT][1]
    assert (mac.root / f"loaded/{LABEL}").exists()
    calls = mac.calls()
    assert calls.index(f"bootstrap system /Library/LaunchDaemons/{LABEL}.plist") < calls.index(f"kickstart system/{LABEL}")
    assert "chown _hello:_hello /usr/local/var/lib/hello" in calls
    assert (mac.root / "usr/local/var/lib/hello").stat().st_mode & 0o777 == 0o750
    user = mac.text("directory/.Users._hello").splitlines()
    assert {"UniqueID 448", "PrimaryGroupID 448", "UserShell /usr/bin/false", "IsHidden 1"} <= set(user)


@pytest.mark.req("S0-58")
@pytest.mark.parametrize(("edited", "there", "beside"), [("", NEW, ""), ("mine\n", "mine\n", NEW), (NEW, NEW, "")])
def test_an_upgrade_keeps_what_was_edited(
    mac: Mac, packages: dict[str, dict[str, Path]], edited: str, there: str, beside: str
) -> None:
    mac.install(packages["1.2.3"][ARM])
    if edited:
        (mac.root / CONFIG).write_text(edited)
    said = mac.install(packages["1.3.0"][ARM])
    assert mac.text(CONFIG) == there
    assert (mac.text(f"{CONFIG}.default") if (mac.root / f"{CONFIG}.default").exists() else "") == beside
    assert ("was edited and stays" in said) == bool(beside)
    # The same once more says nothing and changes nothing.
    before = {name: mac.text(name) for name in mac.files()}
    assert "edited" not in mac.install(packages["1.3.0"][ARM])
    assert {name: mac.text(name) for name in mac.files()} == before


def test_another_variant_or_processor_leaves_no_file_of_the_one_before(mac: Mac, packages: dict[str, dict[str, Path]]) -> None:
    mac.install(packages["1.2.3"][ARM])
    assert "usr/local/lib/hello/greetings.txt" in mac.files()
    mac.install(packages["1.2.3"]["macos-amd64-minimal"], "x86_64")
    assert "usr/local/lib/hello/greetings.txt" not in mac.files()
    assert "usr/local/bin/hello" in mac.files()
    assert [path.name for path in (mac.root / "receipts").iterdir()] == ["example.hello.hello.x86_64"]


def test_a_service_is_tried_again_while_launchd_is_busy(mac: Mac, packages: dict[str, dict[str, Path]]) -> None:
    (mac.root / "busy").write_text("once\ntwice\n")
    assert mac.install(packages["1.2.3"][ARM]) == ""
    assert (mac.root / f"loaded/{LABEL}").exists()
    mac.calls()
    (mac.root / "busy").write_text("x\n" * 30)
    assert "launchd does not take" in mac.install(packages["1.3.0"][ARM])
    assert sum(call.startswith("bootstrap") for call in mac.calls()) == 10


@pytest.mark.parametrize(
    ("chosen", "runs"), [("disabled", False), ("true", False), ("enabled", True), ("false", True), ("", True)]
)
def test_an_administrator_s_choice_stays(mac: Mac, packages: dict[str, dict[str, Path]], chosen: str, runs: bool) -> None:
    if chosen:
        (mac.root / f"chosen/{LABEL}").write_text(f"{chosen}\n")
    mac.install(packages["1.2.3"][ARM])
    assert (mac.root / f"loaded/{LABEL}").exists() == runs


@pytest.mark.parametrize(("chosen", "runs"), [("", False), ("enabled", True)])
def test_a_service_that_is_only_offered_waits(mac: Mac, tmp_path: Path, chosen: str, runs: bool) -> None:
    services = (Service(name="hello-server", binary="hello-server", summary="x", enable=False),)
    if chosen:
        (mac.root / f"chosen/{LABEL}").write_text(f"{chosen}\n")
    mac.install(pack(tmp_path / "offered", services=services)[ARM])
    assert (mac.root / f"loaded/{LABEL}").exists() == runs


@pytest.mark.req("S0-58")
@pytest.mark.parametrize(
    ("edited", "options", "left"),
    [
        (False, (), {"usr/local/var/log/hello/hello-server.log"}),
        (True, (), {CONFIG, "usr/local/var/log/hello/hello-server.log"}),
        (True, ("--purge",), set()),
    ],
)
def test_the_uninstaller_leaves_what_is_the_user_s(
    mac: Mac, packages: dict[str, dict[str, Path]], edited: bool, options: tuple[str, ...], left: set[str]
) -> None:
    (mac.root / "usr/local/bin").mkdir(parents=True)
    (mac.root / "usr/local/bin/other").touch()
    before = mac.files()
    mac.install(packages["1.2.3"][ARM])
    if edited:
        (mac.root / CONFIG).write_text("mine\n")
    assert mac.sh("/usr/local/share/hello/uninstall.sh", *options) == ""
    assert mac.files() - before == left
    assert before <= mac.files()
    assert not (mac.root / f"loaded/{LABEL}").exists()
    assert list((mac.root / "receipts").iterdir()) == []
    assert (mac.root / "directory/.Users._hello").exists() == (not options)
    assert (mac.root / "usr/local/etc/hello").exists() == (CONFIG in left)
    assert not (mac.root / "usr/local/share/hello").exists()


def test_the_uninstaller_refuses_what_it_does_not_know(mac: Mac, packages: dict[str, dict[str, Path]]) -> None:
    mac.install(packages["1.2.3"][ARM])
    before = mac.files()
    assert "usage" in mac.sh("/usr/local/share/hello/uninstall.sh", "--all", status=2)
    assert mac.files() == before
    assert textwrap.shorten(mac.text(CONFIG), 20)


SERVICES = (
    Service(name="nightly", binary="hello-server", summary="Sweeps", schedule="daily", user="_one", state=False),
    Service(name="called", binary="hello-server", summary="Answers", sockets=("8080",), user="_one", logs=True, state=False),
)


@pytest.mark.req("S0-54")
def test_the_first_configuration_runs_until_it_has_worked_and_never_again(mac: Mac, tmp_path: Path) -> None:
    ready, made = mac.root / "usr/local/etc/hello/ready", mac.root / "usr/local/etc/hello/made"
    program = {"bin/hello": '#!/bin/sh\n[ -e "$1/ready" ] && echo "made in $2" >>"$1/made"\n'}
    install, packages = InstallRules(configure=("hello", "{config}", "{state}")), {}
    for version, services in (("1.2.3", ()), ("1.3.0", ()), ("1.4.0", SERVICES)):
        packages[version] = pack(tmp_path / version, version, program, install=install, services=services)[ARM]
    said = mac.install(packages["1.2.3"])
    assert "hello: the first configuration failed; run it again: sudo /usr/local/bin/hello /usr/local/etc/hello" in said
    assert not made.exists()
    ready.touch()
    for version in ("1.3.0", "1.4.0"):
        mac.install(packages[version])
        assert made.read_text() == "made in /usr/local/var/lib/hello\n"
    mac.sh("/usr/local/share/hello/uninstall.sh")
    mac.install(packages["1.4.0"])
    assert made.read_text() == "made in /usr/local/var/lib/hello\n"
    mac.sh("/usr/local/share/hello/uninstall.sh", "--purge")
    assert mac.files() == set()


def test_what_waits_for_its_time_or_a_caller_is_not_started(mac: Mac, tmp_path: Path) -> None:
    mac.install(pack(tmp_path, services=SERVICES)[ARM])
    calls = mac.calls()
    assert sorted(path.name for path in (mac.root / "loaded").iterdir()) == [
        f"example.hello.hello.{name}" for name in ("called", "nightly")
    ]
    assert not [call for call in calls if call.startswith("kickstart")]
    assert "chown _one:_one /usr/local/var/log/hello" in calls
    assert not (mac.root / "usr/local/var/lib/hello").exists()
