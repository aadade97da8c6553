"""Plans: what a publication will do, in order, as data that can be shown, compared, approved and done again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from slipway.actions.action import PHASE_NAMES, Action
from slipway.errors import ConfigError, VerificationError
from slipway.files import write_atomic
from slipway.plain import from_plain, to_plain

SCHEMA: Final = 1
Kinds = Mapping[str, type[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An ordered list of Actions; `verb` is what for: publish, rollback.

    `optional` are the targets whose failure stays owed. `commit` is what the files were made from, empty when nobody knows.
    """

    verb: str
    product: str
    version: str
    environment: str
    actions: tuple[Action, ...]
    commit: str = ""
    optional: tuple[str, ...] = ()
    reason: str = ""

    @classmethod
    def of(cls, actions: Iterable[Action], **head: Any) -> Plan:
        """Put Actions in the order of their phases; raises ConfigError when two of them would do one thing."""
        found = sorted(actions, key=lambda each: PHASE_NAMES.index(each.phase))
        seen: set[str] = set()
        for action in found:
            if action.key in seen:
                raise ConfigError(
                    f"two parts of the plan would both {action.describe()}",
                    hint="give one of the files or pointers another name in slipway.toml",
                )
            seen.add(action.key)
        return cls(actions=tuple(found), **head)

    def phase(self, name: str) -> tuple[Action, ...]:
        """The Actions of one phase."""
        return tuple(each for each in self.actions if each.phase == name)

    def plain(self) -> dict[str, Any]:
        """The plan as JSON data."""
        rows = [{"phase": each.phase, "key": each.key, "doc": each.describe(), **to_plain(each)} for each in self.actions]
        return {"schema": SCHEMA, **to_plain(self), "actions": rows}

    @property
    def digest(self) -> str:
        """What an approval is given to: the SHA-256 of the plan's canonical JSON."""
        text = json.dumps(self.plain(), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def dump(self) -> bytes:
        """The JSON form, with the digest beside it."""
        data = {**self.plain(), "digest": self.digest}
        return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"

    def write(self, path: Path) -> None:
        """Write the JSON form."""
        write_atomic(path, self.dump())


def load_plan(data: bytes, kinds: Kinds, *, where: str) -> Plan:
    """Read a plan; raises VerificationError when it is none, or was changed after its digest was taken."""
    hint = "plan again: slipway plan"
    try:
        found = json.loads(data)
        if found["schema"] != SCHEMA:
            raise VerificationError(f"{where} is a plan of schema {found['schema']}, and this slipway reads {SCHEMA}", hint=hint)
        head = {key: found[key] for key in ("verb", "product", "version", "environment", "commit", "reason")}
        plan = Plan(**head, optional=tuple(found["optional"]), actions=tuple(_actions(found["actions"], kinds)))
        digest, said = plan.digest, json.loads(plan.dump())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise VerificationError(f"{where} is not a plan: {error}", hint=hint) from error
    if digest != found.get("digest"):
        raise VerificationError(f"{where} was changed after it was written: its digest is another", hint=hint)
    if found != said:
        # What people read in it, and approve, is made from the Actions; here it says something else than they do.
        raise VerificationError(f"{where} was changed after it was written: it describes other actions than it holds", hint=hint)
    return plan


def _actions(rows: Iterable[Mapping[str, Any]], kinds: Kinds) -> Iterator[Action]:
    for row in rows:
        yield from_plain(kinds[row["kind"]], row)
