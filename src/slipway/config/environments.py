"""The table of slipway.toml for an environment: a place to publish to, and what has to be so before anything is written there."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from slipway.config.forms import ONE_LINE, Table, TableName, Word, Words
from slipway.config.stores import StoreTable
from slipway.environments import Severity

# The kind of an overlay's store is put in before the tables are checked, so that files need not repeat it.
_OVERLAY = WithJsonSchema({"type": "object", "additionalProperties": {"type": "object"}})


class EnvironmentTable(Table):
    """A place to publish to. `local` is always there, also when nothing is said of it: the folder `published`, and no questions.

    `[environment.NAME.store.STORE]` says what is different of a store in this environment: any key of `[store.STORE]`.
    """

    stores: Words = []
    """The stores to publish to, in this order; when empty, all of slipway.toml, and for `local` the folder `site`."""
    store: Annotated[dict[TableName, StoreTable], _OVERLAY] = {}
    """What is different of a store in this environment, by the store's name."""
    optional: Words = []
    """The stores whose failure does not end a release; it stays owed, and `slipway resume` tries again."""
    backups: Words = []
    """The stores that stand by: they are published to when others are out of order, and to keep them the same."""
    pointers: Words = []
    """The pointers to move; when the key is left out, all that are in these stores."""
    state: str = ""
    """Who keeps the lease and the copy of the journal: a store that is no forge, or `git`, the git remote. When empty, the
    first store that can and is neither optional nor a backup, else `git`."""
    colour: Literal["", "red", "green", "yellow", "blue", "magenta", "cyan", "white"] = ""
    """The colour of its name; when empty, blue for `local`, green for `staging`, red for `production`, else yellow."""
    confirm: Literal["", "none", "yes", "phrase"] = ""
    """What is asked before the first write: nothing, for a yes, or for a phrase. When empty, `none` for `local`, `phrase` for
    `production`, else `yes`. Without a terminal nobody is asked: see CONFIRM."""
    phrase: Annotated[str, ONE_LINE] = ""
    """The phrase to type, with `{name}`, `{version}`, `{tag}` and `{environment}`; when empty,
    `I want to release {version} to {environment}`."""
    tag: Literal["", "push", "local", "none"] = ""
    """The tag of a release: made and pushed, made, or left alone. When empty, `none` for `local`, else `push`."""
    approvals: Annotated[int, Field(ge=0, le=99)] = 0
    """How many people have to approve a plan before it is carried out."""
    approvers: str = ""
    """The file with the keys of those who may: lines of SSH's `allowed_signers`."""
    rehearsal: str = ""
    """The environment in which a rollback is rehearsed first; when empty, `staging` for `production`, if there is one."""
    install: bool = True
    """Whether the published `install.sh` is run in a clean container before pointers move; for `local` not, unless said."""
    gates: dict[Word, Severity] = {}
    """How much a gate counts: `error`, `warn` or `off`, by its name. What counts otherwise depends on `confirm`."""
