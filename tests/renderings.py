"""What each rendering of one InstallSpec really places: it is installed, or read, and told in lines that can be compared.

Nothing here asks slipway where things go, but for the folders by which places are told.
"""

from __future__ import annotations

import json
import plistlib
import re
import shutil
import subprocess
import tarfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import freebsds
import installer_lab
import rpmfile
from small_root import SmallRoot

import sample
from slipway.installers.unix import plan_unix_installers
from slipway.installers.windows import plan_windows_installers
from slipway.layout import Folders
from slipway.model import Cell, Release
from slipway.packagers.deb import plan_debs
from slipway.packagers.freebsd import plan_freebsd
from slipway.packagers.msi import plan_msis
from slipway.packagers.pkg import plan_pkgs
from slipway.packagers.portable import plan_portables
from slipway.packagers.rpm import plan_rpms
from slipway.steps import Step

ROLES = ("bin", "lib", "share", "doc", "config", "state", "logs")
_CALLED = '#!/bin/sh\necho "${0##*/} $*" >>/calls\n'
_ABSENT = f"{_CALLED}exit 1\n"
# What systemd's own programs do with the lists of a package.
_SYSUSERS = """#!/bin/sh
for last; do :; done
case $last in -) cat ;; *) cat "/usr/lib/sysusers.d/$last" ;; esac |
	while read -r _ user _; do echo "account $user" >>/calls; done
"""
_TMPFILES = """#!/bin/sh
for last; do :; done
while read -r _ path _; do mkdir -p "$path"; done <"/usr/lib/tmpfiles.d/${last##*/}"
"""
_SYSTEMCTL = f"""{_CALLED}case $* in
*is-enabled*) exit 1 ;;
*is-active*) echo active ;;
esac
"""
_DSCL = """#!/bin/sh
case "$2 $3 $4" in "-create /Users/"*" UniqueID") echo "account ${3#/Users/}" >>/calls ;; esac
[ "$2" != -read ]
"""
_LINUX = {
    "systemctl": _SYSTEMCTL,
    "systemd-sysusers": _SYSUSERS,
    "systemd-tmpfiles": _TMPFILES,
    "deb-systemd-helper": f'{_CALLED}[ "$1" != debian-installed ]\n',
    "deb-systemd-invoke": _CALLED,
    "getent": _ABSENT,
    "useradd": '#!/bin/sh\nfor last; do :; done\necho "account $last" >>/calls\n',
    "groupadd": _CALLED,
    "chown": _CALLED,
    "journalctl": _CALLED,
    "sleep": "#!/bin/sh\n",
}
_FREEBSD = {"pw": '#!/bin/sh\ncase $* in *show*) exit 1 ;; useradd*) echo "account $3" >>/calls ;; esac\n', "service": _CALLED}
_MACOS = {
    "pkgutil": _ABSENT,
    "launchctl": f"{_CALLED}case $1 in bootout | print) exit 1 ;; esac\n",
    "dscl": _DSCL,
    "chown": _CALLED,
    "chmod": _CALLED,
    "sleep": "#!/bin/sh\n",
}
_UNIT = re.compile(r"(?P<name>[^/]+)\.(?P<kind>service|socket|timer)")
_UNITS = ("etc/systemd/system/", "usr/lib/systemd/system/")


@dataclass(frozen=True)
class Bench:
    """A release that is laid out for several systems, and a folder to work in."""

    release: Release
    work: Path

    def packed(self, steps: Iterable[Step], cell: Cell) -> Path:
        (step,) = (step for step in steps if step.key.partition(".")[0] == cell.id)
        step.run()
        return step.outputs[0]

    def cell(self, platform: str) -> Cell:
        return sample.cell(self.release, f"{platform}-complete")

    def root(self, name: str, played: Mapping[str, str]) -> SmallRoot:
        made = SmallRoot.made(self.work / name, played)
        (made.root / "calls").write_text("")
        return made


class Placed:
    """The lines of one rendering."""

    def __init__(self, folders: Folders) -> None:
        self.folders, self.lines = folders, set[str]()

    def role(self, path: str) -> str:
        """`bin/hello` for `/usr/bin/hello`: the innermost of the folders counts."""
        found = [(len(folder), role) for role in ROLES if path.startswith(f"{(folder := self.folders.of(role))}/")]
        if not found:
            return path
        length, role = max(found)
        return f"{role}{path[length:]}"

    def file(self, path: str, mode: int, *, kept: bool) -> None:
        self.lines.add(f"file {self.role(path)}{' x' if mode & 0o111 else ''}{' kept' if kept else ''}")

    def ran(self, call: str) -> None:
        """What a program of the distribution was called with, its folders by their roles."""
        for role in ROLES:
            call = re.sub(rf"(?<![\w/]){re.escape(self.folders.of(role))}(?=[/ ]|$)", f"{{{role}}}", call)
        self.lines.add(call)

    def seen(self, root: SmallRoot, before: Collection[Path], kept: Collection[str]) -> list[str]:
        """Take down what has come into a root, but for what runs services, which is returned."""
        units = []
        for path in sorted(set(root.root.rglob("*")) - set(before)):
            place = path.relative_to(root.root).as_posix()
            if path.is_dir():
                self.lines.update(f"folder {role}" for role in ("state", "logs") if self.folders.of(role) == f"/{place}")
            elif place.startswith((*_UNITS, "usr/local/etc/rc.d/", "usr/local/etc/cron.d/", "Library/LaunchDaemons/")):
                units.append(place)
            elif place != "calls":
                self.file(f"/{place}", path.stat().st_mode, kept=f"/{place}" in kept)
        return units

    def service(self, name: str, user: str, when: str) -> None:
        self.lines.update({f"service {name}", f"service {name} is {user}", f"service {name} {when}"})

    def units(self, root: SmallRoot, paths: Collection[str]) -> None:
        """The services that systemd is told of."""
        for path in paths:
            if (match := _UNIT.fullmatch(Path(path).name)) and match["kind"] == "service":
                text = (root.root / path).read_text()
                timer, socket = ((root.root / path).with_suffix(f".{kind}") for kind in ("timer", "socket"))
                schedule = re.search(r"^OnCalendar=(.*)$", timer.read_text(), re.MULTILINE) if timer.exists() else None
                when = f"comes {schedule[1]}" if schedule else "is called" if socket.exists() else "runs"
                user = re.search(r"^User=(.*)$", text, re.MULTILINE)
                self.service(match["name"], user[1] if user else "", when)
                for role, key in (("state", "StateDirectory"), ("logs", "LogsDirectory")):
                    self.lines.update({f"folder {role}"} if re.search(rf"^{key}=hello$", text, re.MULTILINE) else ())

    def calls(self, calls: Iterable[str], enabling: str) -> None:
        """Accounts, services that are switched on, and what the programs of the distribution were called with."""
        for call in calls:
            if call.startswith("account "):
                self.lines.add(call)
            elif call.startswith(("configure ", "health ")):
                self.ran(call)
            elif match := re.search(enabling, call):
                self.lines.update(f"enabled {word.partition('.')[0]}" for word in match[1].split())


def of_install_sh(bench: Bench) -> set[str]:
    """install.sh, run by root for the whole system."""
    cell, folders = bench.cell(installer_lab.machine()), Folders.packaged("hello", "hello")
    for step in plan_unix_installers(bench.release, cells=(cell,)):
        step.run()
    root = bench.root("install.sh", _LINUX)
    for folder in ("kit/installers", "run/systemd/system", "etc"):
        (root.root / folder).mkdir(parents=True)
    shutil.copy(bench.release.paths.installers / "install.sh", root.root / "kit/installers")
    shutil.copy(bench.release.paths.packages / f"{bench.release.name_of(cell)}.tar.gz", root.root / "kit")
    before = set(root.root.rglob("*"))
    root.sh("/kit/installers/install.sh", "--system", env={"PATH": "/usr/bin:/bin", "HOME": "/tmp"})
    usual = Folders.under("/usr/local", "hello", config=folders.config, state=folders.state, logs=folders.logs, units="")
    receipt = (root.root / "usr/local/share/hello/install-receipt").read_text()
    placed = Placed(usual)
    units = placed.seen(root, before, re.findall(r"^file\tconfig\t.*\t(.*)$", receipt, re.MULTILINE))
    placed.units(root, units)
    placed.calls(root.calls(), r"^systemctl .*\benable\b(?: --\S+)* (.*)$")
    return placed.lines


def of_deb(bench: Bench) -> set[str]:
    """The Debian package, unpacked, and its postinst as dpkg runs it."""
    package = bench.packed(plan_debs(bench.release), bench.cell("linux-amd64"))
    root, control = bench.root("deb", _LINUX), bench.work / "control"
    (root.root / "run/systemd/system").mkdir(parents=True)
    before = set(root.root.rglob("*"))
    subprocess.run(["dpkg-deb", "-x", package, root.root], check=True)
    subprocess.run(["dpkg-deb", "-e", package, control], check=True)
    shutil.copy(control / "postinst", root.root / "tmp")
    root.sh("/tmp/postinst", "configure")
    (root.root / "tmp/postinst").unlink()
    placed = Placed(Folders.packaged("hello", "hello"))
    placed.units(root, placed.seen(root, before, (control / "conffiles").read_text().splitlines()))
    placed.calls(root.calls(), r"^deb-systemd-helper enable (.*)$")
    return placed.lines


def of_rpm(bench: Bench) -> set[str]:
    """The RPM, unpacked, and its scriptlets as rpm runs them."""
    package = bench.packed(plan_rpms(bench.release), bench.cell("linux-amd64"))
    with rpmfile.open(str(package)) as file:
        headers = dict(file.headers)
    root = bench.root("rpm", _LINUX)
    (root.root / "run/systemd/system").mkdir(parents=True)
    before = set(root.root.rglob("*"))
    root.sh("-c", headers["prein"].decode(), "-", "1")
    subprocess.run(["bsdtar", "-xf", package, "-C", root.root], check=True)
    root.sh("-c", headers["postin"].decode(), "-", "1")
    names = (headers["dirnames"][at] + name for at, name in zip(headers["dirindexes"], headers["basenames"], strict=True))
    kept = {name.decode() for name, flags in zip(names, headers["fileflags"], strict=True) if flags & 1}
    placed = Placed(Folders.packaged("hello", "hello"))
    placed.units(root, placed.seen(root, before, kept))
    placed.calls(root.calls(), r"^systemctl .*\benable\b (.*)$")
    return placed.lines


def of_freebsd(bench: Bench) -> set[str]:
    """The FreeBSD package, unpacked, and its scripts as pkg runs them."""
    package = freebsds.Pkg.read(bench.packed(plan_freebsd(bench.release), bench.cell("freebsd-amd64")))
    root = bench.root("freebsd", _FREEBSD)
    before = set(root.root.rglob("*"))
    root.sh("-c", package.script("pre-install"), "-")
    for name, (member, data) in package.members.items():
        path = root.root / name.lstrip("/")
        (path if member.isdir() else path.parent).mkdir(parents=True, exist_ok=True)
        if not member.isdir():
            path.write_bytes(data)
            path.chmod(member.mode)
    root.sh("-c", package.script("post-install"), "-")
    placed = Placed(Folders.freebsd("hello", "hello"))
    samples = {f"/{name.strip('/').removesuffix('.sample')}" for name in package.members if name.endswith(".sample")}
    for place in placed.seen(root, before, samples):
        text, name = (root.root / place).read_text(), Path(place).name
        if "/cron.d/" in place:
            (line,) = re.findall(r"^@(\w+) (\w+) ", text, re.MULTILINE)
            placed.service(name, line[1], f"comes {line[0]}")
            placed.lines.add(f"enabled {name}")
        else:
            (user,) = re.findall(r"_runas=(\w+)\}", text)
            placed.service(name, user, "runs")
    placed.calls(root.calls(), r"^service (\S+) enable$")
    return placed.lines


def of_macos(bench: Bench) -> set[str]:
    """The macOS package, unpacked, and its scripts as Installer runs them."""
    package = bench.packed(plan_pkgs(bench.release), bench.cell("macos-arm64"))
    root, apart = bench.root("macos", _MACOS), bench.work / "macos/kit"
    apart.mkdir()
    subprocess.run(["bsdtar", "-xf", package, "-C", apart], check=True)
    (part,) = apart.glob("*.pkg")
    (part / "s").mkdir()
    subprocess.run(["bsdtar", "-xf", part / "Scripts", "-C", part / "s"], check=True)
    (root.root / "Library/LaunchDaemons").mkdir(parents=True)
    before = set(root.root.rglob("*"))
    for step in ("preinstall", "postinstall"):
        if step == "postinstall":
            subprocess.run(["bsdtar", "-xf", part / "Payload", "-C", root.root], check=True)
        root.sh(f"/{part.relative_to(root.root)}/s/{step}", "x.pkg", "/", "/", "/")
    placed = Placed(Folders.macos("hello"))
    defaults = root.root / Folders.macos("hello", packed=True).config[1:]
    kept = {f"{placed.folders.config}/{path.relative_to(defaults)}" for path in defaults.rglob("*")}
    for place in placed.seen(root, before, kept):
        said = plistlib.loads((root.root / place).read_bytes())
        daily = {"comes daily"} if said.get("StartCalendarInterval", {}).keys() == {"Hour", "Minute"} else set()
        (when,) = daily or {"is called" if "Sockets" in said else "runs"}
        placed.service(said["Label"].rpartition(".")[2], said["UserName"], when)
    calls = [re.sub(r"(/Library/LaunchDaemons/)(?:\w+\.)*(\w+)\.plist", r"\2", call) for call in root.calls()]
    placed.calls(calls, r"^launchctl bootstrap system (.*)$")
    return placed.lines


def of_msi(bench: Bench) -> set[str]:
    """The package for Windows Installer, by its tables as msitools reads them."""
    package = bench.packed(plan_msis(bench.release), bench.cell("windows-amd64"))
    folders = {
        row["Directory"]: (row["Directory_Parent"], row["DefaultDir"].rpartition("|")[2]) for row in _table(package, "Directory")
    }

    def place(directory: str) -> str:
        parent, name = folders[directory]
        return "" if directory == "INSTALLDIR" else f"{place(parent)}/{name}"

    placed = Placed(Folders.under("", "hello", config="/etc/hello", state="\0", logs="\0", units="\0"))
    components = {row["Component"]: row for row in _table(package, "Component")}
    programs = {}
    for row in _table(package, "File"):
        component = components[row["Component_"]]
        path = f"{place(component['Directory_'])}/{row['FileName'].rpartition('|')[2]}"
        programs[row["File"]] = path.rpartition("/")[2].removesuffix(".exe")
        # Never overwritten, and left behind.
        kept = int(component["Attributes"]) & 0x90 == 0x90
        placed.file(path.removesuffix(".exe"), 0o755 if path.endswith(".exe") else 0o644, kept=kept)
    made = {row["Directory_"] for row in _table(package, "CreateFolder")}
    placed.lines.update(f"folder {role}" for role in ("state", "logs") if f"{role.upper()}DIR" in made)
    for row in _table(package, "ServiceInstall"):
        placed.service(row["Name"], row["StartName"], "runs")
        placed.lines.update({f"enabled {row['Name']}"} if row["StartType"] == "2" else ())
    for row in _table(package, "CustomAction"):
        words = re.sub(r'"\[INSTALLDIR\]etc\\hello([^"]*)"', r"{config}\1", row["Target"]).replace("\\", "/")
        words = words.replace('"[CommonAppDataFolder]hello"', "{state}")
        placed.lines.add(f"configure {programs[row['Source']]} {words}")
    return placed.lines


def of_install_ps1(bench: Bench) -> set[str]:
    """install.ps1, by the facts and the table that it carries; no shell of Windows runs here."""
    cell = bench.cell("windows-amd64")
    installer_lab.put_record(bench.release, cell, f"{bench.release.name_of(cell)}.zip", size=1, sha256="0" * 64)
    for step in plan_windows_installers(bench.release, (cell,)):
        step.run()
    text = (bench.release.paths.installers / "install.ps1").read_text()
    (start,) = re.finditer(r"^\$Facts = .*@'$", text, re.MULTILINE)
    facts, _ = json.JSONDecoder().raw_decode(text[start.end() :].lstrip())
    placed = Placed(Folders.windows("hello"))
    for mode, path in re.findall(r"^,[0-9,]*,\t([0-7]{4})\t[0-9a-f]{64}\t(.*)$", text, re.MULTILINE):
        prefix, role = next((row["prefix"], row["role"]) for row in facts["roles"] if path.startswith(row["prefix"]))
        place = f"{placed.folders.of(role)}/{path.removeprefix(prefix).removesuffix('.exe')}"
        placed.file(place, int(mode, 8), kept=role == "config")
    for service in facts["cells"][0]["services"]:
        when = f"comes {service['schedule']}" if service["schedule"] else "runs"
        placed.service(service["name"], service["account"], when)
        placed.lines.update({f"enabled {service['name']}"} if service["enable"] else ())
    for what in ("configure", "health"):
        placed.lines.add(f"{what} {' '.join(facts[what])}")
    return placed.lines


def of_portable(bench: Bench) -> set[str]:
    """The portable package: a folder with a launcher for each program and service."""
    package = bench.packed(plan_portables(bench.release), bench.cell("linux-amd64"))
    placed = Placed(Folders.under("", "hello", config="/etc/hello", state="/state", logs="/state/log", units="\0"))
    with tarfile.open(package) as archive:
        for member in archive:
            path = member.name.partition("/")[2]
            if match := re.fullmatch(r"start-(.*)", path):
                placed.lines.update({f"service {match[1]}", f"service {match[1]} runs"})
            elif not member.isdir():
                # What lies at the top are documents and launchers.
                placed.file(f"/{path}" if "/" in path else f"/share/doc/hello/{path}", member.mode, kept=False)
    return placed.lines


def _table(package: Path, name: str) -> Iterator[Mapping[str, str]]:
    done = subprocess.run(["msiinfo", "export", package, name], capture_output=True, text=True, check=False)
    columns, _, _, *rows = (line.split("\t") for line in done.stdout.splitlines()) if done.returncode == 0 else ([], [], [])
    return (dict(zip(columns, row, strict=True)) for row in rows)
