"""What install.ps1 and its uninstaller say: their facts as JSON, their table of files, and the texts rendered from them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from slipway.contents import Contents, File
from slipway.errors import VerificationError
from slipway.files import chunks_of
from slipway.installers import options
from slipway.installers.origin import Origin
from slipway.installers.scripts import environment_name
from slipway.layout import PLACES, ROLES, InstallSpec
from slipway.manifest import load_record
from slipway.model import Service
from slipway.render import render
from slipway.services.windows import FORGET, calls_dispatcher, described, recovery

TEMPLATES: Final = "installers/windows"
# Exit codes from here on say which signal ended a program.
_SIGNALS: Final = 128
# What Windows cannot hold in a name, and what the script's own table cannot.
_UNFIT: Final = re.compile(
    r"[\x00-\x1f<>:\"|?*\\]|^/|(?:^|/)\.\.?(?:/|$)|[. ](?:/|$)|(?:^|/) |"
    r"(?:^|/)(?:con|prn|aux|nul|com[1-9]|lpt[1-9])(?:\.[^/]*)?(?:/|$)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowsSource:
    """One distribution that install.ps1 can install, and the files that tell its digests.

    `staged` holds the programs of the services, which tell whether Windows can run them as such; `services` is what [msi]
    says of them. `publisher` stands in the list of installed programs; `authenticode` says that programs are signed.
    """

    spec: InstallSpec
    folder: str
    contents: Path
    record: Path
    staged: Path
    services: str
    account: str
    publisher: str
    authenticode: bool


def windows_install_script(found: Iterable[WindowsSource], origin: Origin, overrides: Path | None) -> str:
    """Return the text of install.ps1."""
    rows = tuple(found)
    first = rows[0].spec
    contents = [Contents.load(row.contents) for row in rows]
    variants = ", ".join(dict.fromkeys(row.spec.variant for row in rows))
    asked = options.parameters(first.name, variants)
    facts = {
        **_facts(first.name, asked, "install.ps1"),
        **_origin(origin),
        "purpose": f"Install {first.name} {first.version}: {first.summary}.",
        "version": first.version,
        "summary": first.summary,
        "homepage": first.homepage,
        "publisher": rows[0].publisher,
        "authenticode": rows[0].authenticode,
        "health": list(first.health),
        "configure": list(first.configure),
        "commands": sorted({name for row in rows for name in row.spec.commands}),
        "cells": [_cell(number, row, each) for number, (row, each) in enumerate(zip(rows, contents, strict=True))],
        "recovery": recovery(),
        "forget": FORGET,
    }
    return _rendered(
        "install.ps1",
        overrides,
        asked,
        facts,
        version=first.version,
        table=_table(contents),
        uninstaller=_here_string(windows_uninstall_script(first.name, overrides)),
    )


def windows_uninstall_script(name: str, overrides: Path | None) -> str:
    """Return the text of the uninstaller, which depends on the project's name alone."""
    asked = options.parameters(name, removing=True)
    purpose = f"Remove {name}: exactly the files, folders, PATH entries and services that its installer made."
    return _rendered("uninstall.ps1", overrides, asked, {**_facts(name, asked, "uninstall.ps1"), "purpose": purpose})


def _origin(origin: Origin) -> Mapping[str, Any]:
    """Addresses with `{version}`, `{tag}` and `{file}` in them, and the one kind of key that the script can use."""
    keys = origin.keys
    return {
        "address": origin.url,
        "tag": origin.tag,
        "mirrors": list(origin.mirrors),
        "signature": origin.policy,
        "minisign": keys.minisign if keys.archives else "",
    }


def _rendered(script: str, overrides: Path | None, asked: list[Mapping[str, Any]], facts: Mapping[str, Any], **more: Any) -> str:
    text = render(
        f"{TEMPLATES}/{script}.j2",
        overrides=overrides,
        name=facts["name"],
        environment=facts["environment"],
        options=asked,
        groups=list(dict.fromkeys(row["group"] for row in asked)),
        # Windows has no signals.
        exits=[row for row in options.EXITS if int(row[0]) < _SIGNALS],
        facts=_json(facts),
        script=script,
        **more,
    )
    # Windows PowerShell 5.1 would read letters beyond ASCII in the code page of the machine; all that matter stand in JSON.
    return text.encode("ascii", "replace").decode()


def _json(facts: Mapping[str, Any]) -> str:
    """A line for each fact, so that the script can be read."""
    return "{\n" + ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in facts.items()) + "\n}"


def _facts(name: str, asked: Iterable[Mapping[str, Any]], script: str) -> dict[str, Any]:
    """What both scripts know; JSON spells every letter beyond ASCII."""
    environment = environment_name(name)
    said = [
        {
            "parameter": row["parameter"],
            "variable": f"{environment}_{row['twin']}",
            "valued": bool(row["value"]),
            "default": row["default"] if row["value"] else "",
            "choices": list(row["choices"]),
        }
        for row in asked
    ]
    roles = [{"prefix": pattern.format(name=name), "role": role} for pattern, role in ROLES]
    return {
        "name": name,
        "script": script,
        "environment": environment,
        "options": said,
        "roles": roles,
        "places": list(PLACES),
        "health": [],
    }


def _cell(number: int, row: WindowsSource, contents: Contents) -> Mapping[str, Any]:
    made = load_record(row.record).artifact
    return {
        "number": number,
        "platform": row.spec.platform,
        "variant": row.spec.variant,
        "sha256": made.digests["sha256"],
        "size": made.size,
        "unpacked": sum(file.size for file in contents.files),
        "archive": made.name,
        "folder": row.folder,
        "services": [_service(row, service) for service in row.spec.services if row.services != "none"],
    }


def _service(row: WindowsSource, service: Service) -> Mapping[str, Any]:
    able = row.services == "all" or bool(service.schedule) or _is_able(row.staged / "bin" / f"{service.binary}.exe")
    return described(service, row.account, able=able)


def _is_able(program: Path) -> bool:
    try:
        with program.open("rb") as file:
            return calls_dispatcher(chunks_of(file))
    except OSError as error:
        raise VerificationError(f"cannot read {program}: {error.strerror}", hint="make it again: doit dist-generate") from error


def _table(contents: Iterable[Contents]) -> list[str]:
    """Each different file once, with the distributions that have it; programs last, so that they are replaced last."""
    owners: dict[File, list[int]] = {}
    for number, each in enumerate(contents):
        _require_apart(each)
        for file in each.files:
            owners.setdefault(file, []).append(number)
    rows = sorted(owners, key=lambda file: (file.path.startswith("bin/"), file.path, owners[file]))
    return [f",{','.join(map(str, owners[file]))},\t{file.mode:04o}\t{file.sha256}\t{_spelled(file.path)}" for file in rows]


def _require_apart(contents: Contents) -> None:
    seen: dict[str, str] = {}
    for file in contents.files:
        if (other := seen.setdefault(file.path.casefold(), file.path)) != file.path:
            raise VerificationError(f"{other} and {file.path} are one name for Windows", hint="rename one of them")


def _spelled(path: str) -> str:
    if _UNFIT.search(path):
        raise VerificationError(
            f"install.ps1 cannot install a file with the name {path!r}", hint="rename it: Windows cannot hold this name"
        )
    return json.dumps(path)[1:-1]


def _here_string(text: str) -> str:
    """A text for a here-string of PowerShell, which ends where a line begins with its mark."""
    if re.search(r"^'@", text, re.MULTILINE):
        raise VerificationError("the uninstaller cannot stand in install.ps1: a line begins with '@", hint="indent that line")
    return text
