"""The definition of a product archive, which Installer reads first, and the texts that it shows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from slipway.binaries import newest
from slipway.packagers.pkg.component import Component
from slipway.packagers.pkg.product import Product
from slipway.render import render

# What Installer shows, in its order; only a project with a template of its own has the first two.
_SHOWN: Final = ("welcome", "readme", "license")
_UNFIT: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def distribution(
    product: Product, components: Sequence[Component], architectures: Sequence[str], texts: Mapping[str, bytes]
) -> bytes:
    """Render the definition of an archive of one component package, or of one for each kind of processor."""
    return render(
        "templates/pkg/Distribution.j2",
        overrides=product.overrides,
        title=product.name,
        identifier=product.identifier,
        version=product.version,
        architectures=architectures,
        minimum=newest(each.minimum for each in components),
        texts=[(name.partition(".")[0], name) for name in texts],
        parts=[
            {"choice": each.choice, "identifier": each.identifier, "kilobytes": each.kilobytes, "folder": each.folder}
            for each in components
        ],
    ).encode()


def texts_of(product: Product) -> Mapping[str, bytes]:
    """The pages that Installer shows, by their names in the archive."""
    licenses = [_UNFIT.sub("", path.read_text(encoding="utf-8", errors="replace")) for path in product.documents]
    own = product.overrides / "templates/pkg"
    shown = [name for name in _SHOWN if (licenses if name == "license" else (own / f"{name}.html.j2").is_file())]
    return {
        f"{name}.html": render(
            f"templates/pkg/{name}.html.j2",
            overrides=product.overrides,
            name=product.name,
            version=product.version,
            texts=licenses,
        ).encode()
        for name in shown
    }
