"""`doit rollback-release`: the command of the same name, for a project that is called through its dodo.py."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Final

from doit.cmd_base import DoitCmdBase

from slipway.doit import session
from slipway.doit.commands import words_explained
from slipway.errors import UsageError
from slipway.publication.flags import PUBLISHING, ROLLING_BACK, Flag, wish_of

_FLAGS: Final = (*ROLLING_BACK, *PUBLISHING)


def _options(flags: Iterable[Flag]) -> Iterable[dict[str, Any]]:
    """The flags as doit wants them; each spelling is an option of its own there."""
    for flag in flags:
        for name in (flag.name, *flag.other):
            kind: type[Any] = list if flag.many else type(flag.default)
            option = {
                "name": name.replace("-", "_"),
                "long": name,
                "type": kind,
                "default": [] if flag.many else flag.default,
                "help": flag.doc,
            }
            yield option | ({"choices": [(choice, "") for choice in flag.choices]} if flag.choices else {})


class RollbackRelease(DoitCmdBase):  # type: ignore[misc]
    """Lead users back to a good version, and mark the bad one."""

    name = "rollback-release"
    doc_purpose = "lead users back to a good version"
    doc_usage = ""
    doc_description = "The pointers go back, the bad release is marked, and no file is deleted."
    cmd_options: ClassVar[tuple[Any, ...]] = tuple(_options(_FLAGS))

    def parse_execute(self, in_args: list[str]) -> int:
        """Roll back, and end with the documented exit codes."""
        session.current.exclusive = True
        with session.current.ending, session.reported(), words_explained(self):
            return int(super().parse_execute(in_args) or 0)

    def execute(self, params: Any, args: list[str]) -> int:
        """Keep the flags that were given, and load the project."""
        self._given = params
        return int(super().execute(params, args) or 0)

    def _execute(self) -> int:
        from slipway.publication import returning

        values = {flag.key: self._value(flag) for flag in _FLAGS}
        request = session.current.request
        if request is None:
            raise UsageError("there is no project here", hint="its dodo.py makes the standard tasks of slipway")
        self.dep_manager.close()
        with session.reported():
            where = values["environment"] or request.environment
            returning.roll_back(request.release, where, wish_of(values, request.wish), returning.Options.of(values))
        return 0

    def _value(self, flag: Flag) -> Any:
        names = (each.replace("-", "_") for each in (flag.name, *flag.other))
        return next((found for name in names if (found := self._given[name]) != flag.default), flag.default)
