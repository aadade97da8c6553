"""What the checks of environments, stores and pointers look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from slipway.config import lines
from slipway.config.faults import Fault, suggestion
from slipway.config.overlays import store_in, stores_of
from slipway.config.schema import SlipwayFile
from slipway.config.stores import SITE, StoreTable
from slipway.environments import LOCAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """All names in the file, also of parts that had faults."""

    stores: tuple[str, ...]
    environments: tuple[str, ...]
    pointers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """The tables that could be read, and what holds in each environment."""

    tables: SlipwayFile
    root: Path
    named: Named

    def known(self, environment: str) -> tuple[str, ...]:
        """The stores that an environment may name."""
        return (*self.named.stores, *((SITE,) if environment == LOCAL and SITE not in self.named.stores else ()))

    def environments(self) -> tuple[str, ...]:
        """The environments that could be read."""
        found = dict.fromkeys((LOCAL, *self.tables.environment))
        return tuple(name for name in found if name in self.tables.environment or name not in self.named.environments)

    def stores(self, environment: str) -> tuple[str, ...]:
        """The names of an environment's stores, also of those that could not be read."""
        said = self.tables.environment.get(environment)
        usual = self.named.stores if environment != LOCAL else ()
        return tuple(said.stores) if said is not None and said.stores else usual or stores_of(self.tables, environment)

    def used(self, environment: str) -> dict[str, StoreTable]:
        """The stores of an environment, as they are there, that could be read."""
        found = ((name, store_in(self.tables, environment, name)) for name in self.stores(environment))
        return {name: table for name, table in found if table is not None}

    def said(self) -> Iterator[tuple[lines.Path, StoreTable]]:
        """Every table of a store, the overlays too, and where it stands."""
        yield from ((("store", name), table) for name, table in self.tables.store.items())
        for environment, part in self.tables.environment.items():
            yield from ((("environment", environment, "store", name), table) for name, table in part.store.items())

    def where(self, environment: str, store: str, key: str) -> lines.Path:
        """Where a key of a store is said for an environment, or should be."""
        part = self.tables.environment.get(environment)
        if part is not None and store in part.store and (key in _keys(part.store[store]) or store not in self.tables.store):
            return ("environment", environment, "store", store, key)
        return ("store", store, key) if store in self.tables.store else ("environment", environment)


def _keys(table: StoreTable) -> set[str]:
    return {name.replace("_", "-") for name in table.model_fields_set}


def unknown(at: lines.Path, names: Iterable[str], known: Iterable[str], what: str, *, listed: bool = True) -> Iterator[Fault]:
    """Tell the names that are not known; `at` is a list of names when they are `listed`."""
    known = tuple(known)
    for index, name in enumerate(names):
        if name and name not in known:
            yield Fault((*at, index) if listed else at, f"{what} {name!r}", suggestion(name, known))
