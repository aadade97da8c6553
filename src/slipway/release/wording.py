"""The words that templates of slipway.toml may have about a release: `{version}`, `{tag}`, `{branch}` and the like."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from slipway.errors import ConfigError, did_you_mean
from slipway.model import Project
from slipway.version import Version

_NUMBERS: Final = re.compile(r"\d+", re.ASCII)
_WORD: Final = re.compile(r"\{([a-z_]+)\}")


def words_of(project: Project, version: Version, environment: str = "") -> dict[str, str]:
    """What stands for each word; `{major}` and `{minor}` are the first two numbers of the version."""
    numbers = [*_NUMBERS.findall(version.text), "", ""]
    return {
        "name": project.name,
        "version": version.text,
        "tag": project.version.tag_of(version.text),
        "major": numbers[0],
        "minor": numbers[1],
        "codename": project.release.codename,
        "environment": environment,
    }


def filled(template: str, words: Mapping[str, str], *, where: str) -> str:
    """Put the words into a template; raises ConfigError for one that nobody knows. Other braces stay as they are."""

    def word(match: re.Match[str]) -> str:
        if match[1] not in words:
            raise ConfigError(
                f"{{{match[1]}}} in {where} stands for nothing",
                hint=f"{did_you_mean(match[1], words)}known are {', '.join(f'{{{each}}}' for each in words)}",
            )
        return words[match[1]]

    return _WORD.sub(word, template)
