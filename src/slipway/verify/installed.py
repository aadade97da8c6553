"""Install a distribution in a clean container in every way it offers, use it, remove it, and look for traces."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Final

from slipway.contents import File
from slipway.errors import VerificationError
from slipway.layout import Folders, destination
from slipway.verify.bench import HOME, PACKAGES, TESTS, USER, Bench, Way, looked_into
from slipway.verify.deb import home_of
from slipway.verify.snapshot import PACKAGE_MANAGER, Snapshot, compare
from slipway.verify.static import require_none
from slipway.verify.subject import Subject

_ADD_USER: Final = f"""set -e
echo '{USER}:x:4242:4242::{HOME}:/bin/sh' >>/etc/passwd
echo '{USER}:x:4242:' >>/etc/group
mkdir -p {HOME} && echo '# mine' >{HOME}/.profile && echo '# mine' >{HOME}/.bashrc
chown -R 4242:4242 {HOME} && chmod -R a+rX /work"""


def try_all(bench: Bench) -> None:
    """Try the shell installer for the system and for one user, then the packages."""
    _copy_packages(bench)
    levels = tuple(level.name for level in bench.subject.levels)
    now = bench.watch.look()
    if bench.subject.scripts:
        now = _try(bench, _script_way(bench.subject, levels), now)
        now = _try(bench, _user_way(bench.subject), now)
    else:
        bench.report.check("install.sh", partial(_refuse, "there is no install.sh", "make it: doit create-installers"))
    for package in bench.subject.packages:
        if package.suffix == ".deb":
            now = _try_deb(bench, package, levels, now)


def _script_way(subject: Subject, levels: tuple[str, ...]) -> Way:
    name = subject.spec.name
    folders = Folders.under(
        "/usr/local",
        name,
        config=f"/etc/{name}",
        state=f"/var/lib/{name}",
        logs=f"/var/log/{name}",
        units="/etc/systemd/system",
    )
    install, remove = _scripts(subject)
    return Way(name="install.sh", install=install, remove=(*remove, "--purge"), folders=folders, levels=levels)


def _user_way(subject: Subject) -> Way:
    name = subject.spec.name
    folders = Folders.under(
        f"{HOME}/.local",
        name,
        config=f"{HOME}/.config/{name}",
        state=f"{HOME}/.local/state/{name}",
        logs=f"{HOME}/.local/state/{name}/log",
        units=f"{HOME}/.config/systemd/user",
    )
    install, remove = _scripts(subject)
    return Way(
        name="install.sh --user", install=(*install, "--user"), remove=(*remove, "--user", "--purge"), folders=folders, user=USER
    )


def _scripts(subject: Subject) -> tuple[tuple[str, ...], tuple[str, ...]]:
    folder = f"{PACKAGES}/{_relative(subject, subject.installers)}"
    return (f"{folder}/install.sh", *subject.arguments), (f"{folder}/uninstall-{subject.spec.name}.sh",)


def _try_deb(bench: Bench, package: Path, levels: tuple[str, ...], before: Snapshot) -> Snapshot:
    if bench.box.exec("command -v dpkg").code:
        bench.report.skip(package.name, f"{bench.subject.image} has no dpkg; name a Debian image in [test] of slipway.toml")
        return before
    path = f"{PACKAGES}/{_relative(bench.subject, package)}"
    name, version = bench.must(["dpkg-deb", "--show", "--showformat", "${Package} ${Version}", path]).split()
    if reason := _other_suite(bench, version):
        bench.report.skip(package.name, reason)
        return before
    with_apt = bench.box.exec("command -v apt-get").code == 0
    quiet = ("env", "DEBIAN_FRONTEND=noninteractive")
    way = Way(
        name=package.name,
        install=(*quiet, *(("apt-get", "install", "-y", "--no-install-recommends") if with_apt else ("dpkg", "-i")), path),
        remove=(*quiet, *(("apt-get", "purge", "-y") if with_apt else ("dpkg", "--purge")), name),
        folders=Folders.packaged(bench.subject.spec.name, name),
        levels=levels,
        repeats=False,
        ignored=PACKAGE_MANAGER,
        unpacked=_filters(bench),
        home=_debian_home,
    )
    return _try(bench, way, before, package=name)


def _debian_home(path: str) -> str:
    return f"/{home_of(path.lstrip('/'))}"


def _other_suite(bench: Bench, version: str) -> str:
    """Why a package is not for the image's system; empty when it is for every suite, or for this one."""
    match = re.search(r"~(?P<id>deb|ubuntu)(?P<number>\d+(?:\.\d\d)?)(?:u|\.)1$", version)
    if match is None:
        return ""
    said = bench.box.exec(". /etc/os-release && echo $ID $VERSION_ID").output.split()
    if said in ([], [{"deb": "debian"}.get(match["id"], match["id"]), match["number"]]):
        return ""
    return f"{version} is for another suite than {' '.join(said)}"


def _try(bench: Bench, way: Way, before: Snapshot, package: str = "") -> Snapshot:
    report = bench.report
    if way.repeats:
        report.check(f"{way.name}: a dry run changes nothing", partial(_check_dry_run, bench, way, before))
    if not report.check(f"{way.name}: installs", partial(bench.must, way.install, user=way.user, env=way.env)):
        return bench.watch.look()
    installed = bench.watch.look()
    report.check(f"{way.name}: files", partial(_check_files, bench, way, installed))
    report.check(f"{way.name}: commands", partial(_check_commands, bench, way, package))
    if bench.subject.spec.health:
        report.check(f"{way.name}: version", partial(_check_version, bench, way))
    if way.user:
        report.check(f"{way.name}: nothing outside the home", partial(_check_equal, before, installed, (HOME,)))
    if way.repeats:
        report.check(f"{way.name}: receipt", partial(_check_receipt, before, installed))
        report.check(f"{way.name}: a second time", partial(_check_again, bench, way, installed))
        report.check(f"{way.name}: an upgrade to itself", partial(_check_again, bench, way, installed, "--upgrade"))
        if bench.subject.earlier:
            report.check(f"{way.name}: back to the version before", partial(_check_rollback, bench, way))
    _run_levels(bench, way)
    removed = report.check(f"{way.name}: removes", partial(bench.must, way.remove, user=way.user, env=way.env))
    after = bench.watch.look()
    if removed:
        report.check(f"{way.name}: nothing remains", partial(_check_equal, before, after, way.ignored))
    return after


def _check_files(bench: Bench, way: Way, installed: Snapshot) -> None:
    require_none(fault for file in bench.contents.files for fault in _file_faults(bench, way, installed, file))


def _file_faults(bench: Bench, way: Way, installed: Snapshot, file: File) -> Iterator[str]:
    usual = destination(file.path, bench.subject.spec.name, way.folders)
    place = way.home(usual)
    if _is_filtered(place, way.unpacked):
        return
    if (entry := _follow(installed, place)) is None:
        yield f"{place} is missing"
        return
    owner = "4242:4242" if way.user else "0:0"
    # A manual page that was packed on the way was compared when the package was validated.
    if entry.digest != file.sha256 and place != f"{usual}.gz":
        yield f"{place} has other contents than {file.path} of the distribution"
    if entry.mode != file.mode:
        yield f"{place} has the mode {entry.mode:04o} and not {file.mode:04o}"
    if entry.owner != owner:
        yield f"{place} belongs to {entry.owner} and not to {owner}"


def _follow(snapshot: Snapshot, path: str) -> Any:
    """Find what a path leads to, through links in any part of it."""
    for _ in range(16):
        parts = PurePosixPath(path)
        link = next((str(top) for top in (*reversed(parts.parents), parts) if _is_link(snapshot, str(top))), None)
        if link is None:
            return snapshot.get(path)
        target = os.path.normpath(PurePosixPath(link).parent / snapshot[link].digest)
        path = target + path.removeprefix(link)
    return None


def _is_link(snapshot: Snapshot, path: str) -> bool:
    return path in snapshot and snapshot[path].kind == "link"


def _check_commands(bench: Bench, way: Way, package: str) -> None:
    with looked_into(bench.box, way.user) as host:
        faults = [f"{command} is not on PATH" for command in bench.subject.spec.commands if not _answers(host, way, command)]
        if package and not host.package(package).is_installed:
            faults.append(f"the package manager does not know {package}")
    require_none(faults)


def _answers(host: Any, way: Way, command: str) -> bool:
    path = f"PATH={way.env['PATH']}; " if way.env else ""
    found = host.run(f"{path}command -v {command}")
    return found.rc == 0 and bool(host.file(found.stdout.strip()).mode & 0o111)


def _check_version(bench: Bench, way: Way) -> None:
    said = _said(bench, way)
    if bench.subject.spec.version not in said:
        shown = " ".join(bench.subject.spec.health)
        raise VerificationError(f"{shown} does not say {bench.subject.spec.version}:\n    {said.strip()}")


def _said(bench: Bench, way: Way) -> str:
    return bench.must(bench.subject.spec.health, user=way.user, env=way.env)


def _check_receipt(before: Snapshot, installed: Snapshot) -> None:
    if not any("receipt" in line for line in compare(before, installed)):
        raise VerificationError("the installer left no receipt, from which it could be undone")


def _check_dry_run(bench: Bench, way: Way, before: Snapshot) -> None:
    bench.must((*way.install, "--dry-run"), user=way.user, env=way.env)
    _check_equal(before, bench.watch.look(), way.ignored)


def _check_again(bench: Bench, way: Way, installed: Snapshot, *more: str) -> None:
    bench.must((*way.install, *more), user=way.user, env=way.env)
    _check_equal(installed, bench.watch.look(), way.ignored)


def _check_rollback(bench: Bench, way: Way) -> None:
    """Remove it, install the version before, then this one, go back, and come again."""
    older = (f"{PACKAGES}/{_relative(bench.subject, bench.subject.earlier[0])}", *way.install[1:])
    for words in (way.remove, older, way.install, (*way.install, "--rollback")):
        bench.must(words, user=way.user, env=way.env)
    if bench.subject.spec.health and bench.subject.spec.version in _said(bench, way):
        raise VerificationError(f"after --rollback it still says that it is {bench.subject.spec.version}")
    bench.must(way.install, user=way.user, env=way.env)
    _check_files(bench, way, bench.watch.look())


def _check_equal(before: Snapshot, after: Snapshot, ignored: tuple[str, ...]) -> None:
    require_none(compare(before, after, ignored))


def _run_levels(bench: Bench, way: Way) -> None:
    if way.levels:
        _lay_out_tests(bench)
    for level in bench.subject.levels:
        if level.name not in way.levels:
            continue
        title = f"{way.name}: {level.name}"
        if not level.supported:
            bench.report.skip(title, f"the variant {bench.subject.spec.variant} is not made for it")
        elif not level.commands:
            bench.report.skip(title, "slipway.toml has no such tests")
        for command in level.commands if level.supported else ():
            bench.report.check(f"{title}: {command}", partial(_run_command, bench, way, command))


def _lay_out_tests(bench: Bench) -> None:
    bench.must(f"rm -rf {TESTS} && mkdir -p {TESTS}/files {TESTS}/home {TESTS}/scratch")
    if bench.subject.files is not None:
        bench.box.copy_in(bench.subject.files, f"{TESTS}/files")


def _run_command(bench: Bench, way: Way, command: str) -> None:
    # What a test leaves behind is not the installer's: it gets a home and a temporary folder of its own.
    env = {"SLIPWAY_VERSION": bench.subject.spec.version, "SLIPWAY_VARIANT": bench.subject.spec.variant}
    bench.must(command, env={**env, "HOME": f"{TESTS}/home", "TMPDIR": f"{TESTS}/scratch"}, cwd=f"{TESTS}/files", user=way.user)


def _copy_packages(bench: Bench) -> None:
    subject = bench.subject
    lists = tuple(path for name in ("checksums.sha256", "manifest.json") if (path := subject.root / name).is_file())
    for path in (*subject.packages, *subject.scripts, *subject.earlier, *lists):
        bench.box.copy_in(path, f"{PACKAGES}/{_relative(subject, path)}")
    bench.must(_ADD_USER)


def _relative(subject: Subject, path: Path) -> str:
    return path.relative_to(subject.root).as_posix() if path.is_relative_to(subject.root) else f"installers/{path.name}"


def _filters(bench: Bench) -> tuple[str, ...]:
    """What the image's dpkg leaves out: slim images have no documents."""
    said = bench.box.exec("cat /etc/dpkg/dpkg.cfg /etc/dpkg/dpkg.cfg.d/* 2>/dev/null").output
    return tuple(line.strip() for line in said.splitlines() if line.startswith(("path-exclude", "path-include")))


def _is_filtered(path: str, filters: tuple[str, ...]) -> bool:
    last = [rule for rule in filters if fnmatch.fnmatchcase(path, rule.partition("=")[2].strip(" '\""))]
    return bool(last) and last[-1].startswith("path-exclude")


def _refuse(message: str, hint: str) -> None:
    raise VerificationError(message, hint=hint)
