"""Read bills of materials, the lists of files of macOS packages, by what others found out about their format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import error, unpack_from
from typing import Final

from slipway.errors import VerificationError

_NAMES: Final = ("BomInfo", "Paths", "HLIndex", "VIndex", "Size64")
_KINDS: Final = {1: 0o100000, 2: 0o040000}
_Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Listed:
    """What a bill says about a file or a folder; `mode` has the bits of the type, `checksum` is that of cksum(1)."""

    path: str
    mode: int
    owner: str
    time: int
    size: int
    checksum: int


def listed_in(data: bytes) -> dict[str, Listed]:
    """The files and folders of a bill by path, `.` among them; raises VerificationError when it is damaged."""
    try:
        return _Bill(data).listed()
    except (error, ValueError, KeyError, IndexError, UnicodeDecodeError) as fault:
        raise VerificationError(f"the bill of materials is damaged: {fault}") from fault


class _Bill:
    """An open bill: numbered blocks, and names for some of them."""

    def __init__(self, data: bytes) -> None:
        magic, version, count, index, index_size, names, names_size = unpack_from(">8sIIIIII", data)
        _require(magic == b"BOMStore" and version == 1, "it does not begin as one")
        _require(index + index_size == len(data) and names + names_size <= len(data), "its tables are outside of it")
        self._data = data
        (pointers,) = unpack_from(">I", data, index)
        _require(4 + 8 * pointers + 4 <= index_size, "its table of blocks is cut off")
        self._blocks = [unpack_from(">II", data, index + 4 + 8 * number) for number in range(pointers)]
        _require(self._blocks[:1] == [(0, 0)], "its first block is not empty")
        _require(sum(1 for place, _ in self._blocks if place) == count, "it has not as many blocks as it says")
        self._require_apart(((names, names_size), (index, index_size)))
        self._names = dict(self._named(data[names : names + names_size]))

    def _require_apart(self, tables: tuple[_Pair, ...]) -> None:
        place = 32
        for start, size in sorted((*(block for block in self._blocks[1:] if block != (0, 0)), *tables)):
            _require(start >= place and start + size <= len(self._data), f"a block at byte {start} lies across another")
            _require(not self._data[place:start].strip(b"\0"), f"something is before byte {start} that no block holds")
            place = start + size

    def _named(self, data: bytes) -> Iterator[tuple[str, int]]:
        (count,) = unpack_from(">I", data)
        place = 4
        for _ in range(count):
            number, size = unpack_from(">IB", data, place)
            yield data[place + 5 : place + 5 + size].decode("ascii"), number
            place += 5 + size
        _require(place == len(data), "its list of names is longer than what it names")

    def _block(self, number: int) -> bytes:
        _require(0 < number < len(self._blocks), f"there is no block {number}")
        start, size = self._blocks[number]
        return self._data[start : start + size]

    def listed(self) -> dict[str, Listed]:
        missing = [name for name in _NAMES if name not in self._names]
        _require(not missing, f"it has no {', '.join(missing)}")
        sizes = {self._number(key): self._number(value, ">Q") for value, key in self._tree(self._names["Size64"])}
        _require(not list(self._tree(self._names["HLIndex"])), "it has hard links")
        one, tree, _, _ = unpack_from(">IIIB", self._block(self._names["VIndex"]))
        _require(one == 1 and not list(self._tree(tree)), "it has paths that vary")
        pairs = list(self._tree(self._names["Paths"]))
        self._require_info(len(pairs))
        found, keys = self._paths(pairs, sizes)
        _require(keys == sorted(keys), "its paths are not sorted")
        return found

    def _paths(self, pairs: list[_Pair], sizes: dict[int, int]) -> tuple[dict[str, Listed], list[tuple[int, bytes]]]:
        paths: dict[int, str] = {}
        found: dict[str, Listed] = {}
        keys = []
        for value, key in pairs:
            number, facts = unpack_from(">II", self._block(value))
            parent, name = self._key(key)
            keys.append((parent, name))
            _require(number not in paths and (parent == 0) == (not paths), f"{name!r} has no folder of its own number")
            path = f"{paths[parent]}/{name.decode()}" if parent else name.decode()
            _require(path not in found, f"{path} is there twice")
            paths[number] = path
            found[path] = self._listed(path, facts, sizes)
        return found, keys

    def _require_info(self, count: int) -> None:
        version, paths, entries = unpack_from(">III", self._block(self._names["BomInfo"]))
        _require(version == 1 and paths == count + 1, f"it says that it has {paths - 1} paths, and has {count}")
        _require(len(self._block(self._names["BomInfo"])) == 12 + 16 * entries, "its summary is cut off")

    def _key(self, number: int) -> tuple[int, bytes]:
        data = self._block(number)
        name = data[4:-1]
        _require(data[-1:] == b"\0" and name != b"" and not set(name) & {0, ord("/")}, f"{name!r} is no name")
        return unpack_from(">I", data)[0], name

    def _listed(self, path: str, facts: int, sizes: dict[int, int]) -> Listed:
        data = self._block(facts)
        kind, one, known, mode, user, group, time, size, same = unpack_from(">BBHHIIIIB", data)
        _require(_KINDS.get(kind) == mode & 0o170000, f"{path} is neither a file nor a folder")
        _require((one, known, same) == (1, 0xF, 1), f"what it says about {path} is not known")
        checksum = unpack_from(">I", data, 23)[0]
        return Listed(path, mode, f"{user}:{group}", time, sizes.get(facts, size), checksum)

    def _number(self, block: int, form: str = ">I") -> int:
        return int(unpack_from(form, self._block(block))[0])

    def _tree(self, number: int) -> Iterator[_Pair]:
        """The pairs of a tree, from its first leaf to its last, which have to be those that its branches lead to."""
        magic, version, root, page, count, _ = unpack_from(">4sIIIIB", self._block(number))
        _require(magic == b"tree" and version == 1, f"block {number} is no tree")
        leaves = self._leaves(root, page, 0)
        found: list[_Pair] = []
        for place, leaf in enumerate(leaves):
            data = self._block(leaf)
            _, size, after, before = unpack_from(">HHII", data)
            _require(before == (leaves[place - 1] if place else 0), f"leaf {leaf} does not lead back")
            _require(after == (leaves[place + 1] if place + 1 < len(leaves) else 0), f"leaf {leaf} does not lead on")
            found += [unpack_from(">II", data, 12 + 8 * each) for each in range(size)]
        _require(len(found) == count, f"a tree says that it has {count} entries, and has {len(found)}")
        yield from found

    def _leaves(self, number: int, page: int, depth: int) -> list[int]:
        data = self._block(number)
        is_leaf, size, _, _ = unpack_from(">HHII", data)
        _require(len(data) == page and is_leaf in {0, 1} and depth < 8, f"block {number} is no node of a tree")
        _require(not data[12 + 8 * size :].strip(b"\0"), f"something is behind the entries of block {number}")
        if is_leaf:
            return [number]
        found: list[int] = []
        for each in range(size):
            child, last = unpack_from(">II", data, 12 + 8 * each)
            below = self._leaves(child, page, depth + 1)
            _require(self._last(below[-1]) == last, f"block {number} does not name the last key of {child}")
            found += below
        return found

    def _last(self, leaf: int) -> int:
        data = self._block(leaf)
        size = unpack_from(">HH", data)[1]
        return int(unpack_from(">II", data, 12 + 8 * (size - 1))[1])


def _require(holds: bool, complaint: str) -> None:
    if not holds:
        raise ValueError(complaint)
