"""The options of the installers, each said once: parsers, help, variables of the environment and the manual come from here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

WHERE: Final = "Where (root installs for the whole system, anybody else for themselves)"
WHERE_ON_WINDOWS: Final = "Where (an administrator installs for the whole machine, anybody else for themselves)"
WHAT: Final = "What"
GET: Final = "From where"
HOW: Final = "How"
GROUPS: Final = (WHERE, WHAT, GET, HOW)
# How the scripts end, as the constants in _say.sh.j2 have it.
EXITS: Final = (
    ("0", "done, or nothing to do"),
    ("1", "failed; what was before is put back"),
    ("2", "wrong usage"),
    ("3", "refused: not for this system, a newer version is there, files of others are in the way, another run is at work"),
    ("4", "wrong checksum or signature, or none where one is required"),
    ("5", "not permitted: a folder may not be written"),
    ("6", "no archive, or none that can be unpacked here"),
    ("7", "no space"),
    ("42", "network"),
    ("129", "ended by a signal (130 by Ctrl-C, 143 by kill); what was begun is undone"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option: a flag that sets its shell variable to `to`, or one that takes a `value` such as DIR.

    `{name}` in `doc` is the project's; `removing` says whether the uninstaller has the option too. Where Windows differs,
    `on_windows` is the text there; `windows` says whether install.ps1 has the option at all.
    """

    name: str
    group: str
    doc: str
    sets: str
    to: str = "1"
    value: str = ""
    default: str = ""
    short: str = ""
    choices: tuple[str, ...] = ()
    removing: bool = False
    windows: bool = True
    on_windows: str = ""

    @property
    def parameter(self) -> str:
        """The option's name in PowerShell: `no-modify-path` is NoModifyPath."""
        return "".join(part.capitalize() for part in self.name.split("-"))

    @property
    def twin(self) -> str:
        """What follows the project's name in the variable of the environment that says the same."""
        return self.name.replace("-", "_").upper()


def _flag(name: str, group: str, doc: str, sets: str = "", to: str = "1", **more: Any) -> Option:
    more.setdefault("default", "0" if to == "1" else "")
    return Option(name=name, group=group, doc=doc, sets=sets or f"want_{name.replace('-', '_')}", to=to, **more)


def _valued(name: str, group: str, value: str, doc: str, **more: Any) -> Option:
    return Option(name=name, group=group, doc=doc, value=value, sets=more.pop("sets", f"want_{name.replace('-', '_')}"), **more)


OPTIONS: Final = (
    _flag(
        "system",
        WHERE,
        "the whole system: /usr/local, /etc/{name}, /var/lib/{name}",
        "want_mode",
        "system",
        removing=True,
        on_windows="the whole machine: %ProgramFiles%\\{name}, %ProgramData%\\{name}; needs an administrator",
    ),
    _flag(
        "user",
        WHERE,
        "this user: ~/.local, ~/.config/{name}, ~/.local/state/{name}",
        "want_mode",
        "user",
        removing=True,
        on_windows="this user: %LOCALAPPDATA%\\Programs\\{name}, %LOCALAPPDATA%\\{name}",
    ),
    _valued("prefix", WHERE, "DIR", "below DIR", removing=True),
    _flag(
        "no-sudo",
        WHERE,
        "do not ask sudo, doas or run0 for what only root may do",
        "want_sudo",
        "0",
        default="1",
        removing=True,
        windows=False,
    ),
    _valued("variant", WHAT, "NAME", "one of: {variants}"),
    _valued("platform", WHAT, "ID", "the build for another platform than this one seems to be"),
    _valued(
        "version",
        WHAT,
        "VERSION",
        "another version, with its own installer; without VERSION: say which one this is",
        on_windows="another version, with its own installer",
    ),
    _flag("upgrade", WHAT, "only where it is installed already, in that place"),
    _flag("downgrade", WHAT, "also when a newer version is installed"),
    _flag("rollback", WHAT, "go back to the version that was installed before", removing=True),
    _flag("uninstall", WHAT, "remove what was installed; with --purge also changed configuration, state and logs", "uninstall"),
    _flag("purge", WHAT, "remove changed configuration, state and logs too", "purge", removing=True),
    _flag("repair", WHAT, "with --uninstall: remove what is left where no receipt tells what was installed", removing=True),
    _flag(
        "no-modify-path",
        WHAT,
        "leave the start files of the shells alone",
        "want_path",
        "0",
        default="1",
        on_windows="leave PATH alone",
    ),
    _flag("no-services", WHAT, "set up no services", "want_services", "0", default="1"),
    _flag("no-start", WHAT, "set services up, but do not start them", "want_start", "0", default="1"),
    _flag("no-configure", WHAT, "do not run the program's own first configuration", "want_configure", "0", default="1"),
    _flag("force", WHAT, "install again, go back to an older version, overwrite files of others", "force"),
    _valued(
        "from",
        GET,
        "PATH",
        "the archive or its folder (else: beside this script, else downloaded)",
        sets="from",
    ),
    _valued("base-url", GET, "URL", "the folder, https or here, that holds the archive; http only on this machine"),
    _valued("mirror", GET, "URL", "another one, for when that one fails; several with commas between"),
    _valued(
        "proxy",
        GET,
        "URL",
        "the proxy to go through (else: https_proxy)",
        on_windows="the proxy to go through (else: the system's)",
    ),
    _valued("ca-file", GET, "FILE", "certificates to trust, such as those of a company's proxy", windows=False),
    _valued("timeout", GET, "SECONDS", "how long to wait for an answer", default="30"),
    _valued("retries", GET, "NUMBER", "how often to try again", default="3"),
    _valued(
        "signature",
        GET,
        "POLICY",
        "auto: check it where a program for it is there; require: or stop; off",
        choices=("auto", "require", "off"),
    ),
    _flag("insecure-skip-checksum", GET, "install an archive whose checksum cannot be or is not right", "insecure"),
    _flag("dry-run", HOW, "say what would be done, touch nothing", "dry_run", short="n", removing=True),
    _flag("explain", HOW, "as --dry-run, and say of each step why it would be taken", removing=True),
    _flag("json", HOW, "one document of JSON on standard output, at the end; all words go to standard error", removing=True),
    _flag("yes", HOW, "never ask anything, not even for a password: do it or stop", short="y", removing=True),
    _flag("verbose", HOW, "say each thing done", "verbose", short="v", removing=True),
    _flag("quiet", HOW, "say nothing but warnings and errors", "quiet", short="q", removing=True),
)


def options_page() -> str:
    """The options as tables of Markdown, group by group, for the manual."""
    star = "Options with a star are the installer's alone; the uninstaller has the others too.\n"
    return "\n".join((*(_table(group) for group in GROUPS), star, _exits()))


def _table(group: str) -> str:
    found = [_line(option) for option in OPTIONS if option.group == group]
    return "\n".join((f"**{group}**", "", "| Option | Variable | Meaning |", "|---|---|---|", *found, ""))


def _line(option: Option) -> str:
    words = [f"`--{option.name}{' ' + option.value if option.value else ''}`", *([f"`-{option.short}`"] if option.short else [])]
    doc = option.doc.format(name="NAME", variants="the variants of the release")
    usual = f" (else: {option.default})" if option.value and option.default else ""
    alone = "" if option.removing else " \\*"
    return f"| {', '.join(words)}{alone} | `NAME_{option.twin}` | {doc}{usual} |"


def _exits() -> str:
    return "\n".join(("| Exit code | Cause |", "|---|---|", *(f"| {code} | {cause} |" for code, cause in EXITS), ""))


def rows(name: str, variants: str = "", *, removing: bool = False) -> list[Mapping[str, Any]]:
    """The options of install.sh, or of the uninstaller, as its templates take them."""
    chosen = (option for option in OPTIONS if option.removing or not removing)
    return [
        {
            "name": option.name,
            "group": option.group,
            "doc": option.doc.format(name=name, variants=variants),
            "sets": option.sets,
            "to": option.to,
            "value": option.value,
            "default": option.default,
            "short": option.short,
            "choices": option.choices,
            "twin": option.twin,
        }
        for option in chosen
    ]


def parameters(name: str, variants: str = "", *, removing: bool = False) -> list[Mapping[str, Any]]:
    """The options of install.ps1, or of its uninstaller, as their templates take them."""
    said = {option.name: option for option in OPTIONS}
    chosen = (row for row in rows(name, variants, removing=removing) if said[row["name"]].windows)
    return [
        {
            **row,
            "group": WHERE_ON_WINDOWS if row["group"] == WHERE else row["group"],
            "parameter": said[row["name"]].parameter,
            "doc": _as_parameters(said[row["name"]].on_windows.format(name=name) or row["doc"]),
        }
        for row in chosen
    ]


def _as_parameters(text: str) -> str:
    """Turn the options that a text names into their names in PowerShell."""
    found = {f"--{option.name}": f"-{option.parameter}" for option in OPTIONS}
    return re.sub(r"--[a-z][a-z-]*[a-z]", lambda match: found.get(match[0], match[0]), text)
