"""Steps: the kind of work that makes files, described before it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.errors import ConfigError, GateError
from slipway.plain import to_plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One piece of work: reads its inputs, writes its outputs, touches nothing else.

    `run` is a frozen dataclass with `__call__`, so that a Step can be pickled, and so that every
    setting which decides the outputs is data that can be compared with the last run's. `shared` are files that
    other Steps write too: the Step runs again when one is gone. `late` are inputs that the Step makes when they are not
    there; once they are, they are inputs like all others. `needs` look for what the Step cannot do without, such as a
    program or a key, and raise GateError; they are asked before a run begins.
    """

    stage: str
    key: str
    doc: str
    run: Callable[[], None]
    inputs: tuple[Path, ...] = ()
    outputs: tuple[Path, ...] = ()
    after: tuple[str, ...] = ()
    shared: tuple[Path, ...] = ()
    late: tuple[Path, ...] = ()
    always: bool = False
    needs: tuple[Callable[[], None], ...] = ()

    @property
    def name(self) -> str:
        """The name under which doit knows the Step."""
        return f"{self.stage}:{self.key}"

    @property
    def settings(self) -> Mapping[str, Any]:
        """What besides the inputs decides the outputs, as plain data."""
        run: dict[str, Any] = to_plain(self.run)
        return {"run": type(self.run).__name__, **run}


def require_needs(steps: Iterable[Step]) -> None:
    """Raise one GateError for all that the Steps need and is not there; each need is asked once."""
    wanted = dict.fromkeys(need for step in steps for need in step.needs)
    if missing := [lack for need in wanted if (lack := _lack(need)) is not None]:
        messages, hints = zip(*missing, strict=True)
        raise GateError("\n".join(messages), hint="; ".join(dict.fromkeys(filter(None, hints))))


def _lack(need: Callable[[], None]) -> tuple[str, str] | None:
    try:
        need()
    except GateError as error:
        return error.message, error.hint or ""
    return None


def unique(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Return the steps; refuse two that would write one file."""
    found = tuple(steps)
    owners: dict[Path, str] = {}
    for step in found:
        for output in step.outputs:
            if (other := owners.setdefault(output, step.name)) != step.name:
                raise ConfigError(
                    f"{other} and {step.name} would both write {output.name}",
                    hint="give one of the components or archives another name in slipway.toml",
                )
    return found
