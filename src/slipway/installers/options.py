"""The options of the installers, each said once: parsers, help, variables of the environment and the manual come from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

WHERE: Final = "Where (root installs for the whole system, anybody else for themselves)"
WHAT: Final = "What"
GET: Final = "From where"
HOW: Final = "How"
GROUPS: Final = (WHERE, WHAT, GET, HOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option: a flag that sets its shell variable to `to`, or one that takes a `value` such as DIR.

    `{name}` in `doc` is the project's; `removing` says whether the uninstaller has the option too.
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
    _flag("system", WHERE, "the whole system: /usr/local, /etc/{name}, /var/lib/{name}", "want_mode", "system", removing=True),
    _flag("user", WHERE, "this user: ~/.local, ~/.config/{name}, ~/.local/state/{name}", "want_mode", "user", removing=True),
    _valued("prefix", WHERE, "DIR", "below DIR", removing=True),
    _flag("no-sudo", WHERE, "do not ask sudo or doas for what only root may do", "want_sudo", "0", default="1", removing=True),
    _valued("variant", WHAT, "NAME", "one of: {variants}"),
    _valued("platform", WHAT, "ID", "the build for another platform than this one seems to be"),
    _valued("version", WHAT, "VERSION", "another version, with its own installer; without VERSION: say which one this is"),
    _flag("upgrade", WHAT, "only where it is installed already, in that place"),
    _flag("downgrade", WHAT, "also when a newer version is installed"),
    _flag("rollback", WHAT, "go back to the version that was installed before"),
    _flag("uninstall", WHAT, "remove what was installed; with --purge also changed configuration, state and logs", "uninstall"),
    _flag("purge", WHAT, "remove changed configuration, state and logs too", "purge", removing=True),
    _flag("repair", WHAT, "with --uninstall: remove what is left where no receipt tells what was installed", removing=True),
    _flag("no-modify-path", WHAT, "leave the start files of the shells alone", "want_path", "0", default="1"),
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
    _valued("base-url", GET, "URL", "the folder on the web that holds the archive"),
    _valued("mirror", GET, "URL", "another one, for when that one fails"),
    _valued("proxy", GET, "URL", "the proxy to go through (else: https_proxy)"),
    _valued("ca-file", GET, "FILE", "certificates to trust, such as those of a company's proxy"),
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
    _flag("explain", HOW, "as --dry-run, and say why each thing would be done", removing=True),
    _flag("json", HOW, "say what is done, or would be, as JSON", removing=True),
    _flag("yes", HOW, "answer every question with yes", short="y", removing=True),
    _flag("verbose", HOW, "say each thing done", "verbose", short="v", removing=True),
    _flag("quiet", HOW, "say nothing but warnings and errors", "quiet", short="q", removing=True),
)


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
