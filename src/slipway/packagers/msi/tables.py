"""Tables that wixl cannot fill, or fills wrongly, as the text files that msibuild imports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from slipway.packagers.msi.wxs import Product

# The columns of each table with their types, and how many of the first are its key (Windows Installer, Database Tables).
_COLUMNS: Final[Mapping[str, tuple[str, int]]] = {
    "Component": ("Component:s72 ComponentId:S38 Directory_:s72 Attributes:i2 Condition:S255 KeyPath:S72", 1),
    "CreateFolder": ("Directory_:s72 Component_:s72", 2),
    "Environment": ("Environment:s72 Name:l255 Value:L255 Component_:s72", 1),
    "Upgrade": ("UpgradeCode:s38 VersionMin:S20 VersionMax:S20 Language:S255 Attributes:i4 Remove:S255 ActionProperty:s72", 5),
}
# The strings of the database are UTF-8; wixl does not say so.
CODEPAGE: Final = "_ForceCodepage.idt"
_UTF_8: Final = b"\r\n\r\n65001\t_ForceCodepage\r\n"
# Attributes of components: 64-bit; not removed and not overwritten.
_64BIT, _PERMANENT, _NEVER_OVERWRITE = 0x100, 0x10, 0x80
# Attributes of upgrades: find only; the lowest version counts, the highest version counts.
_DETECT, _MIN, _MAX = 0x2, 0x100, 0x200


def tables(product: Product) -> Mapping[str, bytes]:
    """The files by name; `CODEPAGE` comes first."""
    found = {"Component": _components(product), "Upgrade": _upgrades(product)}
    if folders := tuple(_folders(product)):
        found["CreateFolder"] = _table("CreateFolder", folders)
    if product.on_path:
        found["Environment"] = _path(product)
    return {CODEPAGE: _UTF_8, **{f"{name}.idt": data for name, data in found.items()}}


def _components(product: Product) -> bytes:
    """wixl knows neither of the attributes by which a configuration file outlives upgrades."""
    rows = [
        (part.id, part.guid, part.directory, _64BIT | (_PERMANENT | _NEVER_OVERWRITE if part.kept else 0), "", part.file)
        for part in product.parts
    ]
    rows += [(each["id"], each["guid"], each["directory"], _64BIT, "", "") for each in product.kept]
    return _table("Component", rows)


def _folders(product: Product) -> Iterator[tuple[str, str]]:
    """Folders that hold only folders stay behind unless they are named; those that are not empty stay in any case."""
    if product.holder:
        yield from ((folder, product.holder) for folder in ("INSTALLDIR", *(each["id"] for each in product.directories)))
    yield from ((each["directory"], each["id"]) for each in product.kept)


def _upgrades(product: Product) -> bytes:
    """wixl takes IncludeMaximum for nothing: releases of the same three numbers would be installed side by side."""
    code, version = product.facts.upgrade_code, product.facts.product_version
    older = (code, "0.0.0", version, "", _MIN | _MAX, "", "OLDERFOUND")
    newer = (code, version, "", "", _DETECT, "", "NEWERFOUND")
    return _table("Upgrade", [older, newer])


def _path(product: Product) -> bytes:
    """The programs' folder behind what PATH holds: `=` sets, `-` takes away with the package, `*` is the machine's variable."""
    name = "=-*PATH" if product.facts.scope == "machine" else "=-PATH"
    return _table("Environment", [("path", name, "[~];[INSTALLDIR]bin", product.on_path)])


def _table(name: str, rows: Iterable[tuple[object, ...]]) -> bytes:
    columns, keys = _COLUMNS[name]
    names, types = zip(*(column.split(":") for column in columns.split()), strict=True)
    lines = [names, types, (name, *names[:keys]), *rows]
    return "".join("\t".join(str(cell) for cell in line) + "\r\n" for line in lines).encode()
