"""What installing means: which file of a distribution goes where, and what comes with it.

One InstallSpec per distribution. The shell installer, the packages and the service units are all made from it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from slipway.errors import ConfigError
from slipway.model import Cell, Release, Service

# The first part of a path in a distribution decides its role; `{name}` is the project's name. First match wins.
ROLES: Final = (
    ("bin/", "bin"),
    ("lib/", "lib"),
    ("share/doc/{name}/", "doc"),
    ("share/", "share"),
    ("etc/{name}/", "config"),
    ("", "doc"),
)
# What `{bin}` and the like in slipway.toml stand for.
PLACES: Final = ("bin", "lib", "share", "doc", "config", "state", "logs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """The folders of one installation, by role."""

    bin: str
    lib: str
    share: str
    doc: str
    config: str
    state: str
    logs: str
    units: str

    @classmethod
    def under(cls, prefix: str, name: str, *, config: str, state: str, logs: str, units: str) -> Folders:
        """The usual layout below a prefix such as /usr."""
        return cls(
            bin=f"{prefix}/bin",
            lib=f"{prefix}/lib",
            share=f"{prefix}/share",
            doc=f"{prefix}/share/doc/{name}",
            config=config,
            state=state,
            logs=logs,
            units=units,
        )

    @classmethod
    def packaged(cls, name: str, package: str) -> Folders:
        """Where a distribution's package manager puts files (Filesystem Hierarchy Standard 3.0).

        The documents' folder is named like the package (Debian policy 12.3).
        """
        units = "/usr/lib/systemd/system"
        usual = cls.under("/usr", name, config=f"/etc/{name}", state=f"/var/lib/{name}", logs=f"/var/log/{name}", units=units)
        return replace(usual, doc=f"/usr/share/doc/{package}")

    @classmethod
    def freebsd(cls, name: str, package: str) -> Folders:
        """Where FreeBSD's pkg puts files: everything but state below /usr/local (hier(7))."""
        prefix = "/usr/local"
        usual = cls.under(
            prefix,
            name,
            config=f"{prefix}/etc/{name}",
            state=f"/var/db/{name}",
            logs=f"/var/log/{name}",
            units=f"{prefix}/etc/rc.d",
        )
        return replace(usual, doc=f"{prefix}/share/doc/{package}")

    @classmethod
    def macos(cls, name: str, *, packed: bool = False) -> Folders:
        """Where a macOS package puts files; the system's own folders are closed to it (hier(7)).

        A macOS installer overwrites what is there. So configuration is `packed` as defaults, of which each installation gets a
        copy that may be changed.
        """
        prefix = "/usr/local"
        kept = f"{prefix}/share/{name}/default" if packed else f"{prefix}/etc/{name}"
        return cls.under(
            prefix,
            name,
            config=kept,
            state=f"{prefix}/var/lib/{name}",
            logs=f"{prefix}/var/log/{name}",
            units="/Library/LaunchDaemons",
        )

    @classmethod
    def windows(cls, name: str, *, user: bool = False) -> Folders:
        r"""Where a package for Windows puts files, as its tables spell it: `[INSTALLDIR]` ends with a backslash."""
        usual = cls.under("", name, config=f"/etc/{name}", state="", logs="", units="")
        roles = ("bin", "lib", "share", "doc", "config")
        places = {role: f"[INSTALLDIR]{usual.of(role)[1:]}".replace("/", "\\") for role in roles}
        state = f"[{'Local' if user else 'Common'}AppDataFolder]{name}"
        return replace(usual, **places, state=state, logs=rf"{state}\logs")

    def of(self, role: str) -> str:
        """The folder of a role."""
        folder: str = getattr(self, role)
        return folder


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallSpec:
    """What installing one distribution means."""

    name: str
    version: str
    summary: str
    homepage: str
    platform: str
    variant: str
    commands: tuple[str, ...]
    services: tuple[Service, ...]
    health: tuple[str, ...]
    configure: tuple[str, ...] = ()

    @classmethod
    def of(cls, release: Release, cell: Cell) -> InstallSpec:
        """Derive the spec of a distribution from what the project says."""
        project = release.project
        parts = project.of(cell.variant)
        programs = [name for part in parts for name in part.programs]
        return cls(
            name=project.name,
            version=str(release.version),
            summary=project.summary,
            homepage=project.homepage,
            platform=cell.platform.id,
            variant=cell.variant.name,
            commands=tuple(name + cell.platform.exe for name in programs),
            services=project.services_of(cell.variant),
            health=project.install.health,
            configure=project.install.configure,
        )


def role_of(path: str, name: str) -> tuple[str, str]:
    """Return the role of a file of a distribution and its path below the role's folder."""
    for pattern, role in ROLES:
        if path.startswith(prefix := pattern.format(name=name)):
            return role, path.removeprefix(prefix)
    raise ConfigError(f"{path} has no place in an installation")


def destination(path: str, name: str, folders: Folders) -> str:
    """Return where a file of a distribution is installed."""
    role, below = role_of(path, name)
    return f"{folders.of(role)}/{below}"


def first_command(spec: InstallSpec, folders: Folders) -> tuple[str, ...]:
    """The command that an installation begins its life with; none when the distribution has not its program."""
    if not spec.configure or spec.configure[0] not in {name.removesuffix(".exe") for name in spec.commands}:
        return ()
    program, *words = spec.configure
    return (f"{folders.bin}/{program}", *(expand(word, folders) for word in words))


def expand(text: str, folders: Folders) -> str:
    """Replace `{bin}`, `{config}` and the like by the folders of an installation."""
    for role in PLACES:
        text = text.replace(f"{{{role}}}", folders.of(role))
    return text
