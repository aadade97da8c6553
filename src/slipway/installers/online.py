"""Installers for a place of their own: install.sh and install.ps1 as they are, but for one line that says where they are served.

What is published must be the same bytes everywhere, and the installers know the address that slipway.toml names. Where an
environment is served elsewhere, copies of them lie beside them that take everything from there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from slipway.download import refusal, shown
from slipway.errors import ConfigError, VerificationError
from slipway.files import digest_file, write_atomic
from slipway.installers.getting import POWERSHELL, SHELL
from slipway.installers.origin import download_url
from slipway.installers.scripts import environment_name
from slipway.manifest import Manifest, load_record, record_path
from slipway.model import Release
from slipway.render import sh

PREFIX: Final = "online-"
_MODES: Final[Mapping[str, int]] = {SHELL: 0o755, POWERSHELL: 0o644}
# Windows PowerShell 5.1 reads a script in the code page of the machine: only what is the same in all of them is written.
_PLAIN: Final = re.compile(r"[!-~]+")
# PowerShell wants the parameters before everything else but comments.
_PARAMETERS: Final = re.compile(r"\A(?:#.*\n|\n)*param\(\n(?:.*\n)*?\)\n")
_COMMENTS: Final = re.compile(r"\A(?:#.*\n)+")


def online_scripts(release: Release, url: str, target: Path) -> tuple[Path, ...]:
    """Write the installers of a place on the web into a folder; none where the installers know that place already.

    `url` is the folder of the release; `{tag}` and `{version}` in it let the scripts find other versions too. What a user says
    by an option or in the environment goes before it. Raises ConfigError when nobody could install from there.
    """
    _require_believable(release, url)
    if _same(_said(release, url), download_url(release)):
        return ()
    scripts = [path for name in _MODES if (path := release.paths.installers / name).is_file()]
    return tuple(_write(release, url, script, target / f"{PREFIX}{script.name}") for script in scripts)


def _write(release: Release, url: str, script: Path, target: Path) -> Path:
    _require_own(release, script)
    write_atomic(target, online_script(script, release.project.name, url).encode(), mode=_MODES[script.name])
    return target


def online_script(script: Path, name: str, url: str) -> str:
    """The text of an installer that takes everything from an address unless it is told otherwise."""
    text, variable = script.read_text(encoding="utf-8"), f"{environment_name(name)}_BASE_URL"
    head, line = (_PARAMETERS, _powershell(variable, url)) if script.name == POWERSHELL else (_COMMENTS, _shell(variable, url))
    found = head.match(text)
    if found is None or variable not in text:
        raise VerificationError(
            f"{script} cannot be told where it is served: it takes no {variable}",
            hint="it is not made from slipway's own template: let the project's template take --base-url as that does",
        )
    return f"{text[: found.end()]}{line}\n{text[found.end() :]}"


def _shell(variable: str, url: str) -> str:
    """One line for a Unix shell; exported, so that the installer of another version knows it too."""
    return f'[ -n "${{{variable}:-}}" ] || {variable}={sh(url)}; export {variable}'


def _powershell(variable: str, url: str) -> str:
    """One line for PowerShell; it leaves the environment alone, which is the user's own where the text is given to iex."""
    quoted = url.replace("'", "''")
    return f"if (-not $BaseUrl -and -not $env:{variable}) {{ $BaseUrl = '{quoted}' }}"


def _require_believable(release: Release, url: str) -> None:
    said = _said(release, url)
    hint = "installers take files from https://, and from http:// on this machine alone: see url of the store in slipway.toml"
    if reason := refusal(said):
        raise ConfigError(f"installers cannot be served there: {reason}", file=release.project.file, hint=hint)
    if "{" in said.replace("{file}", ""):
        raise ConfigError(f"{url} has words in braces that installers do not know", hint="{tag} and {version} are what they know")
    if "@" in urlsplit(said).netloc:
        raise ConfigError(f"{shown(url)} has a name or a password in it, which everybody could read", file=release.project.file)
    if not _PLAIN.fullmatch(url):
        raise ConfigError(
            f"{url} has letters that an address has not", file=release.project.file, hint="write them with %-escapes"
        )


def _require_own(release: Release, script: Path) -> None:
    """A script that is left from another version would install that one."""
    if (release.base, digest_file(script)) not in _known(release, script.name):
        raise VerificationError(f"{script} is not the one of {release.base}", hint="make it again: doit create-installers")


def _known(release: Release, name: str) -> Iterator[tuple[str, str]]:
    """Of which release a script is, and its digest: as it was made here, and as packages/ from wherever says."""
    if (path := record_path(release, name)).is_file():
        made = load_record(path)
        yield made.release, made.artifact.digests.get("sha256", "")
    if (path := release.paths.packages / "manifest.json").is_file():
        found = Manifest.load(path)
        yield from ((f"{found.name}-{found.version}", each.digests["sha256"]) for each in found.artifacts if each.name == name)


def _said(release: Release, url: str) -> str:
    version = str(release.version)
    return url.replace("{tag}", release.project.version.tag_of(version)).replace("{version}", version)


def _same(url: str, other: str) -> bool:
    return url.rstrip("/") == other.removesuffix("{file}").rstrip("/")
