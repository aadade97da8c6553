"""All renderings of one InstallSpec place the same set of files, services, folders and accounts, and configure it alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import installer_lab
import pytest
import renderings
from renderings import Bench

import sample
from slipway.contents import Contents
from slipway.layout import role_of
from slipway.manifest import Manifest
from slipway.model import InstallRules, Release, Service
from slipway.packagers.deb import plan_debs
from slipway.packagers.freebsd import plan_freebsd
from slipway.packagers.msi import plan_msis
from slipway.packagers.pkg import plan_pkgs
from slipway.packagers.rpm import plan_rpms
from slipway.platforms import PLATFORMS
from slipway.rules import MsiRules
from slipway.steps import Step
from slipway.verify.deb import deb_faults
from slipway.verify.freebsd import freebsd_faults
from slipway.verify.macpkg import macpkg_faults
from slipway.verify.msi import msi_faults
from slipway.verify.rpm import rpm_faults

pytestmark = pytest.mark.slow
Plan = Callable[[Release], tuple[Step, ...]]
Faults = Callable[[Path, Contents, Manifest], Iterable[str]]
PROGRAM = """#!/bin/sh
case $1 in
init) echo "configure ${0##*/} $*" >>/calls ;;
--version) echo "health ${0##*/} $*" >>/calls ;;
esac
"""
FILES = {
    "bin/hello": (0o755, PROGRAM),
    "lib/hello/tool.sh": (0o755, "#!/bin/sh\n"),
    "share/hello/template.txt": (0o644, "a template\n"),
    "share/man/man1/hello.1": (0o644, ".TH HELLO 1\n"),
    "share/bash-completion/completions/hello": (0o644, "# bash\n"),
    "share/zsh/site-functions/_hello": (0o644, "#compdef hello\n"),
    "share/fish/vendor_completions.d/hello.fish": (0o644, "# fish\n"),
    "share/nushell/vendor/autoload/hello.nu": (0o644, "# nushell\n"),
}
SERVICES = (
    Service(
        name="server",
        binary="hello-server",
        summary="Serves",
        user="greeter",
        arguments=("--config", "{config}/hello.toml"),
        environment={"HELLO_STATE": "{state}"},
        logs=True,
        privileged_ports=True,
        hardening="strict",
    ),
    Service(name="caller", binary="hello-server", summary="Answers", user="greeter", sockets=("8080",), state=False),
    Service(name="sweeper", binary="hello-server", summary="Sweeps", user="greeter", schedule="daily", state=False),
    Service(name="spare", binary="hello-server", summary="Waits", user="greeter", enable=False, state=False),
)
CONFIGURE = ("hello", "init", "{config}/hello.toml", "{state}")
HEALTH = ("hello", "--version")
RENDERINGS: dict[str, Callable[[Bench], set[str]]] = {
    "install.sh": renderings.of_install_sh,
    "install.ps1": renderings.of_install_ps1,
    "deb": renderings.of_deb,
    "rpm": renderings.of_rpm,
    "freebsd": renderings.of_freebsd,
    "macos": renderings.of_macos,
    "msi": renderings.of_msi,
    "portable": renderings.of_portable,
}
_NO_WAY_BACK = "A package manager has no way back to the version before."
_ACCOUNTS = "Services of Windows run as accounts that every Windows has ([msi] service-account)."
_LISTENS = "Nobody listens in its place there: the service listens itself."
# Where a rendering differs, and why: the lines that it has more (+) and those that it lacks (-), as patterns.
DIFFERENCES: dict[str, tuple[tuple[str, str], ...]] = {
    "install.sh": ((r"+ file share/hello/(install-receipt|uninstall\.sh x)", "What an installation is undone by."),),
    "install.ps1": (
        (r"- service \w+ is greeter|- account .*", _ACCOUNTS),
        (r"+ service \w+ is ", "LocalSystem, where [msi] says nothing."),
        (r"[+-] service caller (is called|runs)", _LISTENS),
        (r"- folder (state|logs)", "It makes them when a service starts, which its facts do not say."),
    ),
    "deb": (
        (r"- health .*", _NO_WAY_BACK),
        (r"[+-] file share/man/man1/hello\.1(\.gz)?", "Manual pages are compressed (Debian policy 12.1)."),
        (r"[+-] file share/zsh/(vendor-completions|site-functions)/_hello", "zsh of Debian looks there for what packages bring."),
        (r"+ file doc/(copyright|changelog\.gz)", "Debian policy 12.5 and 12.7."),
        (r"+ file share/lintian/overrides/hello", "What lintian need not say."),
        (r"+ file lib/(sysusers|tmpfiles)\.d/hello\.conf", "How a package tells systemd of accounts and folders."),
    ),
    "rpm": (
        (r"- health .*", _NO_WAY_BACK),
        (r"[+-] file share/man/man1/hello\.1(\.gz)?", "rpmbuild compresses manual pages, and man finds them so."),
        (r"[+-] file (share/licenses/hello|doc)/LICENSE", "The texts of licences have a folder of their own (%license)."),
        (r"+ file lib/(sysusers|tmpfiles)\.d/hello\.conf", "How a package tells systemd of accounts and folders."),
        (r"- enabled .*", "The system's presets decide whether a new service is on."),
    ),
    "freebsd": (
        (r"- health .*", _NO_WAY_BACK),
        (r"[+-] file share/man/man1/hello\.1(\.gz)?", "Manual pages are compressed, as ports do it."),
        (r"+ file config/hello\.toml\.sample", "Configuration is a copy of a sample, which pkg keeps."),
        (r"[+-] service caller (is called|runs)", _LISTENS),
        (r"- enabled (server|caller)", "Administrators switch services on (rc.conf(5)); cron(8) has no switch."),
    ),
    "macos": (
        (r"- health .*", _NO_WAY_BACK),
        (r"+ file share/hello/(\.default|default)/hello\.toml", "Installer overwrites: configuration is copied from defaults."),
        (r"+ file share/hello/uninstall\.sh x", "macOS removes no packages by itself."),
        (r"+ file logs/\w+\.log", "launchd writes there what services print."),
        (r"+ file state/\.configured", "By which the first configuration is known to be done."),
    ),
    "msi": (
        (r"- health .*", "Windows Installer has no way to ask."),
        (r"[+-] file lib/hello/tool\.sh( x)?", "Windows has no modes."),
        (r"- service \w+ is greeter|- account .*", _ACCOUNTS),
        (r"+ service \w+ is ", "LocalSystem, where [msi] says nothing."),
        (r"[+-] service caller (is called|runs)", _LISTENS),
        (r"- (service|enabled) sweeper.*", "Windows Installer has no table for scheduled tasks; slipway warns."),
    ),
    "portable": (
        (r"+ file doc/hello(-server)? x", "The launchers at the top of the folder."),
        (r"[+-] file config/hello\.toml( kept)?", "A newer folder lies beside the older one: nothing is overwritten."),
        (r"- (account|configure|enabled|folder|health) .*", "Nothing is installed: users start what they want."),
        (r"[+-] service \w+ (is greeter|is called|comes daily|runs)", "A launcher starts a service as whoever calls it."),
    ),
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    root = tmp_path_factory.mktemp("same")
    platforms = tuple(PLATFORMS[name] for name in ("linux-amd64", "linux-arm64", "freebsd-amd64", "macos-arm64", "windows-amd64"))
    said = sample.project(
        root / "project",
        platforms=platforms,
        services=SERVICES,
        install=InstallRules(configure=CONFIGURE, health=HEALTH),
        msi=MsiRules(services="all"),
    )
    release = sample.release(root, project=said, variants=said.variants[:1])
    with installer_lab.files_of(FILES):
        for cell in release.cells:
            installer_lab.pack(release, cell)
    return Bench(release, root)


def expected() -> set[str]:
    """What the description says."""
    lines = {f"health {' '.join(HEALTH)}", f"configure {' '.join(CONFIGURE)}", "folder state", "folder logs", "account greeter"}
    for path, (mode, _) in (sample.FILES | FILES).items():
        role, below = role_of(path, "hello")
        lines.add(f"file {role}/{below}{' x' if mode & 0o111 else ''}{' kept' if role == 'config' else ''}")
    for service in SERVICES:
        when = f"comes {service.schedule}" if service.schedule else "is called" if service.sockets else "runs"
        lines |= {f"service {service.name}", f"service {service.name} {when}", f"service {service.name} is {service.user}"}
        lines |= {f"enabled {service.name}"} if service.enable else set()
    return lines


@pytest.mark.req("S0-54")
@pytest.mark.parametrize("name", RENDERINGS)
def test_all_place_the_same_set(bench: Bench, name: str) -> None:
    found, wanted = RENDERINGS[name](bench), expected()
    lines = {*(f"+ {line}" for line in found - wanted), *(f"- {line}" for line in wanted - found)}
    patterns = [re.compile(re.sub(r"(^|\|)\+", r"\1\+", pattern)) for pattern, _ in DIFFERENCES[name]]
    assert sorted(line for line in lines if not any(pattern.fullmatch(line) for pattern in patterns)) == []
    unused = [pattern.pattern for pattern in patterns if not any(pattern.fullmatch(line) for line in lines)]
    assert unused == [], "a difference that there is no more"


@pytest.mark.parametrize(
    ("plan", "platform", "faults"),
    [
        (plan_debs, "linux-amd64", deb_faults),
        (plan_rpms, "linux-amd64", rpm_faults),
        (plan_freebsd, "freebsd-amd64", freebsd_faults),
        (plan_pkgs, "macos-arm64", macpkg_faults),
        (plan_msis, "windows-amd64", msi_faults),
    ],
    ids=["deb", "rpm", "freebsd", "macos", "msi"],
)
def test_validation_has_nothing_against_it(bench: Bench, plan: Plan, platform: str, faults: Faults) -> None:
    cell = bench.cell(platform)
    manifest = Manifest(name="hello", version="1.2.3", epoch=sample.EPOCH, artifacts=())
    assert [*faults(bench.packed(plan(bench.release), cell), Contents.load(bench.release.contents(cell)), manifest)] == []
