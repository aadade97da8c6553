"""What tests in containers share: one engine and one small Debian for the whole session."""

from __future__ import annotations

import pytest

from slipway import containers


@pytest.fixture(scope="session")
def engine() -> containers.Engine:
    """The engine that answers here, or one of our own that ends with the session."""
    return containers.engine()


@pytest.fixture(scope="session")
def base_image(engine: containers.Engine) -> str:
    """The id of a plain Debian image; made by mmdebstrap when no registry answers."""
    return engine.ensure_image("debian:bookworm-slim", bootstrap="bookworm")
