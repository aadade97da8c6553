"""One component package: its files as Payload, their list as Bom, its scripts, and PackageInfo."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import IO

from slipway.compress import compressing, find_codec
from slipway.contents import Contents
from slipway.deflated import Shelf
from slipway.layout import Folders, role_of
from slipway.packagers.entries import Entry, with_folders
from slipway.packagers.payload import installed
from slipway.packagers.pkg.bom import bill, item_of
from slipway.packagers.pkg.cksum import cksum
from slipway.packagers.pkg.cpio import cpio_size, write_cpio
from slipway.packagers.pkg.product import Part, Product, require_short
from slipway.packagers.pkg.scripts import additions, receipt_of, scripts
from slipway.packagers.pkg.xar import Member, packed, stored
from slipway.render import render


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A component package that was made, and what its product has to say about it."""

    members: tuple[Member, ...]
    identifier: str
    folder: str
    choice: str
    kilobytes: int
    minimum: str
    tools: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """How the component packages of a product are made."""

    product: Product
    compression: int

    def make(self, part: Part, contents: Contents, spool: IO[bytes]) -> Component:
        """Make one component package; its payload is put into the open file `spool`, and is read from there."""
        require_short(file.path for file in contents.files)
        entries = self._entries(part, contents)
        self._archive(entries, spool, Shelf.at(part.shelf))
        items = [item_of(entry, cksum(entry.chunks())) for entry in entries]
        script_file = io.BytesIO()
        self._archive(scripts(self.product, part, entries), script_file)
        kilobytes = sum(-(-entry.size // 1024) for entry in entries)
        members = (
            self._packed(part, "PackageInfo", self._info(part, len(items), kilobytes)),
            self._packed(part, "Bom", bill(items, epoch=self.product.epoch)),
            stored(f"{part.component}/Payload", spool),
            stored(f"{part.component}/Scripts", script_file),
        )
        return Component(
            members=members,
            identifier=receipt_of(self.product, part),
            folder=part.component,
            choice=part.architecture,
            kilobytes=kilobytes,
            minimum=part.oldest_system(),
            tools=find_codec("gzip").tools(self.compression),
        )

    def _entries(self, part: Part, contents: Contents) -> tuple[Entry, ...]:
        """The payload: installed places below `.`, with all folders."""
        name = self.product.name
        configuration = any(role_of(file.path, name)[0] == "config" for file in contents.files)
        made = additions(self.product, part, configuration=configuration)
        folders = Folders.macos(name, packed=True)
        files = installed(part.folder, contents, name, folders, made, gzip_manuals=False)
        require_short(file.path for file in files)
        return with_folders(replace(file, path=f"./{file.path}") for file in files)

    def _archive(self, entries: tuple[Entry, ...], out: IO[bytes], shelf: Shelf | None = None) -> None:
        """Write entries as one gzip member that holds a cpio archive."""
        with compressing("gzip", out, compression=self.compression, size=cpio_size(entries), shelf=shelf) as sink:
            write_cpio(sink, entries, epoch=self.product.epoch)

    def _packed(self, part: Part, name: str, data: bytes) -> Member:
        return packed(f"{part.component}/{name}", data, self.compression)

    def _info(self, part: Part, count: int, kilobytes: int) -> bytes:
        return render(
            "templates/pkg/PackageInfo.j2",
            overrides=self.product.overrides,
            identifier=receipt_of(self.product, part),
            version=self.product.version,
            count=count,
            kilobytes=kilobytes,
        ).encode()
