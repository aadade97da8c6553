"""A writer of bills of materials, the lists of files in macOS' receipts.

The format is nowhere published by Apple. A store of numbered blocks begins with `BOMStore`; a table at its end says where
each block is, and five names lead to blocks: BomInfo, Paths, HLIndex, VIndex and Size64. All but the first are trees whose
leaves hold pairs of a value's and a key's block; those of Paths are sorted by the folder's number and the name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from stat import S_IFDIR, S_IFREG
from struct import pack
from typing import Final

from slipway.packagers.entries import Entry

_HEADER: Final = 512
_PER_NODE: Final = 256
_PAGE: Final = 4096
_SMALL_PAGE: Final = 128
_FILE, _FOLDER = 1, 2
_KNOWN: Final = 0x000F  # mode, owner, time and size are there; nothing is said about processors
_WHOLE: Final = 0xFFFFFFFF
_Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Item:
    """A file or a folder as a bill lists it; `path` is `.` or begins with `./`, `checksum` is that of cksum(1)."""

    path: str
    mode: int
    size: int
    checksum: int
    is_folder: bool


def item_of(entry: Entry, checksum: int) -> Item:
    """What a bill says about an entry of a payload."""
    return Item(entry.path, entry.mode, entry.size, checksum, entry.is_folder)


def bill(items: Sequence[Item], *, epoch: int) -> bytes:
    """The bill of a payload's files and folders, `.` among them, all owned by root and the group wheel, all of one time."""
    store, pairs, large = _Store(), [], []
    for number, parent, item in _numbered(items):
        facts = store.add(_facts(item, epoch))
        value = store.add(pack(">II", number, facts))
        pairs.append((value, store.add(pack(">I", parent) + item.path.rpartition("/")[2].encode() + b"\0")))
        if item.size > _WHOLE:
            large.append((store.add(pack(">Q", item.size)), store.add(pack(">I", facts))))
    total = sum(item.size for item in items) & _WHOLE
    # One more than there are, as in the bills of other writers that macOS takes.
    store.name("BomInfo", pack(">III4I", 1, len(items) + 1, 1, 0, 0, total, 0))
    store.name("Paths", store.tree(pairs))
    store.name("HLIndex", store.tree([]))
    store.name("VIndex", pack(">IIIB", 1, store.add(store.tree([], _SMALL_PAGE)), 0, 0))
    store.name("Size64", store.tree(large))
    return store.dump()


def _facts(item: Item, epoch: int) -> bytes:
    mode = (S_IFDIR if item.is_folder else S_IFREG) | item.mode
    kind = _FOLDER if item.is_folder else _FILE
    owned = pack(">BBHHIIIIB", kind, 1, _KNOWN, mode, 0, 0, epoch, item.size & _WHOLE, 1)
    return owned + (bytes(8) if item.is_folder else pack(">I", item.checksum) + bytes(8))


def _numbered(items: Iterable[Item]) -> Iterator[tuple[int, int, Item]]:
    """Number the items level by level, so that they are sorted by the number of their folder and by their name."""
    below: dict[str, list[Item]] = {}
    for item in items:
        below.setdefault(item.path.rpartition("/")[0], []).append(item)
    level, number = [("", 0)], 0
    while level:
        next_level = []
        for folder, parent in level:
            for item in sorted(below.get(folder, ()), key=lambda each: each.path.encode()):
                number += 1
                yield number, parent, item
                next_level.append((item.path, number))
        level = next_level


class _Store:
    """Numbered blocks, and names for some of them."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = [b""]
        self._names: dict[str, int] = {}

    def add(self, data: bytes) -> int:
        self._blocks.append(data)
        return len(self._blocks) - 1

    def name(self, name: str, data: bytes) -> None:
        self._names[name] = self.add(data)

    def tree(self, pairs: list[_Pair], page: int = _PAGE) -> bytes:
        """Write the nodes of a tree and return its head."""
        nodes = self._nodes(pairs, page, is_leaf=True)
        while len(nodes) > 1:
            nodes = self._nodes(nodes, page, is_leaf=False)
        return pack(">4sIIIIB", b"tree", 1, nodes[0][0], page, len(pairs), 0)

    def _nodes(self, pairs: list[_Pair], page: int, *, is_leaf: bool) -> list[_Pair]:
        """Write one level of a tree; each node is known by its block and by the last key in it."""
        parts = [pairs[start : start + _PER_NODE] for start in range(0, len(pairs), _PER_NODE)] or [[]]
        first, nodes = len(self._blocks), []
        for place, part in enumerate(parts):
            after = first + place + 1 if part is not parts[-1] else 0
            before = first + place - 1 if place else 0
            head = pack(">HHII", is_leaf, len(part), after, before)
            node = self.add((head + b"".join(pack(">II", *pair) for pair in part)).ljust(page, b"\0"))
            nodes.append((node, part[-1][1] if part else 0))
        return nodes

    def dump(self) -> bytes:
        """The file: a header, the blocks, the names, and the table of the blocks with its list of free ones."""
        places, place = [(0, 0)], _HEADER
        for block in self._blocks[1:]:
            places.append((place, len(block)))
            place += len(block)
        names = pack(">I", len(self._names)) + b"".join(
            pack(">IB", index, len(name)) + name.encode() for name, index in self._names.items()
        )
        table = pack(">I", len(places)) + b"".join(pack(">II", *each) for each in places) + bytes(4 + 2 * 8)
        header = pack(">8sIIIIII", b"BOMStore", 1, len(places) - 1, place + len(names), len(table), place, len(names))
        return b"".join((header.ljust(_HEADER, b"\0"), *self._blocks[1:], names, table))
