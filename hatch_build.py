"""Put templates/ and installers/ into the wheel, as slipway/data/."""

from __future__ import annotations

from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class SourcesHook(BuildHookInterface[BuilderConfig]):
    """Ship the Jinja sources with the engine; an editable install reads them from the checkout."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the folders to include."""
        if version == "standard":
            build_data["force_include"] |= {name: f"slipway/data/{name}" for name in ("templates", "installers")}
