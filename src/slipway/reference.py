"""Write the reference pages of the manual from the tables that the program itself uses."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from slipway.actions.schema import plan_schema
from slipway.config.reference import project_schema, reference_page
from slipway.files import write_atomic
from slipway.flow import TARGETS, Target
from slipway.manifest import manifest_schema
from slipway.platforms import PLATFORMS
from slipway.publication.planning import KINDS
from slipway.variables import VARIABLES
from slipway.verify.outcome import inspection_schema


def pages() -> Mapping[str, str]:
    """The generated files by name."""
    return {
        "slipway.toml.md": reference_page(),
        "slipway.schema.json": _json(project_schema()),
        "manifest.schema.json": _json(manifest_schema()),
        "plan.schema.json": _json(plan_schema(KINDS)),
        "validation.schema.json": _json(inspection_schema()),
        "targets.md": targets_page(),
        "platforms.md": platforms_page(),
    }


def targets_page() -> str:
    """The page of targets, variables and exit codes."""
    lines = [
        "# Targets and variables",
        "",
        "Every target works as `doit TARGET` and `make TARGET`, with `NAME=value` before or after it.",
        "A variable that is not given is taken from the environment.",
        "`slipway TARGET` does the same without a dodo.py. Where a command of slipway has the name of a target, such as",
        "`slipway package-binaries` and `slipway create-release`, it takes flags: `--help` tells them.",
        "",
        *_table(("target", "what it does", "stages"), [_target_row(target) for target in TARGETS]),
        "`clean` removes every output, what is compiled and what is remembered; `info` shows which tools are there;",
        "`list` shows the targets. `run --dry-run TARGET` prints what would run.",
        "",
        "## Variables",
        "",
        *_table(("variable", "meaning"), [(f"`{variable.name}`", variable.doc) for variable in VARIABLES]),
        "`SOURCE_DATE_EPOCH` gives the time that all files carry; without it the time of the commit counts.",
        "`{PROJECT}_DEBUG=true` or `SLIPWAY_DEBUG=true` shows tracebacks.",
        "",
        "## Exit codes",
        "",
        *_table(("code", "meaning"), _EXIT_CODES),
    ]
    return "\n".join(lines).rstrip() + "\n"


def platforms_page() -> str:
    """The page of platforms."""
    rows = [
        (f"`{row.id}`", f"`{row.triple}`", row.family, row.archive, ", ".join(f"`{name}`" for name in row.names[2:]))
        for row in PLATFORMS.values()
    ]
    return "\n".join([
        "# Platforms",
        "",
        "`PLATFORMS` takes ids, Rust targets, other names, the families `linux`, `macos`, `windows`, `freebsd`,",
        "and `all` and `host`.",
        "",
        *_table(("id", "Rust target", "family", "archive", "other names"), rows),
    ]).rstrip() + "\n"  # fmt: skip


_EXIT_CODES = (
    ("0", "done, or nothing to do"),
    ("1", "something failed"),
    ("2", "a command, a variable or slipway.toml makes no sense"),
    ("3", "a check refused it: a tool or a key is missing, another run is working here, a gate of the release is shut"),
    ("4", "what was made or found is not what it should be"),
    ("42", "the network could not be reached"),
    ("130", "interrupted; what was finished is kept"),
)


def _target_row(target: Target) -> tuple[str, ...]:
    names = ", ".join(f"`{name}`" for name in (target.name, *target.aliases))
    return names, target.doc, " → ".join(target.stages) if target.stages != (target.name,) else ""


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    lines = [head, tuple("---" for _ in head), *rows]
    return [*("| " + " | ".join(cells) + " |" for cells in lines), ""]


def _json(data: object) -> str:
    return json.dumps(data, indent=2) + "\n"


def main(folder: str) -> None:
    """Write the pages into a folder."""
    for name, text in pages().items():
        write_atomic(Path(folder) / name, text.encode())


if __name__ == "__main__":
    main(sys.argv[1])
